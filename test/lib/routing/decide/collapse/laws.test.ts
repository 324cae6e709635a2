/** What every collapse owes whoever chooses it, whatever the threads say. */
import fc from 'fast-check';
import { collapseNames } from '../../../../../lib/config/router-config';
import { collapses } from '../../../../../lib/routing/decide/collapse/collapses';
import { recomputeDecision } from '../../../../../lib/routing/decide/decide';
import { normalised } from '../../../../../lib/routing/judge/distribution';
import type { ThreadScore } from '../../../../../lib/topics/generated/messages';
import { candidateOf, openedOf, threadOf, tuningOf } from '../../fixtures';

const strategies = ['TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT', 'RANDOM'] as const;
const share = fc.double({ min: 0.001, max: 1, noNaN: true });

/** One to five strategies with judgements of the same two to six candidates, and how far each strategy is trusted. */
const judged = fc.integer({ min: 2, max: 6 }).chain((candidates) =>
  fc.record({
    threads: fc.subarray([...strategies], { minLength: 1 }).chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc
            .record({
              weights: fc.array(share, { minLength: candidates, maxLength: candidates }),
              utilities: fc.array(share, { minLength: candidates, maxLength: candidates }),
              confidence: share,
            })
            .map(({ weights, utilities, confidence }) =>
              threadOf(name, normalised(weights), { utilities, qualities: utilities, confidence }),
            ),
        ),
      ),
    ),
    trust: fc.tuple(share, share, share, share, share),
  }),
);

function openedFor(threads: readonly ThreadScore[], trust: readonly number[]) {
  return openedOf({
    candidates: threads[0]!.probabilities.map((_, i) => candidateOf(`model-${i}`, 'alpha')),
    tuning: tuningOf({ strategyWeights: Object.fromEntries(strategies.map((name, i) => [name, trust[i]!])) }),
  });
}

function turnedBy(threads: readonly ThreadScore[], by: number): ThreadScore[] {
  return [...threads.slice(by), ...threads.slice(0, by)].reverse();
}

/** FIRST_SUCCESS is an order of preference: the one collapse whose meaning is the order of the threads. */
const withoutOrder = collapseNames.filter((name) => name !== 'FIRST_SUCCESS');

test.each(withoutOrder)('%s: the order of the threads changes nothing', (name) => {
  fc.assert(
    fc.property(judged, fc.nat(), ({ threads, trust }, turns) => {
      const opened = openedFor(threads, trust);
      const by = turns % threads.length;
      const turned = turnedBy(threads, by);
      const [one, other] = [collapses[name](opened, threads), collapses[name](opened, turned)];
      one.probabilities.forEach((probability, i) => {
        expect(other.probabilities[i]).toBeCloseTo(probability, 9);
      });
      expect(other.confidence).toBeCloseTo(one.confidence, 9);
    }),
  );
});

test.each(collapseNames)(
  '%s: a candidate that every thread puts behind another one never gets more than that one',
  (name) => {
    fc.assert(
      fc.property(judged, ({ threads, trust }) => {
        // Every thread gives the last candidate half of what it gives the first, and a lower utility.
        const dominated = threads.map((thread) => {
          const weights = [...thread.probabilities];
          const utilities = [...thread.utilities];
          weights[weights.length - 1] = weights[0]! / 2;
          utilities[utilities.length - 1] = utilities[0]! / 2;
          return { ...thread, probabilities: normalised(weights), utilities, qualities: utilities };
        });
        const { probabilities } = collapses[name](openedFor(dominated, trust), dominated);
        expect(probabilities.at(-1)!).toBeLessThanOrEqual(probabilities[0]!);
        expect(probabilities.at(-1)!).toBeLessThan(Math.max(...probabilities));
      }),
    );
  },
);

test.each(collapseNames)('%s: what all threads choose for certain is chosen for certain', (name) => {
  fc.assert(
    fc.property(judged, fc.nat(), ({ threads, trust }, any) => {
      const choice = any % threads[0]!.probabilities.length;
      const certain = threads.map((thread) => ({
        ...thread,
        probabilities: thread.probabilities.map((_, i) => (i === choice ? 1 : 0)),
      }));
      const { probabilities } = collapses[name](openedFor(certain, trust), certain);
      expect(probabilities.indexOf(Math.max(...probabilities))).toBe(choice);
      // WEIGHTED lets no thread veto a candidate, so a hundredth of the odds is left to each of the others.
      expect(probabilities[choice]!).toBeGreaterThan(name === 'WEIGHTED' ? 0.9 : 1 - 1e-9);
    }),
  );
});

