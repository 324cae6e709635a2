/** A store that is damaged, or of the format that lmdb cannot always write to, is noticed, named and saved. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStore, checkStoreFile } from '../../../../lib/adapters/embedded/check-store';
import { repairStore } from '../../../../lib/adapters/embedded/copy-store';
import { type EmbeddedBroker, openEmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import { LmdbReader, readMeta } from '../../../../lib/adapters/embedded/lmdb-file';
import { openRoot, openTable } from '../../../../lib/adapters/embedded/lmdb-root';
import { StoreDamagedError } from '../../../../lib/adapters/embedded/store-damage';
import { stateOf } from '../../../../lib/adapters/embedded/store-directory';
import { openStoreReader } from '../../../../lib/adapters/embedded/store-reader';
import { createStoreTable } from '../../../../lib/adapters/embedded/store-table';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { LogRecord, PartitionConsumer, TopicSettings } from '../../../../lib/ports/broker';
import { seededRandom } from '../../../../lib/random/seeded';
import { recordsThatBreakIt, writeFirstFormat } from './first-format';

const topic: TopicSettings = {
  name: 't',
  partitions: 2,
  cleanup: 'delete',
  retentionMs: null,
  maxRecordBytes: 1_000_000,
};

let directory: string;
let dataFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-damage-'));
  dataFile = join(directory, 'data.mdb');
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (onNote: (note: string) => void = () => {}): EmbeddedBroker =>
  openEmbeddedBroker({ directory, clock: createVirtualClock(), maintenanceIntervalMs: null, onNote });

async function readAll(broker: EmbeddedBroker, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const chunk of broker.read({ topic: 't', partition }, { from: 0 })) records.push(...chunk);
  return records;
}

function consumerOf(broker: EmbeddedBroker, partition: number): Promise<PartitionConsumer> {
  return new Promise((resolve, reject) => {
    const onAssigned = (_epoch: number, consumers: readonly PartitionConsumer[]) => resolve(consumers[partition]!);
    broker.join({ group: 'g', topics: ['t'], startAt: 'earliest', onAssigned, onFailed: reject }).catch(reject);
  });
}

/** Some hundred records of very different sizes, closed in order. */
async function makeStore(records = 400): Promise<string[]> {
  const broker = open();
  await broker.ensureTopics([topic]);
  const random = seededRandom('damage');
  const values: string[] = [];
  for (let i = 0; i < records; i++) {
    const value = `record ${i} `.padEnd(20 + random.integer(random.integer(10) === 0 ? 9_000 : 600), 'x');
    values.push(value);
    await broker.producer('p').send([{ topic: 't', partition: 0, key: `k${i}`, value: Buffer.from(value) }]);
  }
  await (await consumerOf(broker, 0)).write({ records: [], positions: new Map([['t', records]]) });
  await broker.close();
  return values;
}

describe('a store of the first format', () => {
  test('that lmdb can no longer write to is copied when it is opened, and goes on', async () => {
    const records = recordsThatBreakIt();
    const taken = await writeFirstFormat(directory, topic, records);
    expect(taken).toBe(records.length - 1);
    const notes: string[] = [];
    const broker = open((note) => notes.push(note));
    expect(notes).toEqual([
      `the store in ${directory} is of format 1: copying it to format 3`,
      expect.stringMatching(/has been copied \(\d+ entries\)/),
    ]);
    const small = await readAll(broker, 0);
    expect(small.map(({ offset, key, value }) => [offset, key, value![0]])).toEqual(
      Array.from({ length: 17 }, (_, i) => [i, `k${i}`, i]),
    );
    expect(await readAll(broker, 1)).toHaveLength(16);
    expect([...(await (await consumerOf(broker, 0)).committed())]).toEqual([['t', 1]]);
    const refused = records.at(-1)!;
    const [placed] = await broker.producer('p').send([{ topic: 't', key: 'again', ...refused }]);
    expect(placed).toEqual({ partition: 0, offset: 17 });
    await broker.close();
    expect(checkStore(directory)).toMatchObject({ format: 3, problemCount: 0 });
    expect(
      readdirSync(directory)
        .filter((name) => name.startsWith('data'))
        .sort(),
    ).toEqual(['data.mdb', 'data.mdb-lock']);
  });

  test('can be checked as it is, and repaired: everything acknowledged is in the new file, the old one beside it', async () => {
    const taken = await writeFirstFormat(directory, topic, recordsThatBreakIt());
    expect(checkStore(directory)).toMatchObject({ format: 1, problems: [] });
    const { records, problems, keptAs } = repairStore(directory);
    expect({ records, problems }).toEqual({ records: taken, problems: [] });
    expect(keptAs).toBe(`${dataFile}.before-repair-1`);
    expect(existsSync(keptAs)).toBe(true);
    const broker = open();
    expect(await readAll(broker, 0)).toHaveLength(17);
    await broker.close();
  });

  test('that is damaged is left alone, and told of', async () => {
    await writeFirstFormat(directory, topic, recordsThatBreakIt());
    truncateSync(dataFile, 3 * 16_384);
    const before = readFileSync(dataFile);
    expect(() => open()).toThrow(StoreDamagedError);
    expect(readFileSync(dataFile).equals(before)).toBe(true);
  });
});

