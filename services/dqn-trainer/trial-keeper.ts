/** Keeps the fold's trial in step with what is in force and what waits: begins it, with what the log has to say, and ends it. */

import type { Broker } from '../../lib/ports/broker';
import type { Log } from '../../lib/telemetry/log';
import type { WeightsPublished, WeightsVersion } from '../../lib/topics/generated/messages';
import type { BlobStore } from '../../lib/weights/blob-store';
import type { TrainerFold } from './fold/fold';
import type { Publisher } from './publisher';
import { readEvents } from './read-events';
import { looks, type PolicyBlobs, type TrialVerdict } from './trial';

export interface TrialKeeperOptions {
  readonly publisher: Publisher;
  readonly broker: Broker;
  readonly topicPrefix?: string;
  readonly blobs: BlobStore;
  readonly log: Log;
}

/** Where the fold stands. */
export interface FoldAt {
  readonly fold: TrainerFold;
  /** Next offset to fold in. */
  readonly position: number;
  /** Offsets of events that no fold takes. */
  readonly skipped: ReadonlySet<number>;
  /** What the fold counts above the offsets of the log. */
  readonly shift: number;
}

export interface TrialKeeper {
  /** After anything that may have changed the candidate or the weights in force. */
  follow(at: FoldAt): Promise<void>;
  /** The fold was made anew, and with it went its trial. */
  restart(): void;
  /** The gate's verdict on any version, on what the log has since it was made; the reason why not when none can be had. */
  judge(at: FoldAt, version: WeightsVersion): Promise<TrialVerdict | string>;
}

export function createTrialKeeper(options: TrialKeeperOptions): TrialKeeper {
  const { publisher, log } = options;
  /** Who is on trial against whom; '' for nobody. */
  let running = '';

  const begin = async (
    { fold, position, skipped, shift }: FoldAt,
    version: WeightsVersion,
    inForce: WeightsPublished,
  ) => {
    const candidate = await blobsOf(options.blobs, version.weights);
    const current = await blobsOf(options.blobs, inForce);
    const fromOffset = version.weights.toOffset;
    await fold.tryCandidate({ candidate, current, fromOffset, tuning: publisher.tuning });
    // The newest are enough: a trial takes no more decisions than the last look needs.
    for await (const batch of readEvents(
      { ...options, shift },
      Math.max(fromOffset, position - looks.at(-1)!),
      position,
    ))
      await fold.addEvidence(batch.filter(({ offset }) => !skipped.has(offset)));
  };

  return {
    async follow(at) {
      const { candidate, inForce } = publisher;
      const wanted = candidate && inForce ? `${candidate.weights.policySha256} ${inForce.sequence}` : '';
      if (wanted === running) return;
      running = wanted;
      if (!candidate || !inForce) return at.fold.tryCandidate(null);
      try {
        await begin(at, candidate, inForce);
      } catch (error) {
        await at.fold.tryCandidate(null);
        log.error('a candidate cannot be put on trial; it waits until somebody decides', {
          policySha256: candidate.weights.policySha256,
          error: error as Error,
        });
      }
    },
    restart() {
      running = '';
    },
    async judge(at, version) {
      const { candidate, inForce } = publisher;
      if (!inForce) return 'no weights are in force';
      try {
        if (version.weights.policySha256 !== candidate?.weights.policySha256) {
          running = 'somebody else, for once';
          await begin(at, version, inForce);
        }
        return (await at.fold.judge()) ?? 'it could not be put on trial: see the log of the trainer';
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

/** Throws when a blob is nowhere. */
export async function blobsOf(blobs: BlobStore, weights: WeightsPublished): Promise<PolicyBlobs> {
  const { policySha256, basisSha256 } = weights;
  const policy = await blobs.load(policySha256);
  const basis = await blobs.load(basisSha256);
  if (policy && basis) return { policySha256, policy, basisSha256, basis };
  throw new Error(`the ${policy ? 'basis' : 'policy'} ${policy ? basisSha256 : policySha256} is in no store`);
}
