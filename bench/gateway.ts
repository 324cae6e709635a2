/**
 * What a gateway adds to a call, in front of one upstream on this machine: none, this one with routing, learning and outcomes
 * on, a plain proxy of the same runtime that only passes on, LiteLLM's proxy and Portkey's. They take turns within every round, so that a busy machine is busy for all of them.
 *
 *     node dist/bench/gateway.js [--rounds 3] [--seconds 4] [--connections 1,16,64,256] [--only ours,plain,litellm]
 *                                [--parts latency,saturation,streams] [--streams 1000]
 *
 * JSON lines. `added` figures are differences to no gateway in the same round, the median of the rounds; the upstream takes
 * 250 ms to begin, so that connections wait for it and not for one another. Requests per core second count the CPU time of the
 * gateway's own processes alone, which a machine with other work on it falsifies least.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeer, type PeerName, peerVersions } from '../infra/gateway-peers';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import type { CallJob, CallResult } from './gateway/call-load';
import { processFigures } from './gateway/process-figures';
import { litellm, noGateway, ourGateway, plainProxy, portkey, type Target } from './gateway/targets';
import { medianOf } from './pair-ratios';

const upstreamWaitMs = 250;
/** Of a measured stream. */
const tokens = 10;
const gapMs = 50;
/** Thousands of calls before the first that counts: compilers and caches of every gateway are then at rest. */
const warmUp = { connections: 64, seconds: 15 };
const bars = { addedP50Ms: 3, addedP99Ms: 15, atConnections: 64 };
const openStreams = { tokensPerSecond: 20, tokens: 400, slowEvery: 10 };

type Mode = 'unary' | 'stream';

