/**
 * Speed on the embedded default: one process, one lmdb file, 4 partitions, learning on (in its worker thread).
 *
 *     node dist/bench/bench.js [--seconds 10] [--only latency,saturation,http]
 *
 * Latency counts from the intended send time of an open loop, so a stall is not hidden by the load generator waiting too.
 * HTTP load comes from a process of its own.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { GCProfiler } from 'node:v8';
import { quantilesOf } from '../lab/report/report';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../lab/runs/workload-records';
import { systemClock } from '../lib/adapters/system';
import { createRouterClient, type RouterClient } from '../lib/client/router-client';
import { sleep } from '../lib/ports/clock';
import { createLog } from '../lib/telemetry/log';
import { type Engine, startEngine } from '../services/engine';
import { embeddedHome } from '../services/home';
import type { LoadResult } from './http-load';
import { kilobyteRows } from './kilobyte-rows';
import { openLoop } from './open-loop';

const clock = systemClock();
const log = createLog({ level: 'warn', nowMs: () => clock.nowMs() });
const clients = 1_000;
const ratePerSecond = 300;
const inFlightAtSaturation = 256;
/** Before anything counts: the compiler needs some thousand requests, and the learner its first weights. */
const warmUpSeconds = 15;
/** The learner has nothing more to do when it has published nothing new for so long. */
const idleForMs = 2_000;
const maxIdleWaitMs = 300_000;
const { world, rows } = kilobyteRows(1);

interface Running {
  readonly engine: Engine;
  readonly client: RouterClient;
  /** Room that the store takes on the disk, in bytes. */
  diskBytes(): number;
  stop(): Promise<void>;
}

