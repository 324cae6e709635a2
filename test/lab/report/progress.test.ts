import { type ProgressState, startProgress } from '../../../lab/report/progress';

function rig(isTerminal: boolean, columns = 100) {
  const written: string[] = [];
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms, setTimer: () => () => undefined };
  const write = (text: string) => void written.push(text);
  const models = ['aurelia-fern', 'boreal-chalk', 'idle'];
  return { written, time, progress: startProgress({ write, clock, isTerminal, columns, total: 12_000, models }) };
}

const state = (done: number): ProgressState => ({
  done,
  meanQuality: 0.8125,
  costUsdPer1000: 3.456,
  counts: [0.75 * done, 0.25 * done, 0],
});

test('elsewhere than on a terminal: a plain line every three seconds, and one at the end', () => {
  const { written, time, progress } = rig(false);
  for (time.ms = 0; time.ms <= 6_500; time.ms += 500) progress.update(state(time.ms));
  time.ms = 6_500;
  progress.finish();
  const plain = (done: string, rate: string) =>
    `${done}/12,000  ${rate}/s  quality 0.813  $3.46 per 1,000  aurelia-fern 75 %  boreal-chalk 25 %\n`;
  expect(written.slice(1)).toEqual([plain('3,000', '1,000'), plain('6,000', '1,000'), plain('6,500', '1,000')]);
  expect(written.join('')).not.toContain('\u001b');
});

test('a last line that was printed already is not repeated', () => {
  const { written, progress } = rig(false);
  progress.update(state(100));
  progress.finish();
  expect(written).toHaveLength(1);
});

test('on a terminal: redraws in place at most five times a second', () => {
  const { written, time, progress } = rig(true);
  for (time.ms = 0; time.ms <= 1_000; time.ms += 50) progress.update(state(6 * time.ms));
  expect(written).toHaveLength(6);
  expect(written[0]).not.toContain('\u001b[4A');
  expect(written[1]!.startsWith('\u001b[4A\r\u001b[2K[')).toBe(true);
  time.ms = 2_000;
  progress.update(state(6_000));
  const block = written.at(-1)!;
  expect(block).toContain(`[${'█'.repeat(15)}${'·'.repeat(15)}]  6,000/12,000`);
  expect(block).toContain('  aurelia-fern   75 %  ███████████████\n');
  expect(block).toContain('  boreal-chalk   25 %  █████\n');
  expect(block).toContain('  idle            0 %  \n');
  const drawn = written.length;
  progress.finish();
  expect(written).toHaveLength(drawn + 1);
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

test('lines are cut to the terminal, unknown figures are said to be unknown, nothing done draws nothing', () => {
  const { written, progress } = rig(true, 20);
  progress.finish();
  expect(written).toEqual([]);
  progress.update({ done: 0, meanQuality: null, costUsdPer1000: null, counts: [] });
  for (const line of written[0]!.split('\n')) expect(line.replace('\r\u001b[2K', '').length).toBeLessThanOrEqual(20);
  const plain = rig(false);
  plain.progress.update({ done: 0, meanQuality: null, costUsdPer1000: null, counts: [] });
  expect(plain.written).toEqual(['0/12,000  0/s  quality –  cost unknown\n']);
});

test.each([true, false])('at 80 columns and 40 no line is wider, and no word is cut (terminal: %s)', (isTerminal) => {
  for (const columns of [40, 80]) {
    const { written, time, progress } = rig(isTerminal, columns);
    for (time.ms = 0; time.ms <= 6_000; time.ms += 1_000) {
      progress.update({ ...state(time.ms), note: time.ms > 2_000 ? 'slowed down: this machine is busy' : null });
    }
    progress.finish();
    const redraws = new RegExp(`${String.fromCharCode(27)}\\[\\d*[AK]|\r`, 'g');
    const lines = written.join('').replace(redraws, '').split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    expect(lines.join('\n')).toContain('6,000/12,000');
    for (const word of lines.join(' ').split(/\s+/))
      expect(word).not.toMatch(/^(aurelia-fer|boreal-chal|qualit|slowe)$/);
  }
});