describe('a store of the second format', () => {
  test('is gone on with as it is, and no earlier version opens it any more', async () => {
    const values = await makeStore(50);
    const root = openRoot(dataFile, 'process');
    const log = openTable(root, 'log', () => new Error('damaged'));
    // makeStore writes each record in a commit of its own, which is how every record of that format lies.
    expect([...log.keys()]).toHaveLength(values.length);
    await root.close();
    const marker = join(directory, 'store.json');
    writeFileSync(marker, JSON.stringify({ ...JSON.parse(readFileSync(marker, 'utf8')), format: 2 }));
    const broker = open();
    expect(JSON.parse(readFileSync(marker, 'utf8'))).toMatchObject({ format: 3 });
    const more = Array.from({ length: 20 }, (_, i) => ({
      topic: 't',
      partition: 0,
      key: `m${i}`,
      value: Buffer.alloc(3_000),
    }));
    await broker.producer('p').send(more);
    await broker.close();
    const again = open();
    const read = await readAll(again, 0);
    expect(read.slice(0, values.length).map(({ value }) => value!.toString())).toEqual(values);
    expect(read.slice(values.length).map(({ offset, key }) => [offset, key])).toEqual(
      more.map(({ key }, i) => [values.length + i, key]),
    );
    await again.close();
    writeFileSync(marker, JSON.stringify({ ...JSON.parse(readFileSync(marker, 'utf8')), format: 4 }));
    expect(() => open()).toThrow(/the format of the store in .* is 4; this version reads 1, 2, 3/);
  });
});

test('records that were merged are saved once, also where those they were merged from are still in the file', async () => {
  const broker = open();
  await broker.ensureTopics([topic]);
  const values = Array.from({ length: 400 }, (_, i) => `record ${i} `.repeat(200));
  for (const [i, value] of values.entries())
    await broker.producer('p').send([{ topic: 't', partition: 0, key: `k${i}`, value: Buffer.from(value) }]);
  await broker.maintain();
  await broker.close();
  expect(checkStore(directory).tables.find(({ name }) => name === 'log')!.entries).toBeLessThan(100);
  // The newest pages are at the end: without them nothing leads to most of the others.
  truncateSync(dataFile, Math.floor(usedPages() * 0.97) * 4_096);
  const { records, salvaged } = repairStore(directory);
  expect(salvaged).toBeGreaterThan(0);
  const copy = open();
  const left = await readAll(copy, 0);
  expect(left).toHaveLength(records);
  expect(new Set(left.map(({ offset }) => offset)).size).toBe(left.length);
  for (const { offset, value } of left) expect(value!.toString()).toBe(values[offset]);
  expect(left.length).toBeGreaterThan(values.length / 2);
  await copy.close();
});

