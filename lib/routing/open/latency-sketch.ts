/**
 * How times are distributed, in a few hundred bytes of a profile: a histogram with logarithmic buckets in which newer times
 * count for more. Which bucket a time belongs to, and what a bucket says, is DDSketch's business.
 */
import { DDSketch } from '@datadog/sketches-js';
import type { LatencySketch } from '../../topics/generated/messages';

/** A quantile is off by at most so much of itself. */
const relativeAccuracy = 0.05;
/** From the fastest to the slowest a factor of 50; what lies beyond counts at the end. */
export const maxBins = 40;
const leastMs = 1;
const mostMs = 3_600_000;
/** A bucket at an end with less in it is left out, so that one strange time is forgotten in the end. */
const negligible = 0.01;

const { mapping } = new DDSketch({ relativeAccuracy });
const leastKey = mapping.key(leastMs);
const mostKey = mapping.key(mostMs);

/** With one more time, in milliseconds. `kept` is what is left of the weight of the others. */
export function addTime(sketch: LatencySketch | null, ms: number, kept: number): LatencySketch {
  return addAt(sketch, mapping.key(Math.min(mostMs, Math.max(leastMs, ms))), 1, kept);
}

/** What is left of it when all weights fade. */
export function faded({ firstKey, bins }: LatencySketch, kept: number): LatencySketch {
  return { firstKey, bins: packed(countsOf(bins).map((count) => count * kept)) };
}

/** The two as one. */
export function withTimesOf(a: LatencySketch | null, b: LatencySketch | null): LatencySketch | null {
  if (!a || !b) return a ?? b;
  return countsOf(b.bins).reduce((sum, count, i) => (count > 0 ? addAt(sum, b.firstKey + i, count, 1) : sum), a);
}

function addAt(sketch: LatencySketch | null, key: number, weight: number, kept: number): LatencySketch {
  // Keys that no time has are somebody's invention.
  const isOurs = sketch !== null && sketch.firstKey >= leastKey && sketch.firstKey <= mostKey;
  const before = isOurs ? countsOf(sketch.bins) : [];
  const from = isOurs && before.length > 0 ? sketch.firstKey : key;
  const start = Math.min(from, key);
  const counts = new Array<number>(Math.max(from + before.length, key + 1) - start).fill(0);
  for (let i = 0; i < before.length; i++) counts[from - start + i] = before[i]! * kept;
  counts[key - start]! += weight;
  let first = 0;
  let last = counts.length - 1;
  while (first < last && counts[first]! < negligible) first++;
  while (first < last && counts[last]! < negligible) last--;
  // The lighter end gives way: one time that is far off must not blur all others.
  while (last - first >= maxBins) {
    if (counts[first]! <= counts[last]!) counts[first + 1]! += counts[first++]!;
    else counts[last - 1]! += counts[last--]!;
  }
  return { firstKey: start + first, bins: packed(counts.slice(first, last + 1)) };
}

function packed(counts: readonly number[]): Buffer {
  return Buffer.from(Float32Array.from(counts).buffer);
}

/** Whatever somebody has written: a count that is none is 0. */
function countsOf(bins: Buffer): number[] {
  const counts: number[] = [];
  for (let at = 0; at + 4 <= bins.length && counts.length < maxBins; at += 4) {
    const count = bins.readFloatLE(at);
    counts.push(count > 0 && Number.isFinite(count) ? count : 0);
  }
  return counts;
}

/** The time that this share of the calls did not exceed, in milliseconds; null where fewer than `leastWeight` were timed. */
export function quantileMs(sketch: LatencySketch | null, share: number, leastWeight = 0): number | null {
  if (!sketch) return null;
  const counts = countsOf(sketch.bins);
  let total = 0;
  for (const count of counts) total += count;
  if (!(total > 0) || total < leastWeight) return null;
  let reached = 0;
  for (let i = 0; i < counts.length; i++) {
    reached += counts[i]!;
    if (reached >= share * total) return mapping.value(sketch.firstKey + i);
  }
  return mapping.value(sketch.firstKey + counts.length - 1);
}
