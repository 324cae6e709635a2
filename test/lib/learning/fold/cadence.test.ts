import { nextRefit, policyStep, tuningStep } from '../../../../lib/learning/fold/cadence';
import { coldStartJudgement, coldStartRewards, isColdStart } from '../../../../lib/learning/fold/cold-start';
import { inBootstrap } from '../../../../lib/learning/rl/bootstrap';
import { trainingSteps } from '../../../../lib/learning/value/network-training';
import { noTuning, openedOf } from '../toy-world';

test('policies every 16 rewards at first, every 32 after that, then every hundredth; tunings every 8 events; lockstep: both each time', () => {
  expect([1, 319, 320, 3200, 3300, 50_000].map((n) => policyStep('steps', n))).toEqual([16, 16, 32, 32, 33, 500]);
  expect([1, 50_000].map((n) => policyStep('lockstep', n))).toEqual([1, 1]);
  expect(tuningStep('steps')).toBe(8);
  expect(tuningStep('lockstep')).toBe(1);
});

test('everything is fitted anew at every doubling of the first rewards, then at each third more', () => {
  expect([0, 24, 299, 300, 1000].map(nextRefit)).toEqual([0, 48, 598, 390, 1300]);
});

test('the cold start lasts four rewards a model, at least 24; eight a model in requests of earlier releases', () => {
  expect([1, 6, 7, 12].map((models) => coldStartRewards(models))).toEqual([24, 24, 28, 48]);
  const twelve = Array.from({ length: 12 }, (_, i) => `model ${i}`);
  const tuning = { ...noTuning, learnedRewards: 95 };
  expect(isColdStart(openedOf({ tuning, rewardsPerModel: 8 }, twelve))).toBe(true);
  expect(isColdStart(openedOf({ tuning }, twelve))).toBe(false);
  expect(isColdStart(openedOf({ tuning: { ...noTuning, learnedRewards: 23 } }))).toBe(true);
  expect(isColdStart(openedOf({ tuning: { ...noTuning, learnedRewards: 24 } }))).toBe(false);
});

test('in the cold start every eligible candidate alike', () => {
  const opened = openedOf({}, ['a', 'b', 'c'], (model) => ({ eligible: model !== 'b' }));
  const judgement = coldStartJudgement(opened, null);
  expect(judgement).toMatchObject({ probabilities: [0.5, 0, 0.5], confidence: 0, coldStart: true, policySha256: null });
});

test('a step per event at first, then every fifth event, then every tenth; the network alone takes more', () => {
  const steps = (pipeline: 'full' | 'dqn', from: number): number =>
    Array.from({ length: 1000 }, (_, i) => trainingSteps(from + i, pipeline)).reduce((sum, n) => sum + n, 0);
  expect([1, 1001, 9001, 10_001].map((from) => steps('full', from))).toEqual([1000, 200, 200, 100]);
  expect([1, 9001, 10_001].map((from) => steps('dqn', from))).toEqual([2000, 2000, 500]);
  expect([1, 2, 1001, 1004, 1005].map((events) => trainingSteps(events, 'full'))).toEqual([1, 1, 0, 0, 1]);
});

test('each head learns from four fifths of the rewards, each from others', () => {
  const taken = (head: number): boolean[] => Array.from({ length: 5000 }, (_, offset) => inBootstrap(7, offset, head));
  const [first, second] = [taken(0), taken(1)];
  expect(first.filter(Boolean).length / 5000).toBeCloseTo(0.8, 1);
  expect(first.filter((is, i) => is && second[i]).length / 5000).toBeCloseTo(0.64, 1);
});