describe('a file that is cut off', () => {
  test.each([0.2, 0.5, 0.9])('after %s of it is refused, with the part and what to do', async (share) => {
    await makeStore();
    truncateSync(dataFile, Math.floor(usedPages() * share) * 4_096 + 17);
    expect(() => open()).toThrow(StoreDamagedError);
    expect(() => open()).toThrow(/the store in .* is damaged: .*store check --data-dir .*store repair/s);
    // Of a large file only the structure is looked at, and where its pages should be.
    expect(checkStoreFile(dataFile, 'whenOpened', 0).problemCount).toBeGreaterThan(0);
  });

  test('is repaired: records are found even where the pages that led to them are lost', async () => {
    const values = await makeStore();
    truncateSync(dataFile, Math.floor(usedPages() * 0.9) * 4_096);
    const { problems, records, salvaged } = repairStore(directory);
    expect(problems.length).toBeGreaterThan(0);
    // The newest pages are at the end, and the root is one of them.
    expect(salvaged).toBeGreaterThan(values.length / 2);
    const broker = open();
    const left = await readAll(broker, 0);
    expect(left).toHaveLength(records);
    for (const { offset, value } of left) expect(value!.toString()).toBe(values[offset]);
    await broker.close();
  });

  test('to nothing, or gone, is not taken for a new store', async () => {
    await makeStore(3);
    truncateSync(dataFile, 0);
    expect(() => open()).toThrow(/meta page 0: the file is cut off/);
    expect(() => repairStore(directory)).toThrow(/nothing in .* can be read: .*Restore it from a copy/);
    rmSync(dataFile);
    expect(() => open()).toThrow(/data\.mdb: the file is gone\. Put it back from a copy, or remove .* to begin anew/);
    expect(() => checkStore(directory)).toThrow('there is no store in');
  });
});

/** Pages up to the last one in use; the file itself is longer, since room is made ahead. */
function usedPages(): number {
  return openReader(dataFile).fileBytes / 4_096;
}

function openReader(path: string) {
  const reader = openStoreReader(path, (problem) => {
    throw new Error(`${problem.part}: ${problem.reason}`);
  })!;
  reader.close();
  return reader;
}

/** Every entry that can be read, and how much cannot. */
function contentOf(path: string): { entries: string[]; problems: number } {
  let problems = 0;
  const entries: string[] = [];
  const reader = openStoreReader(path, () => problems++);
  for (const tree of reader?.tables ?? []) {
    for (const { key, value } of reader!.entries(tree)) {
      entries.push(`${tree.name} ${key.toString('hex')} ${value.toString('hex')}`);
    }
  }
  reader?.close();
  return { entries, problems };
}

test('a bit that is flipped anywhere is noticed, or is in no part that is used', async () => {
  await makeStore(120);
  const copy = join(directory, 'copy');
  const whole = contentOf(dataFile);
  expect(whole.problems).toBe(0);
  const bytes = readFileSync(dataFile).subarray(0, usedPages() * 4_096);
  const random = seededRandom('flips');
  let noticed = 0;
  for (let flip = 0; flip < 400; flip++) {
    const changed = Buffer.from(bytes);
    const at = random.integer(changed.length);
    changed[at]! ^= 1 << random.integer(8);
    writeFileSync(copy, changed);
    const found = contentOf(copy);
    if (found.problems > 0) noticed++;
    // Entries that are read are those that were written, always.
    else expect(found.entries).toEqual(whole.entries);
    expect(found.entries.every((entry) => whole.entries.includes(entry))).toBe(true);
  }
  expect(noticed).toBeGreaterThan(100);
});

test('a flipped bit in a record refuses the opening; the check names the record; the repair leaves out nothing else', async () => {
  const values = await makeStore();
  flipIn(dataFile, 'record 123 ');
  expect(() => open()).toThrow(/is damaged: record 123 of t\/0: it does not match its checksum/);
  expect(checkStore(directory).problems).toEqual([
    { part: 'record 123 of t/0', reason: 'it does not match its checksum' },
  ]);
  const { records, problems } = repairStore(directory);
  expect(problems).toHaveLength(1);
  expect(records).toBe(values.length - 1);
  const broker = open();
  expect((await readAll(broker, 0)).map(({ offset }) => offset)).toEqual(
    values.map((_, i) => i).filter((offset) => offset !== 123),
  );
  await broker.close();
});

