/** Logs made by the real request path, kept as they are or changed, and verified. */
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import type { Broker, OutgoingRecord } from '../../../lib/ports/broker';
import {
  addCounts,
  type LocatedDifference,
  noCounts,
  type VerifyOptions,
  verifyPartition,
} from '../../../lib/replay/verify';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { Topic } from '../../../lib/topics/define-topic';
import type { RouteDecided, RouteOpened, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { createRouteIntake } from '../../../services/route-intake/service';
import { createStrategyThreads } from '../../../services/strategy-threads/service';
import { configOf, requestOf, tuningOf } from '../routing/fixtures';
import { keptOf } from '../routing/kept';
import { createWorld } from '../stream/toy';

const partitions = 2;
const statics = ['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT'] as const;
const policySha256 = 'a'.repeat(64);
const otherSha256 = 'c'.repeat(64);
const path = [topics.routeOpened, topics.strategyScored, topics.routeDecided] as const;

/** A policy that judges by the number of the candidate. */
function policyOf(sha256: string): LearnedPolicy {
  return {
    policySha256: sha256,
    judge(opened) {
      const total = opened.candidates.length;
      return {
        probabilities: opened.candidates.map((_, i) => (2 * (i + 1)) / (total * (total + 1))),
        utilities: opened.candidates.map((_, i) => 0.1 * i),
        qualities: opened.candidates.map((_, i) => 0.2 * i),
        confidence: 0.5,
        policySha256: sha256,
        coldStart: false,
      };
    },
    valuesOf: () => keptOf({ policySha256: sha256, learnedRewards: 30 }),
  };
}

/** Far enough apart not to share cached values. */
const prompts = [
  'Translate good morning into Dutch',
  'def add(a, b): return a - b  # find the bug',
  'Which river flows through Vienna and Budapest?',
  'Write a limerick on a lost umbrella',
  'Integrate x squared from zero to three',
  'Summarise the minutes of the meeting in one sentence',
];

interface LogOptions {
  readonly weights?: 'there' | 'missing' | 'last good';
  readonly learnedGroup?: boolean;
}

const logs = new Map<string, ReturnType<typeof makeLog>>();

/** Made once: no test writes to it. */
function createLog(options: LogOptions = {}): ReturnType<typeof makeLog> {
  const key = JSON.stringify(options);
  const log = logs.get(key) ?? makeLog(options);
  logs.set(key, log);
  return log;
}

/** Requests of every kind through intake, two groups of threads and collapse. */
async function makeLog({ weights = 'there', learnedGroup = true }: LogOptions) {
  const world = createWorld({ partitions });
  const { clock } = world;
  const { keyValue, metrics } = world.host;
  const strategyGroups = [
    { group: 'statics', strategies: statics },
    { group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
  ];
  const loaded = { missing: null, there: policyOf(policySha256), 'last good': policyOf(otherSha256) }[weights];
  const source = { load: () => Promise.resolve(loaded) };
  await world.start(createRouteIntake({ keyValue, strategyGroups, maxSessions: 10, sessionTtlMs: 1_000, metrics }));
  await world.start(createStrategyThreads({ weights: source, clock, group: 'statics', strategies: statics }));
  if (learnedGroup)
    await world.start(
      createStrategyThreads({
        ...{ weights: source, clock, group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
        cache: { ttlMs: 10_000, metrics },
      }),
    );
  await world.start(createRouteCollapse({ maxPendingRoutes: 1_000, metrics }));
  await world.put(topics.config, [
    {
      version: 1,
      json: JSON.stringify(configOf({ explorationFloor: 0.2, cache: { enabled: true, checkShare: 0 } })),
      appliedAtMs: 1,
      appliedBy: '',
      fileSha256: null,
    },
  ]);
  const send = async (changes: Parameters<typeof requestOf>[0]): Promise<void> => {
    await world.put(topics.routeRequested, [requestOf({ requestedAtMs: world.clock.nowMs(), ...changes })]);
    await world.clock.advanceBy(5);
  };
  // Before any weights were published, then with them.
  for (let i = 0; i < 3; i++) await send({ requestId: `cold-${i}`, prompt: `question ${i}` });
  await world.put(topics.weightsPublished, [
    {
      sequence: 1,
      policySha256,
      basisSha256: 'b'.repeat(64),
      parentSha256: null,
      lineage: '',
      reason: 'FIRST' as const,
      learnedRewards: 30,
      fromOffset: 0,
      toOffset: 30,
      encoderVersion: 'sketch-2',
      backend: 'wasm',
      seed: 1,
      models: ['large', 'small', 'swift'],
      metrics: {},
      publishedAtMs: 1,
    },
  ]);
  await world.put(topics.tuning, [tuningOf({ learnedRewards: 30 })]);
  for (let i = 0; i < 6; i++) await send({ requestId: `warm-${i}`, prompt: prompts[i]!, sessionId: `s${i % 2}` });
  for (let i = 0; i < 3; i++) await send({ requestId: `equal-${i}`, prompt: 'the same' });
  await send({ requestId: 'learned-only', prompt: 'learn', strategies: ['LEARNING_OPTIMIZED'] });
  await send({ requestId: 'overdue', prompt: 'late', requestedAtMs: clock.nowMs() - 60_000, threadTimeoutMs: 100 });
  await send({ requestId: 'limited', limits: { ...requestOf().limits, deniedProviders: ['beta'] } });
  await world.clock.advanceBy(1_000);
  return world;
}

async function verify(
  broker: Broker,
  options: Partial<Omit<VerifyOptions, 'broker'>> & { partitions?: readonly number[] } = {},
) {
  const counts = noCounts();
  const differences: LocatedDifference[] = [];
  for (const partition of options.partitions ?? [0, 1]) {
    const { end } = await broker.offsets({ topic: topics.routeDecided.name, partition });
    const found = await verifyPartition({
      broker,
      topicPrefix: '',
      partition,
      span: { from: 0, to: end },
      loadWeights: null,
      onDifference: (difference) => differences.push(difference),
      onProgress: () => {},
      signal: new AbortController().signal,
      ...options,
    });
    addCounts(counts, found);
  }
  return { counts, differences };
}

/** The same log on another broker, some records changed. Retention is that of the wanted topic settings. */
async function rewritten(
  from: { raw(topic: string): readonly OutgoingRecord[] },
  change: {
    opened?: (value: RouteOpened) => void;
    scored?: (value: StrategyScored) => void;
    decided?: (value: RouteDecided) => void;
    more?: readonly OutgoingRecord[];
  },
) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics(
    path.map(({ name }) => ({
      name,
      partitions,
      cleanup: 'delete' as const,
      retentionMs: 60_000,
      maxRecordBytes: 1_000_000,
    })),
  );
  const producer = broker.producer('rewrite');
  const changed = <T>(topic: Topic<T>, edit: ((value: T) => void) | undefined) =>
    from.raw(topic.name).map(({ partition, key, value }) => {
      const decodedValue = topic.codec.decode(value!);
      edit?.(decodedValue);
      return { topic: topic.name, partition: partition!, key, value: topic.codec.encode(decodedValue) };
    });
  await producer.send([
    ...changed(topics.routeOpened, change.opened),
    ...changed(topics.strategyScored, change.scored),
    ...changed(topics.routeDecided, change.decided),
    ...(change.more ?? []),
  ]);
  return { clock, broker };
}

const decisionsOf = (world: Awaited<ReturnType<typeof createLog>>): RouteDecided[] =>
  world.read(topics.routeDecided) as RouteDecided[];

test('a log with everything in it comes out as it was recorded', async () => {
  const world = await createLog();
  const decisions = decisionsOf(world);
  // What the log is meant to have in it.
  expect(decisions.filter(({ cacheHit }) => cacheHit)).toHaveLength(2);
  expect(decisions.find(({ requestId }) => requestId === 'overdue')).toMatchObject({ degradedTo: 'STATIC_STRATEGIES' });
  const { counts, differences } = await verify(world.broker);
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ decisions: 15, verified: 15, different: 0, outsideRange: 0, duplicates: 0 });
  expect(counts.threads).toMatchObject({ different: 0, skipped: 9, unverifiable: 0 });
  expect(counts.records).toBe(path.reduce((sum, { name }) => sum + world.raw(name).length, 0));
});

