/**
 * BEST_SCORE maximises the utility that a thread expects of its own distribution: the thread that expects most takes all.
 * For callers who trust calibrated scores more than any weighting; threads that expect the same share, and the draw decides.
 */
import type { ThreadScore } from '../../../topics/generated/messages';
import { indexOfLargest } from '../../judge/distribution';
import { type Collapse, mixture, winnerTakesAll } from './collapsed';
import { isTied } from './ties';

export const bestScore: Collapse = (opened, threads) => {
  const expected = threads.map(expectedUtility);
  const best = indexOfLargest(expected);
  if (!opened.tiesShare) return winnerTakesAll(threads, best);
  return mixture(
    threads,
    expected.map((utility) => (isTied(utility, expected[best]!) ? 1 : 0)),
  );
};

function expectedUtility(thread: ThreadScore): number {
  let sum = 0;
  for (let i = 0; i < thread.utilities.length; i++) sum += thread.probabilities[i]! * thread.utilities[i]!;
  return sum;
}
