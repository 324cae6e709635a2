import { createStatusLine } from '../../../lib/terminal/status-line';

function rig(isTerminal: boolean) {
  const written: string[] = [];
  const time = { ms: 0 };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms, setTimer: () => () => undefined };
  const stream = { write: (text: string) => void written.push(text), isTerminal, columns: 40 };
  return { written, time, stream, line: createStatusLine(stream, clock, 5_000) };
}

const erase = '\r\u001b[2K';

test('on a terminal it is written over itself, five times a second at most, and ends with its newest state', () => {
  const { written, time, line } = rig(true);
  for (time.ms = 0; time.ms <= 450; time.ms += 50) line.show(() => `at ${time.ms}`);
  expect(written).toEqual([`${erase}at 0`, `${erase}at 200`, `${erase}at 400`]);
  line.finish();
  expect(written.slice(3)).toEqual([`${erase}at 500`, '\n']);
});

test('what is said meanwhile stays above it; before and after it there is nothing to be restored', () => {
  const { written, line } = rig(true);
  line.above('first\n');
  line.show(() => 'status');
  line.above('{"level":"warn"}\n');
  line.finish();
  line.above('last\n');
  expect(written).toEqual([
    'first\n',
    `${erase}status`,
    `${erase}{"level":"warn"}\nstatus`,
    `${erase}status`,
    '\n',
    'last\n',
  ]);
});

test('a window that changes its size has room for what is composed next; the last column stays free', () => {
  const { time, stream, line } = rig(true);
  const widths: number[] = [];
  const compose = (columns: number): string => {
    widths.push(columns);
    return '';
  };
  line.show(compose);
  stream.columns = 120;
  time.ms = 1_000;
  line.show(compose);
  expect(widths).toEqual([39, 119]);
});

test('elsewhere a plain line is written rarely, never twice the same, and nothing only a terminal understands', () => {
  const { written, time, line } = rig(false);
  for (time.ms = 0; time.ms <= 11_000; time.ms += 100) line.show((columns) => `${columns} ${Math.min(time.ms, 6_000)}`);
  line.above('log\n');
  line.finish();
  expect(written).toEqual(['40 0\n', '40 5000\n', '40 6000\n', 'log\n']);
});

test('what never showed anything ends without a word', () => {
  const { written, line } = rig(true);
  line.finish();
  expect(written).toEqual([]);
});
