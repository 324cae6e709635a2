/**
 * Records of any size can be written in any order. With pages of 16 kB lmdb fails at some mixtures of sizes for good
 * (docs/decisions/0012-embedded-store.md); the first test shows that this test would see it.
 *
 * STORE_WRITES=1000000 writes that many (some minutes); SEED=n chooses another sequence.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { openRoot, openTable } from '../../../../lib/adapters/embedded/lmdb-root';
import { pageBytes, type StoreTable } from '../../../../lib/adapters/embedded/store-table';
import type { Random } from '../../../../lib/ports/random';
import { seededRandom } from '../../../../lib/random/seeded';

const writes = Number(process.env['STORE_WRITES'] ?? 30_000);
const seed = process.env['SEED'] ?? '1';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-sizes-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const writesPerTransaction = 200;
const maxKept = 20_000;

interface Kept {
  readonly key: Buffer;
  readonly size: number;
}

/** Where the next new record goes, and how large it is. */
type NextRecord = () => Kept;

/** One phase of a sequence: random sizes of a few classes, at random places. */
function scattered(random: Random, pageBytes: number, ends: number[]): NextRecord {
  const around = (size: number): Sizes => [Math.max(0, Math.round(size) - 40), Math.round(size) + 40];
  // The borders that lmdb knows (a sixteenth, a quarter and half of a page), small, large, and very large ones.
  const choices: Sizes[] = [
    [0, 40],
    around(pageBytes / 16),
    around(pageBytes / 4),
    around(pageBytes / 2),
    [0, pageBytes],
    [pageBytes, 2 * pageBytes],
    [60_000, 70_000],
  ];
  const chosen = Array.from({ length: 1 + random.integer(3) }, () => choices[random.integer(choices.length)]!);
  // Very large ones alone would take all the time.
  const sizes = chosen.some(([from]) => from > 10_000) ? [...chosen, ...Array<Sizes>(30).fill([0, 300])] : chosen;
  const places = random.integer(3);
  return () => {
    const range = random.integer(ends.length);
    const key =
      places === 0
        ? keyAt(range, ends[range]!++)
        : keyAt(places === 1 ? random.integer(1_000) : 500, 1_000_000 * (1 + random.next()));
    return { key, size: sizeWithin(sizes[random.integer(sizes.length)]!, random) };
  };
}

/**
 * What breaks pages where anything does: some small records, then some that are just too small for lmdb to look where it
 * splits, as many as fill the page with them, then some in between.
 */
function zones(random: Random, pageBytes: number, first: number): NextRecord {
  let zone = first;
  let left: (() => Kept)[] = [];
  const begin = (): void => {
    zone++;
    const large = Math.floor(pageBytes / 16) - 32 - Math.floor((random.next() * pageBytes) / 80);
    const records = (count: number, from: number, length: number, size: Sizes): (() => Kept)[] =>
      Array<() => Kept>(count).fill(() => ({
        key: keyAt(zone, from + random.next() * length),
        size: sizeWithin(size, random),
      }));
    left = [
      ...records(14 + random.integer(8), 0, 10, [0, 12]),
      ...records(14 + random.integer(10), 10, 10, [large, large + 8]),
      ...records(4, 0, 20, [large, large]),
    ];
  };
  return () => {
    if (left.length === 0) begin();
    return left.shift()!();
  };
}

type Sizes = readonly [from: number, to: number];

function sizeWithin([from, to]: Sizes, random: Random): number {
  return from + random.integer(to - from + 1);
}

function keyAt(range: number, number: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(range, 4);
  key.writeDoubleBE(number, 8);
  return key;
}

