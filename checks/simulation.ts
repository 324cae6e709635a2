/**
 * The whole engine on a virtual clock and an unkind broker: duplicated and permuted records, gaps, failed writes, lost
 * acknowledgements, rebalances, a slow key-value store, garbage on the topics, and engines that vanish in the middle of
 * their work. Everything random comes from one seed; the same seed gives the same log, byte for byte.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { workloadConfig } from '../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../lab/runs/workload-records';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { defaultUnkindness, type MemoryBroker } from '../lib/adapters/memory/memory-broker';
import { createVirtualClock, runToEnd, type VirtualClock } from '../lib/adapters/memory/virtual-clock';
import { parseStrategyGroups } from '../lib/config/strategy-groups';
import type { Broker, GroupOptions, Membership, OutgoingRecord } from '../lib/ports/broker';
import { sleep } from '../lib/ports/clock';
import type { KeyValue } from '../lib/ports/key-value';
import type { Random } from '../lib/ports/random';
import { seededRandom } from '../lib/random/seeded';
import { createLog } from '../lib/telemetry/log';
import type { LearningEvent, RouteDecided, RouteOpened } from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';
import { tensorBackendOf } from '../services/dqn-trainer/tensor-backend';
import { startEngine } from '../services/engine';
import { type EngineHome, memoryHome } from '../services/home';
import type { PlacementName } from '../services/placements';

export interface SimulationOptions {
  readonly seed: number;
  /** Good requests; about a tenth as many malformed ones come on top. */
  readonly requests: number;
  /** Engines that vanish and are started again. */
  readonly crashes: number;
  /** How the engines are run, in turn; by default all of them chained. */
  readonly placements?: readonly PlacementName[];
  /** Strategies with a group of their own, as in STRATEGY_GROUPS; by default none. */
  readonly strategyGroups?: string;
}

export interface SimulationResult {
  readonly seed: number;
  /** Broken invariants, in words; empty when all hold. */
  readonly violations: readonly string[];
  /** SHA-256 over every record of every topic. */
  readonly logSha256: string;
  readonly decisions: number;
  readonly duplicateDecisions: number;
  readonly learningEvents: number;
  readonly deadLetters: number;
  readonly virtualMs: number;
  /** The log, for whoever looks further into it. */
  readonly broker: MemoryBroker;
}

