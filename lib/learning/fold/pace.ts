/**
 * How much of what comes is learned from. When more comes than can be learned, the trainer says so in the log itself, so every
 * fold of that log leaves the same out.
 */
import { seededRandom } from '../../random/seeded';
import type { LearningEvent, LearningPace } from '../../topics/generated/messages';
import type { FoldParts } from './learner-state';

export const fullPace: LearningPace = { steps: 1, rewards: 1 };

/**
 * Whether the event is learned from, beside being accounted for. A decision is in or out as a whole, whatever its reward: the likeliest
 * choice of its request with the share that the pace says, any other as many times more often as it was less likely. While little is explored
 * nearly all that comes says the same of the same models, and what differs is what there is to learn. How well a model does on a request is
 * learned of both alone, so choosing by them favours nobody. What corrects a decision that is in always counts, and so does recorded data.
 */
export function isLearnedFrom({ state, options }: FoldParts, event: LearningEvent): boolean {
  const { rewards } = state.pace;
  const { kind, decisionId } = event;
  if (rewards >= 1 || kind === 'FULL' || state.replay.byDecision.has(decisionId)) return true;
  return seededRandom(options.seed, 'pace', decisionId).next() * relativePropensity(event) < rewards;
}

/** How likely the choice was, where the likeliest one has 1. Nothing that is not known counts as unlikely. */
function relativePropensity({ models, model, propensities }: LearningEvent): number {
  const chosen = model === null ? undefined : propensities[models.indexOf(model)];
  let most = 0;
  for (const propensity of propensities) most = Math.max(most, propensity);
  return chosen !== undefined && most > 0 ? chosen / most : 1;
}
