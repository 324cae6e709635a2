/**
 * HTTP load from a process of its own, forked by `bench.ts`: `http-load URL open|closed SECONDS`. Sends its result to the
 * parent and ends. Open: 300 requests/s from 1,000 clients, latency from the intended send time. Closed: 256 in flight.
 */
import { Agent, request as httpRequest } from 'node:http';
import { quantilesOf } from '../lab/report/report';
import { systemClock } from '../lib/adapters/system';
import { kilobyteRows } from './kilobyte-rows';
import { openLoop } from './open-loop';

export interface LoadResult {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  readonly failed: number;
}

const [url, mode, secondsText] = process.argv.slice(2) as [string, 'open' | 'closed', string];
const seconds = Number(secondsText);
const ratePerSecond = 300;
const inFlight = 256;
const clients = 1_000;
const agent = new Agent({ keepAlive: true, maxSockets: mode === 'open' ? clients : inFlight });
const target = new URL('/v1/route', url);
const bodies = kilobyteRows(2, 512).rows.map(({ prompt }) => Buffer.from(JSON.stringify({ prompt })));

function routeOnce(index: number): Promise<boolean> {
  const body = bodies[index % bodies.length]!;
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = httpRequest(target, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    sent.on('error', () => resolve(false));
    sent.end(body);
  });
}

async function atRate(): Promise<LoadResult> {
  const load = await openLoop(systemClock(), ratePerSecond, seconds, async (index) => {
    if (!(await routeOnce(index))) throw new Error('no good answer');
  });
  return resultOf(load.latencies, load.failures.length, load.seconds * 1_000);
}

async function closedLoop(): Promise<LoadResult> {
  const startedMs = performance.now();
  const latencies: number[] = [];
  let failed = 0;
  let next = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - startedMs < seconds * 1_000) {
      const sentMs = performance.now();
      if (await routeOnce(next++)) latencies.push(performance.now() - sentMs);
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return resultOf(latencies, failed, performance.now() - startedMs);
}

function resultOf(latencies: readonly number[], failed: number, elapsedMs: number): LoadResult {
  const { p50, p95, p99 } = quantilesOf(latencies);
  return { p50Ms: p50, p95Ms: p95, p99Ms: p99, perSecond: (latencies.length * 1_000) / elapsedMs, failed };
}

(mode === 'open' ? atRate() : closedLoop()).then((result) => {
  process.send!(result, () => process.exit(0));
});
