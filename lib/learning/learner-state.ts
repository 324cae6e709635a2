/** What the learner's fold carries from event to event. */
import type { Random } from '../ports/random';
import type { Basis } from './basis';
import type { Drift } from './drift';
import type { LinearHalf } from './linear-half';
import type { Mix } from './mix';
import type { NeuralHalf } from './neural-half';
import type { Pacer } from './pacer';
import type { Replay } from './replay';
import type { Trust } from './trust';

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
  policy: { bytes: Buffer; sha256: string } | null;
  mix: Mix;
  pacer: Pacer;
  trust: Trust;
  replay: Replay;
  /** Rows of a restored replay that wait for `reload`: drift per outcome, by offset. */
  awaited: Map<number, number[]>;
  events: number;
  rewards: number;
  rewardsAtRefit: number;
  rewardsAtPolicy: number;
  eventsAtTuning: number;
  tuningVersion: number;
  fromOffset: number;
  toOffset: number;
  /** Running mean of the network's loss. */
  loss: number;
}
