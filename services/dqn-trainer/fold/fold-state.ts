/** The saved form of a fold: the learner's own checkpoint, the settings it was made with, and what the fold keeps around it. */
import { type BlobArray, readBlob, writeBlob } from '../../../lib/learning/fold/blob';
import type { ForgottenSoFar } from '../../../lib/learning/fold/forget';
import type { FoldSettings } from './fold-settings';

export interface FoldState {
  readonly settings: FoldSettings;
  /** One past the last offset seen, whether or not its event was folded in. */
  readonly eventOffset: number;
  /** Newest event ids, oldest first. */
  readonly recentIds: readonly string[];
  /** Basis the newest policy belongs to; null before the first. */
  readonly basis: Buffer | null;
  readonly learner: Buffer;
  /** Absent where nothing is to be forgotten. */
  readonly forgotten?: ForgottenSoFar | undefined;
}

interface Meta {
  readonly settings: FoldSettings;
  readonly eventOffset: number;
  readonly recentIds: readonly string[];
  readonly learnerBytes: number;
  readonly basisBytes: number | null;
  readonly forgotten?: ForgottenSoFar | undefined;
}

const wordBytes = 4;

export function writeFoldState({ settings, eventOffset, recentIds, basis, learner, forgotten }: FoldState): Buffer {
  const meta: Meta = {
    settings,
    eventOffset,
    recentIds,
    learnerBytes: learner.length,
    basisBytes: basis?.length ?? null,
    ...(forgotten && { forgotten }),
  };
  const arrays: Record<string, BlobArray> = { learner: wordsOf(learner) };
  if (basis) arrays['basis'] = wordsOf(basis);
  return writeBlob({ kind: 'fold', meta, arrays });
}

/** Throws, saying what is wrong, for bytes that are no fold's state. */
export function readFoldState(bytes: Buffer): FoldState {
  const { meta, arrays } = readBlob(bytes, 'fold');
  const { settings, eventOffset, recentIds, learnerBytes, basisBytes, forgotten } = meta as Meta;
  const learner = bytesOf(arrays['learner'], learnerBytes);
  return {
    settings,
    eventOffset,
    recentIds,
    learner,
    forgotten,
    basis: basisBytes === null ? null : bytesOf(arrays['basis'], basisBytes),
  };
}

function wordsOf(bytes: Buffer): Int32Array {
  const words = new Int32Array(Math.ceil(bytes.length / wordBytes));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function bytesOf(array: BlobArray | undefined, length: number): Buffer {
  if (!array || array.byteLength < length) throw new Error('fold blob: an array is missing or cut off');
  return Buffer.from(array.buffer, array.byteOffset, length);
}
