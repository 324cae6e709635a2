import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { rearrangeActions } from '../../../../lib/learning/rl/rearrange-actions';
import { createTrainer, type Trainer } from '../../../../lib/learning/rl/trainer';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());

const shape = { inputs: 3, hidden: 8, actions: 2, heads: 2 };
const x = Float32Array.of(0.3, -1, 0.5);

function trained(): Trainer {
  const settings = {
    learningRate: 1e-2,
    weightDecay: 0,
    huberDelta: 1,
    gradientClip: 10,
    targetUpdate: { kind: 'polyak', share: 0.1 },
  } as const;
  const trainer = createTrainer(shape, settings, seededRandom(1, 'net'));
  const batch = { rows: 1, x, targets: Float32Array.of(1, 2, 3, 4), weights: new Float32Array(4).fill(1) };
  for (let i = 0; i < 20; i++) trainer.train(batch);
  return trainer;
}

describe.each(['online', 'target'] as const)('in the %s network', (which) => {
  test('the remaining actions predict as before; a newcomer is the mean of all there were, head by head', () => {
    const trainer = trained();
    const [a0, a1, b0, b1] = trainer.predict(x, 1, which);
    const moved = rearrangeActions(trainer, [1, -1, 0], { kind: 'mean', optimism: 0.5 });
    const after = [...moved.predict(x, 1, which)];
    expect([after[0], after[1], after[4], after[5]]).toEqual([b0, b1, a0, a1]);
    expect(after[2]).toBeCloseTo((a0! + b0!) / 2 + 0.5, 5);
    expect(after[3]).toBeCloseTo((a1! + b1!) / 2 + 0.5, 5);
    moved.dispose();
  });

  test('an action that leaves takes only itself', () => {
    const trainer = trained();
    const before = [...trainer.predict(x, 1, which)];
    const moved = rearrangeActions(trainer, [1], { kind: 'mean', optimism: 0 });
    expect([...moved.predict(x, 1, which)]).toEqual(before.slice(2));
    moved.dispose();
  });
});

test('a random newcomer starts near 0 and not like the others', () => {
  const moved = rearrangeActions(trained(), [0, -1], { kind: 'random', random: seededRandom(2) });
  const after = moved.predict(x, 1);
  expect(Math.abs(after[2]!)).toBeLessThan(0.5);
  expect(after[2]).not.toBe(0);
  moved.dispose();
});

test('the optimiser goes on where it was: moments of the rest stay, those of newcomers are 0', () => {
  const trainer = trained();
  const before = trainer.optimizer();
  const moved = rearrangeActions(trainer, [0, 1, -1], { kind: 'mean', optimism: 0 });
  const after = moved.optimizer();
  expect(after.steps).toBe(20);
  const hiddenLayers = 3 * 8 + 8 + 8 * 8 + 8;
  expect(after.first.subarray(0, hiddenLayers)).toEqual(before.first.subarray(0, hiddenLayers));
  // The last layer's first row: the two old actions, then the newcomer.
  expect([...after.second.subarray(hiddenLayers, hiddenLayers + 6)]).toEqual([
    ...before.second.subarray(hiddenLayers, hiddenLayers + 4),
    0,
    0,
  ]);
  moved.dispose();
});
