/**
 * The learner: one deterministic fold over the learning events. The same events, seed, configuration and tensor backend
 * give the same bytes; wall time decides nothing. It publishes a policy in steps and a small tuning more often.
 */
import type { LearningConfig } from '../config/router-config';
import type { TensorBackend } from '../ports/tensor-backend';
import { restoreRandom, seededRandom } from '../random/seeded';
import { utilityWeights } from '../routing/utility';
import type { LearningEvent, Tuning, UtilityScale, WeightsPublished } from '../topics/generated/messages';
import { type Basis, describe, type Features, fitBasis, kindOf, maxFitRows, phiSize, writeBasis } from './basis';
import { sha256Of } from './blob';
import { readCheckpoint, writeCheckpoint } from './checkpoint';
import { coldStartRewards } from './cold-start';
import { createDrift, observeInnovation } from './drift';
import type { LearnerState } from './learner-state';
import {
  addLinearArm,
  headCount,
  type LinearHalf,
  type LinearRow,
  predictTarget,
  rebuildLinear,
  updateLinear,
} from './linear-half';
import { createMix, neuralWeightOf, observeErrors } from './mix';
import { trainingSteps, trainOnReplay } from './network-training';
import { createNeuralHalf, hiddenUnits, neuralShape, rearrangeModels } from './neural-half';
import { createPacer, observeCost, observePrice, observeSpending, remember, solvePrice } from './pacer';
import { createValues, featuresOf, type PolicyWeights, servedValues, type Values, writePolicy } from './policy';
import { policyStep, tuningStep } from './publishing';
import { addRow, createReplay, type Outcome, type Replay, replaySize, rowAt } from './replay';
import { createTrust, observeStrategies, strategyWeightsOf } from './trust';

export interface LearnerOptions {
  readonly seed: number;
  readonly config: LearningConfig;
  /** Spend at most this per request on average; null: no budget. May differ from the checkpoint's. */
  readonly budgetUsdPerRequest: number | null;
  readonly encoderVersion: string;
  readonly backend: TensorBackend;
  readonly checkpoint?: Buffer;
  /** What preferences for low cost mean; without it only the budget prices cost in the pacer. */
  readonly utilityScale?: UtilityScale;
  /** Total exploration probability the engine adds, for the pacer's account. */
  readonly explorationFloor?: number;
}

export type Published = Omit<WeightsPublished, 'sequence' | 'publishedAtMs'>;

export type LearnerOutput =
  | {
      readonly kind: 'policy';
      readonly policy: Buffer;
      readonly policySha256: string;
      /** Null when it is the one published before. */
      readonly basis: Buffer | null;
      readonly basisSha256: string;
      readonly published: Published;
    }
  | { readonly kind: 'tuning'; readonly tuning: Tuning };

export interface Learner {
  /** Rewards folded in. */
  readonly learnedRewards: number;
  /** One past the last offset folded in. */
  readonly eventOffset: number;
  /** First offset to hand to `reload` after a restore; `eventOffset` when nothing is needed. */
  readonly replayFromOffset: number;
  /** Folds one event in. Offsets must grow; synchronous. */
  apply(event: LearningEvent, offset: number): LearnerOutput[];
  /** After a restore: every event of [replayFromOffset, eventOffset) again, in order, before the first `apply`. */
  reload(event: LearningEvent, offset: number): void;
  /** Everything but the replay's features; a few MB. */
  checkpoint(): Buffer;
  /** Frees the tensors. */
  dispose(): void;
}

/** Refit when the number of rewards has grown by this factor. */
const refitGrowth = 1.7;
/** A model's standardised mean is shrunk towards 0 as by so many average rewards. */
const meanShrinkage = 2;
/** The smallest deviation a reward is standardised by; below it all rewards are alike. */
const leastDeviation = 1e-3;
/** Discount of the next request's value: each request is an episode of its own. */
const oneShot = 0;
/** Predictions before their mean squared error says anything. */
const leastErrors = 20;
const defaultExplorationFloor = 0.01;

/** Starts a learner, from nothing or from a checkpoint. Resolves when the tensor backend is ready. */
export async function createLearner(options: LearnerOptions): Promise<Learner> {
  await options.backend.ready();
  const state = options.checkpoint ? restoreState(options.checkpoint, options) : freshState(options);
  const fold = new Fold(state, options);
  return fold;
}

