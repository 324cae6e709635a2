import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { topics } from '../../../lib/topics/topics';
import { foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import { startFoldInline } from '../../../services/dqn-trainer/fold/fold-inline';
import { learningEvents, models } from './records';
import { createTrainerWorld, feed } from './trainer-world';

test('a fold that cannot take what comes says so in its log, catches up, and any fold of that log leaves the same out', async () => {
  const world = await createTrainerWorld({ eventMs: 10 });
  const running = await world.start(world.trainer);
  const events = learningEvents(0, 1_000);
  for (let at = 0; at < events.length; at += 20) {
    await world.send(topics.learningEvents, events.slice(at, at + 20));
    await world.clock.advanceBy(50);
  }
  await world.clock.advanceBy(5_000);
  const log = world.out(topics.learningEvents);
  const paces = log.flatMap(({ pace }) => (pace ? [pace] : []));
  expect(paces.length).toBeGreaterThan(0);
  expect(paces[0]!.rewards).toBeLessThan(1);
  expect(await world.metrics.value('quantum_router_learning_lag_events', {})).toBe(0);
  const published = world.published().map(({ policySha256 }) => policySha256);
  await running.stop();

  const config = defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' })));
  const fold = await startFoldInline(foldSettingsOf(config, 'wasm'), null);
  const { outputs } = await fold.apply(log.map((event, offset) => ({ event, offset })));
  await fold.close();
  const again = outputs.flatMap((output) => (output.kind === 'policy' ? [output.policySha256] : []));
  expect(again).toEqual(published);
  const learned = outputs.flatMap((output) => (output.kind === 'tuning' ? [output.tuning.learnedRewards] : [])).at(-1)!;
  expect(learned).toBeLessThan(900);
});

test('a fold that can take what comes writes nothing into its log', async () => {
  const world = await createTrainerWorld({ eventMs: 1 });
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, 120));
  expect(world.out(topics.learningEvents)).toHaveLength(120);
  await running.stop();
});
