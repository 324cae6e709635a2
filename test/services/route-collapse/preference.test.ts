/** Requests with different wishes through the request path on one set of learned weights: no training between them. */
import { bytesOf } from '../../../lib/learning/features/encode';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { Preference, RouteDecided, WeightsPublished } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { createRouteIntake } from '../../../services/route-intake/service';
import { createStrategyThreads } from '../../../services/strategy-threads/service';
import { follow, newLearner } from '../../lib/learning/toy-world';
import { wishEvents, wishModels } from '../../lib/learning/wish-world';
import { configOf, requestOf } from '../../lib/routing/fixtures';
import { createWorld, type World } from '../../lib/stream/toy';

async function startLearned(): Promise<World> {
  const learner = await newLearner();
  const { policy, tuning, outputs } = follow(learner, wishEvents(300));
  learner.dispose();
  const newest = outputs.flatMap((output) => (output.kind === 'policy' ? [output.published] : [])).at(-1)!;
  const world = createWorld();
  const { keyValue, metrics } = world.host;
  const strategies = ['LEARNING_OPTIMIZED'] as const;
  const weights = { load: (): Promise<LearnedPolicy | null> => Promise.resolve(policy) };
  const strategyGroups = [{ group: 'strategy-threads', strategies }];
  await world.start(createRouteIntake({ keyValue, strategyGroups, maxSessions: 10, sessionTtlMs: 1_000, metrics }));
  await world.start(createStrategyThreads({ weights, clock: world.clock }));
  await world.start(createRouteCollapse({ maxPendingRoutes: 1_000, metrics }));
  const models = wishModels.map((name) => ({ name, provider: name }));
  const utilityScale = { costUsd: 0.001, latencyMs: 10_000 };
  const config = configOf({ models, strategies, utilityScale, cache: { enabled: false } });
  const published: WeightsPublished = { ...newest, sequence: 1, lineage: '', reason: 'INCREMENT', publishedAtMs: 1 };
  await world.put(topics.config, [
    { version: 1, json: JSON.stringify(config), appliedAtMs: 1, appliedBy: '', fileSha256: null },
  ]);
  await world.put(topics.weightsPublished, [published]);
  await world.put(topics.tuning, [tuning]);
  return world;
}

test('what a request wishes for decides at once, by the learned qualities and costs', async () => {
  const world = await startLearned();
  let count = 0;
  const decide = async (x: number, preference: Preference): Promise<RouteDecided> => {
    const requestId = `r${count++}`;
    const features = bytesOf(Float32Array.of(x, 0));
    const requestedAtMs = world.clock.nowMs();
    const request = requestOf({ requestId, requestedAtMs, prompt: null, features, preference });
    await world.put(topics.routeRequested, [request]);
    await world.clock.advanceBy(5);
    return (world.read(topics.routeDecided) as RouteDecided[]).find((decided) => decided.requestId === requestId)!;
  };
  const thoroughShare = async (x: number, preference: Preference): Promise<number> => {
    const decided = await decide(x, preference);
    expect(decided).toMatchObject({ strategy: 'LEARNING_OPTIMIZED', degradedTo: 'NONE' });
    return decided.candidates.find(({ model }) => model === 'thorough')!.propensity;
  };
  const qualityAlone = { quality: 1, cost: 0, latency: 0 };
  const thrifty = { quality: 0.7, cost: 0.3, latency: 0 };
  expect(await thoroughShare(1, qualityAlone)).toBeGreaterThan(0.9);
  expect(await thoroughShare(1, thrifty)).toBeLessThan(0.1);
  expect(await thoroughShare(-1, thrifty)).toBeGreaterThan(0.9);
  const versions = (world.read(topics.routeDecided) as RouteDecided[]).map((decided) => decided.versions.policySha256);
  expect(new Set(versions).size).toBe(1);
  expect(versions[0]).not.toBeNull();
});