function freshState(options: LearnerOptions): LearnerState {
  return {
    random: seededRandom(options.seed, 'learner'),
    models: [],
    configured: [],
    pulls: [],
    joinedLate: [],
    rewardMean: 0,
    rewardDeviation: 1,
    armMeans: [],
    drifts: [],
    basis: null,
    linear: null,
    neural: null,
    policy: null,
    mix: createMix(),
    pacer: createPacer(options.budgetUsdPerRequest, options.explorationFloor ?? defaultExplorationFloor),
    trust: createTrust(),
    replay: createReplay(options.config.replayRows),
    awaited: new Map(),
    events: 0,
    rewards: 0,
    rewardsAtRefit: 0,
    rewardsAtPolicy: 0,
    eventsAtTuning: 0,
    tuningVersion: 0,
    fromOffset: -1,
    toOffset: 0,
    loss: 0,
  };
}

function restoreState(checkpoint: Buffer, options: LearnerOptions): LearnerState {
  return readCheckpoint(checkpoint, freshState(options), { restoreRandom, encoderVersion: options.encoderVersion });
}

class Fold implements Learner {
  /** X and phi of the event at hand. */
  private x = new Float32Array(0);
  private phi = new Float32Array(0);
  /** phi again, for the float64 arithmetic of the linear half. */
  private widePhi = new Float64Array(0);
  /** The published policy's values, as decisions see them. */
  private served: ((features: Features, neuralWeight: number) => Values) | null = null;

  constructor(
    private readonly state: LearnerState,
    private readonly options: LearnerOptions,
  ) {
    if (state.basis) this.makeRoom(state.basis.fitted);
    if (state.policy && state.basis) this.served = servedValues(state.basis.fitted, state.policy.bytes);
  }

  get learnedRewards(): number {
    return this.state.rewards;
  }

  get eventOffset(): number {
    return this.state.toOffset;
  }

  get replayFromOffset(): number {
    const { awaited, replay, toOffset } = this.state;
    for (const offset of awaited.keys()) return offset;
    return replaySize(replay) > 0 ? rowAt(replay, 0).offset : toOffset;
  }

  apply(event: LearningEvent, offset: number): LearnerOutput[] {
    const { state } = this;
    if (offset < state.toOffset)
      throw new Error(`event ${offset} has been folded in already (next is ${state.toOffset})`);
    state.awaited.clear();
    if (state.fromOffset < 0) state.fromOffset = offset;
    state.toOffset = offset + 1;
    state.events++;
    let urgent = this.meetModels(event);
    if (this.account(event)) urgent = true;
    if (event.kind !== 'CLOSED' && this.learn(event, offset)) urgent = true;
    // Between two policies nothing is refitted, so that a published policy and the learner share their basis.
    const policyDue = state.basis
      ? urgent || state.rewards - state.rewardsAtPolicy >= policyStep(this.options.config.publish, state.rewards)
      : state.rewards >= coldStartRewards(event.models.length);
    if (policyDue) this.refitWhenDue();
    this.trainNetwork(event);
    return this.publish(policyDue, urgent);
  }

  /** Takes up models it has not met. Returns whether the learned heads have changed. */
  private meetModels(event: LearningEvent): boolean {
    const { state } = this;
    state.configured = event.models;
    const fresh = event.models.filter((model) => !state.models.includes(model));
    if (fresh.length === 0) return false;
    for (const model of fresh) {
      state.models.push(model);
      state.pulls.push(0);
      state.joinedLate.push(state.basis !== null);
      state.armMeans.push(0);
      state.drifts.push(createDrift());
      if (state.linear) addLinearArm(state.linear, state.random);
    }
    if (state.neural) {
      const kept = state.models.map((_, arm) => (arm < state.models.length - fresh.length ? arm : -1));
      state.neural = rearrangeModels(state.neural, kept, state.random);
    }
    return state.basis !== null;
  }

  /** Costs, prices, spending and the strategies' values. Returns whether a price has changed. */
  private account(event: LearningEvent): boolean {
    const { state, options } = this;
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
      pacer.budgetUsd !== null && this.served ? this.served(featuresOf(event), neuralWeightOf(state.mix)) : null;
    const arm = state.models.indexOf(event.model!);
    if (event.costUsd !== null) {
      const factor = values && arm < values.means.length ? values.costFactors[arm]! : 1;
      if (observeCost(pacer, event.model!, event.costUsd / (event.priceFactors[called] ?? 1), factor)) changed = true;
    }
    const costUsd = event.costUsd ?? event.expectedCostsUsd[called] ?? 0;
    observeSpending(pacer, costUsd);
    const weights = utilityWeights(event.preference, options.utilityScale ?? freeOfCharge, pacer.costPricePerUsd);
    if (values) this.rememberRequest(event, values, weights.perUsd - pacer.costPricePerUsd, weights.quality);
    if (event.quality !== null && !event.degraded) {
      const utility = weights.quality * event.quality - weights.perUsd * costUsd;
      observeStrategies(state.trust, event.strategyPropensities, event.propensities[called] ?? 0, utility);
    }
    return changed;
  }

