/** Requests, decisions and outcomes of an experiment through the services that have a part in it. */
import { routeOutcome } from '../../../lib/client/build-records';
import { configToJson } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import { runServices } from '../../../lib/stream/run-engine';
import { externallyWritten } from '../../../lib/stream/validate-graph';
import type { ExperimentState, RouteDecided } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createBudgets } from '../../../services/budgets/service';
import { createExperiments } from '../../../services/experiments/service';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { createRouteIntake } from '../../../services/route-intake/service';
import { createStrategyThreads } from '../../../services/strategy-threads/service';
import { configOf, requestOf } from '../../lib/routing/fixtures';
import { createWorld, type World } from '../../lib/stream/toy';

const strategies = ['BALANCED', 'COST_EFFICIENT'] as const;

async function start(config: RouterConfig): Promise<World> {
  const world = createWorld({ partitions: 2 });
  const { keyValue, metrics } = world.host;
  const stages = [
    createRouteIntake({
      keyValue,
      strategyGroups: [{ group: 'statics', strategies }],
      maxSessions: 10,
      sessionTtlMs: 1_000,
      metrics,
    }),
    createStrategyThreads({
      weights: { load: () => Promise.resolve(null) },
      clock: world.clock,
      group: 'statics',
      strategies,
    }),
    createRouteCollapse({ maxPendingRoutes: 1_000, metrics }),
    createBudgets({ metrics }),
    createRewardFeedback({ windowMs: 60_000, maxAwaited: 1_000, metrics }),
    createExperiments({ metrics }),
  ];
  const { modelProfile, tuning, weightsPublished } = topics;
  const external = [...externallyWritten, ...[modelProfile, tuning, weightsPublished].map(({ name }) => name)];
  await runServices(stages, world.host, { external });
  await apply(world, config, 1);
  return world;
}

async function apply(world: World, config: RouterConfig, version: number): Promise<void> {
  const applied = { version, json: configToJson(config), appliedAtMs: 1, appliedBy: '', fileSha256: null };
  await world.put(topics.config, [applied]);
}

async function route(world: World, count: number, from = 0): Promise<RouteDecided[]> {
  const requests = Array.from({ length: count }, (_, i) =>
    requestOf({ requestId: `r${from + i}`, requestedAtMs: world.clock.nowMs() }),
  );
  await world.put(topics.routeRequested, requests);
  await world.clock.advanceBy(50);
  const ids = new Set(requests.map(({ requestId }) => requestId));
  return (world.read(topics.routeDecided) as RouteDecided[]).filter(({ requestId }) => ids.has(requestId));
}

async function report(world: World, decisions: readonly RouteDecided[], qualityOf: (arm: string) => number) {
  const outcomes = decisions.map((decision) =>
    routeOutcome(decision, {
      status: 'SUCCESS',
      occurredAtMs: world.clock.nowMs(),
      quality: qualityOf(decision.exposures[0]!.arm),
      costUsd: 0.001,
    }),
  );
  await world.put(topics.routeOutcome, outcomes);
  await world.clock.advanceBy(1_100);
}

function stateIn(world: World): ExperimentState {
  return (world.read(topics.experimentStates) as ExperimentState[]).at(-1)!;
}

const base = {
  strategies: [...strategies],
  collapse: 'FIRST_SUCCESS',
  threadTimeoutMs: 1_000,
  cache: { enabled: false },
};
const experiment = {
  name: 'order',
  arms: [{ name: 'control' }, { name: 'cheap', set: { strategies: ['COST_EFFICIENT'] } }],
  guardrails: [{ metric: 'quality' }],
};

