import fc from 'fast-check';
import { defaultUnkindness } from '../../../lib/adapters/memory/memory-broker';
import { codecOf } from '../../../lib/avro/codec';
import { TransientError } from '../../../lib/ports/broker';
import { seededRandom } from '../../../lib/random/seeded';
import { recomputeDecision } from '../../../lib/routing/decide/decide';
import type { Topic } from '../../../lib/topics/define-topic';
import type { DeadLetter, RouteDecided, RouteOpened, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { scoredFault } from '../../../services/route-collapse/check-scored';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { candidateOf, openedOf, sum, threadOf } from '../../lib/routing/fixtures';
import { cachedValuesOf } from '../../lib/routing/kept';
import { createWorld, type World } from '../../lib/stream/toy';

const threads = [
  threadOf('TASK_OPTIMIZED', [1, 0, 0]),
  threadOf('BALANCED', [0.1, 0.8, 0.1]),
  threadOf('COST_EFFICIENT', [0, 1, 0]),
];

function scoredOf(changes: Partial<StrategyScored> = {}): StrategyScored {
  return { requestId: 'r1', routingKey: 'r1', group: 'strategy-threads', threads, scoredAtMs: 1, ...changes };
}

async function start(world = createWorld(), maxPendingRoutes = 100) {
  const service = await world.start(createRouteCollapse({ maxPendingRoutes, metrics: world.host.metrics }));
  const startMs = world.clock.nowMs();
  const opened = (changes: Partial<RouteOpened> = {}): RouteOpened =>
    openedOf({ openedAtMs: startMs, requestedAtMs: startMs - 10, ...changes });
  return { world, service, opened };
}

const decidedIn = (world: World): RouteDecided[] => world.read(topics.routeDecided) as RouteDecided[];
const dropped = (world: World, reason: string): Promise<number> =>
  world.host.metrics.value('quantum_router_drops_total', { service: 'route-collapse', reason });

test('decides as soon as every group has scored, reproducibly, and says when and from what', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ replyTo: 'gateway-1' })]);
  await world.clock.advanceBy(20);
  expect(decidedIn(world)).toEqual([]);
  await world.put(topics.strategyScored, [scoredOf()]);
  const [decided] = decidedIn(world);
  const { stagesMs, positions, decidedAtMs, ...reproducible } = decided!;
  expect(reproducible).toEqual(recomputeDecision(opened({ replyTo: 'gateway-1' }), threads));
  expect(positions).toEqual({ 'route.opened': 0, 'strategy.scored/strategy-threads': 0 });
  expect(decidedAtMs).toBe(world.clock.nowMs());
  expect(stagesMs).toEqual({ queued: 10, intake: 0.2, strategies: 20, collapse: 0, total: 30 });
  expect(world.raw(topics.routeDecided.name)[0]).toMatchObject({ key: 'r1', headers: { 'reply-to': 'gateway-1' } });
});

test('counts what it decided, how the threads ended and where the time went', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ explorationFloor: 0 })]);
  await world.put(topics.strategyScored, [scoredOf({ threads: [threadOf('TASK_OPTIMIZED', [1, 0, 0])] })]);
  const { metrics } = world.host;
  const labels = { model: 'large', strategy: 'TASK_OPTIMIZED', degradation: 'NONE', cache: 'miss' };
  expect(await metrics.value('quantum_router_decisions_total', labels)).toBe(1);
  const ended = (strategy: string, status: string) =>
    metrics.value('quantum_router_threads_total', { strategy, status });
  expect(await Promise.all([ended('TASK_OPTIMIZED', 'SUCCESS'), ended('BALANCED', 'TIMEOUT')])).toEqual([1, 1]);
  expect(await metrics.value('quantum_router_decision_complete_total', { complete: 'false' })).toBe(1);
  expect(await metrics.text()).toContain('quantum_router_decision_stage_seconds_sum{stage="queued"} 0.01\n');
});

test('nobody waits for a reply: no header', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened()]);
  await world.put(topics.strategyScored, [scoredOf()]);
  expect(world.raw(topics.routeDecided.name)[0]!.headers).toEqual({});
});

test('scores may come before the request', async () => {
  const { world, opened } = await start();
  await world.put(topics.strategyScored, [scoredOf()]);
  expect(decidedIn(world)).toEqual([]);
  await world.put(topics.routeOpened, [opened()]);
  expect(decidedIn(world)[0]).toMatchObject({ degradedTo: 'NONE' });
});

