/** The three services of the request path together: a request in, a decision out. */
import { validateConfig } from '../../../lib/config/parse-config';
import { maxModels } from '../../../lib/config/router-config';
import { recomputeDecision } from '../../../lib/routing/decide/decide';
import type { WeightsSource } from '../../../lib/routing/judge/weights-source';
import { type Placement, separate } from '../../../lib/stream/placement';
import { runServices } from '../../../lib/stream/run-engine';
import { externallyWritten } from '../../../lib/stream/validate-graph';
import type { RouteDecided, RouteOpened, StrategyScored } from '../../../lib/topics/generated/messages';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { createRouteIntake } from '../../../services/route-intake/service';
import { createStrategyThreads } from '../../../services/strategy-threads/service';
import { configOf, requestOf, sum, tuningOf } from '../../lib/routing/fixtures';
import { policyOf, publishedOf } from '../../lib/routing/kept';
import { createWorld, type World } from '../../lib/stream/toy';

const statics = ['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT'] as const;
const weights: WeightsSource = { load: () => Promise.resolve(null) };

async function start(
  config: Record<string, unknown> = {},
  placement: Placement = separate,
  source: WeightsSource = weights,
): Promise<World> {
  const world = createWorld({ partitions: 2 });
  const strategyGroups = [
    { group: 'statics', strategies: statics },
    { group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
  ];
  const { keyValue, metrics } = world.host;
  const stages = [
    createRouteIntake({ keyValue, strategyGroups, maxSessions: 10, sessionTtlMs: 1_000, metrics }),
    createStrategyThreads({ weights, clock: world.clock, group: 'statics', strategies: statics }),
    createStrategyThreads({
      ...{ weights: source, clock: world.clock, group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
      cache: { ttlMs: 60_000, metrics },
    }),
    createRouteCollapse({ maxPendingRoutes: 1_000, metrics }),
  ];
  const { modelProfile, tuning, weightsPublished, budgetStates, budgetGrants, experimentStates } = topics;
  const others = [modelProfile, tuning, weightsPublished, budgetStates, budgetGrants, experimentStates];
  const external = [...externallyWritten, ...others.map(({ name }) => name)];
  await runServices(stages, world.host, { placement, external });
  await world.put(topics.config, [
    { version: 1, json: JSON.stringify(configOf(config)), appliedAtMs: 1, appliedBy: '', fileSha256: null },
  ]);
  return world;
}

async function route(world: World, changes: Parameters<typeof requestOf>[0] = {}): Promise<RouteDecided> {
  const request = requestOf({ requestedAtMs: world.clock.nowMs(), ...changes });
  await world.put(topics.routeRequested, [request]);
  await world.clock.advanceBy(5);
  return (world.read(topics.routeDecided) as RouteDecided[]).find(({ requestId }) => requestId === request.requestId)!;
}

test('before any weights the engine goes by what is declared, with every thread heard', async () => {
  const decided = await route(await start());
  expect(decided.threads.map(({ strategy, status }) => [strategy, status])).toEqual(
    ['LEARNING_OPTIMIZED', ...statics].map((strategy) => [strategy, 'SUCCESS']),
  );
  expect(decided).toMatchObject({ degradedTo: 'NONE', strategy: 'LEARNING_OPTIMIZED', cacheHit: false });
  const others = decided.candidates.filter(({ model }) => model !== decided.model);
  // Two thirds of the exploration floor of .01.
  expect(sum(others.map(({ propensity }) => propensity))).toBeCloseTo(0.02 / 3, 12);
});

test('where nothing is declared it explores alike', async () => {
  const models = configOf().models.map((model) => ({ ...model, expectedQuality: 0.8, taskQuality: {} }));
  const decided = await route(await start({ models }));
  for (const { propensity } of decided.candidates) expect(propensity).toBeCloseTo(1 / 3, 12);
});

test('every decision can be recomputed from the log', async () => {
  const world = await start();
  for (let i = 0; i < 20; i++)
    await route(world, { requestId: `r${i}`, prompt: `question ${i}`, sessionId: `s${i % 3}` });
  const opened = world.read(topics.routeOpened) as RouteOpened[];
  const scored = world.read(topics.strategyScored) as StrategyScored[];
  const decisions = world.read(topics.routeDecided) as RouteDecided[];
  expect(decisions).toHaveLength(20);
  for (const { stagesMs: _, positions, decidedAtMs: __, ...decided } of decisions) {
    const threads = scored
      .filter(({ requestId }) => requestId === decided.requestId)
      .flatMap((record) => record.threads);
    const pinned = opened.find(({ requestId }) => requestId === decided.requestId)!;
    expect(recomputeDecision(pinned, threads)).toEqual(decided);
    expect(Object.keys(positions).sort()).toEqual([
      'route.opened',
      'strategy.scored/learned',
      'strategy.scored/statics',
    ]);
  }
});

describe('the routing cache', () => {
  const prompt =
    'Please write a short and friendly answer to the customer who asks where the parcel of Monday is'.repeat(4);
  const learned = { ...weights, load: () => Promise.resolve(policyOf()) };
  const startCached = async (): Promise<World> => {
    const world = await start({ explorationFloor: 0.3, cache: { enabled: true, checkShare: 0 } }, separate, learned);
    await world.put(topics.weightsPublished, [publishedOf()]);
    await world.put(topics.tuning, [tuningOf({ learnedRewards: 1_000 })]);
    return world;
  };
  const propensitiesOf = ({ candidates }: RouteDecided) => candidates.map(({ propensity }) => propensity);

  test('a request that is nearly the same is judged by what the weights said: same distribution, drawn afresh', async () => {
    const world = await startCached();
    const first = await route(world, { prompt });
    expect(first.cacheHit).toBe(false);
    const hits = [];
    for (let i = 0; i < 12; i++)
      hits.push(await route(world, { requestId: `near-${i}`, prompt: prompt.replace('Monday', `day ${i % 2}`) }));
    for (const hit of hits) {
      expect(hit).toMatchObject({ cacheHit: true, degradedTo: 'NONE' });
      expect(propensitiesOf(hit)).toEqual(propensitiesOf(first).map((p) => expect.closeTo(p, 6)));
      expect(hit.threads.map(({ strategy, status }) => [strategy, status])).toEqual(
        first.threads.map(({ strategy, status }) => [strategy, status]),
      );
    }
    expect(new Set([first, ...hits].map(({ seed }) => seed)).size).toBe(13);
    expect((await route(world, { requestId: 'other', prompt: 'something else' })).cacheHit).toBe(false);
    const opened = world.read(topics.routeOpened) as RouteOpened[];
    for (const { stagesMs: _, positions: _1, decidedAtMs: _2, ...hit } of hits) {
      const pinned = opened.find(({ requestId }) => requestId === hit.requestId)!;
      expect(recomputeDecision(pinned, [])).toEqual(hit);
    }
  });

  test('what has moved since counts at once: a model that has drifted or is denied', async () => {
    const world = await startCached();
    await route(world, { prompt });
    await world.put(topics.tuning, [tuningOf({ learnedRewards: 1_001, driftOffsets: { small: -0.8 } })]);
    const drifted = await route(world, { requestId: 'drifted', prompt });
    expect(drifted.cacheHit).toBe(true);
    const learnedChoice = drifted.threads.find(({ strategy }) => strategy === 'LEARNING_OPTIMIZED')!.choice;
    expect(learnedChoice).toBe('large');
    const limits = { ...noLimits, deniedModels: ['large'] };
    const denied = await route(world, { requestId: 'denied', prompt, limits });
    expect(denied.candidates.find(({ model }) => model === 'large')).toMatchObject({ propensity: 0 });
  });
});

test('limits are kept by every decision', async () => {
  const world = await start({ explorationFloor: 1 });
  for (let i = 0; i < 20; i++) {
    const limits = { ...requestOf().limits, deniedProviders: ['beta'] };
    const decided = await route(world, { requestId: `r${i}`, limits });
    expect(decided).toMatchObject({ model: 'large', propensity: 1, fallbacks: [] });
    expect(sum(decided.candidates.map(({ propensity }) => propensity))).toBe(1);
  }
});

test('as many models as a configuration may have, with the longest names: every thread is heard, all records fit', async () => {
  const models = Array.from({ length: maxModels }, (_, i) => ({
    name: `${'m'.repeat(197)}${String(i).padStart(3, '0')}`,
    provider: `${'p'.repeat(199)}${i % 10}`,
    price: { inputPerMillionUsd: i, outputPerMillionUsd: 2 * i },
  }));
  const world = await start({ models });
  const decided = await route(world);
  expect(decided).toMatchObject({ degradedTo: 'NONE' });
  expect(decided.threads.map(({ status }) => status)).toEqual(new Array(5).fill('SUCCESS'));
  expect(decided.candidates).toHaveLength(maxModels);
  const sizes = [topics.routeOpened, topics.strategyScored, topics.routeDecided].flatMap(({ name }) =>
    world.raw(name).map(({ value }) => value!.length),
  );
  expect(Math.max(...sizes)).toBeLessThan(500_000);
  expect(() => configOf({ models: [...models, { name: 'one more', provider: 'p' }] })).toThrow();
});

const least = 1e-8;
const most = 1e9;

test.each([
  ['the least', least],
  ['the most', most],
])('a configuration of %s that amounts may be, and requests of any: every thread is heard', async (_name, amount) => {
  const price = { inputPerMillionUsd: amount, outputPerMillionUsd: amount, perRequestUsd: amount };
  const models = ['a', 'b'].map((name) => ({ name, provider: name, price, expectedLatencyMs: amount }));
  const world = await start({
    models: [...models, { name: 'c', provider: 'c', expectedLatencyMs: least, expectedOutputTokens: most }],
    utilityScale: { costUsd: least, latencyMs: least },
    budgetUsdPerRequest: amount,
    preference: { quality: least, cost: most, latency: amount },
    profileHalfLifeObservations: amount,
  });
  const numbers = [5e-324, Number.MIN_VALUE * 3, 1e-308, 1, 1e308];
  const preferences = [null, ...numbers.map((number) => ({ quality: 0, cost: number, latency: number / 3 }))];
  for (const [i, preference] of preferences.entries()) {
    const limits = { ...noLimits, maxCostUsd: 1e308, maxLatencyMs: Number.MAX_VALUE };
    const decided = await route(world, { requestId: `r${i}`, preference, limits, expectedOutputTokens: 100_000 });
    expect(decided.threads.map(({ status, error }) => [status, error])).toEqual(new Array(5).fill(['SUCCESS', null]));
    for (const { utility, expectedCostUsd } of decided.candidates)
      expect([Number.isFinite(utility), Number.isFinite(expectedCostUsd)]).toEqual([true, true]);
  }
});

test.each(['5e-324', '1e-9', '1e308', '1e10'])('an amount of %s is refused with its field', (amount) => {
  const price = { inputPerMillionUsd: Number(amount) };
  const checked = validateConfig({
    models: [{ name: 'a', provider: 'p', price, expectedLatencyMs: Number(amount) }],
    utilityScale: { costUsd: Number(amount), latencyMs: Number(amount) },
    budgetUsdPerRequest: Number(amount),
    preference: { quality: Number(amount) },
  });
  const issues = checked.ok ? [] : checked.issues;
  expect(issues.map(({ path }) => path.join('.')).sort()).toEqual([
    'budgetUsdPerRequest',
    'models.0.expectedLatencyMs',
    'models.0.price.inputPerMillionUsd',
    'preference.quality',
    'utilityScale.costUsd',
    'utilityScale.latencyMs',
  ]);
});

test.each([
  ['all in one task', ['route-intake', 'statics', 'learned', 'route-collapse'], { learned: -1, statics: -1 }],
  [
    'learned threads in a task of their own',
    ['route-intake', 'statics', 'route-collapse'],
    { learned: 0, statics: -1 },
  ],
])('%s: the same decisions as each by itself, after the scores of every group', async (_name, stages, offsets) => {
  const requests = Array.from({ length: 10 }, (_, i) => ({
    requestId: `r${i}`,
    prompt: `question ${i}`,
    sessionId: 's',
  }));
  const decisionsOf = async (placement: Placement): Promise<RouteDecided[]> => {
    const world = await start({}, placement);
    const decisions: RouteDecided[] = [];
    for (const request of requests) decisions.push(await route(world, request));
    return decisions;
  };
  const together = await decisionsOf([{ name: 'chain', group: 'statics', stages }]);
  const apart = await decisionsOf(separate);
  const withoutPlace = ({ positions: _, stagesMs: __, decidedAtMs: ___, ...decided }: RouteDecided) => ({
    ...decided,
    threads: [...decided.threads].sort((a, b) => (a.strategy < b.strategy ? -1 : 1)),
  });
  expect(together.map(withoutPlace)).toEqual(apart.map(withoutPlace));
  expect(together[0]!.positions).toEqual({
    'route.opened': -1,
    'strategy.scored/statics': offsets.statics,
    'strategy.scored/learned': expect.any(Number),
  });
  expect(together[0]!.positions['strategy.scored/learned']! < 0).toBe(offsets.learned < 0);
  expect(together.every(({ degradedTo }) => degradedTo === 'NONE')).toBe(true);
});
