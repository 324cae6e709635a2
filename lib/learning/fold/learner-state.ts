/** What a learner is made with, what it carries from event to event, and what it puts out. */
import type { LearningConfig } from '../../config/router-config';
import type { Random } from '../../ports/random';
import type { TensorBackend } from '../../ports/tensor-backend';
import type { LearningPace, Tuning, UtilityScale, WeightsPublished } from '../../topics/generated/messages';
import { type Guarantees, guaranteesOf } from '../budget/guarantees';
import type { Pacer } from '../budget/pacer';
import { type Basis, describePhi, type Features, phiSize } from '../features/basis';
import type { Alarm } from '../guard/alarms';
import { type Broken, createBroken } from '../guard/broken';
import type { GuardState } from '../guard/guard-state';
import type { LinearHalf } from '../value/linear-half';
import type { Mix } from '../value/mix';
import type { NeuralHalf } from '../value/neural-half';
import { createValues, type PolicyWeights, type Values } from '../value/policy';
import type { SetGaps } from '../value/set-gaps';
import type { Confidence } from './confidence';
import type { Drift } from './drift';
import type { Regret } from './regret';
import { describedIn, type Replay, type ReplayRow } from './replay';
import type { Trust } from './trust';

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
  /** A seam for tests and `make inject`, out of reach of any configuration: called before every event, may damage the state. */
  readonly tamper?: (state: LearnerState, offset: number) => void;
}

export type Published = Omit<WeightsPublished, 'sequence' | 'publishedAtMs' | 'lineage' | 'reason'>;

export type LearnerOutput =
  | {
      readonly kind: 'policy';
      readonly policy: Buffer;
      readonly policySha256: string;
      /** Null when it is the one published before. */
      readonly basis: Buffer | null;
      readonly basisSha256: string;
      readonly published: Published;
      /** Why the guard does not let it be served; the policy before it stays in force. Null when it may. */
      readonly refused: string | null;
      /** Alarms of the learner's health that were not raised at the policy before. */
      readonly alarms: readonly Alarm[];
    }
  | { readonly kind: 'tuning'; readonly tuning: Tuning };

/** All that is folded. Every field is saved in checkpoints; replay features are read again. */
export interface LearnerState {
  random: Random;
  models: string[];
  /** Models of the newest event: the ones that are configured now. */
  configured: readonly string[];
  pulls: number[];
  joinedLate: boolean[];
  rewardMean: number;
  rewardDeviation: number;
  /** Standardised. */
  armMeans: number[];
  drifts: Drift[];
  basis: { fitted: Basis; bytes: Buffer; sha256: string; number: number; published: boolean } | null;
  linear: LinearHalf | null;
  neural: NeuralHalf | null;
  /** The newest that may be served, and the basis it belongs to: an older one after a refusal. */
  policy: { bytes: Buffer; sha256: string; basis: { fitted: Basis; bytes: Buffer; sha256: string } } | null;
  mix: Mix;
  guard: GuardState;
  pacer: Pacer;
  trust: Trust;
  /** Null where a log has been learned from without it: nothing limits exploration then. */
  regret: Regret | null;
  setGaps: SetGaps;
  confidence: Confidence;
  replay: Replay;
  /** Rows of a restored replay that wait for `reload`: drift per outcome, by offset. */
  awaited: Map<number, number[]>;
  events: number;
  rewards: number;
  rewardsAtRefit: number;
  /** One past the last offset that the last refit has seen. */
  offsetAtRefit: number;
  rewardsAtPolicy: number;
  eventsAtTuning: number;
  tuningVersion: number;
  fromOffset: number;
  toOffset: number;
  /** What the log says of how much is learned from. */
  pace: LearningPace;
  /** Running mean of the network's loss. */
  loss: number;
}

/** Memory that is used again and again, and the published policy as decisions see it. Not saved: made from the state. */
export interface Scratch {
  /** X and phi of the event at hand. */
  x: Float32Array;
  phi: Float32Array;
  /** phi again, for the float64 arithmetic of the linear half. */
  widePhi: Float64Array;
  served: ((features: Features, neuralWeight: number) => Values) | null;
  /** The same policy as numbers. */
  inForce: { readonly basis: Basis; readonly weights: PolicyWeights } | null;
  /** In the order of its values. */
  servedModels: readonly string[];
  /** Of the published policy. */
  guarantees: Guarantees;
  /** Halves that have to be repaired before the event at hand is done with. */
  broken: Broken;
}

/** What every step of the fold works on. */
export interface FoldParts {
  readonly state: LearnerState;
  readonly options: LearnerOptions;
  readonly scratch: Scratch;
}

export function createScratch(): Scratch {
  return {
    x: new Float32Array(0),
    phi: new Float32Array(0),
    widePhi: new Float64Array(0),
    served: null,
    inForce: null,
    servedModels: [],
    guarantees: new Map(),
    broken: createBroken(),
  };
}

export function makeRoom(fold: FoldParts, basis: Basis): void {
  fold.scratch.x = new Float32Array(basis.xSize);
  fold.scratch.phi = new Float32Array(phiSize(basis));
  fold.scratch.widePhi = new Float64Array(phiSize(basis));
}

/** X and phi of a row, into scratch space. */
export function describeRow(
  { scratch }: FoldParts,
  basis: Pick<NonNullable<LearnerState['basis']>, 'fitted' | 'number'>,
  row: ReplayRow,
): void {
  const { x, isKnown } = describedIn(basis, row);
  scratch.x.set(x);
  describePhi(basis.fitted, isKnown ? x : null, scratch.phi);
  scratch.widePhi.set(scratch.phi);
}

/** From now on this is the policy that decisions are made with. */
export function serve({ scratch }: FoldParts, basis: Basis, weights: PolicyWeights): void {
  scratch.served = createValues(basis, weights);
  scratch.inForce = { basis, weights };
  scratch.servedModels = weights.models;
  scratch.guarantees = guaranteesOf(weights);
}
