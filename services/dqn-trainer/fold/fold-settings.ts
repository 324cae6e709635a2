/** What a fold of the learning log depends on, and what it is fed with. */
import type { LearningConfig } from '../../../lib/config/router-config';
import type { TensorBackendName } from '../../../lib/ports/tensor-backend';
import type { LearningEvent, UtilityScale } from '../../../lib/topics/generated/messages';

/** Everything but events and offsets that decides what is learned. */
export interface FoldSettings {
  readonly seed: number;
  /** With the backend that trains, `auto` having been decided. */
  readonly learning: LearningConfig & { readonly backend: TensorBackendName };
  readonly budgetUsdPerRequest: number | null;
  readonly utilityScale: UtilityScale;
  readonly explorationFloor: number;
  readonly encoderVersion: string;
  /** `algorithmVersion`. */
  readonly algorithm: number;
}

export type FoldBatch = readonly {
  readonly event: LearningEvent;
  readonly offset: number;
  /** What the event was read from, where it was: then it need not be written again to travel. */
  readonly bytes?: Buffer;
}[];