test('learned threads are judged again with the weights they name', async () => {
  const world = await createLog();
  const asked: string[] = [];
  const loadWeights = (pointer: { policySha256: string; basisSha256: string | null }) => {
    asked.push(`${pointer.policySha256[0]}/${pointer.basisSha256?.[0]}`);
    return Promise.resolve(policyOf(pointer.policySha256));
  };
  const { counts, differences } = await verify(world.broker, { loadWeights });
  expect(differences).toEqual([]);
  expect(counts.threads).toMatchObject({ skipped: 0, unverifiable: 0 });
  expect(new Set(asked)).toEqual(new Set(['a/b']));
});

test('the last good weights are found by what the thread says, without a basis', async () => {
  const world = await createLog({ weights: 'last good' });
  expect(decisionsOf(world).some(({ degradedTo }) => degradedTo === 'LAST_GOOD_WEIGHTS')).toBe(true);
  const asked = new Set<string | null>();
  const loadWeights = (pointer: { policySha256: string; basisSha256: string | null }) => {
    asked.add(pointer.basisSha256);
    return Promise.resolve(policyOf(pointer.policySha256));
  };
  const { differences } = await verify(world.broker, { loadWeights });
  expect(differences).toEqual([]);
  expect([...asked]).toEqual([null]);
});

