/** Answers are those of adding up whole rows cell by cell, whatever was kept how, and however it is written. */
import { DDSketch } from '@datadog/sketches-js';
import fc from 'fast-check';
import { csvFormat, csvHeadings, jsonFormat } from '../../../lib/analytics/answer-format';
import { type AnalyticsQuery, answerQuery } from '../../../lib/analytics/answer-query';
import { entriesOf } from '../../../lib/analytics/keyed-list';
import {
  type AnalyticsMetric,
  analyticsMetrics,
  breakdownNames,
  breakdowns,
  dimensionsOf,
  metricFault,
  metricNames,
} from '../../../lib/analytics/metrics';
import { emptySketch, relativeAccuracy } from '../../../lib/analytics/sketch';
import {
  addToCell,
  addToWindow,
  type Contribution,
  cellKey,
  dimensions,
  emptyWindow,
  keyOfWindow,
  noCell,
  otherValue,
  readWindowKey,
} from '../../../lib/analytics/window';
import { createWindowStore, type WindowStore } from '../../../lib/analytics/window-store';
import type { AnalyticsCell, AnalyticsWindow, Sketch } from '../../../lib/topics/generated/messages';

const hourMs = 3_600_000;
const { mapping } = new DDSketch({ relativeAccuracy });

interface Row {
  startMs: number;
  of: Record<string, string>;
  values: Record<string, number | null>;
}

function jsonOf(store: WindowStore, query: AnalyticsQuery): Row[] {
  return JSON.parse(`[${[...answerQuery(store, query, jsonFormat)].join('')}]`);
}

type Rows = ReadonlyMap<string, ReadonlyMap<string, AnalyticsWindow>>;

/** The same from the rows themselves, as plainly as it can be said. `rows`: by key and source. */
function plainAnswer(rows: Rows, { fromMs, toMs, stepMs, metrics, by }: AnalyticsQuery): Row[] {
  interface Group {
    cell: AnalyticsCell | null;
    decisionMs: Sketch[];
    latencyMs: Sketch[];
  }
  const prefix = cellKey(breakdowns[by], '');
  const begin = Math.floor(fromMs / hourMs) * hourMs;
  const steps = new Map<number, Map<string, Group>>();
  const keys = [...rows.keys()].sort((a, b) => readWindowKey(a)!.startMs - readWindowKey(b)!.startMs);
  for (const key of keys) {
    const { startMs } = readWindowKey(key)!;
    if (startMs < begin || startMs >= toMs) continue;
    const at = stepMs === null ? begin : Math.floor(startMs / stepMs) * stepMs;
    const groups = steps.get(at) ?? new Map<string, Group>();
    steps.set(at, groups);
    const groupOf = (value: string): Group => {
      const group = groups.get(value) ?? { cell: null, decisionMs: [], latencyMs: [] };
      groups.set(value, group);
      return group;
    };
    for (const row of rows.get(key)!.values()) {
      for (const [cell, figures] of entriesOf(row.cells)) {
        if (!cell.startsWith(prefix)) continue;
        const group = groupOf(cell.slice(prefix.length));
        group.cell ??= { ...noCell };
        addToCell(group.cell, figures);
      }
      if (by === 'none') groupOf('').decisionMs.push(row.decisionMs);
      if (!metrics.some((name) => name.startsWith('latencyMsP'))) continue;
      for (const [model, sketch] of entriesOf(row.latencyMs))
        groupOf(by === 'none' ? '' : model).latencyMs.push(sketch);
    }
  }
  return [...steps].flatMap(([startMs, groups]) =>
    [...groups.keys()].sort().map((value): Row => {
      const group = groups.get(value)!;
      return {
        startMs,
        of: dimensionsOfValue(by, value),
        values: Object.fromEntries(metrics.map((name) => [name, figureOf(name, group)])),
      };
    }),
  );

  function figureOf(name: AnalyticsQuery['metrics'][number], group: Group): number | null {
    const { sum, per, quantile }: AnalyticsMetric = analyticsMetrics[name];
    if (quantile) return plainQuantile(group[quantile.of], quantile.share);
    if (group.cell === null) return null;
    if (per === undefined) return group.cell[sum!];
    return group.cell[per] > 0 ? group.cell[sum!] / group.cell[per] : null;
  }
}

