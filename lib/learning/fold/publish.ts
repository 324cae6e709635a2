/** What leaves the learner, in steps: a policy, and more often a small tuning. */
import { dictionaryOf } from '../../dictionary';
import type { Tuning } from '../../topics/generated/messages';
import { type Guarantee, newcomer } from '../budget/guarantees';
import { judgeAnew, solvePrice } from '../budget/pacer';
import { phiSize } from '../features/basis';
import { nextPolicy } from '../guard/next-policy';
import { assertSound } from '../guard/soundness';
import { doubtClusters } from '../value/cluster-doubt';
import { headCount } from '../value/linear-half';
import { doubtMeans } from '../value/mean-doubt';
import { neuralWeightOf } from '../value/mix';
import { hiddenUnits } from '../value/neural-half';
import { type PolicyWeights, writePolicy } from '../value/policy';
import { knownGaps } from '../value/set-gaps';
import { sha256Of } from './blob';
import { tuningStep } from './cadence';
import { confidenceCurve } from './confidence';
import { watchedShare } from './drift';
import { driftQuality } from './learn-rewards';
import { type FoldParts, type LearnerOutput, type Published, serve } from './learner-state';
import { fittedLine } from './opened-line';
import { regretAllowance, regretLeft } from './regret';
import { strategyFactorsOf, strategyWeightsOf } from './trust';

/** `urgent`: models or prices have changed, or a drift alarm was raised. */
export function publish(fold: FoldParts, policyDue: boolean, urgent: boolean): LearnerOutput[] {
  const { state, options } = fold;
  const first = policyDue && state.policy === null;
  const outputs: LearnerOutput[] = policyDue && state.basis ? [publishPolicy(fold)] : [];
  const tuningDue = state.events - state.eventsAtTuning >= tuningStep(options.config.publish);
  // The first policy is of no use while the tuning still says "cold".
  if (first || urgent || tuningDue) outputs.push(publishTuning(fold));
  return outputs;
}

function publishPolicy(fold: FoldParts): LearnerOutput {
  const { state, options } = fold;
  const basis = state.basis!;
  const { weights, refused, alarms, metrics } = nextPolicy(
    fold,
    () => policyWeightsOf(fold),
    () => neuralWeight(fold),
  );
  const policy = writePolicy(weights);
  const policySha256 = sha256Of(policy);
  const published: Published = {
    policySha256,
    basisSha256: basis.sha256,
    parentSha256: state.policy?.sha256 ?? null,
    learnedRewards: state.rewards,
    fromOffset: state.fromOffset,
    toOffset: state.toOffset,
    encoderVersion: options.encoderVersion,
    backend: options.backend.name,
    seed: options.seed,
    models: [...state.models],
    metrics: {
      loss: state.loss,
      linearError: state.mix.linear,
      neuralError: state.mix.neural,
      neuralWeight: neuralWeight(fold),
      noise: state.linear?.noise ?? 1,
      precision: state.linear?.precision ?? 0,
      ...metrics,
    },
  };
  const output: LearnerOutput = {
    kind: 'policy',
    policy,
    policySha256,
    basis: basis.published ? null : basis.bytes,
    basisSha256: basis.sha256,
    published,
    refused,
    alarms,
  };
  basis.published = true;
  // What was learned where nothing was declared is not held to what is declared later.
  if (state.regret?.events === 0) state.regret = null;
  state.rewardsAtPolicy = state.rewards;
  if (refused !== null) return output;
  state.policy = { bytes: policy, sha256: policySha256, basis };
  serve(fold, basis.fitted, weights);
  judgeWindow(fold);
  return output;
}

function neuralWeight(fold: FoldParts): number {
  return fold.options.config.pipeline === 'dqn' ? 1 : neuralWeightOf(fold.state.mix);
}

/** What the policy just published thinks of the last requests. */
function judgeWindow({ state, scratch }: FoldParts): void {
  const neuralWeight = neuralWeightOf(state.mix);
  for (const request of state.pacer.window)
    if (request.features) judgeAnew(request, scratch.servedModels, scratch.served!(request.features, neuralWeight));
}

