import { quantile, takeoversMs } from '../../../checks/chaos/takeover';

const kill = (killedAtMs: number, ...partitions: number[]) => ({ instanceId: 'chain-0', killedAtMs, partitions });

test('a take-over ends with the first decision in a partition after the kill', () => {
  const decisions = [
    { partition: 0, decidedAtMs: 900 },
    { partition: 1, decidedAtMs: 1_800 },
    { partition: 0, decidedAtMs: 1_500 },
    { partition: 0, decidedAtMs: 1_200 },
  ];
  expect(takeoversMs([kill(1_000, 0, 1)], decisions)).toEqual([200, 800]);
  expect(takeoversMs([kill(1_000, 0), kill(1_300, 0)], decisions)).toEqual([200, 200]);
});

test('a partition that is never decided again is never taken over', () => {
  expect(takeoversMs([kill(1_000, 0, 2)], [{ partition: 0, decidedAtMs: 1_001 }])).toEqual([
    1,
    Number.POSITIVE_INFINITY,
  ]);
});

test('a quantile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(quantile(hundred, 0.95)).toBe(95);
  expect(quantile([7], 0.95)).toBe(7);
  expect(quantile([], 0.95)).toBe(0);
});
