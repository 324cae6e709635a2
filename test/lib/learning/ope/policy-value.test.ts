import { compareValues, estimateValue, type PolicyValue } from '../../../../lib/learning/ope/policy-value';
import { prepareLog } from '../../../../lib/learning/ope/prepared-log';
import type { Refused } from '../../../../lib/learning/ope/support';
import { seededRandom } from '../../../../lib/random/seeded';
import { decision, type ToyOptions, toyLog } from './toy-log';

/** A contextual policy with a floor, in a world where each context has another best model. */
const world: Omit<ToyOptions, 'rows'> = {
  logging: (context) => (context === 0 ? [0.9, 0.05, 0.05] : [0.15, 0.7, 0.15]),
  means: (context) => (context === 0 ? [0.8, 0.4, 0.6] : [0.3, 0.9, 0.5]),
};
const truthOf = (target: (context: number) => readonly number[]) =>
  [0, 1].reduce((sum, c) => sum + 0.5 * target(c).reduce((s, p, m) => s + p * world.means(c)[m]!, 0), 0);
const third = () => [0, 0.2, 0.8];
const logOf = (rows: number, seed: number) => prepareLog(toyLog({ ...world, rows }, seededRandom(seed)));
const value = (found: PolicyValue | Refused): PolicyValue => {
  if (found.kind === 'refused') throw new Error(found.reason);
  return found;
};

test('estimates are near the truth and intervals hold it about as often as they say', () => {
  const truth = truthOf(third);
  const runs = 120;
  const held = { snips: 0, dr: 0 };
  let squares = { ips: 0, snips: 0, dr: 0, blend: 0 };
  for (let seed = 0; seed < runs; seed++) {
    const found = value(estimateValue(logOf(400, seed), third));
    for (const name of ['snips', 'dr'] as const) {
      if (found[name].low <= truth && truth <= found[name].high) held[name]++;
    }
    squares = {
      ips: squares.ips + (found.ips.value - truth) ** 2,
      snips: squares.snips + (found.snips.value - truth) ** 2,
      dr: squares.dr + (found.dr.value - truth) ** 2,
      blend: squares.blend + (found.blend - truth) ** 2,
    };
  }
  expect(held.snips / runs).toBeGreaterThan(0.9);
  expect(held.dr / runs).toBeGreaterThan(0.9);
  expect(held.snips / runs).toBeLessThan(0.995);
  // Self-normalising helps and so does the model of rewards; leaning on it further costs little where it was nearly right.
  expect(squares.snips).toBeLessThan(0.5 * squares.ips);
  expect(squares.dr).toBeLessThan(squares.snips);
  expect(squares.blend).toBeLessThan(1.15 * squares.dr);
});

test('a wider level, a wider interval; IPS is there for reference', () => {
  const log = logOf(600, 1);
  const at = (level: number) => value(estimateValue(log, third, { level }));
  for (const name of ['ips', 'snips', 'dr'] as const) {
    expect(at(0.99)[name].high).toBeGreaterThan(at(0.9)[name].high);
    expect(at(0.9)[name].low).toBeLessThan(at(0.9)[name].value);
  }
  expect(() => at(1)).toThrow(RangeError);
});

test('the blend is at most half a standard error from DR', () => {
  for (let seed = 0; seed < 20; seed++) {
    const found = value(estimateValue(logOf(300, seed), third));
    expect(Math.abs(found.blend - found.dr.value)).toBeLessThanOrEqual(0.5 * found.dr.standardError + 1e-12);
  }
});

test('draws that are missing by chance still widen the interval', () => {
  // A floor of .04: without its heavy draws all weights look alike, and a naive interval would be far too sure.
  const rows = toyLog({ rows: 1_500, logging: () => [0.96, 0.04], means: () => [0.8, 0.2] }, seededRandom(2));
  const full = value(estimateValue(prepareLog(rows), () => [0.9, 0.1]));
  const lucky = value(
    estimateValue(prepareLog(rows.filter(({ chosen }) => chosen === 0)), () => [0.9, 0.1], {
      limits: { mostMeanWeightDeviation: 99, mostUnseenMass: 1 },
    }),
  );
  const naive = 0.1 / Math.sqrt(1_500);
  expect(lucky.snips.standardError).toBeGreaterThan(naive);
  expect(full.snips.standardError).toBeGreaterThan(naive);
});

