import fc from 'fast-check';
import type { LogRecord, OutgoingRecord } from '../../../lib/ports/broker';
import { createTaskTable, positionKey } from '../../../lib/runtime/task-table';
import { type Tally, tallies } from './toy';

const changelog = { topic: tallies.name, partition: 0 };
const definition = { topic: tallies, maxRows: 100, dueAtMs: (row: Tally) => row.dueAtMs };
const row = (key: string, count: number, dueAtMs: number | null = null): Tally => ({ key, count, sum: 0, dueAtMs });

/** Outgoing records as the log returns them. */
const logged = (records: readonly OutgoingRecord[]): LogRecord[] =>
  records.map((record, offset) => ({ headers: {}, ...record, partition: 0, offset, timestampMs: 0 }));
const flush = (table: ReturnType<typeof createTaskTable<Tally>>, position: number): OutgoingRecord[] => {
  const records: OutgoingRecord[] = [];
  table.flushInto(records, new Map([['in', position]]), (key, _bytes, error) => {
    throw new Error(`row ${key} does not fit`, { cause: error });
  });
  return records;
};
/** Restores, and returns the offsets of what was passed over. */
const restore = (table: ReturnType<typeof createTaskTable<Tally>>, records: readonly LogRecord[]): number[] => {
  const foreign: number[] = [];
  table.restore(records, ({ offset }) => foreign.push(offset));
  return foreign;
};

test('an empty changelog has no positions', () => {
  const table = createTaskTable(definition, changelog);
  restore(table, []);
  expect(table.restored()).toBeNull();
});

test('a restored table has the rows, due times and positions of the last flush', () => {
  const table = createTaskTable(definition, changelog);
  table.set('a', row('a', 1, 50));
  table.set('b', row('b', 1));
  const records = flush(table, 7);
  table.set('b', null);
  records.push(...flush(table, 9));
  const copy = createTaskTable(definition, changelog);
  restore(copy, logged(records));
  expect(copy.restored()).toEqual(new Map([['in', 9]]));
  expect([copy.size, copy.get('a'), copy.get('b')]).toEqual([1, row('a', 1, 50), undefined]);
  expect(copy.due.nextAtMs()).toBe(50);
  expect(copy.changed()).toBe(false);
});

test('rows of a torn flush do not count, and the next flush overwrites them', () => {
  const table = createTaskTable(definition, changelog);
  table.set('a', row('a', 1));
  const records = flush(table, 1);
  table.set('a', row('a', 2));
  table.set('ghost', row('ghost', 1));
  const torn = flush(table, 2).filter((record) => record.key !== positionKey);
  const copy = createTaskTable(definition, changelog);
  restore(copy, logged([...records, ...torn]));
  expect(copy.restored()).toEqual(new Map([['in', 1]]));
  expect([copy.get('a'), copy.get('ghost')]).toEqual([row('a', 1), undefined]);
  const repaired = flush(copy, 3);
  expect(repaired.map(({ key, value }) => [key, value !== null])).toEqual([
    ['a', true],
    ['ghost', false],
    [positionKey, true],
  ]);
  const third = createTaskTable(definition, changelog);
  restore(third, logged([...records, ...torn, ...repaired]));
  third.restored();
  expect([third.get('a'), third.get('ghost'), third.size]).toEqual([row('a', 1), undefined, 1]);
});

