/** The tuning as it is pinned in `route.opened`: the learner's newest, or what stands in for it before the first. */
import type { CollapseName, RouterConfig } from '../../config/router-config';
import { dictionaryOf, ownEntry } from '../../dictionary';
import { ratioAt } from '../../reward/price-unit';
import type { Tuning } from '../../topics/generated/messages';
import { priceFactor } from './candidates';

/** The last answer for each configuration and collapse: it is the same for all requests until the learner speaks again. */
const pinned = new WeakMap<RouterConfig, Map<CollapseName, { learned: Tuning | undefined; tuning: Tuning }>>();

/**
 * `strategyWeights` are those the asked collapse is to use: WEIGHTED always takes the operator's; COMBINED (and the
 * others, which ignore them) the learner's trust, and the operator's as prior until the learner has published some. The
 * result is shared: change nothing of it.
 */
export function pinTuning(config: RouterConfig, learned: Tuning | undefined, collapse: CollapseName): Tuning {
  let byCollapse = pinned.get(config);
  if (!byCollapse) {
    byCollapse = new Map();
    pinned.set(config, byCollapse);
  }
  const last = byCollapse.get(collapse);
  if (last && last.learned === learned) return last.tuning;
  const tuning = tuningFor(config, learned, collapse);
  byCollapse.set(collapse, { learned, tuning });
  return tuning;
}

function tuningFor(config: RouterConfig, learned: Tuning | undefined, collapse: CollapseName): Tuning {
  const tuning = learned ? atTodaysPrices(config, learned) : untuned;
  const keepsLearned = collapse !== 'WEIGHTED' && Object.keys(tuning.strategyWeights).length > 0;
  return keepsLearned ? tuning : { ...tuning, strategyWeights: { ...config.strategyWeights } };
}

/** A price may have appeared, or gone, since the learner last saw one: strategies multiply by today's, whatever it was then. */
function atTodaysPrices(config: RouterConfig, learned: Tuning): Tuning {
  if (Object.keys(learned.priceFactors).length === 0) return learned;
  const costRatios = dictionaryOf(Object.entries(learned.costRatios));
  for (const model of config.models) {
    const ratio = ownEntry(learned.costRatios, model.name);
    const learnedFactor = ownEntry(learned.priceFactors, model.name);
    if (ratio === undefined || learnedFactor === undefined) continue;
    costRatios[model.name] = ratioAt(ratio, learnedFactor, priceFactor(model));
  }
  return { ...learned, costRatios, priceFactors: {} };
}

/** Before the learner has published any. */
export const untuned: Tuning = {
  version: 0,
  learnedRewards: 0,
  costPricePerUsd: 0,
  costRatios: {},
  priceFactors: {},
  driftOffsets: {},
  neuralWeight: 0.5,
  strategyWeights: {},
  eventOffset: 0,
  // Nothing may be lost before the learner has said how much.
  regretAllowance: 0,
  regretLeft: 0,
  countedToMs: 0,
  requestGapMs: 0,
  setGaps: {},
};
