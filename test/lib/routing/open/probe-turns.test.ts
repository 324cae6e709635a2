import fc from 'fast-check';
import { probeTurnAt } from '../../../../lib/routing/open/probe-turns';

const breaker = { openMs: 5_000, probeShare: 0.05 };
const sinceMs = 1_700_000_000_000;

const turnsAt = (afterMs: number, partitions: number, of = { provider: 'alpha', sinceMs }) =>
  Array.from({ length: partitions }, (_, partition) =>
    probeTurnAt(of.sinceMs + afterMs, of, breaker, { partition, partitions }),
  );
const ownersAt = (...given: Parameters<typeof turnsAt>): number[] =>
  turnsAt(...given).flatMap(({ isOwn }, partition) => (isOwn ? [partition] : []));

test('one partition of four begins, two others follow for twice as long, and then all may probe', () => {
  expect([0, 4_999, 5_000, 14_999, 15_000, 120_000].map((ms) => ownersAt(ms, 4).length)).toEqual([1, 1, 2, 2, 4, 4]);
  expect(ownersAt(4_999, 4)).toEqual(ownersAt(0, 4));
  expect(new Set([...ownersAt(0, 4), ...ownersAt(5_000, 4)]).size).toBe(3);
  expect([0, 5_000, 15_000].map((ms) => turnsAt(ms, 4)[0])).toMatchObject([
    { startedMs: sinceMs, share: 0.25 },
    { startedMs: sinceMs + 5_000, share: 0.5 },
    { startedMs: sinceMs + 15_000, share: 1 },
  ]);
});

test('of many partitions so many begin as requests are to probe', () => {
  expect(ownersAt(0, 256)).toHaveLength(12);
  expect(ownersAt(5_000, 256)).toHaveLength(24);
});

test('another one begins at another time, and of another provider', () => {
  const beginners = (of: (i: number) => { provider: string; sinceMs: number }): number =>
    new Set(Array.from({ length: 50 }, (_, i) => ownersAt(0, 4, of(i))[0])).size;
  expect(beginners((i) => ({ provider: 'alpha', sinceMs: sinceMs + 1_000 * i }))).toBe(4);
  expect(beginners((i) => ({ provider: `provider-${i}`, sinceMs }))).toBe(4);
});

test('law: whenever it is, somebody may probe, as many as are said; turns begin in the past', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000, max: 1e9 }),
      fc.integer({ min: 1, max: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 1e6 }),
      (afterMs, partitions, probeShare, openMs) => {
        const nowMs = sinceMs + afterMs;
        const turns = Array.from({ length: partitions }, (_, partition) =>
          probeTurnAt(nowMs, { provider: 'alpha', sinceMs }, { openMs, probeShare }, { partition, partitions }),
        );
        const owners = turns.filter(({ isOwn }) => isOwn).length;
        expect(owners).toBeGreaterThanOrEqual(1);
        for (const { share, startedMs } of turns) {
          expect(share).toBeCloseTo(owners / partitions, 12);
          expect(startedMs).toBeLessThanOrEqual(Math.max(nowMs, sinceMs));
        }
      },
    ),
  );
});
