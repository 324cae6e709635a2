/** What alerts are told of windows: when, how often, and what of it is summed. */
import { nextTelling, recentOf, sumHours, sumMinutes, toldRow } from '../../../lib/analytics/recent';
import { addToWindow, cellKey, emptyWindow, modelTaskValue, noCell } from '../../../lib/analytics/window';
import type { AnalyticsWindow } from '../../../lib/topics/generated/messages';
import { schemaVersions } from '../../../lib/topics/generated/schemas';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const startMs = 1_700_006_400_000;

function changedAt(row: AnalyticsWindow, nowMs: number, decisions = 1): AnalyticsWindow {
  const of = [
    cellKey('all', ''),
    cellKey('model', 'alpha'),
    cellKey('modelTask', modelTaskValue('alpha', 'code')),
    cellKey('tenant', 'team'),
  ];
  return addToWindow(row, [{ of, figures: { ...noCell, decisions } }], nowMs);
}

describe('a row is told of', () => {
  test('ten seconds after its window began, then every ten seconds while it changes, and is withdrawn after an hour', () => {
    const first = changedAt(emptyWindow(minuteMs, startMs), startMs + 1);
    expect(nextTelling(first)).toEqual({ kind: 'tell', atMs: startMs + 10_000 });
    const told = toldRow(first, nextTelling(first)!, startMs + 12_000);
    const withdrawn = { kind: 'withdraw', atMs: startMs + 65 * minuteMs };
    expect(nextTelling(told)).toEqual(withdrawn);
    expect(nextTelling(changedAt(told, startMs + 13_000))).toEqual({ kind: 'tell', atMs: startMs + 22_000 });
    expect(nextTelling(toldRow(told, nextTelling(told)!, withdrawn.atMs))).toBeNull();
  });

  test('once more where it changed in the millisecond in which it was told of', () => {
    const first = changedAt(emptyWindow(minuteMs, startMs), startMs + 1);
    const told = toldRow(first, nextTelling(first)!, startMs + 12_000);
    expect(nextTelling(changedAt(told, startMs + 12_000))).toEqual({ kind: 'tell', atMs: startMs + 22_000 });
  });

  test('never where it came too late, and days never', () => {
    const late = changedAt(emptyWindow(minuteMs, startMs), startMs + 3 * hourMs);
    const told = toldRow(late, { kind: 'tell', atMs: 0 }, startMs + 2 * hourMs);
    expect(nextTelling(changedAt(told, startMs + 3 * hourMs))?.kind).toBe('withdraw');
    expect(nextTelling(changedAt(emptyWindow(dayMs, startMs), startMs + 1))).toBeNull();
  });
});

test('what is told has what rules look at, and no tenants', () => {
  const { cells, partition } = recentOf(changedAt(emptyWindow(minuteMs, startMs), startMs), 3);
  expect([partition, Object.keys(cells)]).toEqual([3, ['all\n', 'model\nalpha']]);
});

test('partitions are added, and a window is taken in whole minutes or whole hours', () => {
  const row = (spanMs: number, atMs: number, partition: number, decisions: number) =>
    recentOf(changedAt(emptyWindow(spanMs, atMs), atMs, decisions), partition);
  const windows = [
    row(minuteMs, startMs, 0, 1),
    row(minuteMs, startMs, 1, 2),
    row(minuteMs, startMs + minuteMs, 0, 4),
    row(minuteMs, startMs + 2 * minuteMs, 0, 8),
    row(hourMs, startMs - hourMs, 0, 100),
    row(hourMs, startMs, 0, 200),
  ];
  const decisions = (fromMs: number, toMs: number): number => sumMinutes(windows, fromMs, toMs).all.decisions;
  expect(decisions(startMs, startMs + minuteMs)).toBe(7);
  expect(decisions(startMs + 59_999, startMs + 2 * minuteMs - 1)).toBe(7);
  expect(decisions(startMs + minuteMs, startMs + 2 * minuteMs)).toBe(12);
  expect(sumMinutes(windows, startMs, startMs, 'model').by.get('alpha')?.decisions).toBe(3);
  expect(sumHours(windows, startMs - hourMs, startMs + hourMs - 1).all.decisions).toBe(100);
  expect(sumHours(windows, startMs - hourMs, startMs + hourMs).all.decisions).toBe(300);
});

test('a row of a release that told nothing stays untold: there are thousands, and writing each anew would be dear', () => {
  const { fields } = schemaVersions['AnalyticsWindow']!.at(-1)!.schema as {
    fields: { name: string; default: number }[];
  };
  const toldAtMs = fields.find(({ name }) => name === 'toldAtMs')!.default;
  expect(nextTelling({ ...changedAt(emptyWindow(minuteMs, startMs), startMs), toldAtMs })).toBeNull();
});
