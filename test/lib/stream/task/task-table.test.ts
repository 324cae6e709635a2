import fc from 'fast-check';
import { codecOf, UndecodableError } from '../../../../lib/avro/codec';
import type { LogRecord, OutgoingRecord } from '../../../../lib/ports/broker';
import { createTaskTable, positionKey } from '../../../../lib/stream/task/task-table';
import type { TablePosition } from '../../../../lib/topics/generated/messages';
import { type Tally, tallies } from '../toy';

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

test('a row that grows by many small pieces between two flushes is refused when it will not fit, not lost when written', () => {
  const table = createTaskTable(definition, { ...changelog, maxRecordBytes: 16_000 });
  const grown = (pieces: number): Tally => ({ ...row('a', 1), key: 'a'.repeat(pieces * 900) });
  let pieces = 0;
  expect(() => {
    for (;;) {
      table.set('a', grown(pieces + 1), 900);
      pieces++;
    }
  }).toThrow('which takes 16000');
  expect(pieces).toBeGreaterThan(15);
  expect(flush(table, 1)[0]!.key).toBe('a');
  // What was replaced, not added to, is weighed and found light.
  for (let i = 0; i < 100; i++) table.set('b', row('b', i), 900);
  expect(table.get('b')!.count).toBe(99);
});

