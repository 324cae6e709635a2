/** Before enough was learned there is nothing to exploit but what was declared. */
import { zeros } from '../../doubles';
import { expectedQualities } from '../../routing/judge/strategies/expectations';
import type { Judgement } from '../../routing/judge/strategy';
import { unlearnedShares } from '../../routing/judge/unlearned-shares';
import type { RouteOpened } from '../../topics/generated/messages';

/** Rewards a model needs before its mean says enough for the heads to argue about. */
export const rewardsPerModel = 4;
/** With one or two models, too. */
const leastRewards = 24;

/** Published rewards below which the learned weights are not asked. */
export function coldStartRewards(models: number, perModel = rewardsPerModel): number {
  return Math.max(perModel * models, leastRewards);
}

/** Whether the learner, as pinned in this request, has seen too little to be asked. */
export function isColdStart(opened: Pick<RouteOpened, 'tuning' | 'candidates' | 'rewardsPerModel'>): boolean {
  return opened.tuning.learnedRewards < coldStartRewards(opened.candidates.length, opened.rewardsPerModel);
}

/** The learned strategy's answer in the cold start; it needs no weights. `utilities` are left at 0: nothing is known. */
export function coldStartJudgement(opened: RouteOpened, policySha256: string | null): Judgement {
  return {
    probabilities: unlearnedShares(opened),
    utilities: zeros(opened.candidates.length),
    qualities: expectedQualities(opened),
    confidence: 0,
    policySha256,
    coldStart: true,
  };
}
