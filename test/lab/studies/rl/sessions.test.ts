import {
  budgetAt,
  createSessions,
  type SessionRow,
  sessionRequests,
  withinEvenShare,
  worldOf,
} from '../../../../lab/studies/rl/sessions';
import { seededRandom } from '../../../../lib/random/seeded';

/** A cheap model of score .5 and a dear one of .9, which costs 1 or 3. */
const rows: SessionRow[] = [1, 3].map((dear, i) => ({
  features: Float32Array.of(i),
  scores: [0.5, 0.9],
  costsUsd: [0.1, dear],
}));
const world = worldOf(rows);
const session = (dearUsd: readonly number[], budgetUsd: number) => ({
  rows: Array.from({ length: sessionRequests }, (_, i) => rows[dearUsd[i % dearUsd.length] === 1 ? 0 : 1]!),
  budgetUsd,
});

test('budgets reach from all cheap to all dear, evenly on a logarithmic scale', () => {
  expect(world.costsUsd[0]).toBeCloseTo(0.1, 12);
  expect(world.costsUsd[1]).toBeCloseTo(2, 12);
  expect(world.typicalScore).toBeCloseTo(0.7, 12);
  expect(budgetAt(world, 0)).toBeCloseTo(0.8, 12);
  expect(budgetAt(world, 1)).toBeCloseTo(16, 12);
  expect(budgetAt(world, 0.5)).toBeCloseTo(Math.sqrt(0.8 * 16), 12);
});

test('what a call really cost is taken off; what is expected decides whom the rest can pay', () => {
  const task = createSessions(rows, world);
  task.start(session([3, 1], 4.15));
  expect([...task.allowed()]).toEqual([1, 1, 0]);
  expect(task.step(1).reward).toBeCloseTo(0.2, 12);
  // 1.15 are left: the dear one is expected to cost 2, though this one would cost 1.
  expect([...task.allowed()]).toEqual([1, 0, 0]);
  expect(task.step(0).reward).toBeCloseTo(-0.2, 12);
});

test('a spent budget leaves the rest of the session without answers, to its end', () => {
  const task = createSessions(rows, world);
  let { length } = task.start(session([3], 2.05));
  expect(length).toBe(task.typicalObservation.length);
  const steps = [];
  for (let i = 0; i < sessionRequests; i++) {
    const allowed = [...task.allowed()];
    if (i > 0) expect(allowed).toEqual([0, 0, 1]);
    const step = task.step(i === 0 ? 1 : 2);
    ({ length } = step.observation);
    expect(step.observation.every(Number.isFinite)).toBe(true);
    steps.push(step);
  }
  expect(steps.map(({ end }) => end)).toEqual([...new Array(sessionRequests - 1).fill('none'), 'terminal']);
  expect(steps.slice(1).every(({ reward }) => Math.abs(reward + 0.7) < 1e-9)).toBe(true);
});

test('sees the request, how many are left, and what of the budget is', () => {
  const task = createSessions(rows, world);
  const first = task.start(session([3, 1], 16));
  expect([...first.subarray(0, 3)]).toEqual([1, 1, 1]);
  // 16 pays 8 requests of 2 each exactly.
  expect(first.at(-1)).toBeCloseTo(0, 6);
  expect([0, 1, 2].map((model) => withinEvenShare(first, world, model))).toEqual([true, true, false]);
  const next = task.step(1).observation;
  expect(next[0]).toBe(0);
  expect(next[1]).toBeCloseTo(0.75, 6);
  expect(next[2]).toBeCloseTo(0.625, 6);
  expect([0, 1].map((model) => withinEvenShare(next, world, model))).toEqual([true, false]);
});

test('random sessions come from the rows and the range of budgets, by their seed', () => {
  const task = createSessions(rows, world);
  const random = seededRandom(5);
  const shares = Array.from({ length: 200 }, () => task.reset(random)[3]!);
  expect(Math.min(...shares)).toBeGreaterThan(Math.log(8) / 2 - 1e-6);
  expect(Math.max(...shares)).toBeLessThan(Math.log(160) / 2);
  expect(task.reset(seededRandom(5))).toEqual(createSessions(rows, world).reset(seededRandom(5)));
});
