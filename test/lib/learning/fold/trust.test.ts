import { strategyNames } from '../../../../lib/config/router-config';
import { createTrust, observeStrategies, strategyWeightsOf } from '../../../../lib/learning/fold/trust';
import { seededRandom } from '../../../../lib/random/seeded';

/** Two models, drawn evenly; LEARNING prefers the first, BALANCED the second. */
function weightsAfter(decisions: number, quality: readonly [number, number]): Record<string, number> {
  const trust = createTrust();
  const random = seededRandom(1, 'trust');
  for (let i = 0; i < decisions; i++) {
    const model = random.integer(2);
    const reward = random.next() < quality[model]! ? 1 : 0;
    observeStrategies(
      trust,
      { LEARNING_OPTIMIZED: model === 0 ? 0.9 : 0.1, BALANCED: model === 0 ? 0.1 : 0.9 },
      0.5,
      reward,
    );
  }
  return strategyWeightsOf(trust, false);
}
const total = (weights: Record<string, number>): number =>
  Object.values(weights).reduce((sum, weight) => sum + weight, 0);

test('before experience the learner is trusted nearly alone', () => {
  const weights = strategyWeightsOf(createTrust(), false);
  expect(Object.keys(weights).sort()).toEqual([...strategyNames].sort());
  expect(weights.LEARNING_OPTIMIZED).toBeCloseTo(0.95);
  expect(total(weights)).toBeCloseTo(1);
});

test('a worse strategy loses its share, a better one gains within bounds', () => {
  const [worse, better] = [weightsAfter(500, [0.9, 0.3]), weightsAfter(500, [0.3, 0.9])];
  expect(worse['BALANCED']).toBeLessThan(0.001);
  expect(better['BALANCED']).toBeGreaterThan(0.1);
  expect(better['LEARNING_OPTIMIZED']).toBeGreaterThanOrEqual(0.7 - 1e-9);
  for (const weights of [worse, better]) expect(total(weights)).toBeCloseTo(1);
});

test('little evidence changes nothing; decisions without a propensity are no evidence', () => {
  expect(weightsAfter(99, [0, 1])['BALANCED']).toBeCloseTo(0.01);
  const trust = createTrust();
  observeStrategies(trust, { BALANCED: 1 }, 0, 1);
  expect(trust).toEqual(new Map());
});

test('under a budget the learner decides alone: its price of money is solved on its own votes', () => {
  const weights = strategyWeightsOf(createTrust(), true);
  expect(Object.keys(weights).sort()).toEqual([...strategyNames].sort());
  expect(Object.entries(weights).filter(([, weight]) => weight > 0)).toEqual([['LEARNING_OPTIMIZED', 1]]);
});