test('what an older owner writes after a newer one does not count, and the next flush overwrites it', () => {
  const zombie = createTaskTable(definition, { ...changelog, ownerEpoch: 1 });
  zombie.set('a', row('a', 1));
  zombie.set('gone', row('gone', 1));
  const records = flush(zombie, 1);
  const owner = createTaskTable(definition, { ...changelog, ownerEpoch: 2 });
  restore(owner, logged(records));
  owner.restored();
  owner.set('a', row('a', 2));
  owner.set('gone', null);
  records.push(...flush(owner, 5));
  zombie.set('a', row('a', 99));
  zombie.set('gone', row('gone', 99));
  zombie.set('only his', row('only his', 1));
  records.push(...flush(zombie, 2));

  const next = createTaskTable(definition, { ...changelog, ownerEpoch: 3 });
  restore(next, logged(records));
  expect(next.restored()).toEqual(new Map([['in', 5]]));
  expect([next.get('a'), next.size]).toEqual([row('a', 2), 1]);
  // Compaction keeps the last record of a key, and that is the zombie's: it has to be written over.
  const written = new Map(flush(next, 5).map(({ key, value }) => [key, value]));
  expect([...written.keys()].sort()).toEqual([positionKey, 'a', 'gone', 'only his'].sort());
  expect([written.get('gone'), written.get('only his')]).toEqual([null, null]);
});

test('an owner whose clock is behind its predecessor counts all the same', () => {
  const first = createTaskTable(definition, { ...changelog, ownerEpoch: 1_000 });
  first.set('a', row('a', 1));
  const records = flush(first, 1);
  const second = createTaskTable(definition, { ...changelog, ownerEpoch: 900 });
  restore(second, logged(records));
  second.restored();
  second.set('a', row('a', 2));
  records.push(...flush(second, 2));
  const third = createTaskTable(definition, { ...changelog, ownerEpoch: 950 });
  restore(third, logged(records));
  expect([third.restored(), third.get('a')]).toEqual([new Map([['in', 2]]), row('a', 2)]);
});

test('foreign records in a changelog are passed over', () => {
  const table = createTaskTable(definition, changelog);
  restore(
    table,
    logged([
      { topic: tallies.name, key: null, value: Buffer.from('?') },
      { topic: tallies.name, key: positionKey, value: null },
    ]),
  );
  expect([table.restored(), table.size]).toEqual([null, 0]);
});

test('a flush writes what changed since the one before, and the positions', () => {
  const table = createTaskTable(definition, changelog);
  table.set('a', row('a', 1));
  expect(flush(table, 1).map(({ key }) => key)).toEqual(['a', positionKey]);
  table.set('b', row('b', 1));
  expect(flush(table, 2).map(({ key }) => key)).toEqual(['b', positionKey]);
  expect(flush(table, 3).map(({ key }) => key)).toEqual([positionKey]);
});

test('a deleted row is due no more', () => {
  const table = createTaskTable(definition, changelog);
  table.set('a', row('a', 1, 50));
  table.set('a', null);
  expect(table.due.nextAtMs()).toBeNull();
});

test('deleting what is not there changes nothing', () => {
  const table = createTaskTable(definition, changelog);
  table.set('a', null);
  expect(table.changed()).toBe(false);
});

test('law: whatever happened between flushes, a restore gives the rows as of the last one', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  type Step = 'flush' | 'compact' | { key: string; count: number | null };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ key, count: fc.option(fc.integer({ min: 1, max: 9 })) }) },
    { weight: 1, arbitrary: fc.constant<Step>('flush') },
    { weight: 1, arbitrary: fc.constant<Step>('compact') },
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = createTaskTable(definition, changelog);
      const current = new Map<string, Tally>();
      let flushed = new Map<string, Tally>();
      let records: OutgoingRecord[] = [];
      for (const taken of steps) {
        if (taken === 'flush') {
          records.push(...flush(table, 1));
          flushed = new Map(current);
        } else if (taken === 'compact') {
          records = records.filter((record, i) => !records.slice(i + 1).some((later) => later.key === record.key));
        } else {
          const { key: name, count } = taken;
          table.set(name, count === null ? null : row(name, count));
          if (count === null) current.delete(name);
          else current.set(name, row(name, count));
        }
      }
      const copy = createTaskTable(definition, changelog);
      restore(copy, logged(records));
      copy.restored();
      expect(new Map(['a', 'b', 'c'].flatMap((name) => (copy.get(name) ? [[name, copy.get(name)!]] : [])))).toEqual(
        flushed,
      );
    }),
  );
});
