/**
 * The requests on which policies are compared: a uniform sample of the replay that is the same for every policy compared,
 * changes slowly as the replay does, and needs no memory of its own: the rows with the smallest hashes.
 */
import { type Replay, type ReplayRow, replaySize, rowAt } from '../fold/replay';

/** Probes in a set: shares are known to about .06, at 64 values of a policy a publication. */
export const probeCount = 64;

// Bound once: see encode.ts.
const { imul } = Math;

/** Up to `probeCount` rows, oldest first. The same replay and seed give the same rows. */
export function probeSet(replay: Replay, seed: number): ReplayRow[] {
  const size = replaySize(replay);
  if (size <= probeCount) return Array.from({ length: size }, (_, i) => rowAt(replay, i));
  const hashes = new Float64Array(size);
  for (let i = 0; i < size; i++) hashes[i] = hashOf(seed, rowAt(replay, i).offset);
  const limit = hashes.slice().sort()[probeCount - 1]!;
  const probes: ReplayRow[] = [];
  for (let i = 0; i < size && probes.length < probeCount; i++) if (hashes[i]! <= limit) probes.push(rowAt(replay, i));
  return probes;
}

function hashOf(seed: number, offset: number): number {
  let h = imul(seed ^ 0x2545f491, 0x9e3779b1) ^ imul(offset + 1, 0x85ebca6b);
  h = imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}
