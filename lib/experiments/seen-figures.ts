/**
 * Which figures of units have counted: Bloom filters one behind the other, each twice as large as the one before, so that few of
 * many units are taken for known. Nothing is ever forgotten: a unit that counted twice would make intervals narrower than they are.
 */
import { createHash } from 'node:crypto';

const hashes = 4;
const firstBytes = 16_384;
/** Four filters. With all of them full, more and more units are left out: a row must fit into its record. */
const maxBytes = 15 * firstBytes;
/** Bits of a filter that are set when the next is begun: a new figure is taken for a known one with the fourth power of it. */
const fullShare = 0.4;
/** Bits are set anywhere alike: so many bytes of a filter tell how full it is. */
const sampledBytes = 512;

export const noFigures = (): Buffer => Buffer.alloc(firstBytes);

/** The same with `figures`, and those of them that were not known; the same buffer where there are none. An empty one knows nothing and takes every figure. */
export function withFigures<T extends string>(
  seen: Buffer,
  unit: string,
  figures: readonly T[],
): { readonly seen: Buffer; readonly fresh: readonly T[] } {
  if (seen.length === 0) return { seen, fresh: figures };
  const placed = figures.map((figure) => ({ figure, places: placesOf(`${unit}/${figure}`) }));
  const fresh = placed.filter(({ places }) => !isKnown(seen, places));
  if (fresh.length === 0) return { seen, fresh: [] };
  const after = withRoom(seen);
  const [from, to] = filtersOf(after.length).at(-1)!;
  for (const { places } of fresh)
    for (const place of places) {
      const bit = place % ((to - from) * 8);
      after[from + (bit >> 3)]! |= 1 << (bit & 7);
    }
  return { seen: after, fresh: fresh.map(({ figure }) => figure) };
}

function placesOf(text: string): number[] {
  const digest = createHash('sha256').update(text).digest();
  return Array.from({ length: hashes }, (_, i) => digest.readUInt32BE(4 * i));
}

function isKnown(seen: Buffer, places: readonly number[]): boolean {
  return filtersOf(seen.length).some(([from, to]) =>
    places.every((place) => {
      const bit = place % ((to - from) * 8);
      return (seen[from + (bit >> 3)]! & (1 << (bit & 7))) !== 0;
    }),
  );
}

/** Where the filters of a buffer of this length lie. */
function filtersOf(length: number): [from: number, to: number][] {
  const filters: [number, number][] = [];
  for (let from = 0, bytes = firstBytes; from < length; from += bytes, bytes *= 2)
    filters.push([from, Math.min(from + bytes, length)]);
  return filters;
}

/** A copy that can be written to, with a further filter where the last one is full. */
function withRoom(seen: Buffer): Buffer {
  const [from, to] = filtersOf(seen.length).at(-1)!;
  let set = 0;
  for (const byte of seen.subarray(from, from + sampledBytes)) for (let bits = byte; bits > 0; bits &= bits - 1) set++;
  const isFull = set >= fullShare * 8 * sampledBytes && seen.length < maxBytes;
  return isFull ? Buffer.concat([seen, Buffer.alloc(2 * (to - from))]) : Buffer.from(seen);
}
