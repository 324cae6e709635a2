import { crossFittedRewards } from '../../../../lib/learning/ope/reward-model';
import { seededRandom } from '../../../../lib/random/seeded';
import { decision, toyLog } from './toy-log';

const means = (context: number) => (context === 0 ? [0.9, 0.2, 0.5] : [0.1, 0.8, 0.5]);
const log = (rows: number, noise = 0.1) =>
  toyLog({ rows, logging: () => [0.4, 0.3, 0.3], means, noise }, seededRandom(3));

test('learns what each model is worth in each context', () => {
  const decisions = log(600);
  const predicted = crossFittedRewards(decisions, 3, [0, 1]);
  decisions.forEach(({ features }, row) => {
    means(features[0]!).forEach((mean, model) => {
      expect(Math.abs(predicted[row * 3 + model]! - mean)).toBeLessThan(0.08);
    });
  });
});

test("a decision's reward does not move its own prediction, nor that of its session or of the same request", () => {
  const base = log(60).map((one, i) => ({ ...one, cluster: i < 4 ? 'session' : null, id: i === 5 ? 'd4' : one.id }));
  const before = crossFittedRewards(base, 3, [-10, 10]);
  const onlySession = crossFittedRewards(
    base.map((one, i) => (i === 0 ? { ...one, reward: 9 } : one)),
    3,
    [-10, 10],
  );
  const onlyRequest = crossFittedRewards(
    base.map((one, i) => (i === 4 ? { ...one, reward: 9 } : one)),
    3,
    [-10, 10],
  );
  const same = (a: Float64Array, row: number) => [0, 1, 2].every((m) => a[row * 3 + m] === before[row * 3 + m]);
  expect([0, 1, 2, 3].every((row) => same(onlySession, row))).toBe(true);
  expect([4, 5].every((row) => same(onlyRequest, row))).toBe(true);
  expect(base.some((_, row) => !same(onlySession, row))).toBe(true);
});

test('predictions stay within the range of the rewards, also for a model without any', () => {
  const decisions = log(80).map((one) => (one.chosen === 2 ? { ...one, reward: null } : one));
  const predicted = crossFittedRewards(decisions, 3, [0.2, 0.7]);
  expect(Math.min(...predicted)).toBeGreaterThanOrEqual(0.2);
  expect(Math.max(...predicted)).toBeLessThanOrEqual(0.7);
});

test('no rewards at all, and many task types, are no trouble', () => {
  const decisions = Array.from({ length: 60 }, (_, i) =>
    decision({ id: `${i}`, task: `task ${i % 30}`, reward: null }),
  );
  expect(Array.from(crossFittedRewards(decisions, 2, [0, 0])).every((value) => value === 0)).toBe(true);
});

test('features must be alike in number', () => {
  const odd = [decision(), decision({ id: 'odd one', features: new Float32Array(1) })];
  expect(() => crossFittedRewards(odd, 2, [0, 1])).toThrow('odd one has 1 features, the first one has 0');
});
