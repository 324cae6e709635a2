import fc from 'fast-check';
import { addTime, faded, maxBins, quantileMs, withTimesOf } from '../../../../lib/routing/open/latency-sketch';
import type { LatencySketch } from '../../../../lib/topics/generated/messages';

const sketchOf = (times: readonly number[], kept = 1): LatencySketch | null =>
  times.reduce<LatencySketch | null>((sketch, ms) => addTime(sketch, ms, kept), null);

test('quantiles are right to a twentieth, and bounded in size', () => {
  const times = fc.array(fc.double({ min: 100, max: 4_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.95, 0.99), (all, share) => {
      const sketch = sketchOf(all)!;
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.ceil(share * sorted.length - 1e-6) - 1]!;
      expect(Math.abs(quantileMs(sketch, share)! - exact)).toBeLessThanOrEqual(0.0501 * exact);
      expect(sketch.bins.length).toBeLessThanOrEqual(4 * maxBins);
    }),
  );
});

test('one time that is far off does not blur the others, and is forgotten in the end', () => {
  const usual = Array.from({ length: 100 }, (_, i) => 300 + i);
  const sketch = sketchOf([...usual, 3_600_000, 1])!;
  expect(quantileMs(sketch, 0.5)).toBeGreaterThan(300);
  expect(quantileMs(sketch, 0.95)).toBeLessThan(450);
  let later: LatencySketch | null = sketchOf([...usual, 9_000], 0.9);
  for (let i = 0; i < 100; i++) later = addTime(later, 400, 0.9);
  expect(quantileMs(later, 1)).toBeLessThan(450);
});

test('newer times count for more; all may fade alike; too few say nothing', () => {
  const slower = sketchOf([...new Array<number>(50).fill(100), ...new Array<number>(50).fill(1_000)], 0.95)!;
  expect(quantileMs(slower, 0.5)).toBeGreaterThan(900);
  expect(quantileMs(faded(slower, 0.1), 0.5)).toBe(quantileMs(slower, 0.5));
  expect(quantileMs(slower, 0.5, 15)).not.toBeNull();
  expect(quantileMs(faded(slower, 0.1), 0.5, 15)).toBeNull();
  expect(quantileMs(null, 0.5)).toBeNull();
});

test('two together are as one of all', () => {
  const [a, b] = [sketchOf([100, 200, 300]), sketchOf([400, 5_000])];
  for (const share of [0.2, 0.5, 0.9])
    expect(quantileMs(withTimesOf(a, b), share)).toBe(quantileMs(sketchOf([100, 200, 300, 400, 5_000]), share));
  expect(withTimesOf(null, b)).toBe(b);
  expect(withTimesOf(a, null)).toBe(a);
});

test('what somebody else has written is nothing worse than no times', () => {
  const odd = (bins: Buffer): LatencySketch => ({ firstKey: 0, bins });
  expect(quantileMs(odd(Buffer.from([1, 2, 3])), 0.5)).toBeNull();
  expect(quantileMs(odd(Buffer.from(Float32Array.of(Number.NaN, -1, Infinity).buffer)), 0.5)).toBeNull();
  expect(addTime(odd(Buffer.alloc(1_000_001)), 500, 1).bins.length).toBeLessThanOrEqual(4 * maxBins);
  expect(addTime({ firstKey: 2_000_000_000, bins: Buffer.from(Float32Array.of(3).buffer) }, 500, 1).bins.length).toBe(
    4,
  );
});