test('weights that are not in the log make their threads unverifiable, not different', async () => {
  const world = await createLog();
  const { counts, differences } = await verify(world.broker, { loadWeights: () => Promise.resolve(null) });
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ verified: 15, threads: { skipped: 0, unverifiable: 9, different: 0 } });
});

test('decisions without their weights, and threads that failed for want of them, verify', async () => {
  const world = await createLog({ weights: 'missing' });
  expect(decisionsOf(world).filter(({ degradedTo }) => degradedTo === 'STATIC_STRATEGIES').length).toBeGreaterThan(5);
  // Weights that turn up later do not make a failed thread wrong.
  const { counts, differences } = await verify(world.broker, {
    loadWeights: ({ policySha256: sha256 }) => Promise.resolve(policyOf(sha256)),
  });
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ verified: 15 });
});

test('decisions at the deadline, without the threads that were late, verify', async () => {
  const world = await createLog({ learnedGroup: false });
  const timedOut = decisionsOf(world).filter(({ threads }) => threads.some(({ status }) => status === 'TIMEOUT'));
  expect(timedOut.length).toBeGreaterThan(5);
  const { counts, differences } = await verify(world.broker);
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ decisions: 15, verified: 15 });
});

describe('a changed record is found, with the field', () => {
  const target = 'warm-3';
  const fieldsOf = (differences: readonly LocatedDifference[]) =>
    differences.map(({ requestId, of, field }) => [requestId, of, field]);
  const only =
    <T extends { requestId: string }>(edit: (value: T) => void) =>
    (value: T): void => {
      if (value.requestId === target) edit(value);
    };

  const replaced = <T>(list: readonly T[], index: number, change: Partial<T>): T[] =>
    list.map((entry, i) => (i === index ? { ...entry, ...change } : entry));

  test.each<[string, (decided: RouteDecided) => Partial<RouteDecided>, string]>([
    ['the propensity', ({ propensity }) => ({ propensity: propensity + 1e-12 }), 'propensity'],
    ['the model', () => ({ model: 'nobody' }), 'model'],
    ['the confidence', ({ confidence }) => ({ confidence: confidence + 0.5 }), 'confidence'],
    ['the fallbacks', ({ fallbacks }) => ({ fallbacks: [...fallbacks].reverse() }), 'fallbacks.0.model'],
    [
      'a candidate',
      ({ candidates }) => ({ candidates: replaced(candidates, 1, { utility: 7 }) }),
      'candidates.1.utility',
    ],
    ['the leading strategy', () => ({ strategy: 'RANDOM' }), 'strategy'],
    ['the reason', () => ({ reasoning: 'because' }), 'reasoning'],
    ['the degradation', () => ({ degradedTo: 'CHEAPEST_HEALTHY' }), 'degradedTo'],
    ['a thread', ({ threads }) => ({ threads: replaced(threads, 2, { weight: 0.9 }) }), 'threads.2.weight'],
    ['the seed', () => ({ seed: 1 }), 'seed'],
  ])('%s of a decision', async (_name, change, field) => {
    const { broker } = await rewritten(await createLog(), {
      decided: only((decided) => Object.assign(decided, change(decided))),
    });
    const { counts, differences } = await verify(broker);
    expect(counts).toMatchObject({ decisions: 15, verified: 14, different: 1 });
    expect(fieldsOf(differences)[0]).toEqual([target, 'decision', field]);
  });

  test('a static thread that never judged so', async () => {
    const { broker } = await rewritten(await createLog(), {
      scored: only((scored) => {
        if (scored.group !== 'statics') return;
        // Static threads share their list.
        const [first, ...others] = scored.threads[1]!.utilities;
        scored.threads[1]!.utilities = [first! + 0.5, ...others];
      }),
    });
    const { counts, differences } = await verify(broker);
    expect(counts).toMatchObject({ different: 1, threads: { different: 1 } });
    expect(fieldsOf(differences)).toContainEqual([target, 'BALANCED', 'utilities.0']);
  });

  test('a learned thread that its weights do not judge so, even where the decision does not depend on it', async () => {
    const { broker } = await rewritten(await createLog(), {
      scored: only((scored) => {
        if (scored.group === 'learned') scored.threads[0]!.coldStart = false;
        if (scored.group === 'learned') scored.threads[0]!.confidence = 0.51;
      }),
    });
    const { differences } = await verify(broker, {
      loadWeights: ({ policySha256: sha256 }) => Promise.resolve(policyOf(sha256)),
    });
    expect(fieldsOf(differences)).toContainEqual([target, 'LEARNING_OPTIMIZED', 'confidence']);
  });

  test('an opened event with another price', async () => {
    const { broker } = await rewritten(await createLog(), {
      opened: only((opened) => {
        opened.candidates[0]!.expectedCostUsd *= 2;
      }),
    });
    const { differences } = await verify(broker);
    expect(fieldsOf(differences)).toContainEqual([target, 'decision', 'candidates.0.expectedCostUsd']);
  });

  test('a decision that could not have been made', async () => {
    const { broker } = await rewritten(await createLog(), {
      opened: only((opened) => {
        for (const candidate of opened.candidates) candidate.eligible = false;
      }),
    });
    const { differences } = await verify(broker);
    expect(differences[0]).toMatchObject({ field: 'model', recomputed: expect.stringMatching(/cannot be decided/) });
  });

  const openedAt = 'route.opened';
  const scoredAt = 'strategy.scored/statics';
  test.each<[string, string, (offset: number) => number | null]>([
    ['of another request', openedAt, (offset) => offset - 1],
    ['that the log does not have', openedAt, () => 999],
    ['of nothing', openedAt, () => null],
    ['of other threads', scoredAt, (offset) => offset - 1],
    ['of no threads', scoredAt, () => 999],
  ])('a decision that names an offset %s', async (_name, position, change) => {
    const { broker } = await rewritten(await createLog(), {
      decided: only(({ positions }) => {
        const offset = change(positions[position]!);
        if (offset === null) delete positions[position];
        else positions[position] = offset;
      }),
    });
    const field = `positions.${position}`;
    const { differences } = await verify(broker);
    expect(fieldsOf(differences)).toContainEqual([target, 'decision', field]);
  });
});

