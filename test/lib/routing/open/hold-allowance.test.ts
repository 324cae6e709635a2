import fc from 'fast-check';
import { createAllowance, type HoldAllowance } from '../../../../lib/routing/open/hold-allowance';
import type { Tuning } from '../../../../lib/topics/generated/messages';
import { tuningOf } from '../fixtures';

const startMs = 1_700_000_000_000;

const leaving = (regretLeft: number | null, change: Partial<Tuning> = {}): Tuning =>
  tuningOf({ regretAllowance: 1, regretLeft, countedToMs: startMs, requestGapMs: 1, ...change });

const allowed = (hold: HoldAllowance, tuning: Tuning, requests: number, atMs: number): number =>
  hold(tuning, requests, startMs + atMs)!.regretAllowance!;

test('however many requests are opened before the next tuning comes, together they may lose little more than is left', () => {
  const batches = fc.array(
    fc.record({ requests: fc.integer({ min: 1, max: 300 }), afterMs: fc.integer({ min: 0, max: 400 }) }),
    {
      maxLength: 400,
    },
  );
  const before = fc.integer({ min: 0, max: 3_000 });
  fc.assert(
    fc.property(before, fc.double({ min: 0.01, max: 100, noNaN: true }), batches, (underWay, left, opened) => {
      const hold = createAllowance();
      const tuning = leaving(left);
      hold(undefined, underWay, startMs + 1);
      let atMs = 2;
      let lost = 0;
      for (const { requests, afterMs } of opened) {
        atMs += afterMs;
        lost += requests * allowed(hold, tuning, requests, atMs);
      }
      expect(lost).toBeLessThanOrEqual((5 / 3) * left);
    }),
  );
});

test('a fold that keeps up leaves the allowance as it is; one that falls behind takes it away', () => {
  const hold = createAllowance();
  const first = allowed(hold, leaving(10), 1, 0);
  expect(first).toBeCloseTo(10 / 33, 1);
  // A thousand requests later the fold has counted all but a dozen...
  hold(undefined, 1_000, startMs + 1_000);
  expect(allowed(hold, leaving(10, { countedToMs: startMs + 1_100 }), 12, 1_101)).toBeGreaterThan(first / 2);
  // ...or none of them, and then no other tuning comes.
  const late = leaving(10);
  expect(allowed(hold, late, 1, 1_102)).toBeLessThan(first / 20);
  for (let i = 0; i < 100; i++) hold(late, 1_000, startMs + 2_000 + 100 * i);
  const held = hold(late, 1, startMs + 12_000)!;
  expect(held.regretAllowance).toBe(0);
  expect(held.strategyWeights['LEARNING_OPTIMIZED']).toBeCloseTo(1, 9);
});

test('a pause is no lag', () => {
  const hold = createAllowance();
  const tuning = leaving(10);
  const before = allowed(hold, tuning, 1, 1);
  expect(allowed(hold, tuning, 1, 24 * 3_600_000)).toBeGreaterThan(before / 8);
});

test('requests that other processes open are reckoned by the rate in the log', () => {
  const alone = allowed(createAllowance(), leaving(10, { requestGapMs: 0 }), 200, 1_000);
  const amongOthers = allowed(createAllowance(), leaving(10), 200, 1_000);
  expect(amongOthers).toBeLessThan(alone / 2);
});

test('what sets no limit, or comes of an earlier release, stays as it is, and nothing left stays nothing', () => {
  const hold = createAllowance();
  for (const tuning of [undefined, leaving(null), leaving(5, { regretAllowance: null })])
    expect(hold(tuning, 10, startMs)).toBe(tuning);
  expect(allowed(hold, leaving(-3), 1, 5)).toBeLessThan(0);
});

test('requests under one tuning pin the same one as long as the allowance does not change', () => {
  const hold = createAllowance();
  hold(undefined, 1_000, startMs + 1);
  const tuning = leaving(10);
  expect(hold(tuning, 1, startMs + 2)).toBe(hold(tuning, 1, startMs + 3));
});