test('with damage all over the file everything else is saved, and the pages that hold nothing any more are named', async () => {
  const broker = open();
  await broker.ensureTopics([topic]);
  const value = Buffer.alloc(1_900, 'x');
  // Each in a commit of its own, so that each is stored by itself.
  for (let i = 0; i < 3_000; i++) await broker.producer('p').send([{ topic: 't', partition: 0, key: `k${i}`, value }]);
  await broker.close();
  const file = openSync(dataFile, 'r+');
  const bytes = readFileSync(dataFile);
  let wiped = 0;
  for (let page = 40; page < bytes.length / 4_096; page += 2) {
    const content = bytes.subarray(page * 4_096, (page + 1) * 4_096);
    const isRecords = (content.readUInt16LE(18) & 0x2f) === 2 && content.includes(value.subarray(0, 500));
    if (!isRecords) continue;
    writeSync(file, Buffer.alloc(24), 0, 24, page * 4_096);
    wiped++;
  }
  closeSync(file);
  const { records, problems, salvaged } = repairStore(directory);
  expect(wiped).toBeGreaterThan(500);
  expect(problems.length).toBeGreaterThan(500);
  const copy = open();
  expect(await readAll(copy, 0)).toHaveLength(records);
  await copy.close();
  // A page holds one or two of these.
  expect(records).toBeGreaterThanOrEqual(3_000 - 2 * wiped);
  expect(records + salvaged).toBeLessThan(3_000);
});

test('the offset of a lost record that a group has read past is not given again', async () => {
  const values = await makeStore();
  flipIn(dataFile, `record ${values.length - 1} `);
  repairStore(directory);
  const broker = open();
  const [placed] = await broker
    .producer('p')
    .send([{ topic: 't', partition: 0, key: 'new', value: Buffer.from('new') }]);
  expect(placed!.offset).toBe(values.length);
  const consumer = await consumerOf(broker, 0);
  const [next] = await consumer.poll({ maxRecords: 10, maxWaitMs: 1_000 });
  expect(next!.value!.toString()).toBe('new');
  await broker.close();
});

test('a bit that is flipped while the store is open is noticed when the record is read', async () => {
  await makeStore();
  const broker = open();
  flipIn(dataFile, 'record 123 ');
  await expect(readAll(broker, 0)).rejects.toThrow(/is damaged: record 123 of t\/0: it does not match its checksum/);
  await broker.close();
});

test('one of the two meta pages is enough to repair a store', async () => {
  const values = await makeStore(50);
  for (const page of [0, 1]) {
    const kept = readFileSync(dataFile);
    const file = openSync(dataFile, 'r+');
    writeSync(file, Buffer.alloc(200), 0, 200, page * 4_096);
    closeSync(file);
    expect(() => open()).toThrow(new RegExp(`meta page ${page}: it does not begin like one of lmdb`));
    const { records } = repairStore(directory);
    // The other meta page may be of the transaction before the last.
    expect(records).toBeGreaterThanOrEqual(values.length - 1);
    writeFileSync(dataFile, kept);
  }
});

test('after a crash of the machine a repair makes the store usable again', async () => {
  await makeStore(20);
  const marker = { format: 2, durability: 'process', clean: false, bootId: 'another', hasData: true };
  writeFileSync(join(directory, 'store.json'), JSON.stringify(marker));
  expect(() => open()).toThrow('store repair');
  expect(repairStore(directory)).toMatchObject({ records: 20, problems: [] });
  await open().close();
});

test('a repair that was cut off changes nothing and can be made again', async () => {
  await makeStore(20);
  copyFileSync(dataFile, `${dataFile}.copy`);
  truncateSync(`${dataFile}.copy`, 5_000);
  expect(repairStore(directory).records).toBe(20);
  expect(repairStore(directory).keptAs).toBe(`${dataFile}.before-repair-2`);
  expect(statSync(dataFile).size).toBeGreaterThan(0);
});

/** Flips one bit of the text wherever it is in the file: pages that are free now may hold it too. */
function flipIn(path: string, text: string): void {
  const bytes = readFileSync(path);
  const file = openSync(path, 'r+');
  for (let found = bytes.indexOf(text); found >= 0; found = bytes.indexOf(text, found + 1)) {
    writeSync(file, Buffer.from([bytes[found + 2]! ^ 1]), 0, 1, found + 2);
  }
  closeSync(file);
}

