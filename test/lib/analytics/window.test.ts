import { entriesOf } from '../../../lib/analytics/keyed-list';
import {
  addToWindow,
  cellKey,
  dimensionLimits,
  dimensions,
  emptyWindow,
  expiresAtMs,
  maxSketches,
  noCell,
  readWindowKey,
  windowKeys,
} from '../../../lib/analytics/window';
import { maxIdChars } from '../../../lib/topics/identifiers';
import { topics } from '../../../lib/topics/topics';

test('a time belongs to one window of each span', () => {
  const atMs = Date.UTC(2026, 10, 28, 19, 31, 7);
  expect(windowKeys(atMs).map((key) => new Date(readWindowKey(key)!.startMs).toISOString())).toEqual([
    '2026-11-28T19:31:00.000Z',
    '2026-11-28T19:00:00.000Z',
    '2026-11-28T00:00:00.000Z',
  ]);
  expect(readWindowKey('5\n7')).toBeNull();
  expect(readWindowKey('')).toBeNull();
});

test('a minute is kept for a day, a day for years', () => {
  expect(expiresAtMs({ spanMs: 60_000, startMs: 0 })).toBe(26 * 3_600_000);
  expect(expiresAtMs({ spanMs: 86_400_000, startMs: 0 })).toBe(731 * 86_400_000);
});

test('however many names come, a row fits a record, and nothing is lost but its name', () => {
  const long = 'x'.repeat(maxIdChars - 6);
  let row = emptyWindow(60_000, 0);
  const records = 600;
  for (let i = 0; i < records; i++) {
    const name = `${long}${i}`;
    row = addToWindow(
      row,
      {
        of: dimensions.map((dimension) => cellKey(dimension, dimension === 'all' ? '' : name)),
        figures: { ...noCell, decisions: 1, costUsd: 0.1 },
        decisionMs: 10 ** ((i % 12) - 3),
        latency: { model: name, ms: 10 ** ((i % 12) - 3) },
      },
      i,
    );
  }
  expect(topics.analyticsWindows.codec.encode(row).length).toBeLessThan(topics.analyticsWindows.maxRecordBytes / 2);
  for (const dimension of dimensions) {
    const cells = [...entriesOf(row.cells)].filter(([key]) => key.startsWith(`${dimension}\n`));
    expect(cells.length).toBeLessThanOrEqual(dimensionLimits[dimension] + 1);
    expect(cells.reduce((sum, [, { decisions }]) => sum + decisions, 0)).toBe(records);
  }
  expect(row.latencyMs.keys.length).toBeLessThanOrEqual(maxSketches + 1);
});

test('a row from outside with keys that have no cell is added to all the same', () => {
  const row = emptyWindow(60_000, 0);
  const torn = { ...row, cells: { keys: ['all\n', 'model\na'], values: [{ ...noCell, decisions: 2 }] } };
  const next = addToWindow(
    torn,
    {
      of: [cellKey('all', ''), cellKey('model', 'b')],
      figures: { ...noCell, decisions: 1 },
    },
    1,
  );
  expect([...entriesOf(next.cells)].map(([key, { decisions }]) => [key, decisions])).toEqual([
    ['all\n', 3],
    ['model\nb', 1],
  ]);
});

test('adding changes neither the row nor what was made of it before', () => {
  const of = (value: string) => ({
    of: [cellKey('model', value)],
    figures: { ...noCell, decisions: 1 },
    latency: { model: value, ms: 5 },
  });
  const first = addToWindow(emptyWindow(60_000, 0), of('a'), 1);
  const before = structuredClone(first);
  const left = addToWindow(first, of('b'), 2);
  const right = addToWindow(first, of('c'), 3);
  expect(first).toEqual(before);
  expect([left, right].map(({ cells }) => cells.keys)).toEqual([
    ['model\na', 'model\nb'],
    ['model\na', 'model\nc'],
  ]);
  expect(addToWindow(right, of('a'), 4).cells.values.map(({ decisions }) => decisions)).toEqual([2, 1]);
});
