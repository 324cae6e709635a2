/** What leaves the learner, in steps: a policy, and more often a small tuning. */
import { phiSize } from './basis';
import { sha256Of } from './blob';
import { tuningStep } from './cadence';
import { driftQuality } from './learn-rewards';
import type { FoldParts, LearnerOutput, LearnerState, Published } from './learner-state';
import { headCount } from './linear-half';
import { neuralWeightOf } from './mix';
import { hiddenUnits } from './neural-half';
import { solvePrice } from './pacer';
import { createValues, type PolicyWeights, writePolicy } from './policy';
import { strategyWeightsOf } from './trust';

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
  const weights = policyWeightsOf(state);
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
    },
  };
  const output: LearnerOutput = {
    kind: 'policy',
    policy,
    policySha256,
    basis: basis.published ? null : basis.bytes,
    basisSha256: basis.sha256,
    published,
  };
  basis.published = true;
  state.policy = { bytes: policy, sha256: policySha256 };
  state.rewardsAtPolicy = state.rewards;
  fold.scratch.served = createValues(basis.fitted, weights);
  return output;
}

function neuralWeight(fold: FoldParts): number {
  return fold.options.config.pipeline === 'dqn' ? 1 : neuralWeightOf(fold.state.mix);
}

function publishTuning(fold: FoldParts): LearnerOutput {
  const { state } = fold;
  solvePrice(state.pacer);
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
      costRatios: Object.fromEntries([...state.pacer.costs].map(([model, cost]) => [model, cost.ratio])),
      driftOffsets: Object.fromEntries(configured.map(({ model, arm }) => [model, driftQuality(fold, arm)])),
      neuralWeight: neuralWeight(fold),
      strategyWeights: strategyWeightsOf(state.trust),
      eventOffset: state.toOffset,
    },
  };
}

function policyWeightsOf(state: LearnerState): PolicyWeights {
  const size = phiSize(state.basis!.fitted);
  const linear = state.linear;
  const rows = linear ? linear.arms.map((arm) => arm.weights) : [];
  const stride = rows[0]?.length ?? 0;
  const flat = new Float32Array(linear ? stride * rows.length : state.models.length * (headCount + 2) * size);
  rows.forEach((weights, arm) => {
    flat.set(weights, arm * stride);
  });
  return {
    models: [...state.models],
    pulls: [...state.pulls],
    joinedLate: [...state.joinedLate],
    learnedRewards: state.rewards,
    rewardMean: state.rewardMean,
    rewardDeviation: state.rewardDeviation,
    hasLinear: linear !== null,
    hidden: hiddenUnits,
    basisSha256: state.basis!.sha256,
    armMeans: Float32Array.from(state.armMeans),
    shared: linear ? Float32Array.from(linear.shared.weights) : new Float32Array(size),
    linear: flat,
    network: Float32Array.from(state.neural!.parameters),
  };
}
