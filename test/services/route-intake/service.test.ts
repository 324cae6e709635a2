import { codecOf } from '../../../lib/avro/codec';
import { commonEncoder, type Encoder, keyedEncoder } from '../../../lib/learning/features/encoder-key';
import type { KeyValue } from '../../../lib/ports/key-value';
import { cacheEntry } from '../../../lib/routing/open/routing-cache';
import { contentHashOf } from '../../../lib/topics/content-hash';
import type {
  DeadLetter,
  RouteOpened,
  RouteOutcome,
  Tuning,
  WeightsPublished,
} from '../../../lib/topics/generated/messages';
import { partitionOf } from '../../../lib/topics/partition-of';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { topics } from '../../../lib/topics/topics';
import { createRouteIntake, type RouteIntakeOptions } from '../../../services/route-intake/service';
import { closed, configOf, profileOf, requestOf, tuningOf } from '../../lib/routing/fixtures';
import { keptOf, publishedOf } from '../../lib/routing/kept';
import { createWorld, type World } from '../../lib/stream/toy';
import { decided, outcome } from '../reward-feedback/records';

const deadLetters = `${topics.routeRequested.name}.dlq`;

const optionsOf = (world: World, changes: Partial<RouteIntakeOptions> = {}): RouteIntakeOptions => ({
  keyValue: world.host.keyValue,
  strategyGroups: [
    {
      group: 'strategy-threads',
      strategies: ['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT', 'RANDOM'],
    },
    { group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
  ],
  maxSessions: 100,
  sessionTtlMs: 60_000,
  metrics: world.host.metrics,
  ...changes,
});

async function start(
  settings: { config?: Record<string, unknown> | null; world?: World; options?: Partial<RouteIntakeOptions> } = {},
) {
  const world = settings.world ?? createWorld({ partitions: 2 });
  const service = await world.start(createRouteIntake(optionsOf(world, settings.options)));
  if (settings.config !== null) await apply(world, 1, settings.config ?? {});
  return { world, service };
}

async function apply(world: World, version: number, config: Record<string, unknown>): Promise<void> {
  await world.put(topics.config, [
    { version, json: JSON.stringify(configOf(config)), appliedAtMs: 1, appliedBy: '', fileSha256: null },
  ]);
}

const openedIn = (world: World): RouteOpened[] => world.read(topics.routeOpened) as RouteOpened[];
const deadIn = (world: World): DeadLetter[] =>
  world.raw(deadLetters).map(({ value }) => codecOf<DeadLetter>('DeadLetter').decode(value!));
const fresh = (world: World, changes: Parameters<typeof requestOf>[0] = {}) =>
  requestOf({ requestedAtMs: world.clock.nowMs(), ...changes });

test('pins the world: versions, offsets, candidates, wishes, features, seed', async () => {
  const { world } = await start({
    config: { preference: { quality: 3, cost: 1 }, explorationFloor: 0.02, budgetUsdPerRequest: 0.004 },
  });
  const published = {
    policySha256: 'p'.repeat(64),
    basisSha256: 'b'.repeat(64),
    sequence: 1,
    parentSha256: null,
    lineage: '',
    reason: 'FIRST' as const,
  };
  await world.put(topics.weightsPublished, [
    {
      ...published,
      learnedRewards: 9,
      fromOffset: 0,
      toOffset: 9,
      encoderVersion: 'e',
      backend: 'cpu',
      seed: 1,
      models: [],
      metrics: {},
      publishedAtMs: 1,
    } satisfies WeightsPublished,
  ]);
  await world.put<Tuning>(topics.tuning, [tuningOf({ costRatios: { large: 2 } })]);
  await world.put(topics.modelProfile, [profileOf('swift', 'beta', { breaker: closed({ health: 'OPEN' }) })]);
  await world.put(topics.routeRequested, [fresh(world, { taskHint: 'code', replyTo: 'gateway-1', tenantId: 't' })]);

  const [opened] = openedIn(world);
  expect(opened).toMatchObject({
    requestId: 'r1',
    routingKey: 'r1',
    replyTo: 'gateway-1',
    tenantId: 't',
    taskType: 'code',
    promptTokens: 8,
    preference: { quality: 3, cost: 1, latency: 0 },
    strategies: configOf().strategies,
    strategyGroups: ['strategy-threads', 'learned'],
    collapse: 'COMBINED',
    threadTimeoutMs: 150,
    explorationFloor: 0.02,
    budgetUsdPerRequest: 0.004,
    policySha256: 'p'.repeat(64),
    basisSha256: 'b'.repeat(64),
    configVersion: 1,
    positions: { config: 0, tuning: 0, 'model.profile': 0, 'weights.published': 0, 'route.requested': 0 },
    cached: null,
  });
  expect(opened!.tuning).toEqual(tuningOf({ costRatios: { large: 2 } }));
  expect(opened!.candidates.map(({ model, eligible, health }) => [model, eligible, health])).toEqual([
    ['large', true, 'CLOSED'],
    ['small', true, 'CLOSED'],
    ['swift', false, 'OPEN'],
  ]);
  expect(opened!.candidates[0]!.expectedCostUsd).toBeCloseTo(2 * opened!.candidates[0]!.priceFactor, 12);
  expect(opened!.sketch).toHaveLength(1024);
  expect(opened!.handFeatures).toHaveLength(160);
  expect(opened!.seed).toBeGreaterThan(0);
  expect(Number.isSafeInteger(opened!.seed)).toBe(true);
});

test('a request’s own wishes go before the configured ones; only the groups it needs are waited for', async () => {
  const { world } = await start();
  await world.put(topics.routeRequested, [
    fresh(world, {
      strategies: ['COST_EFFICIENT'],
      collapse: 'FIRST_SUCCESS',
      preference: { quality: 0, cost: 1, latency: 0 },
      threadTimeoutMs: 20,
      contextTokens: 500,
    }),
  ]);
  expect(openedIn(world)[0]).toMatchObject({
    strategies: ['COST_EFFICIENT'],
    strategyGroups: ['strategy-threads'],
    collapse: 'FIRST_SUCCESS',
    preference: { quality: 0, cost: 1, latency: 0 },
    threadTimeoutMs: 20,
    promptTokens: 500,
  });
});

test('a caller’s own features take the place of text', async () => {
  const { world } = await start();
  const features = Buffer.from(new Float32Array([1, 2]).buffer);
  await world.put(topics.routeRequested, [fresh(world, { prompt: null, features })]);
  const [opened] = openedIn(world);
  expect(opened!.callerFeatures).toEqual(features);
  expect(opened!.sketch).toHaveLength(0);
  expect(opened!.taskType).toBe('general');
});

test('prompt text goes no further than here', async () => {
  const { world } = await start();
  const canary = 'CANARY-5f3a';
  await world.put(topics.routeRequested, [
    fresh(world, { prompt: `tell me of ${canary} ${canary}` }),
    fresh(world, { requestId: 'r2', prompt: null, messages: [{ role: 'user', content: canary }] }),
    fresh(world, { requestId: 'r3', prompt: canary.repeat(30_000) }),
  ]);
  await world.clock.advanceBy(1_000);
  expect(openedIn(world)).toHaveLength(2);
  expect(deadIn(world)).toHaveLength(1);
  for (const { name } of await world.broker.listTopics()) {
    if (name === topics.routeRequested.name || name === deadLetters) continue;
    for (const { value } of world.raw(name)) expect(value?.includes(canary) ?? false).toBe(false);
  }
  expect(deadIn(world)[0]!.reason).not.toContain(canary);
  expect(await world.host.metrics.text()).not.toContain(canary);
});

test('the first request with an id is the only one opened, in one batch, later, and after a restart', async () => {
  const { world, service } = await start();
  await world.put(topics.routeRequested, [fresh(world), fresh(world, { prompt: 'again' })]);
  await world.put(topics.routeRequested, [fresh(world, { prompt: 'and again' })]);
  expect(openedIn(world)).toHaveLength(1);
  const first = openedIn(world)[0]!;
  await service.stop();
  await start({ world, config: null });
  await world.put(topics.routeRequested, [fresh(world, { prompt: 'once more' })]);
  expect(openedIn(world)).toEqual([first]);
});

test('opened, but not committed when it crashed: opened again by nobody', async () => {
  const world = createWorld({ partitions: 2, limits: { commitIntervalMs: 1_000 } });
  await start({ world });
  await world.put(topics.routeRequested, [fresh(world)]);
  // A rebalance drops what was not committed, as a crash would.
  world.broker.rebalance('route-intake');
  await world.clock.advanceBy(50);
  expect(openedIn(world)).toHaveLength(1);
  await world.put(topics.routeRequested, [fresh(world, { requestId: 'r2' })]);
  expect(
    openedIn(world)
      .map(({ requestId }) => requestId)
      .sort(),
  ).toEqual(['r1', 'r2']);
});

test('what can never be routed becomes a dead letter with its field, and harms nobody else', async () => {
  const { world } = await start();
  await world.put(topics.routeRequested, [
    fresh(world, { requestId: 'a', limits: { ...noLimits, maxCostUsd: -1 } }),
    fresh(world, { requestId: 'b', strategies: ['MAGIC'] }),
    fresh(world, { requestId: 'c', requiredCapabilities: ['smell'] }),
    fresh(world, { requestId: 'd', limits: { ...noLimits, maxCostUsd: 0 } }),
    fresh(world, { requestId: 'fine' }),
  ]);
  await world.putRaw(topics.routeRequested.name, [{ key: 'x', value: Buffer.from('no avro') }]);
  expect(
    deadIn(world)
      .map(({ key, field }) => [key, field])
      .sort(),
  ).toEqual([
    ['a', 'limits.maxCostUsd'],
    ['b', 'strategies.0'],
    ['c', 'requiredCapabilities'],
    ['d', 'limits.maxCostUsd'],
    ['x', null],
  ]);
  expect(openedIn(world).map(({ requestId }) => requestId)).toEqual(['fine']);
});

test('a record that a foreign client hashed elsewhere is forwarded once to its partition', async () => {
  const { world } = await start();
  const request = fresh(world, { requestId: 'foreign' });
  const right = partitionOf('foreign', 2);
  const value = topics.routeRequested.codec.encode(request);
  await world.putRaw(topics.routeRequested.name, [{ key: 'foreign', value, partition: 1 - right }]);
  await world.clock.advanceBy(200);
  expect(world.raw(topics.routeOpened.name).map(({ partition, key }) => [partition, key])).toEqual([
    [right, 'foreign'],
  ]);
});

test('a session is counted, its expected spending added up, and forgotten when it has been silent', async () => {
  const { world } = await start({ options: { sessionTtlMs: 1_000 } });
  const ask = async (requestId: string): Promise<RouteOpened> => {
    await world.put(topics.routeRequested, [fresh(world, { requestId, sessionId: 's' })]);
    return openedIn(world).find((opened) => opened.requestId === requestId)!;
  };
  expect(await ask('r1')).toMatchObject({ routingKey: 's', sessionRequests: 0, sessionSpentUsd: 0 });
  const second = await ask('r2');
  expect(second.sessionRequests).toBe(1);
  const mean = second.candidates.reduce((sum, candidate) => sum + candidate.expectedCostUsd, 0) / 3;
  expect(second.sessionSpentUsd).toBeCloseTo(mean, 9);
  await world.clock.advanceBy(500);
  expect(world.raw(topics.sessions.name).map(({ key }) => key)).toContain('s');
  await world.clock.advanceBy(1_000);
  expect((await ask('r3')).sessionRequests).toBe(0);
});

test('staying with the model of a session is expected to cost less while its prompt cache is warm', async () => {
  const [large, small, swift] = configOf().models;
  const models = [{ ...large, price: { ...large!.price, cachedInputPerMillionUsd: 0.4 } }, small, swift];
  const { world } = await start({ config: { models } });
  const ask = async (requestId: string, contextTokens: number): Promise<RouteOpened> => {
    await world.put(topics.routeRequested, [fresh(world, { requestId, sessionId: 's', contextTokens })]);
    return openedIn(world).at(-1)!;
  };
  const first = await ask('r1', 6_000);
  expect(first.warmCache).toBeNull();
  const at = { requestId: 'r1', routingKey: 's', sessionId: 's', model: 'large', decidedAtMs: world.clock.nowMs() };
  await world.put(topics.routeDecided, [
    decided('r1', { ...at, candidates: [{ ...decided('r1').candidates[0]!, model: 'large' }] }),
  ]);
  const second = await ask('r2', 6_500);
  expect(second.warmCache).toEqual({ model: 'large', tokens: 6_000, savedUsd: expect.closeTo(0.0216, 9) });
  const colder = (6_500 * 4 + 250 * 16) / 1e6;
  expect(second.candidates[0]!.expectedCostUsd).toBeCloseTo(colder - 0.0216, 9);
});

describe('complexity', () => {
  const formulas =
    'Given $x^2 + y^2 = 25$ and $x * y = 12$, show that \\frac{x^3 + y^3}{x + y} = 2 * x * y - 3 (or not).';
  const eligibleIn = (opened: RouteOpened): string[] =>
    opened.candidates.filter(({ eligible }) => eligible).map(({ model }) => model);
  const limited = { complexityLimits: [{ above: 0.3, models: ['large', 'small'] }] };

  test('is pinned, and keeps what is above a limit to the models of it', async () => {
    const { world } = await start({ config: limited });
    await world.put(topics.routeRequested, [
      fresh(world, { requestId: 'easy', prompt: 'Hello.' }),
      fresh(world, { requestId: 'hard', prompt: formulas }),
      fresh(world, { requestId: 'unknown', prompt: null, features: Buffer.alloc(16) }),
    ]);
    const [easy, hard, unknown] = ['easy', 'hard', 'unknown'].map(
      (id) => openedIn(world).find((o) => o.requestId === id)!,
    );
    expect(easy!.complexity!.value).toBeLessThan(0.1);
    expect(eligibleIn(easy!)).toEqual(['large', 'small', 'swift']);
    expect(hard!.complexity!.value).toBeGreaterThan(0.3);
    expect(hard!.complexity!.mathematics).toBeGreaterThan(0.3);
    expect(eligibleIn(hard!)).toEqual(['large', 'small']);
    expect(hard!.candidates[2]!.ineligibleReason).toMatch(/^complexity: 0\.\d+ is over 0\.3, /);
    expect(unknown!.complexity).toBeNull();
    expect(eligibleIn(unknown!)).toEqual(['large', 'small', 'swift']);
  });

  test('a session that goes badly makes its next request more complex, and a limit sees that', async () => {
    const { world } = await start({ config: { complexityLimits: [{ above: 0.15, models: ['large'] }] } });
    const ask = async (requestId: string): Promise<RouteOpened> => {
      await world.put(topics.routeRequested, [fresh(world, { requestId, sessionId: 's', prompt: 'Go on.' })]);
      return openedIn(world).at(-1)!;
    };
    const first = await ask('r1');
    expect(eligibleIn(first)).toEqual(['large', 'small', 'swift']);
    await world.put(topics.routeOutcome, [outcome('r1', { routingKey: 's', model: 'large', quality: 0 })]);
    const second = await ask('r2');
    expect(second.complexity!.trajectory).toBeGreaterThan(0);
    expect(second.complexity!.value).toBeGreaterThan(0.15);
    expect(eligibleIn(second)).toEqual(['large']);
  });

  test('where its limits and those of the request leave nobody, the field is named', async () => {
    const { world } = await start({ config: limited });
    const limits = { ...noLimits, allowedModels: ['swift'] };
    await world.put(topics.routeRequested, [fresh(world, { prompt: formulas, limits })]);
    expect(openedIn(world)).toEqual([]);
    expect(deadIn(world)[0]!.reason).toMatch(/swift \(complexity: 0\.\d+ is over 0\.3/);
  });

  test('a model in an outage is called before one that is not for requests so complex', async () => {
    const { world } = await start({ config: { complexityLimits: [{ above: 0.3, models: ['large'] }] } });
    const opening = closed({ health: 'OPEN', probeAtMs: world.clock.nowMs() + 60_000, changedAtMs: 1 });
    await world.put(topics.modelProfile, [profileOf('large', 'alpha', { breaker: opening })]);
    await world.put(topics.routeRequested, [fresh(world, { prompt: formulas })]);
    expect(eligibleIn(openedIn(world)[0]!)).toEqual(['large']);
  });
});

describe('a budget of a session', () => {
  const askedIn = (world: World, requestId: string, maxSessionCostUsd: number | null, changes = {}) =>
    world.put(topics.routeRequested, [
      fresh(world, {
        requestId,
        sessionId: 's',
        expectedOutputTokens: 1_000,
        limits: { ...noLimits, maxSessionCostUsd },
        ...changes,
      }),
    ]);
  const openedAs = (world: World, requestId: string): RouteOpened =>
    openedIn(world).find((opened) => opened.requestId === requestId)!;
  const eligibleIn = (opened: RouteOpened): string[] =>
    opened.candidates.filter(({ eligible }) => eligible).map(({ model }) => model);
  const report = (world: World, decisionId: string, change: Partial<RouteOutcome> = {}) =>
    world.put(topics.routeOutcome, [outcome(decisionId, { routingKey: 's', model: 'large', ...change })]);

  test('shuts out what it cannot pay any more, by what was decided and what was reported', async () => {
    const { world } = await start();
    // About $.016 for large, $.002 for swift, $.0016 for small.
    await askedIn(world, 'r1', 0.02);
    expect(eligibleIn(openedAs(world, 'r1'))).toEqual(['large', 'small', 'swift']);
    const candidates = decided('r1').candidates;
    await world.put(topics.routeDecided, [
      decided('r1', {
        routingKey: 's',
        model: 'large',
        candidates: [{ ...candidates[0]!, model: 'large', expectedCostUsd: 0.016 }],
      }),
    ]);
    await askedIn(world, 'r2', 0.02);
    expect(openedAs(world, 'r2').sessionSpentUsd).toBeCloseTo(0.016, 12);
    expect(eligibleIn(openedAs(world, 'r2'))).toEqual(['small', 'swift']);
    expect(openedAs(world, 'r2').candidates[0]!.ineligibleReason).toMatch(
      /^limits.maxSessionCostUsd: expected \$0.016 is over the \$0.004 left of \$0.02$/,
    );
    await report(world, 'r1', { costUsd: 0.001, quality: 0.25 });
    await report(world, 'r2', { costUsd: 0.0005, quality: null });
    await askedIn(world, 'r3', 0.02);
    expect(openedAs(world, 'r3')).toMatchObject({ sessionRequests: 2, sessionLastQuality: 0.25 });
    expect(openedAs(world, 'r3').sessionSpentUsd).toBeCloseTo(0.0015, 12);
    expect(eligibleIn(openedAs(world, 'r3'))).toEqual(['large', 'small', 'swift']);
  });

  test('spent, leaves a dead letter that names it; another limit of the same session may still do', async () => {
    const { world } = await start();
    await askedIn(world, 'r1', 0.02);
    await report(world, 'r1', { costUsd: 0.0195 });
    await askedIn(world, 'r2', 0.02);
    expect(openedAs(world, 'r2')).toBeUndefined();
    expect(deadIn(world)).toMatchObject([{ field: 'limits.maxSessionCostUsd' }]);
    await askedIn(world, 'r3', 0.03);
    expect(eligibleIn(openedAs(world, 'r3'))).toEqual(['small', 'swift']);
    // A refused request is not part of the session.
    expect(openedAs(world, 'r3').sessionRequests).toBe(1);
  });

  test('needs a session', async () => {
    const { world } = await start();
    await askedIn(world, 'r1', 0.02, { sessionId: null });
    expect(deadIn(world)).toMatchObject([{ field: 'limits.maxSessionCostUsd' }]);
  });

  test('lets sick models in when it cannot pay the healthy ones', async () => {
    const { world } = await start();
    await world.put(topics.modelProfile, [profileOf('small', 'beta', { providerBreaker: closed({ health: 'OPEN' }) })]);
    await askedIn(world, 'r1', 0.0018);
    expect(eligibleIn(openedAs(world, 'r1'))).toEqual(['small']);
    expect(openedAs(world, 'r1').candidates.map(({ ineligibleReason }) => ineligibleReason?.split(':')[0])).toEqual([
      'limits.maxSessionCostUsd',
      'health',
      'limits.maxSessionCostUsd',
    ]);
  });

  test('outlives a crash, and counts no report twice that comes again', async () => {
    const world = createWorld({ partitions: 2, limits: { commitIntervalMs: 50 } });
    await start({ world });
    await askedIn(world, 'r1', null);
    await report(world, 'r1', { costUsd: 0.004 });
    await world.clock.advanceBy(200);
    world.broker.rebalance('route-intake');
    await world.clock.advanceBy(200);
    await report(world, 'r1', { costUsd: 0.004 });
    await askedIn(world, 'r2', null);
    expect(openedAs(world, 'r2').sessionSpentUsd).toBeCloseTo(0.004, 12);
  });

  test('outcomes of no known session make no row, and a misplaced one is left to reward-feedback', async () => {
    const { world } = await start();
    await report(world, 'stranger');
    await world.put(topics.routeOutcome, [outcome('lonely')]);
    await askedIn(world, 'r1', null);
    const wrong = 1 - partitionOf('s', 2);
    const value = topics.routeOutcome.codec.encode(outcome('r1', { routingKey: 's', costUsd: 0.5 }));
    await world.putRaw(topics.routeOutcome.name, [{ key: 'r1', value, partition: wrong }]);
    await world.clock.advanceBy(500);
    const rows = world.raw(topics.sessions.name).map(({ key }) => key);
    expect(rows).toContain('s');
    for (const key of ['stranger', 'lonely', 'r1']) expect(rows).not.toContain(key);
    expect(world.raw(topics.routeOutcome.name)).toHaveLength(3);
    await askedIn(world, 'r2', null);
    expect(openedAs(world, 'r2').sessionSpentUsd).toBeLessThan(0.1);
  });
});

test('a request older than its own time-out is not judged by threads; one without its own never is too old', async () => {
  const { world } = await start();
  const requestedAtMs = world.clock.nowMs() - 1_000;
  await world.put(topics.routeRequested, [
    fresh(world, { requestId: 'late', requestedAtMs, threadTimeoutMs: 999 }),
    fresh(world, { requestId: 'patient', requestedAtMs }),
    fresh(world, { requestId: 'in-time', requestedAtMs, threadTimeoutMs: 1_000 }),
  ]);
  const byId = new Map(openedIn(world).map((opened) => [opened.requestId, opened]));
  expect(byId.get('late')).toMatchObject({
    strategies: [],
    strategyGroups: [],
    threadTimeoutMs: 0,
    cacheFingerprint: '',
  });
  expect(byId.get('patient')!.strategies).not.toEqual([]);
  expect(byId.get('in-time')!.strategies).not.toEqual([]);
});

test('requests wait for the first config instead of being lost', async () => {
  const { world } = await start({ config: null });
  await world.put(topics.routeRequested, [fresh(world)]);
  expect(openedIn(world)).toHaveLength(0);
  await apply(world, 1, {});
  await world.clock.advanceBy(5_000);
  expect(openedIn(world)).toHaveLength(1);
});

test('a new config counts from the next request on', async () => {
  const { world } = await start();
  await world.put(topics.routeRequested, [fresh(world)]);
  await apply(world, 2, { collapse: 'CONSENSUS' });
  await world.put(topics.routeRequested, [fresh(world, { requestId: 'r2' })]);
  expect(
    openedIn(world)
      .map(({ configVersion, collapse }) => [configVersion, collapse])
      .sort(),
  ).toEqual([
    [1, 'COMBINED'],
    [2, 'CONSENSUS'],
  ]);
});

describe('the routing cache', () => {
  const enabled = { cache: { enabled: true, checkShare: 0 } };
  const lookups = (world: World, result: string) =>
    world.host.metrics.value('quantum_router_cache_lookups_total', { result });
  /** With weights that have learned enough to have a say. */
  const startLearned = async (config: Record<string, unknown> = enabled, options: Partial<RouteIntakeOptions> = {}) => {
    const { world } = await start({ config, options });
    await world.put(topics.weightsPublished, [publishedOf()]);
    await world.put(topics.tuning, [tuningOf({ learnedRewards: 1_000 })]);
    return world;
  };
  const openedAs = (world: World, id: string) => openedIn(world).find(({ requestId }) => requestId === id)!;

  test('an equal request gets what was kept of the first, another does not', async () => {
    const world = await startLearned();
    await world.put(topics.routeRequested, [fresh(world)]);
    const first = openedAs(world, 'r1');
    await world.host.keyValue.putMany([
      cacheEntry(first, keptOf(), { ttlMs: 1_000, rewards: 100 }, world.clock.nowMs()),
    ]);
    await world.put(topics.routeRequested, [
      fresh(world, { requestId: 'equal' }),
      fresh(world, { requestId: 'other', prompt: 'Who wrote Faust?' }),
    ]);
    expect(first.cachedValues).toBeNull();
    expect(openedAs(world, 'equal').cachedValues).toMatchObject({ ...keptOf(), isCheck: false });
    expect(openedAs(world, 'equal').cacheFingerprint).toBe(first.cacheFingerprint);
    expect(openedAs(world, 'other').cachedValues).toBeNull();
    expect(await Promise.all(['hit', 'miss', 'error'].map((result) => lookups(world, result)))).toEqual([1, 2, 0]);
  });

  test.each<[string, Parameters<typeof requestOf>[0], Record<string, unknown>]>([
    ['one of a session', { sessionId: 's' }, enabled],
    ['one that does not ask the weights', { strategies: ['BALANCED'] }, enabled],
    ['any, where it is switched off', {}, { cache: { enabled: false } }],
    ['any, where nothing is said of it', {}, {}],
    ['any, where the Q-network alone judges', {}, { ...enabled, learning: { pipeline: 'dqn' } }],
  ])('%s is not looked up, and nothing is kept of it', async (_name, request, config) => {
    const world = await startLearned(config);
    await world.put(topics.routeRequested, [fresh(world, request)]);
    expect(openedIn(world)[0]).toMatchObject({ cacheFingerprint: '', cachedValues: null });
  });

  test('before weights have a say there is nothing to be looked up', async () => {
    const { world } = await start({ config: enabled });
    await world.put(topics.routeRequested, [fresh(world)]);
    await world.put(topics.weightsPublished, [publishedOf({ learnedRewards: 3 })]);
    await world.put(topics.routeRequested, [fresh(world, { requestId: 'r2' })]);
    expect(openedIn(world).map(({ cacheFingerprint }) => cacheFingerprint)).toEqual(['', '']);
  });

  test('a store that is gone is a miss', async () => {
    const keyValue: KeyValue = {
      ...createWorld().host.keyValue,
      getMany: () => Promise.reject(new Error('store is gone')),
    };
    const world = await startLearned(enabled, { keyValue });
    await world.put(topics.routeRequested, [
      fresh(world, { taskHint: 'code' }),
      fresh(world, { requestId: 'r2', taskHint: 'my own' }),
    ]);
    expect(openedIn(world)).toHaveLength(2);
    const { metrics } = world.host;
    expect(await metrics.value('quantum_router_cache_lookups_total', { result: 'error' })).toBeGreaterThan(0);
    // A hint is the caller's own word: it must not become a label.
    const openedOfType = (task_type: string) => metrics.value('quantum_router_requests_opened_total', { task_type });
    expect(await Promise.all([openedOfType('code'), openedOfType('other')])).toEqual([1, 1]);
  });
});

test('an outage of everything is no reason to refuse: the least bad are candidates', async () => {
  const { world } = await start();
  await world.put(topics.modelProfile, [
    profileOf('large', 'alpha', { breaker: closed({ health: 'OPEN' }) }),
    profileOf('small', 'beta', { providerBreaker: closed({ health: 'OPEN' }) }),
  ]);
  await world.put(topics.routeRequested, [fresh(world)]);
  expect(openedIn(world)[0]!.candidates.map(({ eligible }) => eligible)).toEqual([true, true, true]);
  expect(deadIn(world)).toHaveLength(0);
});

describe('with a key of the installation', () => {
  const keyed = keyedEncoder('a key of the installation');
  const textOf = async (config: Record<string, unknown>, encoder: Encoder | null): Promise<RouteOpened> => {
    const { world } = await start({ config, options: { encoder } });
    await world.put(topics.routeRequested, [fresh(world, { prompt: 'Say hello' })]);
    return openedIn(world)[0]!;
  };

  test('texts are hashed with it where the configuration says so, and under a version of their own', async () => {
    const plain = await textOf({}, keyed);
    expect(plain.encoderVersion).toBe(commonEncoder.version);
    const own = await textOf({ encoder: { keyed: true } }, keyed);
    expect(own.encoderVersion).toBe(keyed.version);
    expect(own.sketch).toHaveLength(1024);
    expect(own.sketch.equals(plain.sketch)).toBe(false);
  });

  test('a process without it says nothing of a text, rather than in the common hash', async () => {
    const blind = await textOf({ encoder: { keyed: true } }, null);
    expect(blind.sketch).toHaveLength(0);
    expect(blind.handFeatures).toHaveLength(0);
    expect(blind.encoderVersion).not.toBe(commonEncoder.version);
    expect(blind.candidates.some(({ eligible }) => eligible)).toBe(true);
  });
});

test('of two requests with one id the first counts; other content is counted as such', async () => {
  const { world } = await start();
  const first = fresh(world, { requestId: 'constructor' });
  await world.put(topics.routeRequested, [first]);
  await world.put(topics.routeRequested, [first, { ...first, prompt: 'something else' }]);
  expect(openedIn(world)).toHaveLength(1);
  const dropped = (reason: string) =>
    world.host.metrics.value('quantum_router_drops_total', { service: 'route-intake', reason });
  expect([await dropped('duplicate'), await dropped('otherContent')]).toEqual([1, 1]);
  expect(openedIn(world)[0]).toMatchObject({ contentHash: contentHashOf(first), holds: null });
});

test('a time that no date can say, and an id that is no id, are dead letters', async () => {
  const { world } = await start();
  await world.put(topics.routeRequested, [
    fresh(world, { requestId: 'late', requestedAtMs: 9e15 }),
    fresh(world, { requestId: 'a\0b' }),
    fresh(world, { requestId: 'good' }),
  ]);
  expect(
    deadIn(world)
      .map(({ field }) => field)
      .sort(),
  ).toEqual(['requestId', 'requestedAtMs']);
  expect(openedIn(world).map(({ requestId }) => requestId)).toEqual(['good']);
});
