import fc from 'fast-check';
import {
  addValues,
  emptySketch,
  maxBuckets,
  packSketches,
  relativeAccuracy,
  SketchSum,
} from '../../../lib/analytics/sketch';
import type { Sketch } from '../../../lib/topics/generated/messages';

const sketchOf = (values: readonly number[]): Sketch =>
  values.reduce((sketch, value) => addValues(sketch, [value]), emptySketch);
/** The sum of sketches as it is made of a row that has them. */
function sumOf(...sketches: readonly Sketch[]): SketchSum {
  const sum = new SketchSum();
  const packed = packSketches(sketches);
  sketches.forEach((_, i) => {
    sum.add(packed, i);
  });
  return sum;
}
const values = fc.array(fc.double({ min: 0.001, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 200 });

test('quantiles of merged sketches are those of all values, to the stated accuracy', () => {
  fc.assert(
    fc.property(values, values, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
      const sum = sumOf(sketchOf(a), sketchOf(b));
      const sorted = [...a, ...b].sort((x, y) => x - y);
      const exact = sorted[Math.floor(share * (sorted.length - 1))]!;
      expect(Math.abs(sum.quantile(share)! - exact)).toBeLessThanOrEqual(relativeAccuracy * exact * 1.001);
    }),
  );
});

test('a sketch is bounded, whatever values come; nothing counted has no quantile', () => {
  const sketch = sketchOf([0, 1e-30, 0.001, 1, 1e9, 1e300]);
  expect(sketch.counts.length).toBeLessThanOrEqual(maxBuckets);
  expect(sketch.zeros).toBe(2);
  expect(new SketchSum().quantile(0.5)).toBeNull();
  expect(sumOf(emptySketch).quantile(0.5)).toBeNull();
});

test('law: values at once count as they do one after the other', () => {
  const some = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e12, noNaN: true })), { maxLength: 40 });
  fc.assert(
    fc.property(some, some, (before, added) => {
      const sketch = sketchOf(before);
      expect(addValues(sketch, added)).toEqual(added.reduce((sum, value) => addValues(sum, [value]), sketch));
    }),
  );
});

test('buckets that nobody could have measured are passed over, and take no room', () => {
  const sum = sumOf(
    sketchOf([5]),
    { firstKey: 2 ** 31 - 2, counts: [1], zeros: 0 },
    { firstKey: -(2 ** 31), counts: [1, Number.NaN, -4], zeros: -7 },
  );
  expect(sum.quantile(1)).toBeCloseTo(5, 0);
  expect(sum.quantile(0)).toBe(sum.quantile(1));
  expect(packSketches([{ firstKey: -(2 ** 31), counts: new Array(5_000).fill(1), zeros: 0 }]).counts.length).toBe(1);
  expect([...packSketches([{ firstKey: 0, counts: [1e15], zeros: 1e15 }]).counts]).toEqual([2 ** 32 - 1, 2 ** 32 - 1]);
});

test('a sum that was cleared knows nothing of what was in it', () => {
  fc.assert(
    fc.property(values, values, (before, then) => {
      const sum = sumOf(sketchOf([0, ...before]));
      sum.clear();
      expect(sum.quantile(0.5)).toBeNull();
      sum.add(packSketches([sketchOf(then)]), 0);
      for (const share of [0, 0.5, 1]) expect(sum.quantile(share)).toBe(sumOf(sketchOf(then)).quantile(share));
    }),
  );
});
