/**
 * LEARNING_OPTIMIZED maximises the utility that the learned value function predicts for this very request, and tries what it is unsure of.
 * It goes by declared beliefs until the first weights are published, and explores evenly, within the budget, where nothing is declared.
 */
import { shownHash } from '../../../figures/figures';
import type { RouteOpened } from '../../../topics/generated/messages';
import type { Judgement, Strategy } from '../strategy';
import { unlearnedShares } from '../unlearned-shares';
import { expectedQualities, expectedUtilities, staticJudgement } from './expectations';

/** Throws when the event pins weights that could not be loaded: nothing is silently replaced. */
export const learningOptimized: Strategy = (opened, learned) => {
  if (!learned) {
    if (opened.policySha256 === null) return unlearned(opened);
    throw new Error(`weights ${shownHash(opened.policySha256)} could not be loaded`);
  }
  const judgement = learned.judge(opened);
  // While it explores it has no opinion; fallbacks and reasons then rest on the profiles.
  return judgement.coldStart ? { ...judgement, utilities: expectedUtilities(opened, judgement.qualities) } : judgement;
};

function unlearned(opened: RouteOpened): Judgement {
  const judgement = staticJudgement(opened, expectedQualities(opened), unlearnedShares(opened));
  return { ...judgement, confidence: 0, coldStart: true };
}
