/** What every event says besides rewards: prices, costs, spending, and how good the strategies are. */
import { ratioAt } from '../../reward/price-unit';
import { rewardOf } from '../../reward/reward';
import { type UtilityWeights, utilityWeights } from '../../routing/judge/utility';
import type { LearningEvent, ReplacedOutcome, UtilityScale } from '../../topics/generated/messages';
import {
  correctCost,
  correctSpending,
  judgeAnew,
  observeCost,
  observePrice,
  observeSpending,
  remember,
  unjudged,
} from '../budget/pacer';
import { keepFeatures } from '../features/kept-features';
import { neuralWeightOf } from '../value/mix';
import { featuresOf, type Values } from '../value/policy';
import { observeConfidence } from './confidence';
import type { FoldParts } from './learner-state';
import { correctRegret, observeRegret } from './regret';
import { observeStrategies } from './trust';

/** A single call is worth no more, for better or worse: what is beyond says nothing of a strategy, and its square has to be a number. */
const mostUtility = 1e6;
/** Utility per USD or millisecond, under whatever scale: times any believed cost or latency it is still a number. */
const mostPerUnit = 1e30;

/** Without a scale a preference for low cost has no price. */
const freeOfCharge: UtilityScale = { costUsd: Number.MAX_VALUE, latencyMs: Number.MAX_VALUE };

/** Costs, prices, spending and the strategies' values. Returns whether a price has changed. */
export function account(fold: FoldParts, event: LearningEvent, offset: number): boolean {
  if (event.replaces) return recount(fold, event, event.replaces);
  const { state } = fold;
  const { pacer } = state;
  let changed = false;
  event.models.forEach((model, i) => {
    if (observePrice(pacer, model, event.priceFactors[i] ?? 1)) changed = true;
    const costUsd = event.fullCostsUsd[i];
    if (event.kind === 'FULL' && typeof costUsd === 'number')
      observeCost(pacer, model, costUsd / (event.priceFactors[i] ?? 1), 1, null);
  });
  const called = event.model === null ? -1 : event.models.indexOf(event.model);
  if (called < 0) return changed;
  const values =
    pacer.budgetUsd !== null && fold.scratch.served
      ? fold.scratch.served(featuresOf(event), neuralWeightOf(state.mix))
      : null;
  const arm = fold.scratch.servedModels.indexOf(event.model!);
  if (event.costUsd !== null) {
    const factor = values && arm >= 0 ? values.costFactors[arm]! : 1;
    const priceFactor = event.priceFactors[called] ?? 1;
    const expectedRatio = (event.expectedCostsUsd[called] ?? 0) / priceFactor;
    if (observeCost(pacer, event.model!, event.costUsd / priceFactor, factor, expectedRatio)) changed = true;
  }
  const costUsd = event.costUsd ?? event.expectedCostsUsd[called] ?? 0;
  observeSpending(pacer, costUsd);
  if (pacer.budgetUsd !== null) rememberRequest(fold, event, offset, values);
  creditStrategies(fold, event);
  return changed;
}

/**
 * A call that was counted before: only what is new or different counts. Returns whether its cost is a changed price. The
 * value of the strategies stays by the first judgement.
 */
function recount(fold: FoldParts, event: LearningEvent, replaces: ReplacedOutcome): boolean {
  const { pacer } = fold.state;
  const called = event.model === null ? -1 : event.models.indexOf(event.model);
  if (called < 0) return false;
  if (replaces.quality === null) creditStrategies(fold, event);
  else if (event.quality !== null) recountRegret(fold, event, event.quality - replaces.quality);
  if (event.costUsd === null) return false;
  const priceFactor = event.priceFactors[called] ?? 1;
  // The call was made at its own price; the mean it belongs to may be in another unit by now.
  const ratioOf = (costUsd: number): number =>
    ratioAt(costUsd / priceFactor, priceFactor, pacer.priceFactors.get(event.model!) ?? priceFactor);
  correctSpending(pacer, event.costUsd - (replaces.costUsd ?? event.expectedCostsUsd[called] ?? 0));
  if (replaces.costUsd === null)
    return observeCost(pacer, event.model!, ratioOf(event.costUsd), 1, ratioOf(event.expectedCostsUsd[called] ?? 0));
  correctCost(pacer, event.model!, ratioOf(event.costUsd - replaces.costUsd));
  return false;
}

function recountRegret(fold: FoldParts, event: LearningEvent, difference: number): void {
  if (!fold.state.regret || event.degraded) return;
  correctRegret(fold.state.regret, event, utilityWeightsOfEvent(fold, event).quality * difference);
}

function creditStrategies(fold: FoldParts, event: LearningEvent): void {
  if (event.degraded) return;
  const called = event.models.indexOf(event.model!);
  const reward = rewardOf(event, utilityWeightsOfEvent(fold, event), event.expectedCostsUsd[called] ?? 0);
  if (reward === null) return;
  if (fold.state.regret) observeRegret(fold.state.regret, event, reward);
  const bounded = Math.max(-mostUtility, Math.min(mostUtility, reward));
  if (event.stated && event.quality !== null && !event.provisional)
    observeConfidence(fold.state.confidence, event.stated.confidence, event.quality >= event.stated.bestQuality);
  observeStrategies(
    fold.state.trust,
    event.taskType,
    event.strategyPropensities,
    event.propensities[called] ?? 0,
    bounded,
  );
}

function utilityWeightsOfEvent({ state, options }: FoldParts, event: LearningEvent): UtilityWeights {
  const { quality, perUsd, perMs } = utilityWeights(
    event.preference,
    options.utilityScale ?? freeOfCharge,
    state.pacer.costPricePerUsd,
  );
  return { quality, perUsd: Math.min(perUsd, mostPerUnit), perMs: Math.min(perMs, mostPerUnit) };
}

/** What the pacer has to know of a request, judged by the policy in force if there is one. */
function rememberRequest(fold: FoldParts, event: LearningEvent, offset: number, values: Values | null): void {
  const { pacer } = fold.state;
  const weights = utilityWeightsOfEvent(fold, event);
  const request = unjudged({
    offset,
    features: keepFeatures(featuresOf(event)),
    models: event.models.filter((_, i) => event.eligible[i]),
    qualityWeight: weights.quality,
    perUsd: weights.perUsd - pacer.costPricePerUsd,
  });
  if (values) judgeAnew(request, fold.scratch.servedModels, values);
  remember(pacer, request);
}