test('waits for every group that the request names, and no longer than for those', async () => {
  const { world, opened } = await start();
  const strategyGroups = ['one', 'two'];
  await world.put(topics.routeOpened, [opened({ strategyGroups })]);
  await world.put(topics.strategyScored, [scoredOf({ group: 'one', threads: threads.slice(0, 1) })]);
  expect(decidedIn(world)).toEqual([]);
  await world.put(topics.strategyScored, [scoredOf({ group: 'two', threads: threads.slice(1) })]);
  expect(decidedIn(world)[0]!.threads.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  expect(decidedIn(world)[0]!.positions).toEqual({
    'route.opened': 0,
    'strategy.scored/one': 0,
    'strategy.scored/two': 1,
  });
});

test('by the deadline it decides with what is there; the missing threads timed out', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ strategyGroups: ['one', 'two'], threadTimeoutMs: 80 })]);
  await world.put(topics.strategyScored, [scoredOf({ group: 'one', threads: threads.slice(0, 1) })]);
  await world.clock.advanceBy(79);
  expect(decidedIn(world)).toEqual([]);
  await world.clock.advanceBy(1);
  const [decided] = decidedIn(world);
  expect(decided!.threads.map(({ status }) => status)).toEqual(['SUCCESS', 'TIMEOUT', 'TIMEOUT']);
  expect(decided!.stagesMs.total).toBe(90);
});

test('no thread in time: the static strategies that were asked decide, not the cheapest candidate', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ explorationFloor: 0 })]);
  await world.clock.advanceBy(150);
  expect(decidedIn(world)[0]).toMatchObject({ model: 'large', degradedTo: 'STATIC_STRATEGIES' });
});

describe('a process that stood still past a deadline', () => {
  /** The wall clock runs ahead by so much when the loop gets to look at it again. */
  async function startStalled(stallMs: number) {
    // No commit in between: the deadline alone wakes the loop.
    const world = createWorld({ limits: { commitIntervalMs: 10_000 } });
    let stalledMs = 0;
    const clock = { ...world.clock, nowMs: () => world.clock.nowMs() + stalledMs };
    const definition = createRouteCollapse({ maxPendingRoutes: 100, metrics: world.host.metrics });
    await world.start(definition, { clock });
    await world.put(topics.routeOpened, [openedOf()]);
    stalledMs = stallMs;
    await world.clock.advanceBy(150);
    return world;
  }

  test('takes the scores first that were written because of it only now', async () => {
    const world = await startStalled(500);
    expect(decidedIn(world)).toEqual([]);
    await world.clock.advanceBy(60);
    await world.put(topics.strategyScored, [scoredOf()]);
    expect(decidedIn(world)).toMatchObject([{ degradedTo: 'NONE' }]);
    expect(decidedIn(world)[0]!.threads.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  test('waits no longer than a stated time for them', async () => {
    const world = await startStalled(500);
    await world.clock.advanceBy(99);
    expect(decidedIn(world)).toEqual([]);
    await world.clock.advanceBy(1);
    expect(decidedIn(world)).toMatchObject([{ degradedTo: 'STATIC_STRATEGIES' }]);
  });

  test('and not at all where it was only a little late', async () => {
    expect(decidedIn(await startStalled(20))).toHaveLength(1);
  });
});

test('the deadline starts when collapse first sees the record, whatever the opener’s clock says', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ openedAtMs: 5, requestedAtMs: 1 })]);
  await world.clock.advanceBy(149);
  expect(decidedIn(world)).toEqual([]);
  await world.clock.advanceBy(1);
  expect(decidedIn(world)).toHaveLength(1);
});

test('duplicates and late scores change nothing', async () => {
  const { world, opened } = await start();
  const other = scoredOf({ threads: threads.map((thread) => ({ ...thread, probabilities: [0, 0, 1] })) });
  await world.put(topics.routeOpened, [opened({ strategyGroups: ['strategy-threads', 'other'] })]);
  await world.put(topics.routeOpened, [opened({ seed: 99 })]);
  await world.put(topics.strategyScored, [scoredOf(), other]);
  await world.clock.advanceBy(150);
  const before = decidedIn(world);
  expect(before).toHaveLength(1);
  expect(before[0]).toMatchObject({ seed: 42 });
  expect(before[0]!.threads[0]!.probabilities).toEqual([1, 0, 0]);
  await world.put(topics.strategyScored, [scoredOf({ group: 'other' }), scoredOf()]);
  await world.put(topics.routeOpened, [opened()]);
  await world.clock.advanceBy(10_000);
  expect(decidedIn(world)).toEqual(before);
  expect(await dropped(world, 'duplicate')).toBe(2);
  expect(await dropped(world, 'late')).toBe(2);
  expect(await dropped(world, 'alreadyDecided')).toBe(1);
});

