import { type ProgressState, shortFigure, startProgress } from '../../../lab/report/progress';
import { createStatusLine } from '../../../lib/terminal/status-line';

function rig(isTerminal: boolean, columns = 120, total: number | null = 12_000) {
  const written: string[] = [];
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms, setTimer: () => () => undefined };
  const stream = { write: (text: string) => void written.push(text), isTerminal, columns };
  const line = createStatusLine(stream, clock, 3_000);
  return { written, time, progress: startProgress({ line, clock, total }) };
}

const state = (done: number): ProgressState => ({
  done,
  figures: ['utility .612 rules .574', 'lag 0.3 s'],
  counts: new Map([
    ['idle', 0],
    ['boreal-chalk', 0.25 * done],
    ['aurelia-fern', 0.6 * done],
    ['cinder', 0.1 * done],
    ['dune-harbour', 0.05 * done],
  ]),
});

test('elsewhere than on a terminal: a plain line every so often and one at the end, with the three models chosen most', () => {
  const { written, time, progress } = rig(false);
  for (time.ms = 0; time.ms <= 6_500; time.ms += 500) progress.update(state(time.ms));
  progress.finish();
  const plain = (done: string, rate: string) =>
    `${done}/12,000  ${rate}/s  utility .612 rules .574  lag 0.3 s  aurelia-fern 60 boreal-chalk 25 cinder 10 %\n`;
  expect(written.slice(1)).toEqual([plain('3,000', '1,000'), plain('6,000', '1,000'), plain('6,500', '1,000')]);
  expect(written.join('')).not.toContain('\u001b');
});

test('a last line that was printed already is not repeated', () => {
  const { written, progress } = rig(false);
  progress.update(state(100));
  progress.finish();
  expect(written).toHaveLength(1);
});

test('the rate is that of the last whole second', () => {
  const { written, time, progress } = rig(false);
  progress.update(state(0));
  time.ms = 2_000;
  progress.update(state(4_000));
  time.ms = 3_000;
  progress.update(state(4_500));
  expect(written[1]).toContain('4,500/12,000  500/s');
});

test('at 80 columns everything is there: gaps are narrower, and long names shorter', () => {
  const { written, progress } = rig(true, 80);
  progress.update(state(6_000));
  expect(written.join('').replace('\r\u001b[2K', '')).toBe(
    '6,000/12,000 0/s utility .612 rules .574 lag 0.3 s aure… 60 bore… 25 cind… 10 %',
  );
});

test.each([10, 20, 40, 60, 80, 100, 200])(
  '%i columns hold the line, and what is least important goes first',
  (columns) => {
    const { written, progress } = rig(false, columns);
    progress.update(state(6_000));
    const line = written[0]!.trimEnd();
    expect(line.length).toBeLessThanOrEqual(columns);
    const parts = ['6,000/12,0', '0/s', 'utility .612 rules .574', 'lag 0.3 s', ' 60'];
    const there = parts.map((part) => line.includes(part));
    expect(there).toEqual([...there].sort((a, b) => Number(b) - Number(a)));
    expect(there[0]).toBe(columns > 10);
  },
);

test('without an end it counts decisions; without figures and models it is short', () => {
  const { written, progress } = rig(false, 80, null);
  progress.update({ done: 1_234 });
  expect(written).toEqual(['1,234 decided  0/s\n']);
});

test('nothing done says nothing', () => {
  const { written, progress } = rig(true);
  progress.finish();
  expect(written).toEqual([]);
});

test.each([
  [0.6124, '.612'],
  [-0.04, '-.040'],
  [1.5, '1.500'],
  [123.46, '123.5'],
])('%d is %s', (value, text) => {
  expect(shortFigure(value)).toBe(text);
});

test('names that begin alike are told apart by their ends', () => {
  const { written, progress } = rig(false, 50);
  const counts = new Map(['boreal-chalk', 'boreal-flint', 'boreal-slate'].map((model) => [model, 1]));
  progress.update({ done: 3, counts });
  expect(written).toEqual(['3/12,000 0/s …l-chalk 33 …l-flint 33 …l-slate 33 %\n']);
});

test('what was done before it was looked at is no speed', () => {
  const { written, time, progress } = rig(true, 80, null);
  progress.update({ done: 3_000 });
  time.ms = 1_000;
  progress.update({ done: 3_020 });
  expect(written.map((text) => text.replace('\r\u001b[2K', ''))).toEqual(['3,000 decided  0/s', '3,020 decided  20/s']);
});
