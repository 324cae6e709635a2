/**
 * Kills the embedded engine with SIGKILL at random moments under load, restarts it, and then checks that nothing
 * acknowledged was lost: one decision per request, one learning event per outcome, weights and positions survive. Then it is
 * killed some times more with callers at its door, before an upstream that misbehaves: they ask again while there is no engine.
 *
 *     node dist/checks/crash.js --seed 1 --kills 50
 *
 * The engine and its load run in a child process that prints a line for every acknowledged write (synchronously, so a
 * killed child has printed what it was told); the parent only kills, restarts and finally audits the store.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findFreePort } from '../infra/free-port';
import { quantilesOf } from '../lab/report/report';
import { barsMissed, report, reportBar } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../lab/runs/workload-records';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { systemClock } from '../lib/adapters/system';
import { coldStartRewards } from '../lib/learning/fold/cold-start';
import type { Broker, LogRecord } from '../lib/ports/broker';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { createLog } from '../lib/telemetry/log';
import type { Topic } from '../lib/topics/define-topic';
import type { RouteDecided } from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';
import { type Engine, startEngine } from '../services/engine';
import { embeddedHome } from '../services/home';
import { inTimeMs, lateCalls, leastAnswered, shareInTime, startDoorCalls } from './chaos/door-calls';
import { providersAt, startShakyUpstream } from './chaos/shaky-upstream';
import { comesTrue } from './chaos/until';
import { patienceMs } from './patience';

const clock = systemClock();
const log = createLog({ level: 'error' });
/** Requests per second while alive; fast enough that a kill always meets work in progress. */
const ratePerSecond = 300;
const world = simulatedWorld({ world: 1, rows: 1_000_000, seed: 1 });
const partitions = 4;
/** From ready to killed, where nobody needs more. */
const maxLifeMs = 1_500;
/**
 * Outcomes from which on it is a fault when nothing was learned: twice as many as the learner needs before it publishes,
 * for an outcome need not be a reward.
 */
const leastOutcomes = 2 * coldStartRewards(world.models.length);
/** How long the last child drains at first. */
const drainMs = 3_000;
/** Until a child serves, on a machine with two processors that does nothing else. */
const idleStartMs = 2_500;
/** Calls at the door. */
const doorRatePerSecond = 4;
/** Of the other load beside them: they are to wait for the engine and not in a queue. */
const besideDoorPerSecond = 30;

/** The door of the engine, and the upstream behind it, which both outlive every child. */
interface DoorPlace {
  readonly port: number;
  readonly upstreamUrl: string;
}

async function runChild(
  directory: string,
  firstIndex: number,
  rate: number,
  drain: boolean,
  door: DoorPlace,
): Promise<void> {
  const home = embeddedHome({ directory });
  const config = workloadConfig(world, { providers: providersAt({ url: door.upstreamUrl }, world) });
  const http = { host: '127.0.0.1', port: door.port };
  const engine = await startEngine({ home, config, partitions, trainer: 'worker', http, log });
  const follower = await answerDecisions(engine, home.broker);
  writeSync(1, 'ready\n');
  if (drain) {
    process.stdin.on('data', async () => {
      await follower.stop();
      await engine.stop();
      await home.close();
      process.exit(0);
    });
    return;
  }
  const producer = home.broker.producer('load');
  for (let index = firstIndex; ; ) {
    const count = Math.max(1, Math.round(rate / 100));
    for (const last = index + count; index < last; index++) {
      const request = requestOf(world, world.row(index), clock.nowMs());
      const value = topics.routeRequested.codec.encode(request);
      const record = { topic: topics.routeRequested.name, key: topics.routeRequested.keyOf(request), value };
      producer.send([record]).then(() => writeSync(1, `R ${request.requestId} ${index}\n`), fail);
    }
    await sleep(clock, (count * 1_000) / rate);
  }
}

/** A decision is answered with its outcome exactly once per child; an acknowledged outcome is printed. */
function answerDecisions(engine: Engine, broker: Broker) {
  const producer = engine.broker.producer('outcomes');
  return broker.follow({
    topic: topics.routeDecided.name,
    startAt: 'latest',
    onFailed: fail,
    onRecords(records) {
      for (const record of records) {
        const decision = topics.routeDecided.codec.decode(record.value!);
        // The door reports its own.
        if (decision.requestId.startsWith('chatcmpl-')) continue;
        const index = Number(decision.requestId.split('-').at(-1));
        const outcome = outcomeOf(world.row(index), decision, clock.nowMs());
        if (!outcome) continue;
        const value = topics.routeOutcome.codec.encode(outcome);
        producer
          .send([{ topic: topics.routeOutcome.name, key: topics.routeOutcome.keyOf(outcome), value }])
          .then(() => writeSync(1, `O ${decision.decisionId}\n`), fail);
      }
    },
  });
}