async function startRunning(http: boolean): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-'));
  const home = embeddedHome({ directory });
  const engine = await startEngine({
    home,
    config: workloadConfig(world),
    partitions: 4,
    trainer: 'worker',
    http: http ? { host: '127.0.0.1', port: 0 } : null,
    log,
  });
  const client = await createRouterClient({ broker: home.broker, clock, clientId: 'bench', onFailed: fail });
  return {
    engine,
    client,
    diskBytes: () => bytesOnDisk(directory),
    async stop() {
      await client.close();
      await engine.stop();
      await home.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function fail(error: Error): never {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

let sequence = 0;

/** One request through the topics; resolves at the decision. With feedback its outcome is reported back. */
async function routeOnce(client: RouterClient, feedback: boolean): Promise<void> {
  const index = sequence++;
  const row = { ...rows[index % rows.length]!, id: `bench-${index}` };
  const decision = await client.route(requestOf(world, row, clock.nowMs()), 10_000);
  const outcome = feedback ? outcomeOf(row, decision, clock.nowMs()) : null;
  if (outcome) client.report(outcome).catch(fail);
}

function bytesOnDisk(directory: string): number {
  const blockBytes = 512;
  return readdirSync(directory).reduce((bytes, name) => bytes + statSync(join(directory, name)).blocks * blockBytes, 0);
}

/** What the main thread allocates on its heap from now on, whatever becomes of it. Returns how many bytes that was. */
function countAllocated(): () => number {
  const profiler = new GCProfiler();
  profiler.start();
  let heapUsed = process.memoryUsage().heapUsed;
  return () => {
    let allocated = 0;
    for (const { beforeGC, afterGC } of profiler.stop().statistics) {
      allocated += beforeGC.heapStatistics.usedHeapSize - heapUsed;
      heapUsed = afterGC.heapStatistics.usedHeapSize;
    }
    return allocated + process.memoryUsage().heapUsed - heapUsed;
  };
}

interface Load {
  readonly perSecond: number;
  /** CPU time of all threads of the process, the learner's too, a decision. */
  readonly cpuUs: number;
  readonly heapBytes: number;
  readonly diskBytes: number;
}

/** As many requests as come through, and what each costs. */
async function closedLoop({ client, diskBytes }: Running, seconds: number, feedback: boolean): Promise<Load> {
  const startedBytes = diskBytes();
  const allocated = countAllocated();
  const startedCpu = process.cpuUsage();
  const startedMs = clock.monotonicMs();
  let done = 0;
  const one = async (): Promise<void> => {
    while (clock.monotonicMs() - startedMs < seconds * 1_000) {
      await routeOnce(client, feedback);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlightAtSaturation }, one));
  const { user, system } = process.cpuUsage(startedCpu);
  return {
    perSecond: (done * 1_000) / (clock.monotonicMs() - startedMs),
    cpuUs: (user + system) / done,
    heapBytes: allocated() / done,
    diskBytes: (diskBytes() - startedBytes) / done,
  };
}

/** Resolves once the learner has folded everything that is there: until then its thread competes for the processors. */
async function untilTrainerIsIdle(engine: Engine): Promise<void> {
  let learned = -1;
  let sinceMs = clock.monotonicMs();
  const deadlineMs = sinceMs + maxIdleWaitMs;
  while (clock.monotonicMs() - sinceMs < idleForMs) {
    if (clock.monotonicMs() > deadlineMs) throw new Error(`the trainer was still learning after ${maxIdleWaitMs} ms`);
    const now = engine.learnedRewards();
    if (now !== learned) sinceMs = clock.monotonicMs();
    learned = now;
    await sleep(clock, 50);
  }
}

async function inProcess(seconds: number, wanted: (part: string) => boolean): Promise<void> {
  const running = await startRunning(false);
  const { engine, client, stop } = running;
  await openLoop(clock, ratePerSecond, warmUpSeconds, () => routeOnce(client, true));
  if (wanted('latency')) {
    for (const training of ['On', 'Off'] as const) {
      if (training === 'Off') await untilTrainerIsIdle(engine);
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const { latencies, failures } = await openLoop(clock, ratePerSecond, seconds, () =>
        routeOnce(client, training === 'On'),
      );
      delay.disable();
      const name = `inProcess.training${training}`;
      const { p50, p95, p99 } = quantilesOf(latencies);
      report(`${name}.latencyP50`, p50, 'ms');
      // The bar is for the request load alone; what training on the same two cores adds is reported beside it.
      if (training === 'Off') reportBar(`${name}.latencyP95`, p95, 'ms', '<=', 10);
      else report(`${name}.latencyP95`, p95, 'ms');
      report(`${name}.latencyP99`, p99, 'ms');
      reportBar(`${name}.failed`, failures.length, 'requests', '<=', 0);
      report(`${name}.eventLoopDelayP99`, delay.percentile(99) / 1e6, 'ms');
    }
    report('inProcess.clients', clients, 'clients');
    report('inProcess.requestsPerSecond', ratePerSecond, 'requests/s');
    report('inProcess.learnedRewards', engine.learnedRewards(), 'rewards');
  }
  if (wanted('saturation')) {
    await untilTrainerIsIdle(engine);
    const alone = await closedLoop(running, seconds, false);
    reportBar('inProcess.saturation', alone.perSecond, 'decisions/s', '>=', 2_000);
    report('inProcess.saturationCpu', alone.cpuUs, 'us/decision');
    report('inProcess.saturationHeap', alone.heapBytes, 'bytes/decision');
    report('inProcess.saturationDisk', alone.diskBytes, 'bytes/decision');
    const learning = await closedLoop(running, seconds, true);
    report('inProcess.saturationWithFeedback', learning.perSecond, 'decisions/s');
    report('inProcess.saturationWithFeedbackCpu', learning.cpuUs, 'us/decision');
    report('inProcess.saturationWithFeedbackHeap', learning.heapBytes, 'bytes/decision');
    report('inProcess.saturationWithFeedbackDisk', learning.diskBytes, 'bytes/decision');
  }
  await stop();
}

async function overHttp(seconds: number): Promise<void> {
  const { engine, stop } = await startRunning(true);
  const load = (mode: 'open' | 'closed', loadSeconds: number): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const child = fork(join(__dirname, `http-load${__filename.slice(-3)}`), [engine.url!, mode, String(loadSeconds)]);
      child.once('message', (result) => resolve(result as LoadResult));
      child.once('error', reject);
    });
  await load('open', 3);
  const open = await load('open', seconds);
  report('http.latencyP50', open.p50Ms, 'ms');
  reportBar('http.latencyP95', open.p95Ms, 'ms', '<=', 30);
  report('http.latencyP99', open.p99Ms, 'ms');
  reportBar('http.failed', open.failed, 'requests', '<=', 0);
  const closed = await load('closed', seconds);
  reportBar('http.saturation', closed.perSecond, 'decisions/s', '>=', 1_200);
  await stop();
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, only: { type: 'string' } } });
  const seconds = Number(values.seconds);
  const only = values.only?.split(',');
  const wanted = (part: string): boolean => !only || only.includes(part);
  if (wanted('latency') || wanted('saturation')) await inProcess(seconds, wanted);
  if (wanted('http')) await overHttp(seconds);
}

runCheck(main);
