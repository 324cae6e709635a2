import { bestPerGroup, bestSingle, outcomeMatrix } from '../../../lab/policies/baselines';
import { quality } from '../../../lab/studies/quality/figures';
import { madeWorkload, normalShare } from '../../../lab/workloads/made-data';
import { type MadeName, madeNames } from '../../../lab/workloads/made-kinds';

const rows = 1_500;
const made = (name: MadeName, seed = 1) => madeWorkload(name, { rows, seed });
const indices = Array.from({ length: rows }, (_, index) => index);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean over the rows of what a model is judged, and of what it was expected to be worth. */
function meansOf(name: MadeName, model: string): { judged: number; expected: number } {
  const workload = made(name);
  const mean = (of: typeof workload.truth): number =>
    meanOf(indices.map((index) => of.row(index).outcomes.get(model)!.score));
  return { judged: mean(workload), expected: mean(workload.truth) };
}

test.each(madeNames)(
  '%s: the same seed gives the same rows, another seed other ones, and every model is measured',
  (name) => {
    const workload = made(name);
    expect(workload.row(7)).toEqual(made(name).row(7));
    expect(workload.row(7).prompt).not.toBe(made(name, 2).row(7).prompt);
    expect(workload.row(7).prompt).toBe(workload.truth.row(7).prompt);
    expect([...workload.row(7).outcomes.keys()]).toEqual(workload.models.map((model) => model.name));
    expect(() => workload.row(rows)).toThrow(RangeError);
  },
);

test('what is judged is right or wrong, and what was expected is its mean', () => {
  const { judged, expected } = meansOf('alike', 'model-3');
  expect(new Set(indices.map((index) => made('alike').row(index).outcomes.get('model-3')!.score))).toEqual(
    new Set([0, 1]),
  );
  expect(Math.abs(judged - expected)).toBeLessThan(0.04);
  expect(meansOf('near-zero', 'model-3').expected).toBeLessThan(0.12);
});

test('one model is judged far better than it is, the others are not', () => {
  const gaming = meansOf('gamed-judge', 'model-1');
  expect(gaming.judged - gaming.expected).toBeGreaterThan(0.4);
  const honest = meansOf('gamed-judge', 'model-2');
  expect(Math.abs(honest.judged - honest.expected)).toBeLessThan(0.04);
});

test('knowing the task is worth about three points, and no model dominates', () => {
  const worths = [1, 2, 3].map((seed) => {
    const matrix = outcomeMatrix(made('alike', seed).truth, quality);
    expect(new Set(matrix.groups).size).toBe(14);
    return bestPerGroup(matrix).meanScore - bestSingle(matrix).meanScore;
  });
  expect(meanOf(worths)).toBeGreaterThan(0.02);
  expect(meanOf(worths)).toBeLessThan(0.05);
});

test('judgements come late, seldom, or at once, as the kind says', () => {
  const after = (name: MadeName): (number | null)[] => indices.map((index) => made(name).feedbackAfter(index));
  expect(new Set(after('alike'))).toEqual(new Set([0]));
  const late = after('late');
  expect(late.filter((rowsLater) => rowsLater === 2_000).length / rows).toBeCloseTo(0.1, 1);
  expect(after('sparse').filter((rowsLater) => rowsLater !== null).length / rows).toBeCloseTo(0.05, 1);
});

test('the last model joins after a third, and announced prices are four times off', () => {
  expect(made('fourth-model').events).toEqual([{ kind: 'modelJoined', atIndex: 500, model: 'model-4' }]);
  const { models, row } = made('wrong-prices');
  const offs = models.map(({ name, price }) => {
    const paidUsd = row(0).outcomes.get(name)!.costUsd!;
    return (price.outputPerMillionUsd * row(0).outcomes.get(name)!.outputTokens!) / 1e6 / paidUsd;
  });
  for (const off of offs) expect([0.25, 4]).toContainEqual(expect.closeTo(off, 6));
});

test('the share of the normal distribution', () => {
  expect([-1.644854, 0, 1.281552].map(normalShare)).toEqual([0.05, 0.5, 0.9].map((share) => expect.closeTo(share, 5)));
});
