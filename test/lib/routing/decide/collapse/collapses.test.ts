import fc from 'fast-check';
import { collapseNames } from '../../../../../lib/config/router-config';
import { collapses, knownCollapse } from '../../../../../lib/routing/decide/collapse/collapses';
import { indexOfLargest } from '../../../../../lib/routing/judge/distribution';
import { strategies } from '../../../../../lib/routing/judge/strategies/strategies';
import { anyOpened, openedOf, sum, threadOf, tuningOf } from '../../fixtures';

/** Three threads that disagree on everything, so that every collapse has to take a side. */
const threads = [
  threadOf('TASK_OPTIMIZED', [0.8, 0.1, 0.1], {
    utilities: [0.5, 0.4, 0.1],
    qualities: [0.5, 0.4, 0.1],
    confidence: 0.2,
  }),
  threadOf('BALANCED', [0, 0.4, 0.6], { utilities: [0.2, 0.5, 0.55], qualities: [0.2, 0.5, 0.55], confidence: 0.6 }),
  threadOf('COST_EFFICIENT', [0, 0, 1], { utilities: [0.1, 0.6, 0.45], qualities: [0.1, 0.6, 0.45], confidence: 1 }),
];
const opened = openedOf({
  tuning: tuningOf({ strategyWeights: { TASK_OPTIMIZED: 0.6, BALANCED: 0.3, COST_EFFICIENT: 0.1 } }),
});

test('BEST_SCORE: the thread that expects most of its own distribution takes all', () => {
  // Expected: .8*.5+.1*.4+.1*.1 = .45; .4*.5+.6*.55 = .53; .45.
  const collapsed = collapses.BEST_SCORE(opened, threads);
  expect(collapsed).toMatchObject({
    probabilities: [0, 0.4, 0.6],
    weights: [0, 1, 0],
    leadingStrategy: 'BALANCED',
    confidence: 0.6,
  });
});

test('FIRST_SUCCESS: the first declared takes all', () => {
  const collapsed = collapses.FIRST_SUCCESS(opened, threads);
  expect(collapsed).toMatchObject({
    probabilities: [0.8, 0.1, 0.1],
    weights: [1, 0, 0],
    leadingStrategy: 'TASK_OPTIMIZED',
  });
});

test('COMBINED: distributions mixed by trust', () => {
  const collapsed = collapses.COMBINED(opened, threads);
  expect(collapsed.probabilities[0]).toBeCloseTo(0.48, 12);
  expect(collapsed.probabilities[1]).toBeCloseTo(0.06 + 0.12, 12);
  expect(collapsed.probabilities[2]).toBeCloseTo(0.06 + 0.18 + 0.1, 12);
  expect(collapsed.confidence).toBeCloseTo(0.12 + 0.18 + 0.1, 12);
  expect(collapsed.leadingStrategy).toBe('TASK_OPTIMIZED');
});

test('WEIGHTED: the weighted geometric mean; nothing is ruled out altogether', () => {
  const products = [
    0.8 ** 0.6 * 0.01 ** 0.3 * 0.01 ** 0.1,
    0.1 ** 0.6 * 0.4 ** 0.3 * 0.01 ** 0.1,
    0.1 ** 0.6 * 0.6 ** 0.3,
  ];
  const collapsed = collapses.WEIGHTED(opened, threads);
  expect(collapsed.probabilities).toEqual(products.map((product) => expect.closeTo(product / sum(products), 12)));
  expect(collapsed.leadingStrategy).toBe('TASK_OPTIMIZED');
});

test('WEIGHTED: everybody’s second choice can win, and the weights decide where strategies disagree', () => {
  const disagreeing = [threadOf('TASK_OPTIMIZED', [0.6, 0.4, 0]), threadOf('BALANCED', [0, 0.4, 0.6])];
  const withWeights = (strategyWeights: Record<string, number>) =>
    indexOfLargest(collapses.WEIGHTED(openedOf({ tuning: tuningOf({ strategyWeights }) }), disagreeing).probabilities);
  expect(withWeights({ TASK_OPTIMIZED: 1, BALANCED: 1 })).toBe(1);
  expect(withWeights({ TASK_OPTIMIZED: 20, BALANCED: 1 })).toBe(0);
  expect(withWeights({ TASK_OPTIMIZED: 1, BALANCED: 20 })).toBe(2);
});

