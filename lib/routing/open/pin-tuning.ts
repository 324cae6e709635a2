/** The tuning as it is pinned in `route.opened`: the learner's newest, or what stands in for it before the first. */
import type { CollapseName, RouterConfig } from '../../config/router-config';
import { dictionaryOf, ownEntry } from '../../dictionary';
import { ratioAt } from '../../reward/price-unit';
import type { Tuning } from '../../topics/generated/messages';
import { allTasks, combinedFor, weightedFor } from '../judge/task-trust';
import { priceFactor } from './candidates';

/** The answers for each configuration: the same for all requests of a collapse and a task type until the learner speaks again. */
const pinned = new WeakMap<
  RouterConfig,
  { readonly learned: Tuning | undefined; readonly tunings: Map<string, Tuning> }
>();

/**
 * `strategyWeights` are those the asked collapse is to use with this task type: WEIGHTED takes the operator's, corrected by what the
 * learner knows of the strategies; COMBINED (and the others, which ignore them) the learner's trust, and the operator's as prior
 * until the learner has published some. The result is shared: change nothing of it.
 */
export function pinTuning(
  config: RouterConfig,
  learned: Tuning | undefined,
  collapse: CollapseName,
  taskType: string,
): Tuning {
  let known = pinned.get(config);
  if (!known || known.learned !== learned) {
    known = { learned, tunings: new Map() };
    pinned.set(config, known);
  }
  // Hints are callers' words, and there is no end to them: those that nothing is known of are all alike.
  const task = learned && ownEntry(learned.strategyFactors, taskType) ? taskType : allTasks;
  const key = `${collapse}/${task}`;
  const last = known.tunings.get(key);
  if (last) return last;
  const tuning = tuningFor(config, learned, collapse, task);
  known.tunings.set(key, tuning);
  return tuning;
}

function tuningFor(config: RouterConfig, learned: Tuning | undefined, collapse: CollapseName, task: string): Tuning {
  const tuning = learned ? atTodaysPrices(config, learned) : untuned;
  const { strategyFactors: factors, strategyWeights: ofAll } = tuning;
  if (collapse === 'WEIGHTED')
    return { ...tuning, strategyFactors: {}, strategyWeights: weightedFor(config.strategyWeights, factors, task) };
  const isLearned = Object.keys(ofAll).length > 0;
  if (isLearned && Object.keys(factors).length === 0) return tuning;
  const strategyWeights = isLearned ? combinedFor(ofAll, factors, task) : { ...config.strategyWeights };
  return { ...tuning, strategyFactors: {}, strategyWeights };
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
  strategyFactors: {},
  confidenceCurve: [],
};
