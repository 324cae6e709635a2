/**
 * The learner: one deterministic fold over the learning events. The same events, seed, configuration and tensor backend
 * give the same bytes; wall time decides nothing. It publishes a policy in steps and a small tuning more often.
 */
import { restoreRandom, seededRandom } from '../../random/seeded';
import type { LearningEvent, LearningPace } from '../../topics/generated/messages';
import { createPacer } from '../budget/pacer';
import { keepFeatures } from '../features/kept-features';
import { createGuard } from '../guard/guard-state';
import { believed, forgetPassedOver, wasPassedOver } from '../guard/judgements';
import { repairBroken } from '../guard/repair';
import { assertSound } from '../guard/soundness';
import { createMix } from '../value/mix';
import { trainNetwork } from '../value/network-training';
import { featuresOf, readPolicy } from '../value/policy';
import { createSetGaps } from '../value/set-gaps';
import { account } from './account';
import { policyStep } from './cadence';
import { readCheckpoint, writeCheckpoint } from './checkpoint';
import { coldStartRewards } from './cold-start';
import { createConfidence } from './confidence';
import { learn, outcomesOf, rejudge, rowOf, sessionOf } from './learn-rewards';
import {
  createScratch,
  type FoldParts,
  type LearnerOptions,
  type LearnerOutput,
  type LearnerState,
  makeRoom,
  type Scratch,
  serve,
} from './learner-state';
import { meetModels } from './meet-models';
import { fullPace, isLearnedFrom } from './pace';
import { publish } from './publish';
import { refitWhenDue } from './refit';
import { createRegret } from './regret';
import { addRow, createReplay, replaySize, rowAt } from './replay';
import { createTrust } from './trust';

export type { LearnerOptions, LearnerOutput } from './learner-state';

export interface Learner {
  /** Rewards folded in. */
  readonly learnedRewards: number;
  /** In force after the last event. */
  readonly pace: LearningPace;
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
    guard: createGuard(),
    pacer: createPacer(options.budgetUsdPerRequest, options.explorationFloor ?? defaultExplorationFloor),
    trust: createTrust(),
    regret: createRegret(),
    setGaps: createSetGaps(),
    confidence: createConfidence(),
    replay: createReplay(options.config.replayRows),
    awaited: new Map(),
    events: 0,
    rewards: 0,
    rewardsAtRefit: 0,
    offsetAtRefit: 0,
    rewardsAtPolicy: 0,
    eventsAtTuning: 0,
    tuningVersion: 0,
    fromOffset: -1,
    toOffset: 0,
    pace: fullPace,
    loss: 0,
  };
}

function restoreState(checkpoint: Buffer, options: LearnerOptions): LearnerState {
  return readCheckpoint(checkpoint, freshState(options), { restoreRandom, encoderVersion: options.encoderVersion });
}

class Fold implements Learner, FoldParts {
  readonly scratch: Scratch = createScratch();

  constructor(
    readonly state: LearnerState,
    readonly options: LearnerOptions,
  ) {
    if (state.basis) makeRoom(this, state.basis.fitted);
    if (state.policy) {
      const { bytes, basis } = state.policy;
      serve(this, basis.fitted, readPolicy(bytes, basis.fitted));
    }
  }

  get learnedRewards(): number {
    return this.state.rewards;
  }

  get pace(): LearningPace {
    return this.state.pace;
  }

  get eventOffset(): number {
    return this.state.toOffset;
  }

  get replayFromOffset(): number {
    const { awaited, replay, pacer, toOffset } = this.state;
    const [awaitedFirst] = awaited.keys();
    const oldest = awaitedFirst ?? (replaySize(replay) > 0 ? rowAt(replay, 0).offset : toOffset);
    return Math.min(oldest, pacer.window[0]?.offset ?? toOffset);
  }

  apply(arrived: LearningEvent, offset: number): LearnerOutput[] {
    const { state } = this;
    if (offset < state.toOffset)
      throw new Error(`event ${offset} has been folded in already (next is ${state.toOffset})`);
    state.awaited.clear();
    if (state.fromOffset < 0) state.fromOffset = offset;
    state.toOffset = offset + 1;
    if (arrived.pace) {
      state.pace = arrived.pace;
      return [];
    }
    state.events++;
    this.options.tamper?.(state, offset);
    const event = believed(this, arrived, offset);
    let urgent = meetModels(this, event);
    if (account(this, event, offset)) urgent = true;
    const learns = event.kind !== 'CLOSED' && isLearnedFrom(this, event);
    if (learns && learn(this, event, offset)) urgent = true;
    repairBroken(this);
    // Between two policies nothing is refitted, so that a published policy and the learner share their basis.
    const policyDue = state.basis
      ? urgent || state.rewards - state.rewardsAtPolicy >= policyStep(this.options.config.publish, state.rewards)
      : state.rewards >= coldStartRewards(event.models.length);
    if (policyDue) refitWhenDue(this);
    if (learns) trainNetwork(this);
    repairBroken(this);
    const outputs = publish(this, policyDue, urgent);
    // Whoever folds can put the event aside that has done it, but not one of many that came since.
    assertSound(this);
    return outputs;
  }

  reload(event: LearningEvent, offset: number): void {
    const { state } = this;
    const paced = state.pacer.window.find((request) => request.offset === offset);
    if (paced) paced.features = keepFeatures(featuresOf(event));
    const drifts = state.awaited.get(offset);
    if (!drifts) {
      if (event.revision > 0 && !wasPassedOver(this, offset)) rejudge(state.replay, event);
      return;
    }
    state.awaited.delete(offset);
    let next = 0;
    const outcomes = outcomesOf(event, () => drifts[next++] ?? 0);
    addRow(state.replay, rowOf(this, event, offset, outcomes), sessionOf(event));
  }

  checkpoint(): Buffer {
    assertSound(this);
    forgetPassedOver(this, this.replayFromOffset);
    return writeCheckpoint(this.state, this.options.encoderVersion);
  }

  dispose(): void {
    this.state.neural?.dispose();
    this.state.neural = null;
  }
}
