/** What is kept of every policy that the fold has made. */
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { WeightsVersion } from '../../../lib/topics/generated/messages';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { learningEvents } from './records';
import { canBeLoaded, createTrainerWorld, feed, startInline } from './trainer-world';

const lineages = (versions: readonly WeightsVersion[]) => new Set(versions.map(({ weights }) => weights.lineage));

const { learning } = defaultRouterConfig([{ name: 'any', provider: 'any' }]);
const lockstep = { learning: { ...learning, publish: 'lockstep' as const } };

test('every policy has a record with its lineage and what it was made under; old increments are forgotten', async () => {
  const world = await createTrainerWorld({ settings: lockstep });
  await world.start(world.trainer);
  await feed(world, learningEvents(0, 120));
  const published = world.published();
  expect(published.length).toBeGreaterThan(60);
  expect(published.map(({ reason }) => reason)).toEqual(['FIRST', ...published.slice(1).map(() => 'INCREMENT')]);
  const versions = await world.versions();
  // The first, and the newest of those that followed.
  expect(versions).toHaveLength(51);
  expect(versions[0]).toMatchObject({
    state: 'PUBLISHED',
    configVersion: 1,
    weights: { policySha256: published.at(-1)!.policySha256, sequence: published.length },
    tuning: { learnedRewards: expect.any(Number) },
  });
  expect(versions.at(-1)!.weights).toMatchObject({ sequence: 1, reason: 'FIRST' });
  expect(lineages(versions).size).toBe(1);
  expect(versions[0]!.weights.lineage).toMatch(/^[0-9a-f]{12}$/);
});

test('a refused increment is kept with its reason, and could be loaded', async () => {
  let refuse = false;
  const startFold: StartFold = async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        const tried = await fold.apply(batch);
        const outputs = tried.outputs.map((output) =>
          refuse && output.kind === 'policy' ? { ...output, rejected: 'too far' } : output,
        );
        return { ...tried, outputs };
      },
    };
  };
  const world = await createTrainerWorld({ startFold, settings: lockstep });
  await world.start(world.trainer);
  await feed(world, learningEvents(0, 40));
  refuse = true;
  await feed(world, learningEvents(40, 80));
  const refused = (await world.versions()).filter(({ state }) => state === 'REJECTED');
  // No more than twenty: the oldest go, and their blobs with them.
  expect(refused).toHaveLength(20);
  expect(refused[0]).toMatchObject({ why: 'too far', weights: { sequence: 0 } });
  expect(await canBeLoaded(world, refused[0]!.weights)).toBe(true);
  // By force one can have it all the same.
  const { policySha256 } = refused[0]!.weights;
  expect(await world.command('PROMOTE', { policySha256, force: true })).toMatchObject({ status: 'DONE' });
  expect(world.published().at(-1)).toMatchObject({ policySha256, reason: 'PROMOTION' });
  expect(await world.metrics.value('quantum_router_weights_rejected_total', {})).toBe(40);
});
