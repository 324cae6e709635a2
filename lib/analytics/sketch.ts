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

/** The sum of sketches, on its way. */
export interface SketchSum {
  add(sketch: Sketch): void;
  /** Null where no value was counted. */
  quantile(share: number): number | null;
}

/** Counts are added bucket by bucket in one list: a question may add some ten thousand, and a sketch of the library each is slow to make. */
export function sumSketches(): SketchSum {
  let first = 0;
  let counts: number[] = [];
  let zeros = 0;
  let total = 0;
  return {
    add({ firstKey, counts: added, zeros: addedZeros }) {
      zeros += addedZeros;
      total += addedZeros;
      // What lies beyond the range that is measured was written by somebody else, and must not make the list any longer.
      const from = Math.max(firstKey, lowestKey);
      const end = Math.min(firstKey + added.length, lowestKey + maxBuckets);
      if (!(from < end)) return;
      if (counts.length === 0) first = from;
      if (from < first) {
        counts = [...new Array<number>(first - from).fill(0), ...counts];
        first = from;
      }
      while (counts.length < end - first) counts.push(0);
      for (let key = from; key < end; key++) {
        const count = added[key - firstKey]!;
        if (!(count > 0)) continue;
        counts[key - first]! += count;
        total += count;
      }
    },
    quantile(share) {
      if (total <= 0) return null;
      const rank = share * (total - 1);
      if (rank < zeros) return 0;
      let seen = zeros;
      for (let i = 0; i < counts.length; i++) {
        seen += counts[i]!;
        if (seen > rank) return mapping.value(first + i);
      }
      return mapping.value(first + counts.length - 1);
    },
  };
}
