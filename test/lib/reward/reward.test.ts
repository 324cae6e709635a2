import fc from 'fast-check';
import { defaultRewardWeights } from '../../../lib/config/router-config';
import { qualityOf, type RewardWeights, rewardOf } from '../../../lib/reward/reward';
import { utilityOf, utilityWeights } from '../../../lib/routing/judge/utility';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';

type Said = Pick<RouteOutcome, 'status' | 'quality' | 'rewardParts'>;
const said = (change: Partial<Said> = {}): Said => ({ status: 'SUCCESS', quality: null, rewardParts: {}, ...change });

test.each<[string, Partial<Said>, RewardWeights, number | null]>([
  ['the own quality alone', { quality: 0.8 }, defaultRewardWeights, 0.8],
  ['user feedback alone', { rewardParts: { userFeedback: 1 } }, defaultRewardWeights, 1],
  ['a judge and a user', { quality: 0.5, rewardParts: { userFeedback: 1 } }, defaultRewardWeights, 0.75],
  [
    'a judge and a user who counts thrice',
    { quality: 0.5, rewardParts: { userFeedback: 1 } },
    { userFeedback: 3 },
    0.875,
  ],
  ['a part that is not listed', { quality: 1, rewardParts: { format: 0 } }, { quality: 3 }, 0.75],
  ['a part named like something every object has', { rewardParts: { constructor: 1 } }, {}, 1],
  ['a part of weight 0', { quality: 0.5, rewardParts: { userFeedback: 0 } }, { userFeedback: 0 }, 0.5],
  ['only parts of weight 0', { quality: 0.5 }, { quality: 0 }, null],
  ['nothing', {}, defaultRewardWeights, null],
  ['a cancelled call', { status: 'CANCELLED' }, defaultRewardWeights, null],
  ['a cancelled call that was judged', { status: 'CANCELLED', quality: 0.4 }, defaultRewardWeights, 0.4],
  ['a failed call, whatever else is said', { status: 'FAILURE', quality: 1 }, defaultRewardWeights, 0],
  ['a timeout', { status: 'TIMEOUT' }, { quality: 0 }, 0],
  ['a rate-limited call', { status: 'RATE_LIMITED', quality: 1 }, defaultRewardWeights, null],
])('quality of %s', (_, change, weights, expected) => {
  expect(qualityOf(said(change), weights)).toBe(expected);
});

test('a quality lies between the worst and the best part, and only the ratio of weights matters', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const weight = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      part,
      part,
      part,
      weight,
      weight,
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (q, u, f, a, b, scale) => {
        const outcome = said({ quality: q, rewardParts: { userFeedback: u, format: f } });
        const quality = qualityOf(outcome, { quality: a, userFeedback: b, format: 1 })!;
        expect(quality).toBeGreaterThanOrEqual(Math.min(q, u, f) - 1e-12);
        expect(quality).toBeLessThanOrEqual(Math.max(q, u, f) + 1e-12);
        const scaled = { quality: a * scale, userFeedback: b * scale, format: scale };
        expect(qualityOf(outcome, scaled)).toBeCloseTo(quality, 9);
      },
    ),
  );
});

test('a reward is the utility of what was observed; an unknown cost counts as expected, an unknown latency as none', () => {
  const weights = utilityWeights({ quality: 2, cost: 1, latency: 1 }, { costUsd: 0.01, latencyMs: 10_000 }, 50);
  const observed = { quality: 0.8, costUsd: 0.004, latencyMs: 2_000 };
  // .5 * .8 - (.25 / .01 + 50) * .004 - .25 * 2,000 / 10,000
  expect(rewardOf(observed, weights, 1)).toBeCloseTo(0.4 - 0.3 - 0.05, 12);
  expect(rewardOf(observed, weights, 1)).toBe(utilityOf(weights, 0.8, 0.004, 2_000));
  expect(rewardOf({ ...observed, costUsd: null, latencyMs: null }, weights, 0.002)).toBeCloseTo(0.4 - 0.15, 12);
  expect(rewardOf({ ...observed, quality: null }, weights, 0)).toBeNull();
});