test('a forged record of the last owner there can be takes nothing away', () => {
  const forged = {
    ...changelog,
    key: 'forged',
    value: null,
    headers: { 'owner-epoch': String(Number.MAX_SAFE_INTEGER) },
  };
  const table = createTaskTable(definition, { ...changelog, ownerEpoch: 1_700_000_000_000 });
  restore(table, logged([forged]));
  table.restored();
  table.set('a', row('a', 1));
  const copy = createTaskTable(definition, { ...changelog, ownerEpoch: 1_700_000_000_001 });
  expect(restore(copy, logged([forged, ...flush(table, 7)]))).toEqual([]);
  expect(copy.restored()).toEqual(new Map([['in', 7]]));
  expect(copy.get('a')).toEqual(row('a', 1));
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

describe('foreign records in a changelog', () => {
  const at = (key: string | null, value: Buffer | null, headers = {}): OutgoingRecord => ({
    topic: tallies.name,
    key,
    value,
    headers,
  });
  const garbage = Buffer.from('{');
  const positionOf = (positions: Record<string, number>): Buffer =>
    codecOf<TablePosition>('TablePosition').encode({ positions });

  test.each<[string, OutgoingRecord]>([
    ['a record without a key', at(null, garbage)],
    ['bytes that are no row', at('a', garbage)],
    ['bytes that are no position', at(positionKey, garbage)],
    ['deleted positions', at(positionKey, null)],
    ['a position below 0', at(positionKey, positionOf({ in: -1 }))],
    ['a row that is due at no time', at('a', tallies.codec.encode({ ...row('a', 9), dueAtMs: 'soon' as never }))],
    ['an owner that is no number', at('a', tallies.codec.encode(row('a', 9)), { 'owner-epoch': 'me' })],
    ['an endless owner', at('a', tallies.codec.encode(row('a', 9)), { 'owner-epoch': '1e999' })],
    ['an owner below 0', at('a', tallies.codec.encode(row('a', 9)), { 'owner-epoch': '-1' })],
  ])('%s: told, and the last good rows and positions count', (_what, foreign) => {
    const own = { ...definition, dueAtMs: (tally: Tally) => (tally.dueAtMs === null ? null : Number(tally.dueAtMs)) };
    const owned = { ...changelog, ownerEpoch: 7 };
    const first = createTaskTable(own, owned);
    first.set('a', row('a', 1, 50));
    const records = [...flush(first, 7), foreign];
    const second = createTaskTable(own, owned);
    expect(restore(second, logged(records))).toEqual([2]);
    expect(second.restored()).toEqual(new Map([['in', 7]]));
    expect([second.get('a'), second.size, second.due.nextAtMs()]).toEqual([row('a', 1, 50), 1, 50]);
    // It goes on from there, for good: what is written now is read again.
    second.set('b', row('b', 2));
    records.push(...flush(second, 9));
    const third = createTaskTable(own, { ...changelog, ownerEpoch: 8 });
    expect(restore(third, logged(records))).toEqual([2]);
    expect(third.restored()).toEqual(new Map([['in', 9]]));
    expect([third.get('a'), third.get('b')]).toEqual([row('a', 1, 50), row('b', 2)]);
  });

  test('a row they lie on top of is written again, and a key of theirs is deleted', () => {
    const first = createTaskTable(definition, changelog);
    first.set('a', row('a', 1));
    const second = createTaskTable(definition, changelog);
    restore(second, logged([...flush(first, 1), at('a', garbage), at('theirs', garbage)]));
    second.restored();
    expect(flush(second, 1).map(({ key, value }) => [key, value !== null])).toEqual([
      ['a', true],
      ['theirs', false],
      [positionKey, true],
    ]);
  });

  test('between the rows of a flush and its positions they cost nothing', () => {
    const table = createTaskTable(definition, changelog);
    table.set('a', row('a', 1));
    const [only, position] = flush(table, 3);
    const copy = createTaskTable(definition, changelog);
    expect(restore(copy, logged([only!, at('x', garbage), at(positionKey, garbage), position!]))).toEqual([1, 2]);
    expect([copy.restored(), copy.get('a')]).toEqual([new Map([['in', 3]]), row('a', 1)]);
  });
});

describe('the size of a row', () => {
  const small = { ...tallies, maxRecordBytes: 2_000 };
  const large = (bytes: number): Tally => ({ ...row('a', 1), key: 'x'.repeat(bytes) });

  test('is checked before it is set where it may be too large, and nothing is changed', () => {
    const table = createTaskTable({ topic: small, maxRows: 9 }, changelog);
    table.set('a', large(100), 100);
    expect(() => table.set('a', large(2_000), 2_000)).toThrow(
      /^a record of 2\d\d\d bytes for toy.tallies, which takes 2000$/,
    );
    expect(table.get('a')).toEqual(large(100));
    // Small steps are seen, too, once a flush has weighed the row.
    table.set('a', large(1_500), 1);
    flush(table, 1);
    expect(() => table.set('a', large(1_800), 1)).toThrow('which takes 2000');
    expect(table.get('a')).toEqual(large(1_500));
    table.set('a', large(100), 1);
    expect(table.get('a')).toEqual(large(100));
  });

  test('is known after a restore', () => {
    const table = createTaskTable({ topic: small, maxRows: 9 }, changelog);
    table.set('a', large(1_500));
    const copy = createTaskTable({ topic: small, maxRows: 9 }, changelog);
    restore(copy, logged(flush(table, 1)));
    copy.restored();
    expect(() => copy.set('a', large(1_800), 1)).toThrow('which takes 2000');
  });

  test('when it is found out at a flush, the row goes, with a tombstone where the log has it', () => {
    const roomy = { ...tallies, maxRecordBytes: 20_000 };
    const table = createTaskTable({ topic: roomy, maxRows: 9, dueAtMs: () => 5 }, changelog);
    table.set('a', large(100));
    flush(table, 1);
    table.set('a', large(30_000));
    table.set('b', row('b', 1));
    const records: OutgoingRecord[] = [];
    const unfit: [string, number | undefined, string][] = [];
    table.flushInto(records, new Map(), (key, bytes, error) => unfit.push([key, bytes?.length, (error as Error).name]));
    expect(unfit).toEqual([['a', roomy.codec.encode(large(30_000)).length, 'OversizedRecordError']]);
    expect(records.map(({ key, value }) => [key, value !== null])).toEqual([
      ['a', false],
      ['b', true],
      [positionKey, true],
    ]);
    expect([table.get('a'), table.size]).toEqual([undefined, 1]);
  });
});

test('a due time that is none is refused, and nothing is changed', () => {
  const table = createTaskTable({ ...definition, dueAtMs: (tally) => tally.count / tally.sum }, changelog);
  expect(() => table.set('a', { ...row('a', 0), sum: 0 })).toThrow('due at a time that is none');
  expect([table.size, table.changed()]).toEqual([0, false]);
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

/** A changelog that single records can be read of at once, and that is compacted. */
function readableLog() {
  let records: LogRecord[] = [];
  let end = 0;
  let reads = 0;
  return {
    get records(): readonly LogRecord[] {
      return records;
    },
    get reads(): number {
      return reads;
    },
    append(written: readonly OutgoingRecord[]): number[] {
      const placed = logged(written).map((record) => ({ ...record, offset: end++ }));
      records.push(...placed);
      return placed.map(({ offset }) => offset);
    },
    compact(): void {
      records = records.filter((record, i) => !records.slice(i + 1).some((later) => later.key === record.key));
    },
    recordAt(_topic: string, offset: number): LogRecord | null {
      reads++;
      return records.find((record) => record.offset === offset) ?? null;
    },
  };
}

describe.each([
  ['in the changelog', true, undefined],
  ['in memory', false, undefined],
  ['in the changelog, and are restored by when they are due', true, { dueAtMs: true } as const],
  ['in memory, and are restored by when they are due', false, { dueAtMs: true } as const],
])('a table whose rows rest %s', (_where, isReadable, duePart) => {
  const resting = { ...definition, rowsRest: true, ...(duePart && { duePart }) };
  const start = (log: ReturnType<typeof readableLog>, ownerEpoch?: number) => {
    const table = createTaskTable(resting, {
      ...{ ...changelog, mostAwake: 2, ownerEpoch },
      ...(isReadable && { recordAt: log.recordAt }),
    });
    const foreign = restore(table, log.records);
    table.restored();
    return { table, foreign };
  };
  const write = (table: ReturnType<typeof createTaskTable<Tally>>, log: ReturnType<typeof readableLog>): string[] => {
    const records = flush(table, 1);
    const offsets = log.append(records);
    table.written(records, isReadable ? offsets : null);
    return records.map(({ key }) => key!);
  };

  test('lets rows rest that were changed before a write of something else', () => {
    const log = readableLog();
    const { table } = start(log);
    const keys = Array.from({ length: 12 }, (_, at) => `k${at}`);
    const rows = keys.map((key, at) => row(key, at));
    for (const one of rows) table.set(one.key, one);
    // Outputs alone.
    table.written([], isReadable ? [] : null);
    write(table, log);
    expect(rows.filter((one) => table.get(one.key) === one)).toHaveLength(2);
    expect(rows.map(({ key }) => table.get(key))).toEqual(rows);
  });

  test('keeps rows that were not changed lately as they were written, and says the same of them', () => {
    const log = readableLog();
    const { table } = start(log);
    const rows = ['a', 'b', 'c', 'd', 'e'].map((key, at) => row(key, at, 50 + at));
    for (const one of rows) table.set(one.key, one);
    expect(table.get('a')).toBe(rows[0]);
    write(table, log);
    expect(rows.map(({ key }) => table.get(key))).toEqual(rows);
    expect(rows.map((one) => table.get(one.key) === one)).toEqual([false, false, false, true, true]);
    expect(log.reads > 0).toBe(isReadable);
    expect([table.size, table.due.nextAtMs(), table.changed()]).toEqual([5, 50, false]);
    table.set('a', row('a', 7, 99));
    table.set('b', null);
    write(table, log);
    expect([table.get('a'), table.get('b'), table.size]).toEqual([row('a', 7, 99), undefined, 4]);
    const { table: copy, foreign } = start(log);
    expect(foreign).toEqual([]);
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => copy.get(key))).toEqual([
      ...[row('a', 7, 99), undefined],
      ...rows.slice(2),
    ]);
    expect([copy.size, copy.due.nextAtMs(), copy.changed()]).toEqual([4, 52, false]);
  });

  test('writes a row that rests over what an older owner wrote later', () => {
    const log = readableLog();
    const { table: zombie } = start(log, 1);
    const { table: owner } = start(log, 2);
    owner.set('a', row('a', 2));
    write(owner, log);
    zombie.set('a', row('a', 99));
    write(zombie, log);
    const { table: next } = start(log, 3);
    const written = flush(next, 5).find(({ key }) => key === 'a');
    expect(tallies.codec.decode(written!.value!)).toEqual(row('a', 2));
  });

  test('puts a row that rests over what is none of ours, before compaction can take its record', () => {
    const log = readableLog();
    const { table } = start(log);
    table.set('a', row('a', 1));
    write(table, log);
    log.append([{ ...changelog, key: 'a', value: Buffer.from('{') }]);
    const { table: next, foreign } = start(log);
    expect(foreign).toEqual([2]);
    log.compact();
    expect(next.get('a')).toEqual(row('a', 1));
    expect(write(next, log)).toEqual(['a', positionKey]);
    expect(start(log).table.get('a')).toEqual(row('a', 1));
  });

  test('law: whatever happens to it, its rows are those that were set last', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const change = fc.record({ key: fc.constantFrom(...keys), count: fc.option(fc.nat(9)) });
    const other = fc.constantFrom('flush' as const, 'restart' as const, 'compact' as const);
    fc.assert(
      fc.property(fc.array(fc.oneof(change, change, change, other), { maxLength: 60 }), (steps) => {
        const log = readableLog();
        let { table } = start(log);
        const current = new Map<string, Tally>();
        for (const step of steps) {
          if (step === 'flush') write(table, log);
          else if (step === 'compact') log.compact();
          else if (step === 'restart') {
            write(table, log);
            const before = table.due.nextAtMs();
            ({ table } = start(log));
            expect(table.due.nextAtMs()).toBe(before);
          } else if (step.count === null) {
            table.set(step.key, null);
            current.delete(step.key);
          } else {
            table.set(step.key, row(step.key, step.count, step.count));
            current.set(step.key, row(step.key, step.count, step.count));
          }
          expect(keys.map((key) => table.get(key))).toEqual(keys.map((key) => current.get(key)));
          expect(table.size).toBe(current.size);
        }
      }),
    );
  });
});

test('a row that has gone from where it rests is an error that says where, not another row', () => {
  const log = readableLog();
  const table = createTaskTable(
    { ...definition, rowsRest: true },
    { ...changelog, mostAwake: 0, recordAt: log.recordAt },
  );
  table.set('a', row('a', 1));
  const records = flush(table, 1);
  table.written(records, log.append(records));
  log.append([{ ...changelog, key: 'a', value: Buffer.from('{') }]);
  log.compact();
  expect(() => table.get('a')).toThrow(`row a is not at offset 0 of ${tallies.name}, where it was written`);
});

describe('a restore that looks at when rows are due', () => {
  const written = (rows: readonly Tally[], log = readableLog()) => {
    const table = createTaskTable(definition, changelog);
    for (const one of rows) table.set(one.key, one);
    log.append(flush(table, 1));
    return log;
  };

  test('makes no other field of a row into a value before somebody asks for the row', () => {
    const log = written([row('a', 1, 50)]);
    const made: (readonly string[] | 'all')[] = [];
    const { codec } = tallies;
    const topic = {
      ...tallies,
      codec: {
        ...codec,
        decode: (bytes: Buffer) => {
          made.push('all');
          return codec.decode(bytes);
        },
        partDecoder: (part: Parameters<typeof codec.partDecoder>[0]) => (bytes: Buffer) => {
          made.push(Object.keys(part));
          return codec.partDecoder(part)(bytes);
        },
      },
    };
    const table = createTaskTable({ ...definition, topic, rowsRest: true, duePart: { dueAtMs: true } }, changelog);
    expect(restore(table, log.records)).toEqual([]);
    table.restored();
    expect([table.due.nextAtMs(), made]).toEqual([50, [['dueAtMs']]]);
    expect([table.get('a'), made]).toEqual([row('a', 1, 50), [['dueAtMs'], 'all']]);
  });

  test('takes a row that turns out to be none, when it has to come back into memory, for gone', () => {
    const log = written([row('a', 1, 50), row('b', 2, 60)]);
    // On top of both lies what is none of ours, so both would be written anew.
    log.append(['a', 'b'].map((key) => ({ ...changelog, key, value: Buffer.from('{') })));
    const { codec } = tallies;
    const decode = (bytes: Buffer): Tally => {
      const read = codec.decode(bytes);
      if (read.key === 'a') throw new UndecodableError('its columns do not fit together');
      return read;
    };
    const table = createTaskTable(
      { ...definition, topic: { ...tallies, codec: { ...codec, decode } }, rowsRest: true, duePart: { dueAtMs: true } },
      { ...changelog, recordAt: log.recordAt },
    );
    // Both, and the row of a that was taken for one until then.
    expect(restore(table, log.records)).toEqual([3, 0, 4]);
    table.restored();
    expect([table.size, table.get('a'), table.get('b')]).toEqual([1, undefined, row('b', 2, 60)]);
    expect(flush(table, 2).map(({ key, value }) => [key, value === null])).toEqual([
      ['a', true],
      ['b', false],
      [positionKey, false],
    ]);
  });
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
