import type { ReplayRow } from '../../../../lib/learning/fold/replay';
import { checkIncrement, type IncrementCheck, type Judged } from '../../../../lib/learning/guard/increment';

const models = ['a', 'b'];

/** A policy whose values are functions of one number that a row has for features. */
function policy(values: (x: number) => number[], of: readonly string[] = models): Judged {
  return { models: of, valuesOf: (features) => ({ means: Float64Array.from(values(features as unknown as number)) }) };
}

/** Rows x = 0, .01 … with rewards of both models in turn. */
function rows(count: number, reward: (x: number, model: string) => number): ReplayRow[] {
  return Array.from({ length: count }, (_, i) => {
    const x = (i % 100) / 100;
    const model = models[i % 2]!;
    const outcome = { model, quality: reward(x, model), drift: 0, costRatio: null };
    return { offset: i, features: x as unknown, outcomes: [outcome] } as unknown as ReplayRow;
  });
}

/** The world: model a is good at large x, b at small. */
const truth = (x: number, model: string): number => (model === 'a' ? x : 1 - x);
const good = policy((x) => [x, 1 - x]);
const flipped = policy((x) => [1 - x, x]);

function check(parts: Partial<IncrementCheck>): ReturnType<typeof checkIncrement> {
  const probes = rows(64, truth);
  return checkIncrement({
    inForce: good,
    candidate: good,
    probes,
    evidence: rows(100, truth),
    newFrom: 100,
    widening: 1,
    ...parts,
  });
}

test('the same policy again, or nearly, passes without evidence', () => {
  expect(check({})).toEqual({ refused: null, step: 0, churn: 0, outside: 0, errors: null });
  const near = check({ candidate: policy((x) => [x + 0.02, 1 - x]) });
  expect(near.refused).toBeNull();
  expect(near.step).toBeCloseTo(0.01);
  expect(near.errors).toBeNull();
});

test('a first policy passes, whatever it says, unless it is impossible', () => {
  expect(check({ inForce: null, candidate: flipped }).refused).toBeNull();
  expect(check({ inForce: null, candidate: policy(() => [Number.NaN, 0]) }).refused).toBe('a value is not finite');
  expect(check({ inForce: null, candidate: policy(() => [0.5, 1e3]) }).refused).toContain('999 away');
});

test.each([
  ['not a number', policy(() => [0.5, Number.NaN]), 'not finite'],
  ['infinite', policy(() => [0.5, Number.POSITIVE_INFINITY]), 'not finite'],
  ['a thousand times too large', policy((x) => [1e3 * x, 1 - x]), 'away from the possible rewards'],
  ['negated', policy((x) => [-x, x - 1]), 'values moved by'],
  ['flipped', flipped, 'favourites changed'],
] as const)('a candidate that is %s is refused', (_, candidate, why) => {
  const found = check({ candidate });
  expect(found.refused).toContain(why);
});

test('a large step that the newest rewards speak for passes at once: the world has changed', () => {
  const found = check({ candidate: flipped, evidence: rows(100, (x, model) => truth(x, model === 'a' ? 'b' : 'a')) });
  expect(found.refused).toBeNull();
  expect(found.errors!.candidate).toBeLessThan(found.errors!.inForce);
  expect(found.churn).toBeGreaterThan(0.9);
});

test('a large step that predicts a little worse passes: anew is not the same', () => {
  const noisy = rows(200, (x, model) => (truth(x, model) > 0.5 ? 1 : 0));
  const found = check({ candidate: policy((x) => [x + 0.06, 1.06 - x]), evidence: noisy });
  expect(found.errors!.candidate).toBeGreaterThan(found.errors!.inForce);
  expect(found.refused).toBeNull();
  // On rewards that neither was made of a little less is enough.
  const worse = policy((x) => [x + 0.15, 1.15 - x]);
  expect(check({ candidate: worse, evidence: noisy, newFrom: 200 }).refused).toBeNull();
  expect(check({ candidate: worse, evidence: noisy, newFrom: 0 }).refused).toContain('newest 200 rewards');
});

test('without enough rewards a large step is not refused', () => {
  expect(check({ candidate: flipped, evidence: rows(15, truth) }).refused).toBeNull();
});

test('refusals widen the bounds until what lasts gets through', () => {
  const tilted = policy((x) => [x + 0.2, 1 - x]);
  const refused = [1, 2, 4].map((widening) => check({ candidate: tilted, widening }).refused !== null);
  expect(refused).toEqual([true, false, false]);
  // But never what is no number or no possible reward.
  expect(check({ candidate: policy(() => [0, 1e3]), widening: 1024 }).refused).not.toBeNull();
});

test('drift is taken out of the evidence, as the learner does', () => {
  const drifted = rows(100, (x, model) => truth(x, model) + 0.3).map((row) => ({
    ...row,
    outcomes: row.outcomes.map((outcome) => ({ ...outcome, drift: 0.3 })),
  }));
  expect(check({ candidate: policy((x) => [x + 0.3, 1.3 - x]), evidence: drifted }).refused).not.toBeNull();
});

test('newcomers are not held against a candidate; favourites of equal worth are no churn', () => {
  const three = policy((x) => [0.9, x, 1 - x], ['new', 'a', 'b']);
  expect(check({ candidate: three })).toMatchObject({ refused: null, step: 0, churn: 0 });
  const equal = check({
    inForce: policy(() => [0.5, 0.501]),
    candidate: policy(() => [0.501, 0.5]),
  });
  expect(equal.churn).toBe(0);
});

test('values out of range are counted', () => {
  expect(check({ candidate: policy((x) => [x, 1.5]), evidence: [] }).outside).toBeCloseTo(0.5);
  expect(check({ candidate: policy((x) => [x, 1.2]), evidence: [] }).outside).toBe(0);
});
