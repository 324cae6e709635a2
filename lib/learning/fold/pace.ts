/**
 * How much of what comes is learned from. When more comes than can be learned, the trainer says so in the log itself, so every
 * fold of that log leaves the same out.
 */
import { seededRandom } from '../../random/seeded';
import type { LearningEvent, LearningPace } from '../../topics/generated/messages';
import type { FoldParts } from './learner-state';

export const fullPace: LearningPace = { steps: 1, rewards: 1 };

/**
 * Whether the event is learned from, beside being accounted for. A decision is in or out as a whole, whatever its model and its
 * reward; what corrects one that is in always counts, and so does recorded data.
 */
export function isLearnedFrom({ state, options }: FoldParts, { kind, decisionId }: LearningEvent): boolean {
  const { rewards } = state.pace;
  if (rewards >= 1 || kind === 'FULL' || state.replay.byDecision.has(decisionId)) return true;
  return seededRandom(options.seed, 'pace', decisionId).next() < rewards;
}