  private rememberRequest(event: LearningEvent, values: Values, perUsd: number, qualityWeight: number): void {
    const { state } = this;
    const arms: number[] = [];
    event.models.forEach((model, i) => {
      const arm = state.models.indexOf(model);
      if (event.eligible[i] && arm < values.means.length) arms.push(arm);
    });
    const heads = new Float64Array(arms.length * headCount);
    arms.forEach((arm, i) => {
      const offset = this.driftQuality(arm);
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

  private driftQuality(arm: number): number {
    return this.state.drifts[arm]!.offset * this.state.rewardDeviation;
  }

  /** Folds the rewards of one event in. Returns whether a drift alarm was raised. */
  private learn(event: LearningEvent, offset: number): boolean {
    const { state } = this;
    const outcomes = outcomesOf(event, (model) => this.driftQuality(state.models.indexOf(model)));
    if (outcomes.length === 0) return false;
    if (event.revision > 0 && correct(state.replay, event)) return false;
    const features = ownedFeatures(event);
    addRow(
      state.replay,
      { offset, decisionId: event.decisionId, features, outcomes, next: null, x: null, xBasis: -1 },
      event.sessionId,
    );
    let alarm = false;
    if (state.basis) {
      describe(state.basis.fitted, features, this.x, this.phi);
      this.widePhi.set(this.phi);
    }
    for (const outcome of outcomes) {
      const arm = state.models.indexOf(outcome.model);
      state.pulls[arm]!++;
      state.rewards++;
      if (state.basis && this.learnOutcome(arm, outcome, event.kind === 'EXPERIENCE')) alarm = true;
    }
    return alarm;
  }

  /** Errors first, then the update. Returns whether a drift alarm was raised. */
  private learnOutcome(arm: number, outcome: Outcome, live: boolean): boolean {
    const { state } = this;
    const target = this.targetOf(arm, outcome);
    const heads = state.neural!.predict(this.x, state.basis!.fitted.networkScale);
    let neural = 0;
    for (let m = 0; m < headCount; m++) neural += heads[arm * headCount + m]! / headCount;
    let predicted = neural;
    if (state.linear) {
      const linear = predictTarget(state.linear, arm, this.widePhi);
      const weight = neuralWeightOf(state.mix);
      predicted = (1 - weight) * linear + weight * neural;
      observeErrors(state.mix, target - linear, target - neural);
    }
    const alarm = live && observeInnovation(state.drifts[arm]!, target - predicted, state.linear?.noise ?? 1);
    if (state.linear) updateLinear(state.linear, arm, this.widePhi, target, this.costTarget(outcome), state.random);
    return alarm;
  }

  /** Standardised reward without drift, minus the model's mean. */
  private targetOf(arm: number, outcome: Outcome): number {
    const { rewardMean, rewardDeviation, armMeans } = this.state;
    return (outcome.quality - outcome.drift - rewardMean) / rewardDeviation - armMeans[arm]!;
  }

  private costTarget(outcome: Outcome): number | null {
    const mean = this.state.pacer.costs.get(outcome.model)?.ratio ?? 0;
    return outcome.costRatio === null || mean <= 0 ? null : Math.min(outcome.costRatio / mean, 4) - 1;
  }

  /** Basis, scales and the linear half anew, when the rewards have grown enough. */
  private refitWhenDue(): void {
    const { state, options } = this;
    if (state.rewards < state.rewardsAtRefit * refitGrowth || replaySize(state.replay) === 0) return;
    state.rewardsAtRefit = state.rewards;
    this.forgetModels();
    this.standardize();
    const fitted = fitBasis(this.fitRows(), options.encoderVersion, state.basis?.fitted ?? null, state.random);
    const bytes = writeBasis(fitted);
    state.basis = { fitted, bytes, sha256: sha256Of(bytes), number: (state.basis?.number ?? 0) + 1, published: false };
    this.makeRoom(fitted);
    if (options.config.pipeline === 'full') state.linear = this.rebuild(fitted);
    if (state.neural && state.neural.shape.inputs !== fitted.xSize) {
      state.neural.dispose();
      state.neural = null;
    }
    state.neural ??= createNeuralHalf(neuralShape(fitted.xSize, state.models.length), state.random);
  }

  private makeRoom(basis: Basis): void {
    this.x = new Float32Array(basis.xSize);
    this.phi = new Float32Array(phiSize(basis));
    this.widePhi = new Float64Array(phiSize(basis));
  }

  /** Random rows of the newest row's kind, each at most once. */
  private fitRows(): Features[] {
    const { replay, random } = this.state;
    const newest = rowAt(replay, replaySize(replay) - 1).features;
    const rows: Features[] = [];
    for (let i = 0; i < replaySize(replay); i++) {
      const { features } = rowAt(replay, i);
      if (kindOf(features) === kindOf(newest) && features.caller?.length === newest.caller?.length) rows.push(features);
    }
    for (let i = 0; i < Math.min(maxFitRows, rows.length - 1); i++) {
      const j = i + random.integer(rows.length - i);
      [rows[i], rows[j]] = [rows[j]!, rows[i]!];
    }
    return rows.slice(0, maxFitRows);
  }

  /** Mean and deviation of the rewards in the replay, and of each model. Drift offsets keep their size in quality. */
  private standardize(): void {
    const { state } = this;
    let count = 0;
    let sum = 0;
    let squares = 0;
    const sums = state.models.map(() => 0);
    const counts = state.models.map(() => 0);
    const arms = new Map(state.models.map((model, arm) => [model, arm]));
    for (let i = 0; i < replaySize(state.replay); i++) {
      for (const outcome of rowAt(state.replay, i).outcomes) {
        const value = outcome.quality - outcome.drift;
        const arm = arms.get(outcome.model)!;
        count++;
        sum += value;
        squares += value * value;
        sums[arm]! += value;
        counts[arm]!++;
      }
    }
    const before = state.rewardDeviation;
    state.rewardMean = sum / count;
    state.rewardDeviation = Math.max(leastDeviation, Math.sqrt(Math.max(0, squares / count - state.rewardMean ** 2)));
    state.armMeans = sums.map(
      (total, arm) =>
        (total - counts[arm]! * state.rewardMean) / state.rewardDeviation / (counts[arm]! + meanShrinkage),
    );
    for (const drift of state.drifts) drift.offset *= before / state.rewardDeviation;
  }

  private rebuild(basis: Basis): LinearHalf {
    const { state } = this;
    const size = phiSize(basis);
    const count = replaySize(state.replay);
    const phis = new Float64Array(count * size);
    const rows: LinearRow[] = [];
    const arms = new Map(state.models.map((model, arm) => [model, arm]));
    for (let i = 0; i < count; i++) {
      const row = rowAt(state.replay, i);
      describe(basis, row.features, this.x, this.phi);
      phis.set(this.phi, i * size);
      for (const outcome of row.outcomes) {
        const arm = arms.get(outcome.model)!;
        rows.push({ phi: i, arm, target: this.targetOf(arm, outcome), costTarget: this.costTarget(outcome) });
      }
    }
    const squaredError = state.mix.rewards < leastErrors ? 1 : state.mix.linear;
    return rebuildLinear(phis, size, rows, state.models.length, squaredError, state.random);
  }

  /** Drops models that are neither configured nor remembered by the replay. */
  private forgetModels(): void {
    const { state } = this;
    const remembered = new Set(state.configured);
    for (let i = 0; i < replaySize(state.replay); i++)
      for (const { model } of rowAt(state.replay, i).outcomes) remembered.add(model);
    const kept = state.models.map((_, arm) => arm).filter((arm) => remembered.has(state.models[arm]!));
    if (kept.length === state.models.length) return;
    state.models = kept.map((arm) => state.models[arm]!);
    state.pulls = kept.map((arm) => state.pulls[arm]!);
    state.joinedLate = kept.map((arm) => state.joinedLate[arm]!);
    state.armMeans = kept.map((arm) => state.armMeans[arm]!);
    state.drifts = kept.map((arm) => state.drifts[arm]!);
    if (state.neural) state.neural = rearrangeModels(state.neural, kept, state.random);
  }

  private trainNetwork(event: LearningEvent): void {
    const { state, options } = this;
    if (!state.neural || !state.basis || event.kind === 'CLOSED') return;
    for (let step = trainingSteps(state.events, options.config.pipeline); step > 0; step--) {
      const { loss } = trainOnReplay(state.neural, {
        replay: state.replay,
        newest: options.config.networkReplayRows,
        basis: state.basis,
        seed: options.seed,
        discount: oneShot,
        random: state.random,
        armOf: (model) => state.models.indexOf(model),
        targetOf: (arm, outcome) => this.targetOf(arm, outcome),
      });
      state.loss += 0.01 * (loss - state.loss);
    }
  }

  /** `urgent`: models or prices have changed, or a drift alarm was raised. */
  private publish(policyDue: boolean, urgent: boolean): LearnerOutput[] {
    const { state, options } = this;
    const first = policyDue && state.policy === null;
    const outputs: LearnerOutput[] = policyDue && state.basis ? [this.publishPolicy()] : [];
    const tuningDue = state.events - state.eventsAtTuning >= tuningStep(options.config.publish);
    // The first policy is of no use while the tuning still says "cold".
    if (first || urgent || tuningDue) outputs.push(this.publishTuning());
    return outputs;
  }

  private publishPolicy(): LearnerOutput {
    const { state, options } = this;
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
        neuralWeight: this.neuralWeight(),
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
    this.served = createValues(basis.fitted, weights);
    return output;
  }

  private neuralWeight(): number {
    return this.options.config.pipeline === 'dqn' ? 1 : neuralWeightOf(this.state.mix);
  }

  private publishTuning(): LearnerOutput {
    const { state } = this;
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
        driftOffsets: Object.fromEntries(configured.map(({ model, arm }) => [model, this.driftQuality(arm)])),
        neuralWeight: this.neuralWeight(),
        strategyWeights: strategyWeightsOf(state.trust),
        eventOffset: state.toOffset,
      },
    };
  }

  reload(event: LearningEvent, offset: number): void {
    const { state } = this;
    const drifts = state.awaited.get(offset);
    if (!drifts) {
      if (event.revision > 0 && event.kind === 'EXPERIENCE') correct(state.replay, event);
      return;
    }
    state.awaited.delete(offset);
    let next = 0;
    const outcomes = outcomesOf(event, () => drifts[next++] ?? 0);
    addRow(
      state.replay,
      {
        offset,
        decisionId: event.decisionId,
        features: ownedFeatures(event),
        outcomes,
        next: null,
        x: null,
        xBasis: -1,
      },
      event.sessionId,
    );
  }

  checkpoint(): Buffer {
    return writeCheckpoint(this.state, this.options.encoderVersion);
  }

  dispose(): void {
    this.state.neural?.dispose();
    this.state.neural = null;
  }
}

/** Without a scale a preference for low cost has no price. */
const freeOfCharge: UtilityScale = { costUsd: Number.MAX_VALUE, latencyMs: Number.MAX_VALUE };

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

/** What was judged. A null quality is unknown, never 0; a model the event does not list cannot have been decided. */
function outcomesOf(event: LearningEvent, driftOf: (model: string) => number): Outcome[] {
  const outcomes: Outcome[] = [];
  event.models.forEach((model, i) => {
    const full = event.kind === 'FULL';
    if (!full && model !== event.model) return;
    const quality = full ? (event.fullQualities[i] ?? null) : event.quality;
    if (quality === null) return;
    const costUsd = full ? (event.fullCostsUsd[i] ?? null) : event.costUsd;
    const costRatio = costUsd === null ? null : costUsd / (event.priceFactors[i] ?? 1);
    outcomes.push({ model, quality, drift: driftOf(model), costRatio });
  });
  return outcomes;
}

/** Replaces an earlier judgement of the same decision. The linear half follows at the next refit. False when there was none. */
function correct(replay: Replay, event: LearningEvent): boolean {
  const row = replay.byDecision.get(event.decisionId);
  const outcome = row?.outcomes.find(({ model }) => model === event.model);
  if (!outcome || event.quality === null) return false;
  outcome.quality = event.quality;
  return true;
}

/** The event's features on memory of their own: a record's bytes may be a slice of a whole batch. */
function ownedFeatures(event: LearningEvent): Features {
  const features = featuresOf(event);
  return {
    sketch: features.sketch.slice(),
    sketchScale: features.sketchScale,
    hand: features.hand.slice(),
    caller: features.caller?.slice() ?? null,
    task: features.task,
  };
}