test('scores whose request never comes are forgotten', async () => {
  const { world, service } = await start();
  await world.put(topics.strategyScored, [scoredOf()]);
  expect(service.status().rows).toBe(1);
  await world.clock.advanceBy(10_000);
  expect(service.status().rows).toBe(0);
  expect(decidedIn(world)).toEqual([]);
});

test('by cached values a request is decided at once; one that is to check them waits for its threads', async () => {
  const { world, opened } = await start();
  const changes = { strategies: ['LEARNING_OPTIMIZED', 'TASK_OPTIMIZED'] };
  await world.put(topics.routeOpened, [
    opened({ ...changes, cachedValues: cachedValuesOf() }),
    opened({ ...changes, requestId: 'r2', routingKey: 'r2', cachedValues: cachedValuesOf({ isCheck: true }) }),
  ]);
  expect(decidedIn(world)).toMatchObject([{ requestId: 'r1', cacheHit: true, degradedTo: 'NONE' }]);
  await world.clock.advanceBy(150);
  expect(decidedIn(world)[1]).toMatchObject({ requestId: 'r2', cacheHit: false });
});

test('a cached distribution of an earlier release and an overdue request are decided at once', async () => {
  const { world, opened } = await start();
  const cached = {
    models: ['large', 'small', 'swift'],
    probabilities: [0, 0, 1],
    qualities: [0.9, 0.8, 0.7],
    strategy: 'BALANCED',
    confidence: 0.6,
    cachedAtMs: 1,
  };
  await world.put(topics.routeOpened, [
    opened({ cached, explorationFloor: 0 }),
    opened({ requestId: 'r2', routingKey: 'r2', strategies: [], strategyGroups: [], threadTimeoutMs: 0 }),
  ]);
  const [hit, overdue] = decidedIn(world);
  expect(hit).toMatchObject({ model: 'swift', cacheHit: true, degradedTo: 'NONE' });
  expect(overdue).toMatchObject({ cacheHit: false, degradedTo: 'STATIC_STRATEGIES' });
});

test.each<[string, Partial<StrategyScored>, string]>([
  ['no group', { group: '' }, 'group'],
  ['an endless group', { group: 'g'.repeat(201) }, 'group'],
  ['an endless id', { requestId: 'r'.repeat(201) }, 'requestId'],
  ['an endless key', { routingKey: 'r'.repeat(201) }, 'routingKey'],
  ['more threads than anybody asks for', { threads: new Array(9).fill(threads[0]) }, 'threads'],
  ['an endless strategy', { threads: [threadOf('s'.repeat(201), [1, 0, 0])] }, 'threads.0.strategy'],
  [
    'an endless hash',
    { threads: [threadOf('s', [1, 0, 0], { policySha256: 'x'.repeat(201) })] },
    'threads.0.policySha256',
  ],
  [
    'more candidates than there can be',
    { threads: [threads[0]!, threadOf('BALANCED', new Array(257).fill(0))] },
    'threads.1.probabilities',
  ],
])('scores with %s are a dead letter, and the request is decided', async (_name, change, field) => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened()]);
  await world.put(topics.strategyScored, [scoredOf(change), scoredOf()]);
  const letters = world.raw(`${topics.strategyScored.name}.dlq`);
  expect(letters.map(({ value }) => codecOf<DeadLetter>('DeadLetter').decode(value!).field)).toEqual([field]);
  expect(decidedIn(world)).toMatchObject([{ degradedTo: 'NONE' }]);
});

