/** When what is wrong rings: for how long it has to be, between wrong and fine, and when the clock is set back. */
import type { Measured } from '../../../lib/alerts/measure';
import { ring } from '../../../lib/alerts/ring';
import type { AlertRuleState } from '../../../lib/topics/generated/messages';

const minuteMs = 60_000;
const forMs = 2 * minuteMs;
const reportsDifferMs = 6 * minuteMs;
const noon = Date.UTC(2026, 0, 1, 12);

/** Wrong from 10 on, fine below 5. */
function of(value: number): Measured {
  return { subject: 'openai', value, threshold: 10, isWrong: value >= 10, isFine: value < 5, summary: `${value}` };
}

/** What is said at each of these times and values. */
function saidOf(steps: readonly (readonly [atMs: number, value: number])[]): string[][] {
  let state: AlertRuleState = { rule: 'errorRate', subjects: [], readings: [], resolved: [] };
  return steps.map(([atMs, value]) => {
    const options = { nowMs: noon + atMs, severity: 'critical', forMs, silences: [], reportsDifferMs } as const;
    const rung = ring(state, { measured: [of(value)], isComplete: false }, options);
    state = rung.state;
    return rung.alerts.map((alert) => alert.state);
  });
}

test('one figure that is wrong, and then figures between wrong and fine, ring nothing', () => {
  const between = Array.from({ length: 10 }, (_, i) => [(i + 1) * minuteMs, 7] as const);
  expect(saidOf([[0, 12], ...between]).flat()).toEqual([]);
});

test('it has to be wrong all the time before it rings, and rings on between wrong and fine', () => {
  const said = saidOf([
    [0, 12],
    [minuteMs, 7],
    [2 * minuteMs, 12],
    [3 * minuteMs, 12],
    [4 * minuteMs, 12],
    [5 * minuteMs, 7],
    [6 * minuteMs, 4],
  ]);
  expect(said).toEqual([[], [], [], [], ['RAISED'], [], ['RESOLVED']]);
});

test('a clock that is set back by a day makes nobody wait for a day', () => {
  const dayMs = 24 * 60 * minuteMs;
  const said = saidOf([
    [0, 12],
    [-dayMs, 12],
    [-dayMs + minuteMs, 12],
    [-dayMs + 2 * minuteMs, 12],
  ]);
  expect(said).toEqual([[], [], [], ['RAISED']]);
});

test('a report that comes late, or from a clock that is behind, lets nothing ring before its time', () => {
  const said = saidOf([
    [0, 12],
    [-5 * minuteMs, 12],
    [minuteMs, 12],
    [2 * minuteMs - 1, 12],
    [2 * minuteMs, 12],
  ]);
  expect(said).toEqual([[], [], [], [], ['RAISED']]);
});

test('what rings without a figure stops as long after a clock that was set back as after any other', () => {
  const rings = { nowMs: noon, severity: 'critical', forMs: 0, silences: [], reportsDifferMs } as const;
  const first = ring(
    { rule: 'r', subjects: [], readings: [], resolved: [] },
    { measured: [of(12)], isComplete: false },
    rings,
  );
  const back = noon - 24 * 60 * minuteMs;
  const unknown = { measured: [], isComplete: false };
  const set = ring(first.state, unknown, { ...rings, nowMs: back });
  expect(set.alerts).toEqual([]);
  const later = ring(set.state, unknown, { ...rings, nowMs: back + 15 * minuteMs });
  expect(later.alerts.map(({ state }) => state)).toEqual(['RESOLVED']);
});
