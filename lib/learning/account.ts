/** What every event says besides rewards: prices, costs, spending, and how good the strategies are. */
import { utilityWeights } from '../routing/utility';
import type { LearningEvent, UtilityScale } from '../topics/generated/messages';
import { driftQuality } from './learn-rewards';
import type { FoldParts } from './learner-state';
import { headCount } from './linear-half';
import { neuralWeightOf } from './mix';
import { observeCost, observePrice, observeSpending, remember } from './pacer';
import { featuresOf, type Values } from './policy';
import { observeStrategies } from './trust';

/** Without a scale a preference for low cost has no price. */
const freeOfCharge: UtilityScale = { costUsd: Number.MAX_VALUE, latencyMs: Number.MAX_VALUE };

/** Costs, prices, spending and the strategies' values. Returns whether a price has changed. */
export function account(fold: FoldParts, event: LearningEvent): boolean {
  const { state, options } = fold;
  const { pacer } = state;
  let changed = false;
  event.models.forEach((model, i) => {
    if (observePrice(pacer, model, event.priceFactors[i] ?? 1)) changed = true;
    const costUsd = event.fullCostsUsd[i];
    if (event.kind === 'FULL' && typeof costUsd === 'number')
      observeCost(pacer, model, costUsd / (event.priceFactors[i] ?? 1), 1);
  });
  const called = event.model === null ? -1 : event.models.indexOf(event.model);
  if (called < 0) return changed;
  const values =
    pacer.budgetUsd !== null && fold.scratch.served
      ? fold.scratch.served(featuresOf(event), neuralWeightOf(state.mix))
      : null;
  const arm = state.models.indexOf(event.model!);
  if (event.costUsd !== null) {
    const factor = values && arm < values.means.length ? values.costFactors[arm]! : 1;
    if (observeCost(pacer, event.model!, event.costUsd / (event.priceFactors[called] ?? 1), factor)) changed = true;
  }
  const costUsd = event.costUsd ?? event.expectedCostsUsd[called] ?? 0;
  observeSpending(pacer, costUsd);
  const weights = utilityWeights(event.preference, options.utilityScale ?? freeOfCharge, pacer.costPricePerUsd);
  if (values) rememberRequest(fold, event, values, weights.perUsd - pacer.costPricePerUsd, weights.quality);
  if (event.quality !== null && !event.degraded) {
    const utility = weights.quality * event.quality - weights.perUsd * costUsd;
    observeStrategies(state.trust, event.strategyPropensities, event.propensities[called] ?? 0, utility);
  }
  return changed;
}

function rememberRequest(
  fold: FoldParts,
  event: LearningEvent,
  values: Values,
  perUsd: number,
  qualityWeight: number,
): void {
  const { state } = fold;
  const arms: number[] = [];
  event.models.forEach((model, i) => {
    const arm = state.models.indexOf(model);
    if (event.eligible[i] && arm < values.means.length) arms.push(arm);
  });
  const heads = new Float64Array(arms.length * headCount);
  arms.forEach((arm, i) => {
    const offset = driftQuality(fold, arm);
    for (let m = 0; m < headCount; m++)
      heads[i * headCount + m] = qualityWeight * (values.heads[arm * headCount + m]! + offset);
  });
  remember(state.pacer, {
    models: arms.map((arm) => state.models[arm]!),
    heads,
    perUsd,
    costFactors: Float64Array.from(arms, (arm) => values.costFactors[arm]!),
  });
}
