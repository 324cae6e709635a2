import { pinTuning } from '../../../../lib/routing/open/pin-tuning';
import { configOf, tuningOf } from '../fixtures';

const config = configOf({ strategyWeights: { BALANCED: 0.5 } });

test('before the learner has published anything, the operator’s weights are the prior', () => {
  const tuning = pinTuning(config, undefined, 'COMBINED');
  expect(tuning).toMatchObject({ version: 0, learnedRewards: 0, costPricePerUsd: 0, costRatios: {} });
  expect(tuning.strategyWeights).toEqual(config.strategyWeights);
  expect(pinTuning(config, tuningOf({ strategyWeights: {} }), 'COMBINED')).toEqual(
    tuningOf({ strategyWeights: { ...config.strategyWeights } }),
  );
});

test('COMBINED takes the learner’s trust, WEIGHTED always the operator’s weights', () => {
  const learned = tuningOf({ strategyWeights: { BALANCED: 1 } });
  expect(pinTuning(config, learned, 'COMBINED')).toBe(learned);
  expect(pinTuning(config, learned, 'WEIGHTED').strategyWeights).toEqual(config.strategyWeights);
});
