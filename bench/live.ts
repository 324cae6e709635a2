/**
 * What viewers of /v1/live cost those who wait for decisions: the same open loop with nobody watching and with many, in
 * alternation, since absolute figures of a shared machine cannot be compared. Viewers read from a process of their own, or do
 * not read at all, so that whatever they are sent gets stuck on its way.
 *
 *     node dist/bench/live.js [--viewers 500] [--rate 100] [--seconds 10] [--pairs 5] [--never-read]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quantilesOf } from '../lab/report/report';
import { report, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { requestOf } from '../lab/runs/workload-records';
import { systemClock } from '../lib/adapters/system';
import { createRouterClient, type RouterClient } from '../lib/client/router-client';
import { sleep } from '../lib/ports/clock';
import { createLog } from '../lib/telemetry/log';
import { startEngine } from '../services/engine';
import { embeddedHome } from '../services/home';
import { kilobyteRows } from './kilobyte-rows';
import type { ViewersOrder, ViewersState } from './live-viewers';
import { openLoop } from './open-loop';
import { type Figures, type Pair, pairRatios } from './pair-ratios';

const clock = systemClock();
const { world, rows } = kilobyteRows(1);
const warmUpSeconds = 5;
/** Those who have just come are sent what they are owed before anything counts. */
const settleMs = 1_000;

const { values: options } = parseArgs({
  options: {
    viewers: { type: 'string', default: '500' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
    pairs: { type: 'string', default: '5' },
    'never-read': { type: 'boolean', default: false },
  },
});

let sequence = 0;

/** Latency of each decision in milliseconds, from the time that its request was due. */
async function latenciesAt(client: RouterClient, ratePerSecond: number, seconds: number): Promise<readonly number[]> {
  const { latencies, failures } = await openLoop(clock, ratePerSecond, seconds, () => {
    const index = sequence++;
    const row = { ...rows[index % rows.length]!, id: `bench-live-${index}` };
    return client.route(requestOf(world, row, clock.nowMs()), 60_000);
  });
  if (failures.length > 0) throw failures[0];
  return latencies;
}

runCheck(async () => {
  const [viewers, rate, seconds, pairCount] = [options.viewers, options.rate, options.seconds, options.pairs].map(
    Number,
  ) as [number, number, number, number];
  const neverReads = options['never-read'];
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-live-'));
  const home = embeddedHome({ directory });
  const engine = await startEngine({
    home,
    config: workloadConfig(world),
    partitions: 4,
    trainer: 'worker',
    http: { host: '127.0.0.1', port: 0 },
    log: createLog({ level: 'warn', nowMs: () => clock.nowMs() }),
  });
  const fail = (error: Error): void => {
    throw error;
  };
  const client = await createRouterClient({ broker: home.broker, clock, clientId: 'bench', onFailed: fail });
  const watching = fork(join(__dirname, `live-viewers${__filename.slice(-3)}`), [
    engine.url!,
    ...(neverReads ? ['never-read'] : []),
  ]);
  const watchWith = async (count: number): Promise<ViewersState> => {
    const order: ViewersOrder = { viewers: count };
    watching.send(order);
    const [state] = (await once(watching, 'message')) as [ViewersState];
    return state;
  };
  const measure = async (count: number): Promise<Figures> => {
    await watchWith(count);
    await sleep(clock, settleMs);
    const cpu = process.cpuUsage();
    const latencies = await latenciesAt(client, rate, seconds);
    const { user, system } = process.cpuUsage(cpu);
    const { bytes } = await watchWith(count);
    const { p50, p95, p99 } = quantilesOf(latencies);
    if (count > 0) {
      report('live.bytesPerSecond', bytes / seconds, 'bytes/s', { viewers: count, neverReads });
      report('live.resident', process.memoryUsage.rss() / 1e6, 'MB', { viewers: count, neverReads });
    }
    return new Map([
      ['live.latencyP50', { value: p50, unit: 'ms' }],
      ['live.latencyP95', { value: p95, unit: 'ms' }],
      ['live.latencyP99', { value: p99, unit: 'ms' }],
      ['live.cpu', { value: (user + system) / latencies.length, unit: 'us/decision' }],
    ]);
  };
  await latenciesAt(client, rate, warmUpSeconds);
  const pairs: Pair[] = [];
  for (let pair = 0; pair < pairCount; pair++) {
    // Who is first alternates, too: what drifts would otherwise always be to the good of one of them.
    const first = await measure(pair % 2 === 0 ? 0 : viewers);
    const second = await measure(pair % 2 === 0 ? viewers : 0);
    pairs.push(pair % 2 === 0 ? { ours: second, reference: first } : { ours: first, reference: second });
  }
  for (const { name, unit, median, min, max, ours, reference } of pairRatios(pairs))
    report(name, median, 'with / without viewers', {
      min,
      max,
      with: ours,
      without: reference,
      unitOfBoth: unit,
      viewers,
      neverReads,
      rate,
      pairs: pairCount,
    });
  watching.kill();
  await client.close();
  await engine.stop();
  await home.close();
  rmSync(directory, { recursive: true, force: true });
});
