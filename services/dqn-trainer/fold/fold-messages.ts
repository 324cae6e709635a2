/** What passes between the trainer and its worker thread. Events travel encoded, in one transferred buffer a batch. */
import { writerIdOf } from '../../../lib/avro/codec';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { PolicyBlobs, TrialSetup } from '../trial';
import type { FoldCheckpoint, FoldOutput, Tried } from './fold';
import type { FoldBatch, FoldSettings } from './fold-settings';

export interface PackedBatch {
  readonly offsets: Float64Array;
  /** Where each event ends in `bytes`. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

export type FoldRequest =
  | { readonly kind: 'start'; readonly settings: FoldSettings; readonly saved: Uint8Array | null }
  | { readonly kind: 'reload'; readonly batch: PackedBatch }
  | { readonly kind: 'apply'; readonly batch: PackedBatch }
  | { readonly kind: 'tryCandidate'; readonly setup: TrialSetup | null }
  | { readonly kind: 'addEvidence'; readonly batch: PackedBatch }
  | { readonly kind: 'judge' }
  | { readonly kind: 'checkpoint' };

export interface FoldReply {
  /** Numbers replies as the requests came. */
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly stack: string | undefined };
}

export interface Started {
  readonly eventOffset: number;
  readonly replayFromOffset: number;
}

const { codec } = topics.learningEvents;

export function packBatch(batch: FoldBatch): PackedBatch {
  // Of another version the thread need not know the schema: this process may have learned it since the thread began.
  const encoded = batch.map(({ event, bytes }) =>
    bytes && writerIdOf(bytes) === codec.schemaId ? bytes : codec.encode(event),
  );
  const ends = new Uint32Array(batch.length);
  let end = 0;
  encoded.forEach((bytes, i) => {
    end += bytes.length;
    ends[i] = end;
  });
  // Memory of its own: small Buffers share a pool, which must not be transferred away.
  const bytes = new Uint8Array(end);
  encoded.forEach((one, i) => {
    bytes.set(one, ends[i]! - one.length);
  });
  return { offsets: Float64Array.from(batch, ({ offset }) => offset), ends, bytes };
}

export function unpackBatch({ offsets, ends, bytes }: PackedBatch): FoldBatch {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(offsets, (offset, i): { event: LearningEvent; offset: number } => {
    const start = i === 0 ? 0 : ends[i - 1]!;
    return { event: codec.decode(all.subarray(start, ends[i])), offset };
  });
}

/** Buffers arrive from another thread as plain Uint8Arrays. */
export function revivedFolded(folded: Tried): Tried {
  const outputs = folded.outputs.map((output): FoldOutput => {
    if (output.kind !== 'policy') return output;
    return { ...output, policy: bufferOf(output.policy), basis: output.basis && bufferOf(output.basis) };
  });
  return { ...folded, outputs };
}

export function revivedTrial(setup: TrialSetup | null): TrialSetup | null {
  const revived = (blobs: PolicyBlobs): PolicyBlobs => ({
    ...blobs,
    policy: bufferOf(blobs.policy),
    basis: bufferOf(blobs.basis),
  });
  return setup && { ...setup, candidate: revived(setup.candidate), current: revived(setup.current) };
}

export function revivedCheckpoint(checkpoint: FoldCheckpoint): FoldCheckpoint {
  return { ...checkpoint, bytes: bufferOf(checkpoint.bytes) };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
