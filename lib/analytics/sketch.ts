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
export const maxBuckets = mapping.key(mostValue) - mapping.key(leastValue) + 1;

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

export function sumSketches(): SketchSum {
  const sum = new DDSketch({ relativeAccuracy });
  return {
    add({ firstKey, counts, zeros }) {
      for (let i = 0; i < counts.length; i++) {
        const count = counts[i]!;
        if (count <= 0) continue;
        sum.store.add(firstKey + i, count);
        sum.count += count;
      }
      sum.zeroCount += zeros;
      sum.count += zeros;
    },
    quantile(share) {
      return sum.count > 0 ? sum.getValueAtQuantile(share) : null;
    },
  };
}
