/**
 * COMBINED (default) maximises what experience lets one expect: the threads' distributions are mixed by how far each strategy is
 * trusted with the request's task type. While the learned thread still explores evenly it alone decides, so that the first data is not confounded.
 */

import { ownEntry } from '../../../dictionary';
import type { RouteOpened, ThreadScore } from '../../../topics/generated/messages';
import { learnedStrategy } from '../../judge/strategies/strategies';
import { type Collapse, mixture, winnerTakesAll } from './collapsed';

export const combined: Collapse = (opened, threads) => {
  const exploring = threads.findIndex((thread) => thread.strategy === learnedStrategy && thread.coldStart);
  return exploring >= 0 ? winnerTakesAll(threads, exploring) : mixture(threads, weightsOf(opened, threads));
};

/** The pinned weight of each thread; 0 where none is pinned or it is not a number of 0 or more. */
export function weightsOf(opened: RouteOpened, threads: readonly ThreadScore[]): number[] {
  return threads.map((thread) => {
    const weight = ownEntry(opened.tuning.strategyWeights, thread.strategy) ?? 0;
    return Number.isFinite(weight) ? Math.max(0, weight) : 0;
  });
}
