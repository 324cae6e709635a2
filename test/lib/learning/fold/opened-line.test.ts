import {
  createOpenedLine,
  fittedLine,
  type OpenedLine,
  observeOpened,
} from '../../../../lib/learning/fold/opened-line';
import { seededRandom } from '../../../../lib/random/seeded';

const startMs = 1_700_000_000_000;

function lineOf(openedAtMs: readonly number[]): OpenedLine {
  const line = createOpenedLine();
  for (const atMs of openedAtMs) observeOpened(line, atMs);
  return line;
}

test('the gap between requests is found although their outcomes come in any order', () => {
  const random = seededRandom(1, 'opened');
  // One request in 4 ms, outcomes up to a second late.
  const arrived = Array.from({ length: 2_000 }, (_, i) => ({
    openedAtMs: startMs + 4 * i,
    atMs: startMs + 4 * i + 1_000 * random.next(),
  }));
  arrived.sort((a, b) => a.atMs - b.atMs);
  const folded = arrived.filter(({ atMs }) => atMs < 7_000 + startMs);
  const { gapMs, countedToMs } = fittedLine(lineOf(folded.map(({ openedAtMs }) => openedAtMs)));
  expect(gapMs).toBeGreaterThan(3);
  expect(gapMs).toBeLessThan(5);
  // On balance, outcomes are half a second late.
  expect(Math.abs(startMs + 6_500 - countedToMs)).toBeLessThan(250);
});

test('another rate is found within two thousand events', () => {
  const slow = Array.from({ length: 1_000 }, (_, i) => startMs + 100 * i);
  const fast = Array.from({ length: 2_000 }, (_, i) => slow.at(-1)! + i);
  const { gapMs, countedToMs } = fittedLine(lineOf([...slow, ...fast]));
  expect(gapMs).toBeCloseTo(1, 0);
  expect(countedToMs - fast.at(-1)!).toBeLessThan(1_000);
});

test('nothing, one request, a standstill, a clock that runs backwards and an absurd time give numbers', () => {
  expect(fittedLine(createOpenedLine())).toEqual({ countedToMs: 0, gapMs: 0 });
  expect(fittedLine(lineOf([startMs]))).toEqual({ countedToMs: startMs, gapMs: 0 });
  expect(fittedLine(lineOf([startMs, startMs, startMs])).gapMs).toBe(0);
  expect(fittedLine(lineOf([startMs, startMs - 50, startMs - 100])).gapMs).toBe(0);
  for (const absurd of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
    const { countedToMs, gapMs } = fittedLine(
      lineOf([startMs, absurd, ...Array.from({ length: 6_000 }, (_, i) => startMs + i)]),
    );
    expect(gapMs).toBeCloseTo(1, 1);
    expect(countedToMs).toBeCloseTo(startMs + 5_999, -1);
  }
});
