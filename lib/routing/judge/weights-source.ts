/** Where learned weights come from, as strategies need it; `lib/weights` implements it on blobs by hash. */
import type { LearnedPolicy } from './strategy';

/** As pinned in `route.opened`. */
export interface WeightsPointer {
  readonly policySha256: string;
  readonly basisSha256: string | null;
}

export interface WeightsSource {
  /**
   * The parsed policy; null where the blob is missing or fails validation (hash, shape, finite). May throw a
   * TransientError, which counts as missing for now.
   */
  load(pointer: WeightsPointer): Promise<LearnedPolicy | null>;
}