test('a thread of a strategy that is not known here is unverifiable', async () => {
  const { broker } = await rewritten(await createLog(), {
    scored: (scored) => {
      if (scored.requestId === 'warm-1' && scored.group === 'statics')
        scored.threads.push({ ...scored.threads[0]!, strategy: 'SHADOW' });
    },
  });
  const { counts, differences } = await verify(broker);
  expect(differences).toEqual([]);
  expect(counts.threads.unverifiable).toBe(1);
});

test('the first record of an id counts; later ones are counted and not verified', async () => {
  const world = await createLog();
  const { partition, key, value } = world.raw(topics.routeDecided.name)[0]!;
  const again = topics.routeDecided.codec.decode(value!);
  again.model = 'another';
  const { broker } = await rewritten(world, {
    more: [
      { topic: topics.routeDecided.name, partition, key, value: topics.routeDecided.codec.encode(again) },
      { topic: topics.routeDecided.name, partition, key, value: Buffer.from('no decision') },
      { topic: topics.strategyScored.name, partition, key, value: Buffer.from('no scores') },
    ],
  });
  const { counts, differences } = await verify(broker);
  expect(differences).toEqual([]);
  expect(counts).toMatchObject({ decisions: 15, verified: 15, duplicates: 1, undecodable: 2 });
  // The range begins behind the first record: the second is none for all that.
  const { end } = await broker.offsets({ topic: topics.routeDecided.name, partition });
  const tail = await verify(broker, { partitions: [partition], span: { from: end - 2, to: end } });
  expect(tail.counts).toMatchObject({ decisions: 0, duplicates: 1, different: 0 });
});