test('scores of groups that nobody asked are dropped, also when they were there first', async () => {
  const { world, opened } = await start();
  const foreign = Array.from({ length: 9 }, (_, i) => scoredOf({ group: `foreign-${i}`, threads: [] }));
  await world.put(topics.strategyScored, foreign);
  await world.put(topics.routeOpened, [opened({ strategyGroups: ['strategy-threads', 'other'] })]);
  await world.put(topics.strategyScored, [...foreign, scoredOf()]);
  expect(await dropped(world, 'not-asked')).toBe(10);
  await world.clock.advanceBy(150);
  expect(decidedIn(world)[0]!.threads.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
});

test('the largest pending row fits into a record', () => {
  const long = 'ä'.repeat(200);
  const numbers = new Array<number>(256).fill(1 / 3);
  const thread = threadOf(long, numbers, { error: long, policySha256: long });
  const scored = Array.from({ length: 8 }, (_, i) =>
    scoredOf({ requestId: long, routingKey: long, group: long.slice(1) + i, threads: new Array(8).fill(thread) }),
  );
  expect(scored.map(scoredFault)).toEqual(new Array(8).fill(null));
  const row = {
    requestId: long,
    opened: null,
    scored,
    firstSeenMs: 1,
    positions: {},
    lastScoredAtMs: 1,
    grants: [],
    asks: 0,
  };
  expect(topics.pendingRoutes.codec.encode(row).length).toBeLessThan(600_000);
});

test('a request without any eligible candidate is a dead letter, not a crash', async () => {
  const { world, opened } = await start();
  await world.put(topics.routeOpened, [opened({ candidates: [candidateOf('a', 'p', { eligible: false })] })]);
  const [letter] = world.raw(`${topics.routeOpened.name}.dlq`);
  expect(codecOf<DeadLetter>('DeadLetter').decode(letter!.value!)).toMatchObject({ field: 'candidates' });
  expect(decidedIn(world)).toEqual([]);
});

describe('restarts', () => {
  test('in the middle: what was pending is still pending, and its deadline goes on', async () => {
    const { world, service, opened } = await start();
    await world.put(topics.routeOpened, [opened({ strategyGroups: ['one', 'two'] })]);
    await world.put(topics.strategyScored, [scoredOf({ group: 'one', threads: threads.slice(0, 1) })]);
    await world.clock.advanceBy(100);
    await service.stop();
    expect(world.raw(topics.pendingRoutes.name).map(({ key }) => key)).toContain('r1');
    await start(world);
    expect(decidedIn(world)).toEqual([]);
    await world.clock.advanceBy(50);
    expect(decidedIn(world)[0]!.threads.map(({ status }) => status)).toEqual(['SUCCESS', 'TIMEOUT', 'TIMEOUT']);
  });

  test('what was decided but not committed is not decided again', async () => {
    const { world, opened } = await start(createWorld({ limits: { commitIntervalMs: 1_000 } }));
    await world.put(topics.routeOpened, [opened()]);
    await world.put(topics.strategyScored, [scoredOf()]);
    expect(decidedIn(world)).toHaveLength(1);
    world.broker.rebalance('route-collapse');
    await world.clock.advanceBy(11_000);
    expect(decidedIn(world)).toHaveLength(1);
  });
});

test('when full it takes in no more requests until some are decided, and loses none', async () => {
  const world = createWorld({ limits: { maxBatchRecords: 2 } });
  const { service, opened } = await start(world, 4);
  const requests = Array.from({ length: 20 }, (_, i) => opened({ requestId: `r${i}`, routingKey: `r${i}` }));
  await world.put(topics.routeOpened, requests);
  expect(service.status().rows).toBeLessThanOrEqual(5);
  await world.clock.advanceBy(150 * 20);
  expect(new Set(decidedIn(world).map(({ requestId }) => requestId)).size).toBe(20);
  expect(decidedIn(world)).toHaveLength(20);
});

test('law: on an unkind broker every request has one decision, exact and by its deadline', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const world = createWorld({
        partitions: 2,
        unkindness: { ...defaultUnkindness, failedWriteRate: 0 },
        seed,
        limits: { commitIntervalMs: 10 },
      });
      const { opened } = await start(world);
      const random = seededRandom(seed);
      const producer = world.broker.producer('upstream');
      const send = <T>(topic: Topic<T>, value: T): Promise<unknown> =>
        producer
          .send([{ topic: topic.name, key: topic.keyOf(value), value: topic.codec.encode(value) }])
          // A lost acknowledgement: the record is there, and comes once more.
          .catch((error: unknown) => (error instanceof TransientError ? send(topic, value) : Promise.reject(error)));
      const sending: Promise<unknown>[] = [];
      for (let i = 0; i < 40; i++) {
        const ids = { requestId: `r${i}`, routingKey: `s${i % 7}` };
        const steps = [() => send(topics.routeOpened, opened({ ...ids, seed: i }))];
        // Some are scored, some twice, some never; scores may overtake the request.
        const copies = random.integer(3);
        for (let copy = 0; copy < copies; copy++)
          steps.splice(random.integer(2), 0, () => send(topics.strategyScored, scoredOf(ids)));
        for (const step of steps) sending.push(step());
        await world.clock.advanceBy(random.integer(10));
      }
      world.broker.beKind();
      await world.clock.advanceBy(30_000);
      await Promise.all(sending);
      const decided = decidedIn(world);
      expect(new Set(decided.map(({ requestId }) => requestId)).size).toBe(40);
      for (const one of decided) expect(sum(one.candidates.map(({ propensity }) => propensity))).toBeCloseTo(1, 9);
      // The log may repeat a write whose acknowledgement was lost; consumers keep the first, and both say the same.
      const byId = new Map<string, RouteDecided>();
      for (const one of decided) {
        const first = byId.get(one.requestId) ?? one;
        expect(one).toEqual(first);
        byId.set(one.requestId, first);
      }
    }),
    { numRuns: 10 },
  );
});
