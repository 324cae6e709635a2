import {
  createHealth,
  isConverged,
  isRaised,
  observeError,
  observeGradient,
  observePublication,
} from '../../../../lib/learning/guard/alarms';
import type { IncrementFindings } from '../../../../lib/learning/guard/increment';
import { seededRandom } from '../../../../lib/random/seeded';

const quiet: IncrementFindings = { refused: null, step: 0.005, churn: 0.01, outside: 0, errors: null };

function healthy(): ReturnType<typeof createHealth> {
  const health = createHealth();
  const random = seededRandom(1, 'health');
  for (let i = 0; i < 2_000; i++) {
    observeError(health, 0.3 * random.normal());
    observeGradient(health, 3 + random.next());
  }
  return health;
}

const namesAt = (health: ReturnType<typeof createHealth>, found: IncrementFindings): string[] =>
  observePublication(health, found, []).map(({ name }) => name);

test('a healthy learner raises no alarm, and converges once its policies stand still', () => {
  const health = healthy();
  for (let i = 0; i < 7; i++) {
    expect(observePublication(health, quiet, [])).toEqual([]);
    expect(isConverged(health)).toBe(false);
  }
  observePublication(health, quiet, []);
  expect(isConverged(health)).toBe(true);
  for (let i = 0; i < 3; i++) observePublication(health, { ...quiet, churn: 0.4, step: 0.05 }, []);
  expect(isConverged(health)).toBe(false);
});

test('nothing is converged while errors move', () => {
  const health = healthy();
  for (let i = 0; i < 8; i++) observePublication(health, quiet, []);
  for (let i = 0; i < 150; i++) observeError(health, 0.6);
  expect(isConverged(health)).toBe(false);
});

test('values out of range are an alarm when they stay, raised once and over when they are gone', () => {
  const health = healthy();
  const bad = { ...quiet, outside: 0.5 };
  expect(namesAt(health, bad)).toEqual([]);
  expect(namesAt(health, quiet)).toEqual([]);
  expect([1, 2, 3, 4].map(() => namesAt(health, bad))).toEqual([[], [], ['values-outside-range'], []]);
  expect(isRaised(health, 'values-outside-range')).toBe(true);
  namesAt(health, quiet);
  expect(isRaised(health, 'values-outside-range')).toBe(false);
});

test('errors that grow and gradients that explode are alarms, a single one is not', () => {
  const health = healthy();
  observeError(health, 1);
  observeGradient(health, 30);
  for (let i = 0; i < 4; i++) expect(namesAt(health, quiet)).toEqual([]);
  for (let i = 0; i < 200; i++) observeError(health, 0.5);
  for (let i = 0; i < 40; i++) observeGradient(health, 60);
  expect([1, 2, 3].map(() => namesAt(health, quiet))).toEqual([[], [], ['error-trend', 'gradient-norm']]);
});

test('refusals and repairs are told at once, in words', () => {
  const health = createHealth();
  const raised = observePublication(health, { ...quiet, refused: 'too far' }, ['the network was NaN', 'again']);
  expect(raised).toEqual([
    { name: 'refused', text: 'too far' },
    { name: 'repaired', text: 'the network was NaN; again' },
  ]);
  expect(isRaised(health, 'refused')).toBe(true);
  // What was refused says nothing of the policies in force.
  expect(health.publications).toEqual([]);
});