function dimensionsOfValue(by: AnalyticsQuery['by'], value: string): Record<string, string> {
  const { names, separator } = dimensionsOf(by);
  const isOther = value === otherValue && names.length > 1;
  const parts = names.length === 1 ? [value] : isOther ? names.map(() => otherValue) : value.split(separator);
  return Object.fromEntries(names.map((name, i) => [name, parts[i]!]));
}

/** Every value one by one, by the value of its bucket. */
function plainQuantile(sketches: readonly Sketch[], share: number): number | null {
  const counted = sketches.flatMap(({ firstKey, counts, zeros }) => [
    ...new Array<number>(zeros).fill(0),
    ...counts.flatMap((count, i) => new Array<number>(count).fill(mapping.value(firstKey + i))),
  ]);
  counted.sort((a, b) => a - b);
  return counted.length === 0 ? null : counted[Math.floor(share * (counted.length - 1))]!;
}

// Names that sort, quote and look like something else; more of them than models have sketches.
const name = fc.oneof(
  fc.constantFrom('a', 'B', 'ä', '😀', '=x', 'a"b', 'a,b', 'other', '__proto__', 'constructor', '10', '9'),
  fc.integer({ min: 0, max: 40 }).map((i) => `name ${i}`),
);
const figure = fc.oneof(fc.constant(0), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
const contribution = fc
  .record({
    name,
    second: name,
    decisions: fc.nat(3),
    calls: fc.nat(3),
    costUsd: figure,
    judged: fc.integer({ min: -1, max: 2 }),
    quality: figure,
    ms: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e10, noNaN: true })),
    isTimed: fc.boolean(),
  })
  .map(
    ({ name, second, ms, isTimed, ...figures }): Contribution => ({
      of: dimensions.map((dimension) => {
        if (dimension === 'all') return cellKey(dimension, '');
        if (dimension === 'modelTask') return cellKey(dimension, `${name}\n${second}`);
        return cellKey(dimension, dimension === 'experiment' ? `${name}/${second}` : name);
      }),
      figures: { ...noCell, ...figures },
      decisionMs: ms,
      ...(isTimed && { latency: { model: name, ms } }),
    }),
  );
/** A row that a source writes, or takes back. */
const change = fc.record({
  source: fc.constantFrom('windows/0', 'windows/1', 'rewards/0'),
  hour: fc.nat(7),
  added: fc.option(fc.array(contribution, { minLength: 1, maxLength: 12 })),
});
const query = fc
  .record({
    by: fc.constantFrom(...breakdownNames),
    picked: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 5 }),
    stepMs: fc.constantFrom(null, hourMs, 3 * hourMs),
    fromMs: fc.integer({ min: 0, max: 4 * hourMs }),
    lengthMs: fc.integer({ min: 6 * hourMs + 1, max: 9 * hourMs }),
  })
  .map(({ by, picked, stepMs, fromMs, lengthMs }): AnalyticsQuery => {
    const known = metricNames.filter((metric) => metricFault(metric, by) === null);
    const metrics = [...new Set(picked.map((i) => known[i % known.length]!))];
    return { by, metrics, stepMs, fromMs, toMs: fromMs + lengthMs };
  });

test('law: whatever rows come, are replaced and go, answers are those of adding up the rows as they are', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), query, (changes, query) => {
      const store = createWindowStore();
      const rows = new Map<string, Map<string, AnalyticsWindow>>();
      for (const { source, hour, added } of changes) {
        const startMs = hour * hourMs;
        const key = keyOfWindow({ spanMs: hourMs, startMs });
        const ofKey = rows.get(key) ?? new Map<string, AnalyticsWindow>();
        rows.set(key, ofKey);
        const before = ofKey.get(source) ?? emptyWindow(hourMs, startMs);
        const row = added === null ? null : addToWindow(before, added, 1);
        if (row) ofKey.set(source, row);
        else ofKey.delete(source);
        store.set(source, key, row);
      }
      // JSON has no negative zero, which a share of the smallest of negative figures is.
      const expected = JSON.parse(JSON.stringify(plainAnswer(rows, query))) as Row[];
      expect(jsonOf(store, query)).toEqual(expected);
      const csv = [...answerQuery(store, query, csvFormat)].join('');
      const starts = csv
        .split('\r\n')
        .slice(0, -1)
        .map((line) => line.split(',')[0]);
      expect(starts).toEqual(expected.map(({ startMs }) => new Date(startMs).toISOString()));
    }),
    { numRuns: 300 },
  );
});

