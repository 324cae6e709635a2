/**
 * Quantiles that can be added up: a histogram with logarithmic buckets as rows of a table keep it. Which bucket a value
 * belongs to, and what a bucket says, is DDSketch's business.
 */
import { DDSketch } from '@datadog/sketches-js';
import type { Sketch } from '../topics/generated/messages';

/** A quantile is off by at most so much of itself. */
export const relativeAccuracy = 0.02;

const { mapping } = new DDSketch({ relativeAccuracy });
/** What is measured here is between a microsecond and eleven days, in milliseconds: at most 691 buckets. */
const leastValue = 0.001;
const mostValue = 1e9;
const lowestKey = mapping.key(leastValue);
export const maxBuckets = mapping.key(mostValue) - lowestKey + 1;

export const emptySketch: Sketch = Object.freeze({ firstKey: 0, counts: [], zeros: 0 });

/** With values (finite, at least 0) counted, each once; those out of range count at its ends. */
export function addValues(sketch: Sketch, values: readonly number[]): Sketch {
  const keys: number[] = [];
  let { zeros } = sketch;
  for (const value of values) {
    if (value < leastValue) zeros++;
    else keys.push(mapping.key(Math.min(mostValue, value)));
  }
  if (keys.length === 0) return { ...sketch, zeros };
  const { firstKey, counts } = sketch;
  let [first, end] = counts.length > 0 ? [firstKey, firstKey + counts.length] : [keys[0]!, keys[0]!];
  for (const key of keys) {
    first = Math.min(first, key);
    end = Math.max(end, key + 1);
  }
  const added = new Array<number>(end - first).fill(0);
  for (let i = 0; i < counts.length; i++) added[firstKey - first + i] = counts[i]!;
  for (const key of keys) added[key - first]!++;
  return { firstKey: first, counts: added, zeros };
}

/** Sketches of a row side by side, in four bytes a count; what is not within the range that is measured is left out. */
export interface PackedSketches {
  /** Of each sketch, its first bucket, counted from the lowest that there can be, and where its counts begin; in the end, where the last ones end. */
  readonly places: Int32Array;
  /** Of each sketch, how many values are 0, and then its buckets. */
  readonly counts: Uint32Array;
}

/** More than this in one bucket counts as this. */
const mostCount = 2 ** 32 - 1;

export function packSketches(sketches: readonly Sketch[]): PackedSketches {
  const places = new Int32Array(2 * sketches.length + 2);
  let length = 0;
  const ranges = sketches.map(({ firstKey, counts }, i) => {
    // What lies beyond the range was written by somebody else, and must not make anything longer.
    const from = Math.min(Math.max(firstKey, lowestKey), lowestKey + maxBuckets);
    const end = Math.max(from, Math.min(firstKey + counts.length, lowestKey + maxBuckets));
    places[2 * i] = from - lowestKey;
    places[2 * i + 1] = length;
    length += 1 + end - from;
    return { from, end };
  });
  places[2 * sketches.length + 1] = length;
  const packed = new Uint32Array(length);
  sketches.forEach(({ firstKey, counts, zeros }, i) => {
    const { from, end } = ranges[i]!;
    let at = places[2 * i + 1]!;
    packed[at++] = Math.min(mostCount, Math.max(0, zeros));
    for (let key = from; key < end; key++) {
      const count = counts[key - firstKey]!;
      packed[at++] = count > 0 ? Math.min(mostCount, count) : 0;
    }
  });
  return { places, counts: packed };
}

/** The sum of sketches, on its way; one takes the next sum when it is cleared. */
export class SketchSum {
  private readonly buckets = new Float64Array(maxBuckets);
  /** The buckets that are not 0 lie within. */
  private first = maxBuckets;
  private end = 0;
  private zeros = 0;
  private total = 0;

  clear(): void {
    this.buckets.fill(0, this.first, this.end);
    this.first = maxBuckets;
    this.end = 0;
    this.zeros = 0;
    this.total = 0;
  }

  /** Adds one of the sketches of a row. */
  add({ places, counts }: PackedSketches, sketch: number): void {
    const firstBucket = places[2 * sketch]!;
    const begin = places[2 * sketch + 1]!;
    const end = places[2 * sketch + 3]!;
    const { buckets } = this;
    let total = counts[begin]!;
    this.zeros += total;
    for (let at = begin + 1, bucket = firstBucket; at < end; at++, bucket++) {
      const count = counts[at]!;
      buckets[bucket]! += count;
      total += count;
    }
    this.total += total;
    if (end === begin + 1) return;
    this.first = Math.min(this.first, firstBucket);
    this.end = Math.max(this.end, firstBucket + end - begin - 1);
  }

  /** Null where no value was counted. */
  quantile(share: number): number | null {
    if (this.total <= 0) return null;
    const rank = share * (this.total - 1);
    if (rank < this.zeros) return 0;
    let seen = this.zeros;
    for (let bucket = this.first; bucket < this.end; bucket++) {
      seen += this.buckets[bucket]!;
      if (seen > rank) return mapping.value(lowestKey + bucket);
    }
    return mapping.value(lowestKey + this.end - 1);
  }
}
