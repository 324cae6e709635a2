import fc from 'fast-check';
import { rampMsAfter, waitMsAfter } from '../../../../lib/routing/open/breaker-times';

const times = { openMs: 1_000, maxOpenMs: 10_000, rampMs: 30_000 };

test('a wait doubles with every opening in a row, up to the longest', () => {
  expect([1, 2, 3, 4, 5, 60].map((openings) => waitMsAfter(openings, times))).toEqual([
    1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ]);
});

test('a return takes twice as long as the absence, and no longer than the longest ramp', () => {
  expect([0, 1, 2, 3, 4, 60].map((openings) => rampMsAfter(openings, times))).toEqual([
    0, 2_000, 6_000, 14_000, 30_000, 30_000,
  ]);
  expect(rampMsAfter(9, { ...times, rampMs: 0 })).toBe(0);
});

test('whoever has fallen over on its way back is given at least as long the next time', () => {
  fc.assert(
    fc.property(
      fc.record({
        openMs: fc.integer({ min: 1, max: 3_600_000 }),
        maxOpenMs: fc.integer({ min: 1, max: 3_600_000 }),
        rampMs: fc.integer({ min: 0, max: 3_600_000 }),
      }),
      fc.integer({ min: 0, max: 2_000_000_000 }),
      (any, openings) => {
        const [now, next] = [rampMsAfter(openings, any), rampMsAfter(openings + 1, any)];
        expect(now).toBeGreaterThanOrEqual(0);
        expect(next).toBeGreaterThanOrEqual(now);
        expect(next).toBeLessThanOrEqual(any.rampMs);
      },
    ),
    { examples: [[{ openMs: 1, maxOpenMs: 1, rampMs: 3_600_000 }, 2_000_000_000]] },
  );
});