/** New records mostly; some are replaced by one of another size, some removed. Returns what is left. */
function writeAtRandom(
  root: RootDatabase,
  table: StoreTable,
  { count, random, pageBytes }: { count: number; random: Random; pageBytes: number },
): Map<string, Kept> {
  const kept = new Map<string, Kept>();
  const names: string[] = [];
  const ends = Array.from({ length: 20 }, () => 0);
  let next: NextRecord = zones(random, pageBytes, 2_000);
  const removeAt = (index: number): void => {
    const name = names[index]!;
    table.remove(kept.get(name)!.key);
    kept.delete(name);
    names[index] = names.at(-1)!;
    names.pop();
  };
  const put = ({ key, size }: Kept): void => {
    table.put(key, Buffer.alloc(size, size & 255));
    const name = key.toString('hex');
    if (!kept.has(name)) names.push(name);
    kept.set(name, { key, size });
  };
  const writeOne = (): void => {
    const what = random.next();
    const old = random.integer(Math.max(1, names.length));
    if (names.length > maxKept || (names.length > 0 && what < 0.05)) removeAt(old);
    else if (names.length > 0 && what < 0.1) put({ key: kept.get(names[old]!)!.key, size: next().size });
    else put(next());
  };
  for (let done = 0; done < count; done += writesPerTransaction) {
    if (random.next() < 0.03) {
      next = random.next() < 0.5 ? zones(random, pageBytes, 2_000 + done) : scattered(random, pageBytes, ends);
    }
    root.transactionSync(() => {
      for (let write = 0; write < writesPerTransaction; write++) writeOne();
    });
  }
  return kept;
}

test('with pages of 16 kB a mixture of sizes cannot be written', () => {
  const root = open({
    path: join(directory, 'data.mdb'),
    pageSize: 16_384,
    maxDbs: 2,
    noSync: true,
    overlappingSync: false,
  });
  const table = openTable(root, 'log', () => new Error('damaged'));
  const write = () =>
    writeAtRandom(root, table, { count: 200_000, random: seededRandom('record-sizes', 6), pageBytes: 16_384 });
  expect(write).toThrow(/MDB_BAD_TXN|MDB_PAGE_FULL/);
});

test(`${writes} writes of random sizes are all taken and read back (seed ${seed})`, async () => {
  const root = openRoot(join(directory, 'data.mdb'), 'process');
  const table = openTable(root, 'log', (key) => new Error(`damaged: ${key?.toString('hex')}`));
  const kept = writeAtRandom(root, table, { count: writes, random: seededRandom('record-sizes', seed), pageBytes });
  root.resetReadTxn();
  let found = 0;
  for (const { key, value } of table.entries()) {
    expect(value).toHaveLength(kept.get(key.toString('hex'))!.size);
    found++;
  }
  expect(found).toBe(kept.size);
  await root.close();
});

test(`keys of any length that a table takes can be written in any order (seed ${seed})`, async () => {
  const root = openRoot(join(directory, 'data.mdb'), 'process');
  const table = openTable(root, 'key-value', (key) => new Error(`damaged: ${key?.toString('hex')}`));
  const random = seededRandom('record-keys', seed);
  const kept = new Set<string>();
  for (let done = 0; done < writes / 3; done += writesPerTransaction) {
    root.transactionSync(() => {
      for (let write = 0; write < writesPerTransaction; write++) {
        const length = random.next() < 0.5 ? 7 + random.integer(4) : 230 + random.integer(11);
        const key = Buffer.alloc(length, 'x');
        key.write(
          random
            .integer(2 ** 31)
            .toString(36)
            .padStart(6, '0'),
        );
        table.put(key, Buffer.alloc(random.integer(12)));
        kept.add(key.toString());
      }
    });
  }
  root.resetReadTxn();
  expect([...table.keys()]).toHaveLength(kept.size);
  await root.close();
});

test('a key that could break a page is refused before it is written', () => {
  const root = openRoot(join(directory, 'data.mdb'), 'process');
  const damaged = () => new Error('damaged');
  const log = openTable(root, 'log', damaged);
  const keyValue = openTable(root, 'key-value', damaged);
  expect(() => log.put(Buffer.alloc(17), Buffer.alloc(1))).toThrow('a key has 16 to 16 bytes, not 17');
  expect(() => keyValue.put(Buffer.alloc(6), Buffer.alloc(1))).toThrow('a key has 7 to 240 bytes, not 6');
  expect(() => keyValue.put(Buffer.alloc(241), Buffer.alloc(1))).toThrow('a key has 7 to 240 bytes, not 241');
  void root.close();
});
