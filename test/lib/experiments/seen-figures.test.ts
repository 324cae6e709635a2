import { noFigures, withFigures } from '../../../lib/experiments/seen-figures';

const metrics = ['exposed', 'quality', 'costUsd', 'latencyMs', 'failure'] as const;

test('of 10,000 units hardly one is taken for another, none counts twice, and the row keeps its size', () => {
  let seen = noFigures();
  let counted = 0;
  const units = 10_000;
  for (let i = 0; i < units; i++) {
    const next = withFigures(seen, `u${i}`, metrics);
    seen = next.seen;
    counted += next.fresh.length;
  }
  expect(counted / (units * metrics.length)).toBeGreaterThan(0.96);
  expect(seen.length).toBeLessThanOrEqual(15 * 16_384);
  for (let i = 0; i < units; i += 97) expect(withFigures(seen, `u${i}`, metrics)).toEqual({ seen, fresh: [] });
});

test('figures of one unit come one by one, each of them once', () => {
  const first = withFigures(noFigures(), 'u', ['costUsd', 'failure']);
  expect(first.fresh).toEqual(['costUsd', 'failure']);
  expect(withFigures(first.seen, 'u', ['costUsd', 'quality']).fresh).toEqual(['quality']);
});

test('without a memory every figure counts: each unit has one only', () => {
  const none = Buffer.alloc(0);
  expect(withFigures(none, 'u', ['quality'])).toEqual({ seen: none, fresh: ['quality'] });
});
