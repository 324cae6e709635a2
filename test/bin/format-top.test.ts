import { formatTop, type TopState } from '../../bin/format-top';
import { widthOf } from '../../lib/terminal/fit-text';
import { createPaint } from '../../lib/terminal/paint';

const model = (name: string, decisions: number, health = 'CLOSED') => ({
  name,
  health,
  figures: { decisions, quality: 0.8, latencyMsP50: 930, errorRate: 0.012, costPerCallUsd: 0.00123 },
});

const decision = (index: number) => ({
  decisionId: `decision-${index}`,
  atMs: 1_700_000_000_000 + index,
  model: 'aurelia-fern',
  propensity: 0.6,
  totalMs: 0.42,
});

function state(live: boolean, models = 12): TopState {
  const all = Array.from({ length: models }, (_, index) =>
    model(`model-${index}`, index, index === 2 ? 'OPEN' : 'CLOSED'),
  );
  return {
    url: 'http://127.0.0.1:8080',
    overview: {
      isReady: true,
      waitingFor: [],
      rewards: 1_234,
      decisionsSinceFeedback: 3,
      note: null,
      figures: {
        decisions: 14_212,
        decisionMsP50: 2.1,
        decisionMsP95: 6.04,
        degradedShare: 0,
        quality: 0.812,
        utility: 0.612,
      },
      models: all,
    },
    worth: { quality: 0.013, savedUsd: 0.000321 },
    live: live
      ? {
          connection: 'live',
          decisionsPerSecond: 250,
          decisions: Array.from({ length: 50 }, (_, index) => decision(index)),
          outcomes: new Map([['decision-0', { decisionId: 'decision-0', status: 'SUCCESS', quality: 0.75 }]]),
          missed: 0,
        }
      : null,
    trouble: null,
    nowMs: 1_700_000_000_000,
  };
}

const plain = createPaint(false);

test('at 80x24 there is everything: figures, models by how often they are chosen, and the newest decisions', () => {
  const lines = formatTop(state(true), { columns: 80, rows: 24 }, plain);
  expect(lines).toHaveLength(24);
  expect(lines[0]).toMatch(/^http:\/\/127\.0\.0\.1:8080 {2}ready {2}live +\d\d:\d\d:\d\d$/);
  expect(lines[1]).toBe('decisions  250/s  14,212 in the last hour  p50 2.1 ms  p95 6.0 ms  degraded 0 %');
  expect(lines[2]).toBe('worth      utility 0.612  quality 0.812  quality +0.013 on static rules');
  expect(lines[6]).toMatch(/^model +share {2}health +quality +errors +p50 +a call$/);
  expect(lines[7]).toMatch(/^model-11 +17 % {2}healthy +0\.800 +1\.2 % +930 ms +\$0\.00123$/);
  expect(lines.join('\n')).toMatch(/decision-0 +\d\d:\d\d:\d\d {2}aurelia-fern +420 µs +60 % {2}success 0\.750/);
  expect(lines.at(-1)).toBe('q leaves');
});

test.each([1, 20, 40, 80, 132, 200])('with %i columns and any number of rows nothing is wider or longer', (columns) => {
  for (const rows of [1, 2, 5, 10, 24, 60])
    for (const models of [0, 1, 12]) {
      const lines = formatTop(state(true, models), { columns, rows }, plain);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
});

test('a single look has all models and no list of decisions', () => {
  const lines = formatTop(state(false, 40), { columns: 80, rows: Number.POSITIVE_INFINITY }, plain);
  expect(lines.filter((line) => line.startsWith('model-'))).toHaveLength(40);
  expect(lines.join('\n')).not.toMatch(/decision-|q leaves/);
});

test('trouble and what is not ready are said, and what is not known is no 0', () => {
  const base = state(true);
  const overview = { ...base.overview, isReady: false, waitingFor: ['route-collapse'], figures: {} };
  const lines = formatTop(
    { ...base, worth: null, overview, trouble: 'cannot reach it' },
    { columns: 80, rows: 24 },
    plain,
  );
  expect(lines[0]).toContain('not ready: waits for route-collapse');
  expect(lines[1]).toContain('0 in the last hour  p50 –');
  expect(lines[2]).toBe('worth      utility –  quality –');
  expect(lines).toContain('cannot reach it');
});

test('names from elsewhere give the terminal no orders', () => {
  const base = state(true);
  const evil = { ...decision(1), decisionId: '\u001b]0;title\u0007', model: '\u001b[2J' };
  const live = { ...base.live!, decisions: [evil] };
  const overview = { ...base.overview, models: [model('\u001b[31mred', 1)] };
  const text = formatTop({ ...base, live, overview, url: 'http://\u001b[5m' }, { columns: 80, rows: 24 }, plain).join(
    '',
  );
  expect(text).not.toContain('\u001b');
});

test('colours are there where they are wanted: a provider that is out is red', () => {
  const lines = formatTop(state(true), { columns: 80, rows: 60 }, createPaint(true));
  expect(lines.find((line) => line.startsWith('model-2'))).toContain('\u001b[31mout    \u001b[0m');
});
