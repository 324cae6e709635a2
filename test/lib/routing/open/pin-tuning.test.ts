import { pinTuning } from '../../../../lib/routing/open/pin-tuning';
import { configOf, tuningOf } from '../fixtures';

const config = configOf({ strategyWeights: { BALANCED: 0.5 } });

test('before the learner has published anything, the operator’s weights are the prior', () => {
  const tuning = pinTuning(config, undefined, 'COMBINED', 'code');
  expect(tuning).toMatchObject({ version: 0, learnedRewards: 0, costPricePerUsd: 0, costRatios: {} });
  expect(tuning.strategyWeights).toEqual(config.strategyWeights);
  expect(pinTuning(config, tuningOf({ strategyWeights: {} }), 'COMBINED', 'code')).toEqual(
    tuningOf({ strategyWeights: { ...config.strategyWeights } }),
  );
});

test('COMBINED takes the learner’s trust, WEIGHTED the operator’s weights', () => {
  const learned = tuningOf({ strategyWeights: { BALANCED: 1 } });
  expect(pinTuning(config, learned, 'COMBINED', 'code')).toBe(learned);
  expect(pinTuning(config, learned, 'WEIGHTED', 'code').strategyWeights).toEqual(config.strategyWeights);
});

test('both by what is known of the request’s task, which is all that is pinned of it', () => {
  const learned = tuningOf({
    strategyWeights: { LEARNING_OPTIMIZED: 0.9, BALANCED: 0.1 },
    strategyFactors: { '': { BALANCED: 1 }, code: { BALANCED: 2 } },
  });
  for (const [collapse, task, balanced] of [
    ['COMBINED', 'code', 0.2],
    ['COMBINED', 'math', 0.1],
    ['WEIGHTED', 'code', 1],
    ['WEIGHTED', 'math', 0.5],
  ] as const) {
    const tuning = pinTuning(config, learned, collapse, task);
    expect(tuning.strategyWeights['BALANCED']).toBeCloseTo(balanced, 9);
    expect(tuning.strategyFactors).toEqual({});
    expect(pinTuning(config, learned, collapse, task)).toBe(tuning);
  }
  // Unknown tasks are all alike, however many there are.
  expect(pinTuning(config, learned, 'COMBINED', 'a')).toBe(pinTuning(config, learned, 'COMBINED', 'b'));
});