test('a decision that rests on a repeated opened record is wrong', async () => {
  const world = await createLog();
  const first = world.raw(topics.routeOpened.name)[0]!;
  const { requestId } = topics.routeOpened.codec.decode(first.value!);
  const { end } = await world.broker.offsets({ topic: topics.routeOpened.name, partition: first.partition });
  const { topic, partition, key, value } = first;
  const { broker } = await rewritten(world, {
    decided: (decided) => {
      if (decided.requestId === requestId) decided.positions['route.opened'] = end;
    },
    more: [{ topic, partition, key, value }],
  });
  const { differences } = await verify(broker);
  expect(differences).toMatchObject([
    { requestId, field: 'positions.route.opened', recomputed: expect.stringMatching(/first opened record/) },
  ]);
});

test('a cut at either end is no difference', async () => {
  const { broker } = await createLog();
  for (const partition of [0, 1]) {
    const { end } = await broker.offsets({ topic: topics.routeDecided.name, partition });
    for (let from = 0; from <= end; from++) {
      for (let to = from; to <= end; to++) {
        const { counts } = await verify(broker, { partitions: [partition], span: { from, to } });
        expect(counts).toMatchObject({ decisions: to - from, verified: to - from, different: 0, outsideRange: 0 });
      }
    }
  }
});

test('what retention has removed makes a decision unverifiable, not different', async () => {
  const { clock, broker } = await rewritten(await createLog(), {});
  await clock.advanceBy(50_000);
  // Decisions are written again later: they outlive what they were made from.
  const kept = broker
    .records(topics.routeDecided.name)
    .map(({ topic, partition, key, value }) => ({ topic, partition, key, value }));
  await broker.producer('again').send(kept);
  await clock.advanceBy(20_000);
  broker.clean();
  const { earliest } = await broker.offsets({ topic: topics.routeDecided.name, partition: 0 });
  expect(earliest).toBeGreaterThan(0);
  const counts = noCounts();
  for (const partition of [0, 1]) {
    const of = { topic: topics.routeDecided.name, partition };
    const { earliest: from, end: to } = await broker.offsets(of);
    const found = await verify(broker, { partitions: [partition], span: { from, to } });
    expect(found.differences).toEqual([]);
    addCounts(counts, found.counts);
  }
  // Cached decisions and the overdue one need an opened record too.
  expect(counts).toMatchObject({ decisions: 15, verified: 0, outsideRange: 15, different: 0 });
});

test('an aborted signal ends it', async () => {
  const { broker } = await createLog();
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await expect(verify(broker, { signal: stop.signal })).rejects.toThrow('enough');
});