/** What leads lmdb outside of its file, or over what it holds: it looks at none of it and the process would end, or the data. */
describe('the structure of a file that is too large to be read in full when it is opened', () => {
  const pageBytes = 4_096;
  const headerBytes = 24;

  function changePage(page: number, change: (bytes: Buffer) => void): void {
    const bytes = readFileSync(dataFile).subarray(page * pageBytes, (page + 1) * pageBytes);
    change(bytes);
    const file = openSync(dataFile, 'r+');
    writeSync(file, bytes, 0, pageBytes, page * pageBytes);
    closeSync(file);
  }
  const problemsWhenOpened = (): string[] =>
    checkStoreFile(dataFile, 'whenOpened', 0).problems.map(({ part, reason }) => `${part}: ${reason}`);
  const metaOf = () => {
    const file = openSync(dataFile, 'r');
    const meta = readMeta(file, () => {})!;
    const reader = new LmdbReader(file, meta, () => {});
    const log = reader.tables().find(({ name }) => name === 'log')!;
    closeSync(file);
    return { meta, log };
  };
  /** The first page of the last level of the log. */
  const leafOfLog = (): number => {
    const { log } = metaOf();
    const bytes = readFileSync(dataFile);
    let page = log.root!;
    for (let depth = 1; depth < log.depth; depth++) {
      const node = page * pageBytes + headerBytes + bytes.readUInt16LE(page * pageBytes + headerBytes);
      page = bytes.readUInt16LE(node) + bytes.readUInt16LE(node + 2) * 65_536;
    }
    return page;
  };
  const firstNode = (bytes: Buffer): number => headerBytes + bytes.readUInt16LE(headerBytes);

  beforeEach(async () => {
    await makeStore();
    expect(problemsWhenOpened()).toEqual([]);
  });

  test.each<[string, (bytes: Buffer) => void]>([
    ['its header is wrong', (bytes) => void bytes.writeUInt16LE(0xfff0, 20)],
    ['it is of another kind', (bytes) => void bytes.writeUInt16LE(1, 18)],
    ['an entry lies outside of it', (bytes) => void bytes.writeUInt16LE(0xfff0, headerBytes)],
    ['an entry lies outside of it', (bytes) => void bytes.writeUInt16LE(0xffff, firstNode(bytes) + 6)],
    ['its header is of another page', (bytes) => void bytes.fill(0)],
  ])('a leaf is named: %s', (reason, change) => {
    const page = leafOfLog();
    changePage(page, change);
    expect(problemsWhenOpened()).toEqual([
      expect.stringMatching(new RegExp(`^page ${page} of table log .*${reason}$`)),
    ]);
  });

  test.each<[string, (list: Buffer, used: number) => void]>([
    ['holds something', (list, used) => void list.writeBigInt64LE(BigInt(used), 8)],
    ['there is no page 99999999', (list) => void list.writeBigInt64LE(99_999_999n, 8)],
    [
      'there is no page 5',
      (list) => {
        list.writeBigInt64LE(-(2n ** 40n), 8);
        list.writeBigInt64LE(5n, 16);
      },
    ],
    ['it is longer than its entry', (list) => void list.writeBigInt64LE(99_999_999n, 0)],
  ])('a list of free pages is named: %s; nothing is lost by the repair', async (reason, change) => {
    const used = leafOfLog();
    const { meta } = metaOf();
    expect(meta.free.depth).toBe(1);
    changePage(meta.free.root!, (bytes) => {
      const words = bytes.readUInt16LE(20) / 2;
      const inPage = Array.from({ length: words }, (_, i) => headerBytes + bytes.readUInt16LE(headerBytes + 2 * i));
      const node = inPage.find((at) => (bytes.readUInt16LE(at + 4) & 1) === 0)!;
      change(bytes.subarray(node + 16), used);
    });
    expect(problemsWhenOpened()).toEqual([expect.stringMatching(new RegExp(`^table free pages \\(list .*${reason}`))]);
    expect(() => open()).toThrow(StoreDamagedError);
    expect(repairStore(directory)).toMatchObject({ records: 400, problems: [] });
  });

  test('flags of a tree that are none of ours are named', () => {
    const newest = metaOf().meta.transaction % 2;
    changePage(newest, (bytes) => void bytes.writeUInt16LE(0xffff, headerBytes + 24 + 4));
    expect(problemsWhenOpened()).toEqual([expect.stringMatching(`^meta page ${newest}: its flags are 65535 and 0$`)]);
  });

  test('a wrong number of pages is named: retention by size would go by it', () => {
    const { meta, log } = metaOf();
    changePage(meta.main.root!, (bytes) => {
      const name = bytes.indexOf('log\0');
      bytes.writeBigUInt64LE(BigInt(log.pages.leaf + 1_000_000), name + 4 + 16);
    });
    expect(problemsWhenOpened()).toEqual([
      `table log: it has ${log.pages.leaf} leaves and should have ${log.pages.leaf + 1_000_000}`,
    ]);
  });

  test('is not read again where the file is as it was left in order, and is as soon as it is not', async () => {
    const broker = open();
    const random = seededRandom('large');
    // Made once, and shifted for each record: nine million random numbers would take most of the time of this file.
    const noise = Buffer.from(Uint32Array.from({ length: 225_000 }, () => random.integer(2 ** 32)).buffer);
    for (let i = 0; i < 40; i++) {
      const value = Buffer.concat([noise.subarray(i), noise.subarray(0, i)]);
      await broker.producer('p').send([{ topic: 't', partition: 1, key: `large ${i}`, value }]);
    }
    await broker.close();
    const markerFile = join(directory, 'store.json');
    const marker = JSON.parse(readFileSync(markerFile, 'utf8'));
    expect([marker.clean, marker.left]).toEqual([true, stateOf(dataFile)]);
    // The number of the page, which lmdb itself does not look at.
    const leaf = leafOfLog();
    changePage(leaf, (bytes) => bytes.writeBigUInt64LE(12n));
    expect(() => open()).toThrow(`page ${leaf} of table log`);
    // As if it had been left so.
    writeFileSync(markerFile, JSON.stringify({ ...marker, left: stateOf(dataFile) }));
    await open().close();
    // Killed, or of an earlier version.
    for (const unsure of [
      { ...marker, clean: false, left: stateOf(dataFile) },
      { ...marker, left: undefined },
    ]) {
      writeFileSync(markerFile, JSON.stringify(unsure));
      expect(() => open()).toThrow(`page ${leaf} of table log`);
    }
  });
});

