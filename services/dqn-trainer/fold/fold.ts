/** What the trainer asks of whoever folds the learning events: a thread of its own, or the calling one. Both give the same bytes. */

import type { RouterConfig } from '../../../lib/config/router-config';
import { type Encoder, encoderOf } from '../../../lib/learning/features/encoder-key';
import type { LearnerOutput } from '../../../lib/learning/fold/learner';
import type { LearningPace } from '../../../lib/topics/generated/messages';
import { algorithmVersion, lineageIdOf } from '../lineage';
import { chooseBackend } from '../tensor-backend';
import type { TrialSetup, TrialVerdict } from '../trial';
import type { FoldBatch, FoldSettings } from './fold-settings';

/** `rejected` says why a policy must not be served; null when it may. */
export type FoldOutput =
  | (Extract<LearnerOutput, { kind: 'policy' }> & { readonly rejected: string | null })
  | Extract<LearnerOutput, { kind: 'tuning' }>;

export interface Folded {
  /** In order. */
  readonly outputs: readonly FoldOutput[];
  /** Events folded in, by kind. */
  readonly folded: ReadonlyMap<string, number>;
  /** Events whose id had come before: at-least-once delivery wrote them twice. */
  readonly duplicates: number;
  /** Events whose features another encoder made. */
  readonly foreign: number;
  /** Events that make no sense and were passed over, as `checkEvent` says. */
  readonly faults: readonly EventFault[];
  /** How much is learned from after the batch; null where nothing was folded. */
  readonly pace: LearningPace | null;
}

export interface EventFault {
  readonly offset: number;
  /** Names the field and what is wrong with it. */
  readonly fault: string;
}

export interface Fold {
  /** Where a start from a saved state goes on: one past the last offset it has seen. */
  readonly eventOffset: number;
  /** First offset to hand to `reload`; `eventOffset` when none is needed. */
  readonly replayFromOffset: number;
  /** After a start from a saved state and before the first `apply`: the events of [replayFromOffset, eventOffset), in order. */
  reload(batch: FoldBatch): Promise<void>;
  apply(batch: FoldBatch): Promise<Folded>;
  /** The whole state, settings included. */
  checkpoint(): Promise<FoldCheckpoint>;
  close(): Promise<void>;
}

export interface FoldCheckpoint {
  readonly bytes: Buffer;
  readonly eventOffset: number;
  readonly replayFromOffset: number;
}

/** A fold that can put a candidate on trial on the events it folds; see `trial.ts`. */
export interface TrainerFold extends Fold {
  apply(batch: FoldBatch): Promise<Tried>;
  /** Null ends the trial. Rejects for a policy that cannot be parsed; there is no trial then. */
  tryCandidate(setup: TrialSetup | null): Promise<void>;
  /** Events that were folded in before the trial began, in order: evidence for it, not learned again. */
  addEvidence(batch: FoldBatch): Promise<void>;
  /** The gate's verdict on what has come so far; null without a trial. */
  judge(): Promise<TrialVerdict | null>;
}

export interface Tried extends Folded {
  /** The gate's, where it was due within the batch. */
  readonly verdict: TrialVerdict | null;
  /** How long a thread of its own was at it, in milliseconds, without what waited before and behind; null in the calling thread. */
  readonly threadMs: number | null;
}

/** Starts a fold from nothing or from the bytes of a checkpoint, with these settings. */
export type StartFold = (settings: FoldSettings, saved: Buffer | null) => Promise<TrainerFold>;

/** `backend`: what trains; unless said, what the configuration means for a new lineage. `keyed`: with the installation's key. */
export function foldSettingsOf(
  config: RouterConfig,
  backend = chooseBackend(config).name,
  keyed: Encoder | null = null,
): FoldSettings {
  const { seed, budgetUsdPerRequest, utilityScale, explorationFloor } = config;
  const learning = { ...config.learning, backend };
  return {
    seed,
    learning,
    budgetUsdPerRequest,
    utilityScale,
    explorationFloor,
    encoderVersion: encoderOf(config, keyed).version,
    algorithm: algorithmVersion,
  };
}

/**
 * Whether a state of one setting can go on under another. Seed, pipeline, encoder and tensor backend are what the state is
 * made of: with other ones the log has to be folded from its beginning, as a new lineage. Budget, prices and cadence may
 * change on the way.
 */
export function sameLineage(a: FoldSettings, b: FoldSettings): boolean {
  return lineageIdOf(a) === lineageIdOf(b);
}

export function sameSettings(a: FoldSettings, b: FoldSettings): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