const partitions = 4;
/** Virtual time between two requests on average. */
const meanGapMs = 20;
const outcomeDelayMs = 400;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  // Loading the backend takes real time, which a virtual clock cannot see: before it starts.
  await tensorBackendOf('wasm').ready();
  const clock = createVirtualClock();
  const random = seededRandom(options.seed, 'simulation');
  const ground = memoryHome({ clock, seed: options.seed, unkindness: defaultUnkindness });
  const broker = ground.broker as MemoryBroker;
  const world = simulatedWorld({ world: 1, rows: options.requests, seed: options.seed });
  const config = workloadConfig(world);
  const log = createLog({ level: 'silent' });
  const failures: string[] = [];
  const outages: Outage[] = [];

  const placements = options.placements ?? ['chained'];
  let starts = 0;
  const start = async (): Promise<{ vanish: () => void; stop: () => Promise<void> }> => {
    const { home, vanish } = mortalHome(ground, broker, random);
    const engine = await startEngine({
      home,
      config,
      partitions,
      trainer: 'inline',
      http: null,
      log,
      placement: placements[starts++ % placements.length]!,
      ownStrategyGroups: parseStrategyGroups(options.strategyGroups ?? ''),
      onFatal: (group, error) => failures.push(`${group} failed for good: ${error.message}`),
    });
    return { vanish, stop: () => engine.stop() };
  };

  const scenario = async (): Promise<void> => {
    let engine = await start();
    const sent = produceRequests(options, clock, random);
    const answered = answerDecisions(world, clock, broker, random);
    const lengthMs = options.requests * meanGapMs;
    for (let crash = 0; crash < options.crashes; crash++) {
      await sleep(clock, (lengthMs / (options.crashes + 1)) * (0.5 + random.next()));
      engine.vanish();
      const fromMs = clock.nowMs();
      await sleep(clock, random.next() * 300);
      engine = await start();
      outages.push({ fromMs, toMs: clock.nowMs() });
    }
    await sent;
    broker.beKind();
    await sleep(clock, 5_000);
    const follower = await answered;
    await follower.stop();
    await engine.stop();
  };

  const startedMs = clock.nowMs();
  if (!(await runToEnd(clock, scenario())))
    failures.push('the scenario came to rest before its end: something waits for ever');
  const result = audit(options, broker, world.rows, failures, clock.nowMs() - startedMs);
  return { ...result, violations: [...result.violations, ...checkDeadlines(broker, outages)] };

  /** Requests at random gaps, some twice, some in sessions, with garbage in between. */
  async function produceRequests(what: SimulationOptions, on: VirtualClock, dice: Random): Promise<void> {
    const producer = ground.broker.producer('requests');
    for (let index = 0; index < what.requests; index++) {
      const row = world.row(index);
      const request = {
        ...requestOf(world, row, on.nowMs()),
        sessionId: dice.next() < 0.3 ? `session-${dice.integer(20)}` : null,
      };
      const value = topics.routeRequested.codec.encode(request);
      const record = { topic: topics.routeRequested.name, key: topics.routeRequested.keyOf(request), value };
      // A foreign client hashes keys its own way.
      const misplaced = dice.next() < 0.2 ? { ...record, partition: dice.integer(partitions) } : record;
      await persistently(on, () => producer.send([misplaced]));
      if (dice.next() < 0.05) await persistently(on, () => producer.send([record]));
      if (dice.next() < 0.1) await persistently(on, () => producer.send([garbage(dice, index)]));
      await sleep(on, dice.next() * 2 * meanGapMs);
    }
  }
}

/** A port that can vanish: from then on nothing it was asked ever returns, as for a process that is gone. */
export function mortalHome(
  ground: EngineHome,
  broker: MemoryBroker,
  random: Random,
): { home: EngineHome; vanish: () => void } {
  const memberships: Membership[] = [];
  const followers: { stop(): Promise<void> }[] = [];
  let gone = false;
  const never = new Promise<never>(() => {});
  const alive = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (gone) return never;
      const result = await call(...args);
      return gone ? never : result;
    };
  };
  const clock = {
    ...ground.clock,
    setTimer: (delayMs: number, callback: () => void) =>
      ground.clock.setTimer(delayMs, () => (gone ? undefined : callback())),
  };
  const mortalBroker: Broker = {
    ...broker,
    ensureTopics: alive(broker.ensureTopics),
    offsets: alive(broker.offsets),
    follow: alive(async (options) => {
      const follower = await broker.follow({
        ...options,
        onRecords: (records) => (gone ? never : options.onRecords(records)),
      });
      followers.push(follower);
      return follower;
    }),
    join: alive(async (options: GroupOptions) => {
      const membership = await broker.join(options);
      memberships.push(membership);
      return membership;
    }),
    producer(name) {
      const producer = broker.producer(name);
      return { ...producer, send: alive(producer.send) };
    },
    // The engine does not own the broker: it outlives it.
    close: async () => {},
  };
  const slowly = <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    alive(async (...args: A): Promise<R> => {
      if (random.next() < 0.02) await sleep(clock, random.next() * 200);
      return call(...args);
    });
  const keyValue: KeyValue = {
    ...ground.keyValue,
    getMany: slowly(ground.keyValue.getMany),
    putMany: slowly(ground.keyValue.putMany),
    close: async () => {},
  };
  return {
    home: { ...ground, broker: mortalBroker, keyValue, clock },
    vanish() {
      gone = true;
      for (const membership of memberships) broker.crash(membership);
      for (const follower of followers) follower.stop().catch(() => {});
    },
  };
}

