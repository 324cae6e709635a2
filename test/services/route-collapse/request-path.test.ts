/** The three services of the request path together: a request in, a decision out. */
import { recomputeDecision } from '../../../lib/routing/recompute';
import type { RouteDecided, RouteOpened, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { createRouteIntake } from '../../../services/route-intake/service';
import { createStrategyThreads } from '../../../services/strategy-threads/service';
import { configOf, requestOf, sum } from '../../lib/routing/fixtures';
import { createWorld, type World } from '../../lib/runtime/toy';

const statics = ['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT'] as const;
const weights = { load: () => Promise.resolve(null) };

async function start(config: Record<string, unknown> = {}): Promise<World> {
  const world = createWorld({ partitions: 2 });
  const strategyGroups = [
    { group: 'statics', strategies: statics },
    { group: 'learned', strategies: ['LEARNING_OPTIMIZED'] },
  ];
  const { keyValue, metrics } = world.host;
  await world.start(createRouteIntake({ keyValue, strategyGroups, maxSessions: 10, sessionTtlMs: 1_000, metrics }));
  await world.start(createStrategyThreads({ weights, clock: world.clock, group: 'statics', strategies: statics }));
  await world.start(
    createStrategyThreads({ weights, clock: world.clock, group: 'learned', strategies: ['LEARNING_OPTIMIZED'] }),
  );
  await world.start(createRouteCollapse({ maxPendingRoutes: 1_000, cacheTtlMs: 1_000, metrics }));
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

test('before any weights the engine explores uniformly, with every thread heard', async () => {
  const decided = await route(await start());
  expect(decided.threads.map(({ strategy, status }) => [strategy, status])).toEqual(
    ['LEARNING_OPTIMIZED', ...statics].map((strategy) => [strategy, 'SUCCESS']),
  );
  expect(decided).toMatchObject({ degradedTo: 'NONE', strategy: 'LEARNING_OPTIMIZED', cacheHit: false });
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

test('an equal request is answered from the cache: same distribution, drawn afresh', async () => {
  const world = await start({ strategies: [...statics], explorationFloor: 0.3 });
  const first = await route(world);
  const hits = [];
  for (let i = 0; i < 12; i++) hits.push(await route(world, { requestId: `equal-${i}` }));
  const propensities = first.candidates.map(({ propensity }) => propensity);
  for (const hit of hits) {
    expect(hit.cacheHit).toBe(true);
    expect(hit.candidates.map(({ propensity }) => propensity)).toEqual(propensities.map((p) => expect.closeTo(p, 9)));
  }
  expect(new Set([first, ...hits].map(({ seed }) => seed)).size).toBe(13);
  expect((await route(world, { requestId: 'other', prompt: 'something else' })).cacheHit).toBe(false);
  await world.clock.advanceBy(1_000);
  expect((await route(world, { requestId: 'later' })).cacheHit).toBe(false);
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
