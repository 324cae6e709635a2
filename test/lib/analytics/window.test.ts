import fc from 'fast-check';
import { entriesOf } from '../../../lib/analytics/keyed-list';
import {
  addToWindow,
  type Contribution,
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
import type { AnalyticsWindow } from '../../../lib/topics/generated/messages';
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
      [
        {
          of: dimensions.map((dimension) => cellKey(dimension, dimension === 'all' ? '' : name)),
          figures: { ...noCell, decisions: 1, costUsd: 0.1 },
          decisionMs: 10 ** ((i % 12) - 3),
          latency: { model: name, ms: 10 ** ((i % 12) - 3) },
        },
      ],
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
    [
      {
        of: [cellKey('all', ''), cellKey('model', 'b')],
        figures: { ...noCell, decisions: 1 },
      },
    ],
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
  const first = addToWindow(emptyWindow(60_000, 0), [of('a')], 1);
  const before = structuredClone(first);
  const left = addToWindow(first, [of('b')], 2);
  const right = addToWindow(first, [of('c')], 3);
  expect(first).toEqual(before);
  expect([left, right].map(({ cells }) => cells.keys)).toEqual([
    ['model\na', 'model\nb'],
    ['model\na', 'model\nc'],
  ]);
  expect(addToWindow(right, [of('a')], 4).cells.values.map(({ decisions }) => decisions)).toEqual([2, 1]);
});

test('law: records that are added at once make the row that they make one after the other, to the last bit', () => {
  // More models than have a sketch of their own, and more tenants than have a cell.
  const name = fc.integer({ min: 0, max: 80 }).map((i) => `name ${i}`);
  const contribution = fc.record({ name, costUsd: fc.double({ min: 0, max: 1, noNaN: true }), ms: fc.nat(5_000) }).map(
    ({ name, costUsd, ms }): Contribution => ({
      of: [cellKey('all', ''), cellKey('model', name), cellKey('tenant', name)],
      figures: { ...noCell, decisions: 1, costUsd },
      ...(ms % 3 === 0 && { decisionMs: ms }),
      ...(ms % 2 === 0 && { latency: { model: name, ms } }),
    }),
  );
  fc.assert(
    fc.property(
      fc.array(contribution, { maxLength: 150 }),
      fc.array(contribution, { maxLength: 150 }),
      (first, then) => {
        const oneByOne = (row: AnalyticsWindow, added: readonly Contribution[]): AnalyticsWindow =>
          added.reduce((sum, one) => addToWindow(sum, [one], 7), row);
        const row = oneByOne(emptyWindow(60_000, 0), first);
        const before = structuredClone(row);
        expect(addToWindow(row, then, 7)).toEqual({ ...oneByOne(row, then), updatedAtMs: 7 });
        expect(row).toEqual(before);
      },
    ),
    { numRuns: 30 },
  );
});