/** Bytes no reader can like: truncated, of an unknown schema, empty, or well-formed and meaningless. */
function garbage(random: Random, index: number): OutgoingRecord {
  const topic = random.next() < 0.5 ? topics.routeRequested.name : topics.routeOutcome.name;
  const kinds = [
    Buffer.from([0, 0, 0]),
    Buffer.from([0, 0, 1, 226, 64, 1, 2]),
    Buffer.alloc(0),
    Buffer.from('not avro at all'),
  ];
  return { topic, key: `garbage-${index}`, value: kinds[random.integer(kinds.length)]! };
}

/** A client that was told of a failure tries again: that is where duplicates come from. */
async function persistently<T>(clock: VirtualClock, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await sleep(clock, 5);
    }
  }
}

/** Reports the outcome of every first decision a while later; some twice, some never. */
function answerDecisions(
  world: ReturnType<typeof simulatedWorld>,
  clock: VirtualClock,
  broker: Broker,
  random: Random,
) {
  const producer = broker.producer('outcomes');
  const seen = new Set<string>();
  return broker.follow({
    topic: topics.routeDecided.name,
    startAt: 'earliest',
    onFailed: (error) => {
      throw error;
    },
    onRecords(records) {
      for (const record of records) {
        const decision = topics.routeDecided.codec.decode(record.value!);
        if (seen.has(decision.requestId)) continue;
        seen.add(decision.requestId);
        const row = world.row(rowIndexOf(decision.requestId));
        const outcome = outcomeOf(row, decision, clock.nowMs());
        if (!outcome || random.next() < 0.1) continue;
        const send = () => {
          const value = topics.routeOutcome.codec.encode(outcome);
          return producer.send([{ topic: topics.routeOutcome.name, key: topics.routeOutcome.keyOf(outcome), value }]);
        };
        clock.setTimer(random.next() * outcomeDelayMs, () => void persistently(clock, send));
        if (random.next() < 0.05) clock.setTimer(outcomeDelayMs, () => void persistently(clock, send));
      }
    },
  });
}

function rowIndexOf(requestId: string): number {
  return Number(/(\d+)$/.exec(requestId)![1]);
}

const tolerance = 1e-9;

function audit(
  options: SimulationOptions,
  broker: MemoryBroker,
  rows: number,
  failures: string[],
  virtualMs: number,
): SimulationResult {
  const violations = [...failures];
  const hash = createHash('sha256');
  let deadLetters = 0;
  for (const name of topicNames()) {
    for (const record of broker.records(name)) {
      hash.update(`${name}/${record.partition}/${record.offset}/${record.key}/${JSON.stringify(record.headers)}`);
      hash.update(record.value ?? 'tombstone');
      if (name.endsWith('.dlq')) deadLetters += 1;
    }
  }
  const decode = <T>(topic: { name: string; codec: { decode(bytes: Buffer): T } }): T[] =>
    broker.records(topic.name).map((record) => topic.codec.decode(record.value!));
  const decided = decode(topics.routeDecided);
  const opened = decode(topics.routeOpened);
  const learned = decode(topics.learningEvents);
  violations.push(...checkDecisions(decided, opened, rows), ...checkLearning(learned, decided));
  const first = new Set(decided.map((decision) => decision.requestId));
  return {
    seed: options.seed,
    violations,
    logSha256: hash.digest('hex'),
    decisions: first.size,
    duplicateDecisions: decided.length - first.size,
    learningEvents: learned.length,
    deadLetters,
    virtualMs,
    broker,
  };
}

/** A time without an engine. */
interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What unkindness may add to the deadline: a write, its retries, and a rebalance in between. */
const deadlineSlackMs = 250;
/** An engine that starts has a backlog, and its first moments are no steady state. */
const recoveryMs = 500;

