/**
 * BEST_SCORE: the thread that expects the highest utility of its own distribution takes all.
 * For callers who trust calibrated scores more than any weighting; ties go to the first declared.
 */
import type { ThreadScore } from '../../../topics/generated/messages';
import { indexOfLargest } from '../../judge/distribution';
import { type Collapse, winnerTakesAll } from './collapsed';

export const bestScore: Collapse = (_opened, threads) =>
  winnerTakesAll(threads, indexOfLargest(threads.map(expectedUtility)));

function expectedUtility(thread: ThreadScore): number {
  let sum = 0;
  for (let i = 0; i < thread.utilities.length; i++) sum += thread.probabilities[i]! * thread.utilities[i]!;
  return sum;
}