test('names are forgotten with the last row that has them', () => {
  const store = createWindowStore();
  const key = keyOfWindow({ spanMs: hourMs, startMs: 0 });
  for (let i = 0; i < 1_000; i++) {
    const of = [cellKey('all', ''), cellKey('task', `task ${i}`)];
    const latency = { model: `model ${i}`, ms: 5 };
    const row = addToWindow(emptyWindow(hourMs, 0), [{ of, figures: { ...noCell, decisions: 1 }, latency }], 1);
    store.set('windows/0', key, row);
  }
  expect(store.between(hourMs, 0, hourMs).keys.length).toBeLessThanOrEqual(6);
  const query: AnalyticsQuery = { by: 'task', metrics: ['decisions'], stepMs: hourMs, fromMs: 0, toMs: hourMs };
  expect(jsonOf(store, query)).toEqual([{ startMs: 0, of: { task: 'task 999' }, values: { decisions: 1 } }]);
});

test('an answer under way is of the rows that were there when it was begun', () => {
  const store = createWindowStore();
  const set = (hour: number, task: string): void => {
    const at = { spanMs: hourMs, startMs: hour * hourMs };
    const added = { of: [cellKey('all', ''), cellKey('task', task)], figures: { ...noCell, decisions: 1 } };
    store.set('windows/0', keyOfWindow(at), addToWindow(emptyWindow(at.spanMs, at.startMs), [added], 1));
  };
  set(0, 'a');
  set(1, 'b');
  const query: AnalyticsQuery = { by: 'task', metrics: ['decisions'], stepMs: hourMs, fromMs: 0, toMs: 9 * hourMs };
  const texts = answerQuery(store, query, jsonFormat)[Symbol.iterator]();
  const first = texts.next().value;
  set(1, 'c');
  set(2, 'd');
  const rest = [...{ [Symbol.iterator]: () => texts }];
  expect(JSON.parse(`[${[first, ...rest].join('')}]`).map(({ of }: Row) => of['task'])).toEqual(['a', 'b']);
});

test('a row from outside with what nobody counts is answered all the same', () => {
  const store = createWindowStore();
  const cell = { ...noCell, decisions: 2, costUsd: Number.POSITIVE_INFINITY };
  const keys = ['all\n', 'colour\nred', 'models', '', 'model\na', 'model\na', 'model\nkey without cell'];
  store.set('x', `${hourMs}\n0`, {
    ...emptyWindow(hourMs, 0),
    cells: { keys, values: [cell, cell, cell, cell, cell, cell] },
    latencyMs: { keys: ['a', 'b'], values: [emptySketch] },
  });
  store.set('x', 'no window', emptyWindow(1, 0));
  const ask = (by: 'none' | 'model') =>
    jsonOf(store, { by, metrics: ['decisions', 'costUsd'], stepMs: hourMs, fromMs: 0, toMs: hourMs });
  expect(ask('none')).toEqual([{ startMs: 0, of: {}, values: { decisions: 2, costUsd: null } }]);
  expect(ask('model')).toEqual([{ startMs: 0, of: { model: 'a' }, values: { decisions: 4, costUsd: null } }]);
});

test('CSV says what JSON says', () => {
  const store = createWindowStore();
  const at = { spanMs: hourMs, startMs: 0 };
  const added = { of: [cellKey('all', ''), cellKey('modelTask', '=a\n"b"')], figures: { ...noCell, calls: 3 } };
  store.set('windows/0', keyOfWindow(at), addToWindow(emptyWindow(at.spanMs, at.startMs), [added], 1));
  const metrics = ['calls', 'quality'] as const;
  const query: AnalyticsQuery = { by: 'model,task', metrics, stepMs: hourMs, fromMs: 0, toMs: hourMs };
  const csv = csvHeadings(query.by, metrics) + [...answerQuery(store, query, csvFormat)].join('');
  expect(csv).toBe(`start,model,task,calls,quality\r\n1970-01-01T00:00:00.000Z,'=a,"""b""",3,\r\n`);
});
