import fc from 'fast-check';
import { estimateOf, sumsPerCluster, totalOf } from '../../../../lib/learning/ope/estimators';
import { importanceWeights } from '../../../../lib/learning/ope/importance-weights';
import type { LoggedDecision, TargetPolicy } from '../../../../lib/learning/ope/logged-decision';
import { type PreparedLog, prepareLog } from '../../../../lib/learning/ope/prepared-log';
import { decision } from './toy-log';

const estimated = (log: PreparedLog, target: TargetPolicy) => {
  const sums = totalOf(sumsPerCluster(log, importanceWeights(log, target)));
  return { ips: estimateOf('ips', sums), snips: estimateOf('snips', sums), dr: estimateOf('dr', sums) };
};

const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
/** Logs of two candidates with whatever propensities, draws and rewards. */
const decisions: fc.Arbitrary<LoggedDecision[]> = fc
  .array(
    fc.record({
      p: share,
      chosen: fc.integer({ min: 0, max: 1 }),
      reward: fc.double({ min: -1, max: 1, noNaN: true }),
    }),
    {
      minLength: 5,
      maxLength: 40,
    },
  )
  .map((rows) =>
    rows.map(({ p, chosen, reward }, i) =>
      decision({ id: `${i}`, propensities: [p, 1 - p], chosen, reward, features: Float32Array.of(p) }),
    ),
  );

test('by hand', () => {
  // Weights 2 (reward 1) and 0.5 (reward 0).
  const log = prepareLog([
    decision({ id: '1', propensities: [0.25, 0.75], chosen: 0, reward: 1 }),
    decision({ id: '2', propensities: [0, 1], chosen: 1, reward: 0 }),
  ]);
  const { ips, snips } = estimated(log, () => [0.5, 0.5]);
  expect(ips).toBeCloseTo(1);
  expect(snips).toBeCloseTo(0.8);
  const predicted = Float64Array.of(0.8, 0.4, 0.6, 0.2);
  // Direct (.6 + .4) / 2; residuals .2 and -.2 with weights 2 and .5.
  expect(estimated({ ...log, predicted }, () => [0.5, 0.5]).dr).toBeCloseTo(0.5 + 0.3 / 2.5);
});

test('the logging policy itself: the mean reward, exactly', () => {
  fc.assert(
    fc.property(decisions, (rows) => {
      const mean = rows.reduce((sum, { reward }) => sum + reward!, 0) / rows.length;
      const { ips, snips } = estimated(prepareLog(rows), ({ propensities }) => propensities);
      expect(ips).toBeCloseTo(mean, 12);
      expect(snips).toBeCloseTo(mean, 12);
    }),
    { numRuns: 50 },
  );
});

test('a shift and a scale of the rewards shift and scale SNIPS and DR alike', () => {
  fc.assert(
    fc.property(
      decisions,
      share,
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: 0.5, max: 3, noNaN: true }),
      (rows, q, shift, scale) => {
        const target = () => [q, 1 - q];
        const before = estimated(prepareLog(rows), target);
        const moved = rows.map((row) => ({ ...row, reward: shift + scale * row.reward! }));
        const after = estimated(prepareLog(moved), target);
        expect(after.snips).toBeCloseTo(shift + scale * before.snips, 9);
        expect(after.dr).toBeCloseTo(shift + scale * before.dr, 5);
      },
    ),
    { numRuns: 50 },
  );
});

test('SNIPS stays within the rewards that were seen', () => {
  fc.assert(
    fc.property(decisions, share, (rows, q) => {
      const rewards = rows.map(({ reward }) => reward!);
      const { snips } = estimated(prepareLog(rows), () => [q, 1 - q]);
      expect(snips).toBeGreaterThanOrEqual(Math.min(...rewards) - 1e-12);
      expect(snips).toBeLessThanOrEqual(Math.max(...rewards) + 1e-12);
    }),
    { numRuns: 50 },
  );
});

test('DR is exact when the model of rewards is, whatever was drawn', () => {
  fc.assert(
    fc.property(decisions, share, (rows, q) => {
      const worth = (p: number) => [0.3 + p, 0.9 - 2 * p];
      const known = rows.map((row) => ({ ...row, reward: worth(row.propensities[0]!)[row.chosen]! }));
      const predicted = Float64Array.from(rows.flatMap(({ propensities }) => worth(propensities[0]!)));
      const truth = rows.reduce((sum, { propensities }) => {
        const [first, second] = worth(propensities[0]!);
        return sum + (q * first! + (1 - q) * second!) / rows.length;
      }, 0);
      expect(estimated({ ...prepareLog(known), predicted }, () => [q, 1 - q]).dr).toBeCloseTo(truth, 9);
    }),
    { numRuns: 50 },
  );
});

test('a model of rewards that is wrong by a constant changes nothing', () => {
  fc.assert(
    fc.property(decisions, share, (rows, q) => {
      const log = prepareLog(rows);
      const off = { ...log, predicted: log.predicted.map((value) => value + 10) };
      expect(estimated(off, () => [q, 1 - q]).dr).toBeCloseTo(estimated(log, () => [q, 1 - q]).dr, 9);
    }),
    { numRuns: 50 },
  );
});

test('decisions of a cluster are summed, in order of first appearance', () => {
  const log = prepareLog([
    decision({ id: '1', cluster: 's', reward: 1 }),
    decision({ id: '2', reward: 3 }),
    decision({ id: '3', cluster: 's', reward: null }),
  ]);
  const clusters = sumsPerCluster(
    log,
    importanceWeights(log, ({ propensities }) => propensities),
  );
  expect(clusters.map(({ decisions: count }) => count)).toEqual([2, 1]);
  expect(clusters[0]!.weighted).toBeGreaterThan(0);
});