function guaranteeOf({ scratch }: FoldParts, model: string): Guarantee | null {
  if (!scratch.servedModels.includes(model)) return newcomer;
  return scratch.guarantees.get(model) ?? null;
}

function publishTuning(fold: FoldParts): LearnerOutput {
  const { state } = fold;
  solvePrice(state.pacer, {
    offsetOf: (model) => (state.models.includes(model) ? driftQuality(fold, state.models.indexOf(model)) : 0),
    guaranteeOf: (model) => guaranteeOf(fold, model),
  });
  assertSound(fold);
  state.eventsAtTuning = state.events;
  state.tuningVersion++;
  const configured = state.models
    .map((model, arm) => ({ model, arm }))
    .filter(({ model }) => state.configured.includes(model));
  return {
    kind: 'tuning',
    tuning: {
      version: state.tuningVersion,
      learnedRewards: state.rewards,
      costPricePerUsd: state.pacer.costPricePerUsd,
      costRatios: dictionaryOf([...state.pacer.costs].map(([model, cost]) => [model, cost.ratio] as const)),
      priceFactors: dictionaryOf(
        [...state.pacer.costs.keys()].map((model) => [model, state.pacer.priceFactors.get(model) ?? 1] as const),
      ),
      driftOffsets: dictionaryOf(configured.map(({ model, arm }) => [model, driftQuality(fold, arm)] as const)),
      neuralWeight: neuralWeight(fold),
      strategyWeights: strategyWeightsOf(state.trust, state.pacer.budgetUsd !== null),
      strategyFactors: strategyFactorsOf(state.trust),
      eventOffset: state.toOffset,
      ...allowanceOf(fold),
      setGaps: knownGaps(state.setGaps),
      confidenceCurve: confidenceCurve(state.confidence),
    },
  };
}

/** Null is no limit. */
function allowanceOf({
  state: { regret },
  options,
}: FoldParts): Pick<Tuning, 'regretAllowance' | 'regretLeft' | 'countedToMs' | 'requestGapMs'> {
  const { maxRegretShare } = options.config;
  // Settings that an earlier release has saved may say nothing.
  if (regret === null || !(maxRegretShare < 1))
    return { regretAllowance: null, regretLeft: null, countedToMs: 0, requestGapMs: 0 };
  const { countedToMs, gapMs } = fittedLine(regret.opened);
  return {
    regretAllowance: regretAllowance(regret, maxRegretShare),
    regretLeft: regretLeft(regret, maxRegretShare),
    countedToMs,
    requestGapMs: gapMs,
  };
}

function policyWeightsOf(fold: FoldParts): PolicyWeights {
  const { state } = fold;
  const size = phiSize(state.basis!.fitted);
  const linear = state.linear;
  const rows = linear ? linear.arms.map((arm) => arm.weights) : [];
  const stride = rows[0]?.length ?? 0;
  const flat = new Float32Array(linear ? stride * rows.length : state.models.length * (headCount + 2) * size);
  rows.forEach((weights, arm) => {
    flat.set(weights, arm * stride);
  });
  const network = Float32Array.from(state.neural!.parameters);
  doubtMeans(fold, flat, size, network);
  doubtClusters(fold, flat, size);
  return {
    models: [...state.models],
    pulls: [...state.pulls],
    joinedLate: [...state.joinedLate],
    watched: state.drifts.map((drift) => watchedShare(drift, state.rewards)),
    learnedRewards: state.rewards,
    rewardMean: state.rewardMean,
    rewardDeviation: state.rewardDeviation,
    hasLinear: linear !== null,
    hidden: hiddenUnits,
    basisSha256: state.basis!.sha256,
    armMeans: Float32Array.from(state.armMeans),
    shared: linear ? Float32Array.from(linear.shared.weights) : new Float32Array(size),
    linear: flat,
    network,
  };
}