/** Every decision comes by its deadline, counted from when the request was opened, unless there was no engine meanwhile. */
function checkDeadlines(broker: MemoryBroker, outages: readonly Outage[]): string[] {
  const openedById = new Map<string, RouteOpened>();
  for (const record of broker.records(topics.routeOpened.name)) {
    const opened = topics.routeOpened.codec.decode(record.value!);
    if (!openedById.has(opened.requestId)) openedById.set(opened.requestId, opened);
  }
  const violations: string[] = [];
  for (const record of broker.records(topics.routeDecided.name)) {
    const { requestId, decidedAtMs } = topics.routeDecided.codec.decode(record.value!);
    const { openedAtMs, threadTimeoutMs } = openedById.get(requestId)!;
    if (outages.some(({ fromMs, toMs }) => openedAtMs < toMs + recoveryMs && decidedAtMs > fromMs)) continue;
    const tookMs = decidedAtMs - openedAtMs;
    if (tookMs > threadTimeoutMs + deadlineSlackMs)
      violations.push(`${requestId} was decided ${tookMs} ms after it was opened`);
  }
  return violations;
}

function topicNames(): string[] {
  return Object.values(topics).flatMap((topic) => [topic.name, `${topic.name}.dlq`]);
}

function checkDecisions(decided: readonly RouteDecided[], opened: readonly RouteOpened[], rows: number): string[] {
  const violations: string[] = [];
  const byRequest = new Map<string, RouteDecided>();
  for (const decision of decided) {
    // A write whose acknowledgement was lost is written again, so a record may stand twice; a second decision may not.
    const first = byRequest.get(decision.requestId);
    if (!first) byRequest.set(decision.requestId, decision);
    else if (!isDeepStrictEqual(first, decision))
      violations.push(`${decision.requestId} was decided twice, differently`);
    const sum = decision.candidates.reduce((total, candidate) => total + candidate.propensity, 0);
    if (Math.abs(sum - 1) > tolerance) violations.push(`${decision.requestId}: propensities sum to ${sum}`);
    const drawn = decision.candidates.find((candidate) => candidate.model === decision.model);
    if (!drawn || drawn.propensity !== decision.propensity || !(decision.propensity > 0)) {
      violations.push(
        `${decision.requestId}: drew ${decision.model} with propensity ${decision.propensity}, candidate says ${drawn?.propensity}`,
      );
    }
    if (!drawn?.eligible) violations.push(`${decision.requestId}: ${decision.model} was not eligible`);
  }
  if (byRequest.size !== rows) violations.push(`${rows} requests, but ${byRequest.size} decisions`);
  const openedById = new Map<string, RouteOpened>();
  for (const event of opened) {
    const first = openedById.get(event.requestId);
    if (!first) openedById.set(event.requestId, event);
    else if (!isDeepStrictEqual(first, event)) violations.push(`${event.requestId} was opened twice, differently`);
  }
  return violations;
}

function checkLearning(learned: readonly LearningEvent[], decided: readonly RouteDecided[]): string[] {
  const violations: string[] = [];
  const decisions = new Map(decided.map((decision) => [decision.decisionId, decision]));
  const byId = new Map<string, LearningEvent>();
  for (const event of learned) {
    const first = byId.get(event.eventId);
    if (!first) byId.set(event.eventId, event);
    else if (!isDeepStrictEqual(first, event))
      violations.push(`learning event ${event.eventId} came twice, differently`);
    const decision = decisions.get(event.decisionId);
    if (!decision) violations.push(`learning event ${event.eventId} has no decision`);
    else if (event.kind === 'EXPERIENCE') {
      const propensity = event.propensities[event.models.indexOf(event.model ?? '')];
      if (event.model !== decision.model)
        violations.push(`${event.eventId}: learned ${event.model}, decided ${decision.model}`);
      if (propensity !== decision.propensity)
        violations.push(`${event.eventId}: propensity ${propensity} instead of ${decision.propensity}`);
    }
  }
  return violations;
}