/** Of one target in one round. */
interface Measured extends CallResult {
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

interface Bench {
  readonly targets: readonly Target[];
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: readonly number[];
  setUpstreamWait(waitMs: number): Promise<void>;
  run(target: Target, job: Partial<CallJob>): Promise<Measured>;
}

function forked(name: string): ChildProcess {
  return fork(join(__dirname, 'gateway', `${name}${__filename.slice(-3)}`), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function told<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`${child.spawnargs[1]} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '1,16,64,256' },
      only: { type: 'string', default: 'ours,plain,litellm,portkey' },
      parts: { type: 'string', default: 'latency,saturation,streams' },
      streams: { type: 'string', default: '1000' },
    },
  });
  const only = values.only.split(',');
  const parts = values.parts.split(',');
  const folder = mkdtempSync(join(tmpdir(), 'quantum-router-bench-gateway-'));
  const upstream = forked('model-server');
  const callers = forked('call-load');
  const port = await told<number>(upstream);
  const base = `http://127.0.0.1:${port}/v1`;
  const targets: Target[] = [noGateway(base)];
  try {
    if (only.includes('ours')) targets.push(await ourGateway(base, folder));
    if (only.includes('plain')) targets.push(await plainProxy(base));
    for (const [name, start] of [
      ['litellm', litellm],
      ['portkey', portkey],
    ] as const) {
      const peer = only.includes(name) ? await startPeer(name, () => start(base, folder)) : null;
      if (peer) targets.push(peer);
    }
    const bench: Bench = {
      ...{ targets, rounds: Number(values.rounds), seconds: Number(values.seconds) },
      connections: values.connections.split(',').map(Number),
      async setUpstreamWait(waitMs) {
        upstream.send(waitMs);
        await told(upstream);
      },
      async run(target, job) {
        const before = target.pid === null ? null : processFigures(target.pid);
        const { url, headers, model } = target;
        const connections = job.connections ?? 1;
        const seconds = Number(values.seconds);
        callers.send({ url, headers, model, connections, isStream: false, seconds, tokens, gapMs, ...job });
        const result = await told<CallResult>(callers);
        const after = target.pid === null ? null : processFigures(target.pid);
        const cpuSeconds = after && before ? after.cpuSeconds - before.cpuSeconds : 0;
        return { ...result, cpuSeconds, rssMb: after?.rssMb ?? 0 };
      },
    };
    await bench.setUpstreamWait(0);
    for (const target of targets) if (target.pid !== null) await bench.run(target, warmUp);
    if (parts.includes('latency')) await measureLatency(bench);
    if (parts.includes('saturation')) await measureSaturation(bench);
    if (parts.includes('streams')) await holdStreams(bench, Number(values.streams));
  } finally {
    for (const target of targets) await target.stop();
    upstream.disconnect();
    callers.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startPeer(name: PeerName, start: () => Promise<Target>): Promise<Target | null> {
  process.stderr.write(`${name} ${peerVersions[name]}\n`);
  const reason = installPeer(name) ?? (await start().catch((error: Error) => error.message));
  if (typeof reason !== 'string') return reason;
  process.stderr.write(`left out: ${name}: ${reason}\n`);
  report(`gateway.${name}.leftOut`, 1, 'runs', { reason: reason.slice(0, 300) });
  return null;
}

async function measureLatency(bench: Bench): Promise<void> {
  await bench.setUpstreamWait(upstreamWaitMs);
  for (const mode of ['unary', 'stream'] as const) {
    for (const connections of bench.connections) {
      const all = await inTurns(bench, { connections, isStream: mode === 'stream' });
      reportRow(bench, `gateway.${mode}.${connections}`, mode, connections, all);
    }
  }
}

/** Every target once a round, beginning with another one in every round. */
async function inTurns(bench: Bench, job: Partial<CallJob>): Promise<ReadonlyMap<Target, readonly Measured[]>> {
  const all = new Map<Target, Measured[]>(bench.targets.map((target) => [target, []]));
  for (let round = 0; round < bench.rounds; round++) {
    for (let turn = 0; turn < bench.targets.length; turn++) {
      const target = bench.targets[(turn + round) % bench.targets.length]!;
      all.get(target)!.push(await bench.run(target, job));
    }
  }
  return all;
}

function reportRow(
  { targets }: Bench,
  row: string,
  mode: Mode,
  connections: number,
  all: ReadonlyMap<Target, readonly Measured[]>,
): void {
  const none = all.get(targets[0]!)!;
  const gateways = targets.slice(1);
  const addedBy = (target: Target, of: (one: Measured) => number): number =>
    medianOf(all.get(target)!.map((one, round) => of(one) - of(none[round]!)));
  const [own] = gateways;
  for (const target of gateways) {
    const measured = all.get(target)!;
    const name = `${row}.${target.name}`;
    const isBarred = target.name === 'ours' && connections === bars.atConnections;
    for (const quantile of ['p50', 'p95', 'p99'] as const) {
      const added = addedBy(target, ({ latency }) => latency[quantile]);
      const bar = quantile === 'p50' ? bars.addedP50Ms : bars.addedP99Ms;
      const title = `${name}.${mode === 'unary' ? 'added' : 'firstTokenAdded'}.${quantile}`;
      if (isBarred && quantile !== 'p95') reportBar(title, added, 'ms', '<=', bar);
      else report(title, added, 'ms');
      if (mode === 'stream')
        report(
          `${name}.gapAdded.${quantile}`,
          addedBy(target, ({ gap }) => gap[quantile]),
          'ms',
        );
    }
    reportFailures(name, target, measured);
    report(`${name}.perCoreSecond`, perCoreSecond(measured), 'requests');
    report(`${name}.rss`, measured.at(-1)!.rssMb, 'MB');
  }
  if (own?.name !== 'ours') return;
  for (const peer of gateways.slice(1)) {
    if (peer.name === 'plain') continue;
    // What does not do the work cannot be compared; that it fails has been said above.
    if (all.get(peer)!.some(({ answered, failed }) => failed > answered)) continue;
    const p50 = ({ latency }: Measured): number => latency.p50;
    const ahead = addedBy(peer, p50) - addedBy(own, p50);
    reportBar(`${row}.aheadOf.${peer.name}.p50`, ahead, 'ms', '>=', 0);
    const ratio = perCoreSecond(all.get(own)!) / perCoreSecond(all.get(peer)!);
    reportBar(`${row}.aheadOf.${peer.name}.perCoreSecond`, ratio, 'ratio', '>=', 1);
  }
}

function reportFailures(name: string, { name: target }: Target, measured: readonly CallResult[]): void {
  const failed = measured.reduce((sum, one) => sum + one.failed, 0);
  const fault = measured.find(({ firstFault }) => firstFault !== null)?.firstFault;
  const details = fault ? { fault } : {};
  if (target === 'ours') reportBar(`${name}.failed`, failed, 'requests', '<=', 0, details);
  else report(`${name}.failed`, failed, 'requests', details);
}

function perCoreSecond(measured: readonly Measured[]): number {
  const sum = (of: (one: Measured) => number): number => measured.reduce((total, one) => total + of(one), 0);
  return (
    sum(({ answered }) => answered) /
    Math.max(
      0.01,
      sum(({ cpuSeconds }) => cpuSeconds),
    )
  );
}

/** An upstream that answers at once: as many calls as each can take. */
async function measureSaturation(bench: Bench): Promise<void> {
  await bench.setUpstreamWait(0);
  const all = await inTurns(bench, { connections: bars.atConnections });
  for (const [target, measured] of all) {
    const name = `gateway.saturation.${target.name}`;
    const perSecond = measured.map(({ answered, elapsedMs }) => (answered * 1_000) / elapsedMs);
    report(`${name}.perSecond`, medianOf(perSecond), 'requests/s');
    if (target.pid !== null) report(`${name}.perCoreSecond`, perCoreSecond(measured), 'requests');
    reportFailures(name, target, measured);
  }
}

/** Many streams at once for a while, some read slowly: nothing may be missing of any of them, or be out of its place, and memory may not grow while they run. */
async function holdStreams(bench: Bench, count: number): Promise<void> {
  const target = bench.targets.find(({ name }) => name === 'ours');
  if (!target) return;
  await bench.setUpstreamWait(upstreamWaitMs);
  const rssMb: number[] = [];
  const watch = setInterval(() => rssMb.push(processFigures(target.pid!).rssMb), 1_000);
  const everyMs = 1_000 / openStreams.tokensPerSecond;
  const { tokens: each, slowEvery } = openStreams;
  const job = { connections: count, isStream: true, isOnce: true, tokens: each, gapMs: everyMs, slowEvery };
  const measured = await bench.run(target, job);
  clearInterval(watch);
  const name = `gateway.openStreams.${count}`;
  report(`${name}.firstTokenP99`, measured.latency.p99, 'ms');
  report(`${name}.gapP50`, measured.gap.p50, 'ms', { asked: everyMs });
  report(`${name}.gapP99`, measured.gap.p99, 'ms');
  report(`${name}.cpuPerToken`, (measured.cpuSeconds * 1e6) / (count * each), 'µs');
  report(`${name}.cpu`, (measured.cpuSeconds * 1_000) / measured.elapsedMs, 'cores');
  reportFailures(name, target, [measured]);
  // All have begun after a quarter, and the first do not end before three quarters.
  const during = rssMb.slice(Math.floor(rssMb.length / 4), Math.ceil((rssMb.length * 3) / 4));
  report(`${name}.rss`, Math.max(...during), 'MB');
  reportBar(`${name}.rssGrowth`, during.at(-1)! / during[0]!, 'ratio', '<=', 1.15);
}

// Its store lies in a folder of its own, which must not be left behind by Ctrl-C.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
runCheck(main);
