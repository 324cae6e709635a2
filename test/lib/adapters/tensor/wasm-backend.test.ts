import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { createTrainer } from '../../../../lib/learning/rl/trainer';
import { seededRandom } from '../../../../lib/random/seeded';

const shape = { inputs: 2, hidden: 8, actions: 1, heads: 1 };
const settings = {
  learningRate: 0.01,
  weightDecay: 0,
  huberDelta: 1,
  gradientClip: 10,
  targetUpdate: { kind: 'copy', everySteps: 1 },
} as const;

test('networks are trained on it once it is ready, as often as that is asked, and not before', async () => {
  const backend = wasmBackend();
  expect(backend.name).toBe('wasm');
  const start = () => createTrainer(shape, settings, seededRandom(1, 'network'));
  expect(start).toThrow('no tensor backend is ready');
  await Promise.all([backend.ready(), wasmBackend().ready()]);
  const trainer = start();
  const batch = {
    rows: 1,
    x: Float32Array.of(1, -1),
    targets: Float32Array.of(1),
    weights: Float32Array.of(1),
  };
  const first = trainer.train(batch).loss;
  for (let step = 0; step < 50; step++) trainer.train(batch);
  expect(trainer.train(batch).loss).toBeLessThan(first / 10);
  trainer.dispose();
});