test('CONSENSUS: the most-voted candidate for certain; its voters share the weight', () => {
  const collapsed = collapses.CONSENSUS(opened, threads);
  expect(collapsed).toMatchObject({ probabilities: [0, 0, 1], weights: [0, 0.5, 0.5], leadingStrategy: 'BALANCED' });
  expect(collapsed.confidence).toBeCloseTo((0.8 * 2) / 3, 12);
});

test('CONSENSUS: a tie goes to the higher mean utility', () => {
  const tied = [threads[0]!, threadOf('BALANCED', [0, 1, 0], { utilities: [0.2, 0.9, 0.1] })];
  expect(collapses.CONSENSUS(opened, tied).probabilities).toEqual([0, 1, 0]);
  expect(collapses.CONSENSUS(opened, [...tied].reverse()).probabilities).toEqual([0, 1, 0]);
});

test('COMBINED leaves everything to a learned thread that still explores', () => {
  const exploring = threadOf('LEARNING_OPTIMIZED', [1 / 3, 1 / 3, 1 / 3], { coldStart: true });
  const collapsed = collapses.COMBINED(opened, [threads[0]!, exploring]);
  expect(collapsed.probabilities).toEqual([1 / 3, 1 / 3, 1 / 3]);
  expect(collapsed.weights).toEqual([0, 1]);
  expect(collapsed.leadingStrategy).toBe('LEARNING_OPTIMIZED');
});

test('weights are renormalised over those that succeeded; strategies without a weight count equally when nobody has one', () => {
  expect(collapses.COMBINED(opened, threads.slice(1)).weights[0]).toBeCloseTo(0.75, 12);
  const strange = threads.map((thread, i) => ({ ...thread, strategy: ['constructor', 'toString', 'x'][i]! }));
  expect(collapses.COMBINED(opened, strange).weights).toEqual([1 / 3, 1 / 3, 1 / 3]);
  const broken = openedOf({ tuning: tuningOf({ strategyWeights: { TASK_OPTIMIZED: Number.NaN, BALANCED: 1 } }) });
  expect(collapses.COMBINED(broken, threads).weights).toEqual([0, 1, 0]);
});

test('every collapse of any threads is a distribution over the eligible, with weights that sum to 1, twice the same', () => {
  const asked = fc.subarray(['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT', 'RANDOM'] as const, {
    minLength: 1,
  });
  fc.assert(
    fc.property(anyOpened, asked, fc.constantFrom(...collapseNames), (any, names, name) => {
      const scores = names.map((strategy) => {
        const { probabilities, utilities, qualities, ...rest } = strategies[strategy](any, null);
        return {
          ...threadOf(strategy, [...probabilities]),
          ...rest,
          utilities: [...utilities],
          qualities: [...qualities],
        };
      });
      const collapsed = collapses[name](any, scores);
      expect(sum(collapsed.probabilities)).toBeCloseTo(1, 9);
      expect(sum(collapsed.weights)).toBeCloseTo(1, 9);
      expect(collapsed.weights).toHaveLength(scores.length);
      any.candidates.forEach((candidate, i) => {
        if (!candidate.eligible) expect(collapsed.probabilities[i]).toBe(0);
      });
      expect(names).toContain(collapsed.leadingStrategy);
      expect(collapses[name](any, scores)).toEqual(collapsed);
    }),
  );
});

test('all agree where all threads agree', () => {
  const agreed = ['TASK_OPTIMIZED', 'BALANCED'].map((strategy) =>
    threadOf(strategy, [0, 1, 0], { utilities: [0, 1, 0] }),
  );
  for (const name of collapseNames) expect(indexOfLargest(collapses[name](opened, agreed).probabilities)).toBe(1);
});

test('a collapse this build does not know is COMBINED, and is called so', () => {
  expect(knownCollapse('CONSENSUS')).toBe('CONSENSUS');
  expect(knownCollapse('toString')).toBe('COMBINED');
});