/** Threads of few different numbers, so that candidates and threads tie all the time. */
const tying = fc.integer({ min: 2, max: 4 }).chain((candidates) =>
  fc.subarray([...strategies], { minLength: 1 }).chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({
            weights: fc.array(fc.constantFrom(1, 2), { minLength: candidates, maxLength: candidates }),
            utilities: fc.array(fc.constantFrom(0.4, 0.8), { minLength: candidates, maxLength: candidates }),
          })
          .map(({ weights, utilities }) =>
            threadOf(name, normalised(weights), { utilities, qualities: utilities, confidence: 0.5 }),
          ),
      ),
    ),
  ),
);

const evenTrust = strategies.map(() => 1);

test.each(withoutOrder)('%s: the order of the threads changes nothing where they tie, either', (name) => {
  fc.assert(
    fc.property(tying, fc.nat(), (threads, turns) => {
      const opened = openedFor(threads, evenTrust);
      const turned = turnedBy(threads, turns % threads.length);
      const [one, other] = [collapses[name](opened, threads), collapses[name](opened, turned)];
      one.probabilities.forEach((probability, i) => {
        expect(other.probabilities[i]).toBeCloseTo(probability, 9);
      });
    }),
  );
});

test.each(withoutOrder)(
  '%s: candidates that nobody tells apart get the same, and the seed decides between them',
  (name) => {
    const threads = [
      threadOf('TASK_OPTIMIZED', [0.45, 0.45, 0.1], { utilities: [0.5, 0.5, 0.2] }),
      threadOf('RANDOM', [1 / 3, 1 / 3, 1 / 3], { utilities: [0.5, 0.5, 0.2] }),
    ];
    const opened = { ...openedFor(threads, evenTrust), collapse: name, strategies: ['TASK_OPTIMIZED', 'RANDOM'] };
    const { probabilities } = collapses[name](opened, threads);
    expect(probabilities[0]).toBeCloseTo(probabilities[1]!, 12);
    expect(probabilities[0]).toBeGreaterThan(probabilities[2]!);
    const drawn = (seed: number) => recomputeDecision({ ...opened, seed }, threads).model;
    const models = Array.from({ length: 40 }, (_, seed) => drawn(seed));
    expect(new Set(models).size).toBeGreaterThan(1);
    expect(Array.from({ length: 40 }, (_, seed) => drawn(seed))).toEqual(models);
  },
);

test('what releases before ties were shared have decided is decided like that again', () => {
  const threads = [
    threadOf('TASK_OPTIMIZED', [0, 1], { utilities: [0.5, 0.5] }),
    threadOf('BALANCED', [1, 0], { utilities: [0.5, 0.5] }),
  ];
  const before = { ...openedFor(threads, evenTrust), tiesShare: false };
  for (const name of ['CONSENSUS', 'BEST_SCORE'] as const) {
    expect(collapses[name](before, threads).probabilities).toEqual([0, 1]);
    expect(collapses[name]({ ...before, tiesShare: true }, threads).probabilities).toEqual([0.5, 0.5]);
  }
});

test.each(collapseNames)(
  '%s: a dominated candidate is drawn by nothing but the floor, or never more than what dominates it',
  (name) => {
    fc.assert(
      fc.property(judged, fc.nat(), ({ threads, trust }, seed) => {
        // No thread gives the last candidate anything, and all expect less of it.
        const dominated = threads.map((thread) => ({
          ...thread,
          probabilities: normalised([...thread.probabilities.slice(0, -1), 0]),
          utilities: [...thread.utilities.slice(0, -1), 0],
        }));
        const opened = { ...openedFor(dominated, trust), seed, explorationFloor: 0, collapse: name };
        const { candidates } = recomputeDecision(
          { ...opened, strategies: dominated.map((t) => t.strategy) },
          dominated,
        );
        const last = candidates.at(-1)!;
        // WEIGHTED lets no thread veto a candidate.
        if (name !== 'WEIGHTED') expect(last.propensity).toBe(0);
        expect(last.propensity).toBeLessThan(Math.max(...candidates.map(({ propensity }) => propensity)));
      }),
    );
  },
);