test('a large value that a smaller one has replaced within one transaction is whole, and saved', async () => {
  const root = openRoot(dataFile, 'process');
  const table = openTable(root, 'key-value', () => new Error('damaged'));
  const key = Buffer.from('a key that is written twice');
  root.transactionSync(() => {
    table.put(key, Buffer.alloc(60_000, 1));
    // lmdb leaves it the pages of the larger one.
    table.put(key, Buffer.alloc(20_000, 2));
  });
  await root.close();
  for (const depth of ['full', 'whenOpened'] as const)
    expect(checkStoreFile(dataFile, depth, 0)).toMatchObject({ problems: [] });
  expect(repairStore(directory)).toMatchObject({ entries: 1, others: 1, problems: [] });
});

test('an error of lmdb in reading says which table, or entry, and what to do', () => {
  const fails = (): never => {
    throw new Error('MDB_PAGE_NOTFOUND: Requested page not found');
  };
  const database = { get: fails, getRange: fails, getKeys: fails } as unknown as Parameters<typeof createStoreTable>[0];
  const table = createStoreTable(database, (key, reason) => new Error(`${key?.toString() ?? 'the table'}: ${reason}`));
  const reason = 'lmdb cannot read it (MDB_PAGE_NOTFOUND: Requested page not found)';
  expect(() => table.get(Buffer.from('an entry'))).toThrow(`an entry: ${reason}`);
  expect(() => [...table.entries()]).toThrow(`the table: ${reason}`);
  expect(() => [...table.keys()]).toThrow(`the table: ${reason}`);
});

test.each([
  ['removed', () => rmSync(dataFile)],
  [
    'replaced',
    () => {
      copyFileSync(dataFile, `${dataFile}.other`);
      renameSync(`${dataFile}.other`, dataFile);
    },
  ],
])('a file that is %s while it is open is written to no further, and the process is told why', async (what, act) => {
  const clock = createVirtualClock();
  const failures: Error[] = [];
  const broker = openEmbeddedBroker({
    ...{ directory, clock, maintenanceIntervalMs: null },
    onFailed: (error) => failures.push(error),
  });
  await broker.ensureTopics([topic]);
  const send = () => broker.producer('p').send([{ topic: 't', partition: 0, key: 'k', value: Buffer.from('v') }]);
  await send();
  act();
  await clock.advanceBy(1_000);
  const reason = `takes no more writes: ${dataFile} was ${what} while it is open`;
  await expect(send()).rejects.toThrow(reason);
  await expect(send()).rejects.toThrow(reason);
  expect(failures).toEqual([expect.objectContaining({ message: expect.stringContaining(reason) })]);
  await broker.close();
});