test('arms are routed by their settings, say so in the decision, and are compared by what comes of them', async () => {
  const world = await start(configOf({ ...base, experiments: [experiment] }));
  const decided = await route(world, 40);
  expect(decided).toHaveLength(40);
  for (const { exposures, threads } of decided) {
    expect(exposures).toMatchObject([{ experiment: 'order' }]);
    const arm = exposures[0]!.arm;
    expect(threads.map(({ strategy }) => strategy)).toEqual(arm === 'cheap' ? ['COST_EFFICIENT'] : [...strategies]);
  }
  await report(world, decided, (arm) => (arm === 'cheap' ? 0.25 : 0.75));
  const state = stateIn(world);
  const cheap = decided.filter(({ exposures }) => exposures[0]!.arm === 'cheap').length;
  expect(state.arms).toMatchObject([
    { name: 'control', units: 40 - cheap, quality: 0.75, failure: 0, costUsd: 0.001 },
    { name: 'cheap', units: cheap, quality: 0.25, failure: 0 },
  ]);
  // Too few to say anything.
  expect(state).toMatchObject({ stopped: null, rollout: 1 });
});

test('a broken guardrail takes everybody back to the configuration', async () => {
  const world = await start(configOf({ ...base, experiments: [experiment] }));
  const decided = await route(world, 400);
  let seen = 0;
  // No two answers are quite alike.
  await report(world, decided, (arm) => (arm === 'cheap' ? 0.2 : 0.8) + (seen++ % 10) / 100);
  expect(stateIn(world)).toMatchObject({ rollout: 0 });
  expect(stateIn(world).stopped).toMatch(/^cheap: quality is worse/);
  const after = await route(world, 20, 1_000);
  expect(after.flatMap(({ exposures }) => exposures)).toEqual([]);
  for (const { threads } of after) expect(threads.map(({ strategy }) => strategy)).toEqual([...strategies]);
});

test('a request that says itself what the arms set takes no part', async () => {
  const world = await start(configOf({ ...base, experiments: [experiment] }));
  await world.put(topics.routeRequested, [requestOf({ requestId: 'own', strategies: ['BALANCED'] })]);
  await world.clock.advanceBy(50);
  expect((world.read(topics.routeDecided) as RouteDecided[])[0]).toMatchObject({ requestId: 'own', exposures: [] });
});

test('what an experiment has ended with, or was before it was changed, counts for nothing', async () => {
  const world = await start(configOf({ ...base, experiments: [experiment] }));
  const decided = await route(world, 10);
  const shown = world.read(topics.experimentStates).length;
  await apply(world, configOf(base), 2);
  await report(world, decided, () => 1);
  expect(world.read(topics.experimentStates).length).toBe(shown);
  expect((await route(world, 5, 100)).flatMap(({ exposures }) => exposures)).toEqual([]);
});

test('an experiment goes on where its services begin anew, and where the model that was decided on is configured no more', async () => {
  const config = (models?: readonly string[]) => {
    const all = configOf({ ...base, experiments: [{ ...experiment, guardrails: [] }] });
    return models ? { ...all, models: all.models.filter(({ name }) => models.includes(name)) } : all;
  };
  const world = await start(config());
  const before = await route(world, 40);
  await report(world, before.slice(0, 20), () => 0.5);
  const models = config().models.map(({ name }) => name);
  const gone = before[20]!.model;
  await apply(world, config(models.filter((name) => name !== gone)), 2);
  for (const group of ['experiments', 'reward-feedback', 'route-intake']) world.broker.rebalance(group);
  await world.clock.advanceBy(1_000);
  await report(world, before.slice(20), () => 0.5);
  const after = await route(world, 10, 100);
  expect(after.map(({ model }) => model)).not.toContain(gone);
  for (const { exposures } of after) expect(exposures).toMatchObject([{ experiment: 'order' }]);
  await report(world, after, () => 0.5);
  const { arms, differences } = stateIn(world);
  expect(arms.reduce((sum, { units }) => sum + units, 0)).toBe(50);
  // The first ten of either arm are only learned from; every other report has counted.
  const quality = differences.find(({ metric }) => metric === 'quality')!;
  expect(quality.units).toBeGreaterThan(20);
  const sides = [...before, ...after].map(({ exposures }) => exposures[0]!.arm);
  expect(arms.map(({ name, units }) => [name, units])).toEqual(
    ['control', 'cheap'].map((name) => [name, sides.filter((arm) => arm === name).length]),
  );
});