test('decisions of one session are not as good as independent ones', () => {
  const rows = toyLog({ ...world, rows: 500 }, seededRandom(4));
  // The same decision four times over: four times the rows, no more knowledge.
  const copies = (cluster: boolean) =>
    prepareLog(rows.flatMap((row) => [0, 1, 2, 3].map(() => ({ ...row, cluster: cluster ? row.id : null }))));
  const clustered = value(estimateValue(copies(true), third)).snips.standardError;
  const naive = value(estimateValue(copies(false), third)).snips.standardError;
  expect(clustered).toBeGreaterThan(1.8 * naive);
});

test('a cap trades a stated bias for variance', () => {
  const log = logOf(1_000, 5);
  const free = value(estimateValue(log, third));
  const capped = value(estimateValue(log, third, { cap: 4 }));
  expect(free.biasAtMost).toEqual({ ips: expect.closeTo(0), snips: expect.closeTo(0), dr: expect.closeTo(0) });
  expect(capped.biasAtMost.snips).toBeGreaterThan(0.1);
  expect(capped.snips.standardError).toBeLessThan(free.snips.standardError);
  expect(Math.abs(capped.snips.value - truthOf(third))).toBeLessThan(
    capped.biasAtMost.snips + 3 * capped.snips.standardError,
  );
});

test('feedback that comes less often for one model does not count against it', () => {
  const random = seededRandom(6);
  const even = () => [0.5, 0.25, 0.25];
  const truth = truthOf(even);
  let corrected = 0;
  let naive = 0;
  for (let seed = 0; seed < 40; seed++) {
    const rows = toyLog({ ...world, rows: 1_000 }, seededRandom(seed)).map((one) =>
      random.next() < [0.3, 0.9, 0.9][one.chosen]! ? one : { ...one, reward: null },
    );
    corrected += value(estimateValue(prepareLog(rows), even)).snips.value / 40;
    naive +=
      value(
        estimateValue(prepareLog(rows.filter(({ reward }) => reward !== null)), even, {
          limits: { mostMeanWeightDeviation: 99 },
        }),
      ).snips.value / 40;
  }
  expect(Math.abs(corrected - truth)).toBeLessThan(0.008);
  expect(Math.abs(naive - truth)).toBeGreaterThan(2 * Math.abs(corrected - truth));
});

test('a pair shares its luck', () => {
  const log = logOf(1_000, 7);
  const near = (context: number) => (context === 0 ? [0.8, 0.1, 0.1] : [0.15, 0.7, 0.15]);
  const nearly = compareValues(
    log,
    ({ features }) => near(features[0]!),
    ({ propensities }) => propensities,
  );
  if (nearly.kind === 'refused') throw new Error(nearly.reason);
  expect(nearly.dr.value).toBeCloseTo(nearly.first.dr.value - nearly.second.dr.value, 12);
  expect(nearly.dr.standardError).toBeLessThan(
    0.5 * Math.hypot(nearly.first.dr.standardError, nearly.second.dr.standardError),
  );
  // Truly -.015: .1 of the first context goes from .8 to a mean of .5.
  expect(Math.abs(nearly.dr.value + 0.015)).toBeLessThan(0.003);
  const same = compareValues(log, third, third);
  expect(same).toMatchObject({ dr: { value: 0, low: 0, high: 0 }, snips: { value: 0 } });
});

test('refusals are values and say of whom they speak', () => {
  const log = prepareLog(Array.from({ length: 300 }, (_, i) => decision({ id: `${i}`, propensities: [1, 0] })));
  const all = () => [1, 0];
  const other = () => [0, 1];
  expect(estimateValue(log, other)).toMatchObject({ kind: 'refused' });
  expect(compareValues(log, other, all)).toMatchObject({
    kind: 'refused',
    reason: expect.stringMatching(/^first policy: 100/),
  });
  expect(compareValues(log, all, other)).toMatchObject({
    kind: 'refused',
    reason: expect.stringMatching(/^second policy/),
  });
});

test('rewards that are all alike give that value; one decision gives no interval', () => {
  const alike = prepareLog(Array.from({ length: 60 }, (_, i) => decision({ id: `${i}`, chosen: i % 2, reward: 0.7 })));
  const found = value(estimateValue(alike, () => [0.6, 0.4]));
  expect(found.snips).toMatchObject({
    value: expect.closeTo(0.7),
    low: expect.closeTo(0.7),
    high: expect.closeTo(0.7),
  });
  expect(found.blend).toBeCloseTo(0.7);
  const lone = estimateValue(prepareLog([decision({})]), ({ propensities }) => propensities, {
    limits: { leastSampleSize: 0 },
  });
  expect(value(lone).snips).toMatchObject({ value: 1, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
});
