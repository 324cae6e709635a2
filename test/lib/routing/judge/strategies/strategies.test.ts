import fc from 'fast-check';
import { strategyNames } from '../../../../../lib/config/router-config';
import { indexOfLargest } from '../../../../../lib/routing/judge/distribution';
import { strategies } from '../../../../../lib/routing/judge/strategies/strategies';
import type { LearnedPolicy } from '../../../../../lib/routing/judge/strategy';
import { anyOpened, candidateOf, openedOf, sum } from '../../fixtures';

const choiceOf = (name: (typeof strategyNames)[number], opened = openedOf()): string =>
  opened.candidates[indexOfLargest(strategies[name](opened, null).probabilities)]!.model;

test.each(strategyNames)('%s gives a finite judgement and a distribution over the eligible, twice the same', (name) => {
  fc.assert(
    fc.property(anyOpened, (opened) => {
      const judgement = strategies[name](opened, null);
      expect(sum(judgement.probabilities)).toBeCloseTo(1, 9);
      opened.candidates.forEach((candidate, i) => {
        if (!candidate.eligible) expect(judgement.probabilities[i]).toBe(0);
        expect(judgement.probabilities[i]).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(judgement.utilities[i])).toBe(true);
        expect(judgement.qualities[i]).toBeGreaterThanOrEqual(0);
        expect(judgement.qualities[i]).toBeLessThanOrEqual(1);
      });
      expect(judgement.confidence).toBeGreaterThanOrEqual(0);
      expect(judgement.confidence).toBeLessThanOrEqual(1);
      expect(strategies[name](opened, null)).toEqual(judgement);
    }),
  );
});

test('each static strategy wants something else', () => {
  expect(choiceOf('TASK_OPTIMIZED')).toBe('large');
  expect(choiceOf('COST_EFFICIENT')).toBe('small');
  expect(choiceOf('PERFORMANCE')).toBe('swift');
  expect(strategies.RANDOM(openedOf(), null).probabilities).toEqual([1 / 3, 1 / 3, 1 / 3]);
});

test('TASK_OPTIMIZED tries a model nobody has observed, though it is expected to be a little worse', () => {
  const opened = openedOf({
    candidates: [
      candidateOf('known', 'p', { expectedQuality: 0.8, observations: 1_000 }),
      candidateOf('new', 'p', { expectedQuality: 0.75, observations: 0 }),
    ],
  });
  expect(choiceOf('TASK_OPTIMIZED', opened)).toBe('new');
});

test('COST_EFFICIENT takes the cheapest of those within a tenth of the best, and never one that is not', () => {
  const candidates = [
    candidateOf('best', 'p', { expectedQuality: 0.9, expectedCostUsd: 0.01 }),
    candidateOf('near', 'p', { expectedQuality: 0.82, expectedCostUsd: 0.002 }),
    candidateOf('poor', 'p', { expectedQuality: 0.8, expectedCostUsd: 0.0001 }),
  ];
  expect(choiceOf('COST_EFFICIENT', openedOf({ candidates }))).toBe('near');
  const none = openedOf({ candidates: candidates.map((candidate) => ({ ...candidate, eligible: false })) });
  expect(() => strategies.COST_EFFICIENT(none, null)).toThrow('no eligible candidate');
});

test('PERFORMANCE avoids a fast model that keeps failing', () => {
  const candidates = [
    candidateOf('flaky', 'p', { expectedLatencyMs: 400, errorRate: 0.8 }),
    candidateOf('steady', 'p', { expectedLatencyMs: 600, errorRate: 0 }),
  ];
  expect(choiceOf('PERFORMANCE', openedOf({ candidates }))).toBe('steady');
});

test('BALANCED follows the preference and the budget price', () => {
  const wants = (quality: number, cost: number, latency: number, costPricePerUsd = 0): string => {
    const opened = openedOf({ preference: { quality, cost, latency } });
    return choiceOf('BALANCED', { ...opened, tuning: { ...opened.tuning, costPricePerUsd } });
  };
  expect(wants(1, 0, 0)).toBe('large');
  expect(wants(1, 1, 0)).toBe('small');
  expect(wants(0.1, 0, 1)).toBe('swift');
  expect(wants(1, 0, 0, 100)).toBe('small');
});

describe('LEARNING_OPTIMIZED', () => {
  const policy = (coldStart: boolean): LearnedPolicy => ({
    policySha256: 'a'.repeat(64),
    judge: () => ({
      probabilities: [0.2, 0.3, 0.5],
      utilities: [0, 0, 0],
      qualities: [0.4, 0.5, 0.6],
      confidence: 0.7,
      policySha256: 'a'.repeat(64),
      coldStart,
    }),
  });

  test('is what the policy says', () => {
    expect(strategies.LEARNING_OPTIMIZED(openedOf(), policy(false))).toEqual(policy(false).judge(openedOf()));
  });

  test('explores uniformly before the first weights; utilities then rest on expectations', () => {
    expect(strategies.LEARNING_OPTIMIZED(openedOf(), null)).toMatchObject({
      probabilities: [1 / 3, 1 / 3, 1 / 3],
      coldStart: true,
      confidence: 0,
      policySha256: null,
    });
    const exploring = strategies.LEARNING_OPTIMIZED(openedOf(), policy(true));
    expect(exploring.utilities).toEqual([0.4, 0.5, 0.6]);
    expect(exploring.coldStart).toBe(true);
  });

  test('before the first weights a budget keeps it from models that would eat it', () => {
    const candidates = [
      candidateOf('cheap', 'p', { expectedCostUsd: 0.001 }),
      candidateOf('dear', 'p', { expectedCostUsd: 0.1 }),
    ];
    const { probabilities } = strategies.LEARNING_OPTIMIZED(openedOf({ candidates, budgetUsdPerRequest: 0.001 }), null);
    expect(probabilities[1]! / probabilities[0]!).toBeCloseTo(0.04);
  });

  test('fails when the pinned weights are not there: nothing replaces them in silence', () => {
    const opened = openedOf({ policySha256: 'b'.repeat(64) });
    expect(() => strategies.LEARNING_OPTIMIZED(opened, null)).toThrow('weights bbbbbbbbbbbb could not be loaded');
  });
});
