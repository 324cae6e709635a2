/** What every collapse owes whoever chooses it, whatever the threads say. */
import fc from 'fast-check';
import { collapseNames } from '../../../../../lib/config/router-config';
import { collapses } from '../../../../../lib/routing/decide/collapse/collapses';
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

/** FIRST_SUCCESS is an order of preference: the one collapse whose meaning is the order of the threads. */
const withoutOrder = collapseNames.filter((name) => name !== 'FIRST_SUCCESS');

test.each(withoutOrder)('%s: the order of the threads changes nothing', (name) => {
  fc.assert(
    fc.property(judged, fc.nat(), ({ threads, trust }, turns) => {
      const opened = openedFor(threads, trust);
      const by = turns % threads.length;
      const turned = [...threads.slice(by), ...threads.slice(0, by)].reverse();
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