function fail(error: Error): never {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

interface Acknowledged {
  readonly requests: Set<string>;
  readonly outcomes: Set<string>;
  lastIndex: number;
}

/** Starts a child and resolves when it serves; every acknowledgement it prints is recorded until it is gone. */
function startChild(
  directory: string,
  acknowledged: Acknowledged,
  { rate = ratePerSecond, drain = false }: { readonly rate?: number; readonly drain?: boolean },
  door: DoorPlace,
): Promise<{ child: ChildProcess; gone: Promise<number | null> }> {
  const args = [
    __filename,
    '--child',
    directory,
    '--first',
    String(acknowledged.lastIndex + 1_000),
    ...['--rate', String(rate), '--port', String(door.port), '--upstream', door.upstreamUrl],
    ...(drain ? ['--drain'] : []),
  ];
  const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! });
  const gone = new Promise<number | null>((resolve) => {
    let code: number | null = null;
    child.on('exit', (exitCode) => {
      code = exitCode;
    });
    lines.on('close', () =>
      child.exitCode === null && child.signalCode === null ? child.on('exit', resolve) : resolve(code),
    );
  });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the child ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      const [kind, id, index] = line.split(' ');
      if (kind === 'ready') resolve({ child, gone });
      if (kind === 'R') {
        acknowledged.requests.add(id!);
        acknowledged.lastIndex = Math.max(acknowledged.lastIndex, Number(index));
      }
      if (kind === 'O') acknowledged.outcomes.add(id!);
    });
  });
}

async function readAll<T>(
  broker: Broker,
  topic: Topic<T>,
  partitionCount: number,
): Promise<{ value: T; record: LogRecord }[]> {
  const all: { value: T; record: LogRecord }[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const { earliest, end } = await broker.offsets({ topic: topic.name, partition });
    for await (const records of broker.read({ topic: topic.name, partition }, { from: earliest, to: end })) {
      for (const record of records) if (record.value) all.push({ value: topic.codec.decode(record.value), record });
    }
  }
  return all;
}

interface Audit {
  readonly undecided: number;
  readonly duplicateDecisions: number;
  readonly unlearned: number;
  readonly duplicateLearning: number;
  readonly weightsSequence: number;
  readonly learnedRewards: number;
  readonly degraded: number;
}

async function audit(broker: Broker, acknowledged: Acknowledged): Promise<Audit> {
  const decided = await readAll(broker, topics.routeDecided, partitions);
  const decisionCount = new Map<string, number>();
  for (const { value } of decided) decisionCount.set(value.requestId, (decisionCount.get(value.requestId) ?? 0) + 1);
  const learned = await readAll(broker, topics.learningEvents, 1);
  const learnedCount = new Map<string, number>();
  for (const { value } of learned) {
    if (value.kind === 'EXPERIENCE') learnedCount.set(value.decisionId, (learnedCount.get(value.decisionId) ?? 0) + 1);
  }
  const pointers = await readAll(broker, topics.weightsPublished, 1);
  const missing = (ids: Set<string>, counts: Map<string, number>): number =>
    [...ids].filter((id) => !counts.has(id)).length;
  const repeated = (counts: Map<string, number>): number => [...counts.values()].filter((count) => count > 1).length;
  return {
    undecided: missing(acknowledged.requests, decisionCount),
    duplicateDecisions: repeated(decisionCount),
    unlearned: missing(acknowledged.outcomes, learnedCount),
    duplicateLearning: repeated(learnedCount),
    weightsSequence: Math.max(0, ...pointers.map(({ value }) => value.sequence)),
    learnedRewards: Math.max(0, ...pointers.map(({ value }) => value.learnedRewards)),
    degraded:
      decided.filter(({ value }: { value: RouteDecided }) => value.degradedTo !== 'NONE').length /
      Math.max(1, decided.length),
  };
}

