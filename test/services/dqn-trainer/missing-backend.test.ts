/** What is configured to train and is not there: learning goes on with what is, since decisions have to. */
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { LearningConfig } from '../../../lib/config/router-config';
import { topics } from '../../../lib/topics/topics';
import { learningEvents } from './records';
import { createTrainerWorld, feed } from './trainer-world';

jest.mock('../../../lib/adapters/tensor/node-backend', () => ({
  ...jest.requireActual('../../../lib/adapters/tensor/node-backend'),
  nodeBackendInstalled: () => false,
}));

const learning = (backend: LearningConfig['backend']) => ({
  learning: { ...defaultRouterConfig([{ name: 'none', provider: 'none' }]).learning, backend },
});
const events = learningEvents(0, 150);

test('a backend that is not installed keeps no engine from starting: the lineage there is goes on', async () => {
  const world = await createTrainerWorld({ settings: learning('wasm') });
  await world.start(world.trainer);
  await feed(world, events.slice(0, 60));
  const before = world.published().at(-1)!;
  // As PUT writes it, or `config apply`; while the trainer runs, and then at a start.
  await world.configure(learning('node'));
  await feed(world, events.slice(60, 90));
  await world.crash('dqn-trainer');
  await feed(world, events.slice(90, 150));
  const after = world.published().at(-1)!;
  expect(after.toOffset).toBeGreaterThan(before.toOffset);
  expect(after).toMatchObject({ lineage: before.lineage, backend: 'wasm' });
  expect(world.out(topics.tuning).at(-1)!.learnedRewards).toBeGreaterThan(100);
});

test('without a lineage there is a new one, of what is there', async () => {
  const world = await createTrainerWorld({ settings: learning('node') });
  await world.start(world.trainer);
  await feed(world, events.slice(0, 60));
  expect(world.published().at(-1)).toMatchObject({ backend: 'wasm' });
});
