import { strategyNames } from '../../../../lib/config/router-config';
import {
  createTrust,
  observeStrategies,
  strategyFactorsOf,
  strategyWeightsOf,
  type Trust,
} from '../../../../lib/learning/fold/trust';
import { seededRandom } from '../../../../lib/random/seeded';

/** Two models, drawn evenly; LEARNING prefers the first, BALANCED the second. */
function play(
  decisions: number,
  quality: readonly [number, number],
  task = 'general',
  trust: Trust = createTrust(),
): Trust {
  const random = seededRandom(1, 'trust', task, String(decisionsIn(trust, task)));
  for (let i = 0; i < decisions; i++) {
    const model = random.integer(2);
    const reward = random.next() < quality[model]! ? 1 : 0;
    observeStrategies(
      trust,
      task,
      { LEARNING_OPTIMIZED: model === 0 ? 0.9 : 0.1, BALANCED: model === 0 ? 0.1 : 0.9 },
      0.5,
      reward,
    );
  }
  return trust;
}
const decisionsIn = ({ tasks }: Trust, task: string): number => tasks.get(task)?.get('BALANCED')?.decisions ?? 0;
const weightsAfter = (decisions: number, quality: readonly [number, number]): Record<string, number> =>
  strategyWeightsOf(play(decisions, quality), false);
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
  observeStrategies(trust, 'code', { BALANCED: 1 }, 0, 1);
  expect(trust).toEqual(createTrust());
});

test('under a budget the learner decides alone: its price of money is solved on its own votes', () => {
  const weights = strategyWeightsOf(createTrust(), true);
  expect(Object.keys(weights).sort()).toEqual([...strategyNames].sort());
  expect(Object.entries(weights).filter(([, weight]) => weight > 0)).toEqual([['LEARNING_OPTIMIZED', 1]]);
});

describe('by task type', () => {
  test('a strategy that is good at one task and bad at another is trusted with the one alone', () => {
    const trust = createTrust();
    for (let i = 0; i < 60; i++) {
      play(10, [0.3, 0.9], 'code', trust);
      play(10, [0.9, 0.3], 'math', trust);
    }
    const factors = strategyFactorsOf(trust);
    expect(factors['code']!['BALANCED']).toBeGreaterThan(3);
    expect(factors['math']!['BALANCED']).toBeLessThan(1 / 3);
    // Over all tasks it is about as good as the learned one.
    expect(factors['']!['BALANCED']).toBeGreaterThan(factors['math']!['BALANCED']!);
    expect(factors['']!['BALANCED']).toBeLessThan(factors['code']!['BALANCED']!);
    for (const ofTask of Object.values(factors)) {
      expect(ofTask['LEARNING_OPTIMIZED']).toBe(1);
      // Nobody has seen what it would have done.
      expect(ofTask['PERFORMANCE']).toBe(1);
    }
  });

  test('a task that says little is as all tasks are; the more it says, the more it counts', () => {
    const trust = play(99, [0.9, 0.3], 'rare', play(1_000, [0.3, 0.9], 'code'));
    const factors = strategyFactorsOf(trust);
    expect(factors['rare']).toBeUndefined();
    const balancedAfter = (decisions: number): number =>
      strategyFactorsOf(play(decisions, [0.9, 0.3], 'other', play(1_000, [0.3, 0.9], 'code')))['other']!['BALANCED']!;
    expect(balancedAfter(120)).toBeLessThan(factors['']!['BALANCED']!);
    expect(balancedAfter(400)).toBeLessThan(balancedAfter(120));
  });

  test('whatever callers call their tasks, few are told apart, and the commonest stay', () => {
    const trust = play(300, [0.3, 0.9], 'common');
    for (let i = 0; i < 500; i++) play(1, [1, 1], `hint ${i}`, trust);
    expect(trust.tasks.size).toBe(12);
    expect(strategyFactorsOf(trust)['common']!['BALANCED']).toBeGreaterThan(1);
    expect(Object.keys(strategyFactorsOf(trust)).sort()).toEqual(['', 'common']);
    play(200, [0.3, 0.9], 'constructor', trust);
    expect(strategyFactorsOf(trust)['constructor']!['BALANCED']).toBeGreaterThan(1);
    expect(strategyFactorsOf(trust)['toString']).toBeUndefined();
  });
});
