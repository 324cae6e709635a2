import {
  correctRegret,
  createRegret,
  observeRegret,
  type Regret,
  regretAllowance,
} from '../../../../lib/learning/fold/regret';
import type { LearningEvent } from '../../../../lib/topics/generated/messages';

const share = 0.03;

function eventOf(model: string, expectedUtility: number, at = 0, delayMs = 0): LearningEvent {
  const openedAtMs = 1_000 + 10 * at;
  const safe = { model: 'declared', expectedUtility };
  return { model, safe, openedAtMs, occurredAtMs: openedAtMs + delayMs } as LearningEvent;
}

/** So many requests, each worth what was expected of the declared choice and this much more. */
function after(requests: number, model: string, more = 0, delayMs = 0): Regret {
  const regret = createRegret();
  for (let i = 0; i < requests; i++) observeRegret(regret, eventOf(model, 0.5, i, delayMs), 0.5 + more);
  return regret;
}

test('nothing may be lost at first, and a share of what the declared choices bring later', () => {
  expect(regretAllowance(createRegret(), share)).toBe(0);
  const allowed = regretAllowance(after(100, 'declared'), share);
  expect(allowed).toBeGreaterThan(0);
  expect(allowed).toBeLessThan(share * 100 * 0.5);
  expect(regretAllowance(after(200, 'declared'), share)).toBeCloseTo(2 * allowed, 9);
});

test('what was lost is gone, what was gained may be lost, and luck is allowed for', () => {
  const level = regretAllowance(after(100, 'other'), share);
  expect(level).toBeLessThan(regretAllowance(after(100, 'declared'), share));
  expect(regretAllowance(after(100, 'other', -0.1), share)).toBeLessThan(Math.min(0, level));
  expect(regretAllowance(after(100, 'other', 0.3), share)).toBeGreaterThan(0);
});

test('the later outcomes come, the less each request may lose', () => {
  const prompt = regretAllowance(after(100, 'declared', 0, 10), share);
  const late = regretAllowance(after(100, 'declared', 0, 10_000), share);
  // A thousand requests are under way, and a few dozen more may be until the next tuning.
  expect(late).toBeLessThan(prompt / 20);
  expect(late).toBeGreaterThan(0);
});

test('a corrected judgement counts by its difference, and only where another model was chosen', () => {
  const regret = after(10, 'other');
  const before = regret.gained;
  correctRegret(regret, eventOf('other', 0.5), 0.2);
  expect(regret.gained).toBeCloseTo(before + 0.2, 12);
  correctRegret(regret, eventOf('declared', 0.5), 0.2);
  expect(regret.gained).toBeCloseTo(before + 0.2, 12);
});

test('an event without a declared choice, absurd utilities and clocks that run backwards do no harm', () => {
  const regret = after(10, 'declared');
  observeRegret(regret, { ...eventOf('other', 0.5), safe: null }, -5);
  expect(regret).toEqual(after(10, 'declared'));
  observeRegret(regret, { ...eventOf('other', 1e300, 3), occurredAtMs: -1e300 }, -1e300);
  expect(Number.isFinite(regretAllowance(regret, share))).toBe(true);
});