async function main(seed: number, kills: number, doorKills: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-crash-'));
  const random = seededRandom(seed, 'crash');
  const acknowledged: Acknowledged = { requests: new Set(), outcomes: new Set(), lastIndex: -1_000 };
  process.stderr.write(`crash: seed ${seed}, ${kills} kills, store in ${directory}\n`);
  const upstream = await startShakyUpstream(seededRandom(seed, 'crash', 'upstream'));
  const door = { port: await findFreePort(1), upstreamUrl: upstream.url };
  const url = `http://127.0.0.1:${door.port}`;
  // There is one engine: who finds it gone looks again until it is back.
  const calls = startDoorCalls({
    clock,
    gateways: [() => url],
    ratePerSecond: doorRatePerSecond,
    waitsMs: [0, 250, 500, 1_000],
  });
  const startsMs: number[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const startMs = clock.monotonicMs();
    const { child, gone } = await startChild(directory, acknowledged, {}, door);
    startsMs.push(clock.monotonicMs() - startMs);
    await sleep(clock, 20 + random.next() * maxLifeMs);
    // On a busy machine too little may have been done so far for anything to be learned.
    const isEnough = (): boolean => acknowledged.outcomes.size >= leastOutcomes;
    if (kill === kills) await comesTrue(clock, isEnough, patienceMs);
    child.kill('SIGKILL');
    await gone;
    process.stderr.write(
      `crash: kill ${kill}/${kills}, ${acknowledged.requests.size} requests and ${acknowledged.outcomes.size} outcomes acknowledged\n`,
    );
  }
  if (doorKills > 0) calls.start();
  for (let kill = 1; kill <= doorKills; kill++) {
    const { child, gone } = await startChild(directory, acknowledged, { rate: besideDoorPerSecond }, door);
    // Whoever has waited for the engine is answered first: one that is always dead answers nobody.
    const waiting = calls.asked;
    await comesTrue(clock, () => calls.made.length >= waiting, patienceMs);
    await sleep(clock, random.next() * maxLifeMs);
    child.kill('SIGKILL');
    await gone;
    process.stderr.write(`crash: kill ${kill}/${doorKills} with callers at the door, ${calls.made.length} answered\n`);
  }
  calls.pause();
  const outcomes = acknowledged.outcomes.size;
  const learnedBar = outcomes < leastOutcomes ? 0 : Math.min(100, outcomes / 4);
  if (learnedBar === 0) process.stderr.write(`crash: ${outcomes} outcomes are too few for anything to be learned\n`);
  // The last child only drains; it is stopped cleanly, and the store is audited after it has let go of it. Where it needs
  // more time, as on a busy machine, the next one has more: what one has begun may have to be begun again.
  let found: Audit | null = null;
  let drains = 0;
  const settled = await comesTrue(
    clock,
    async () => {
      const { child, gone } = await startChild(directory, acknowledged, { drain: true }, door);
      await Promise.all([calls.untilAnswered(), sleep(clock, drainMs * ++drains)]);
      child.stdin!.write('stop\n');
      await gone;
      const home = embeddedHome({ directory });
      found = await audit(home.broker, acknowledged);
      await home.close();
      return found.undecided === 0 && found.unlearned === 0 && found.learnedRewards >= learnedBar;
    },
    patienceMs,
    500,
  );
  const result = found! as Audit;
  report('crash.kills', kills, 'kills');
  report('crash.requestsAcknowledged', acknowledged.requests.size, 'requests');
  report('crash.outcomesAcknowledged', outcomes, 'outcomes');
  reportBar('crash.undecided', result.undecided, 'requests', '<=', 0);
  reportBar('crash.duplicateDecisions', result.duplicateDecisions, 'requests', '<=', 0);
  reportBar('crash.outcomesWithoutLearningEvent', result.unlearned, 'outcomes', '<=', 0);
  reportBar('crash.duplicateLearningEvents', result.duplicateLearning, 'outcomes', '<=', 0);
  reportBar('crash.learnedRewards', result.learnedRewards, 'rewards', '>=', learnedBar);
  report('crash.weightsSequence', result.weightsSequence, 'sequence');
  report('crash.degradedShare', result.degraded, 'share');
  if (startsMs.length > 0) report('crash.startP50', quantilesOf(startsMs).p50, 'ms');
  report('crash.door.calls', calls.made.length, 'calls');
  report('crash.door.upstreamMisbehaved', upstream.misbehaved, 'calls');
  const limitMs = inTimeMs(startsMs, idleStartMs);
  const [fault] = lateCalls(calls.made, limitMs);
  const inTime = shareInTime(calls.made, limitMs);
  reportBar('crash.door.answeredInTime', inTime, 'share', '>=', leastAnswered, fault === undefined ? {} : { fault });
  await upstream.close();
  if (!settled) process.stderr.write(`crash: not settled; the store is kept in ${directory} (seed ${seed})\n`);
  else rmSync(directory, { recursive: true, force: true });
  process.exitCode = barsMissed() > 0 ? 1 : 0;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    kills: { type: 'string', default: '50' },
    child: { type: 'string' },
    first: { type: 'string', default: '0' },
    drain: { type: 'boolean', default: false },
    rate: { type: 'string', default: String(ratePerSecond) },
    'door-kills': { type: 'string', default: '3' },
    port: { type: 'string', default: '0' },
    upstream: { type: 'string', default: '' },
  },
});
const place = { port: Number(values.port), upstreamUrl: values.upstream };
if (values.child) runChild(values.child, Number(values.first), Number(values.rate), values.drain, place).catch(fail);
else main(Number(values.seed), Number(values.kills), Number(values['door-kills'])).catch(fail);
