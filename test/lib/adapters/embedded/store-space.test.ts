/** Places that cannot be written to, and a disk that gets full while the store is open. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStore } from '../../../../lib/adapters/embedded/check-store';
import { type EmbeddedBroker, openEmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import { StoreUnusableError } from '../../../../lib/adapters/embedded/store-damage';
import { unusable } from '../../../../lib/adapters/embedded/store-directory';
import { createVirtualClock, type VirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import {
  type LogRecord,
  type PartitionConsumer,
  type TopicSettings,
  TransientError,
} from '../../../../lib/ports/broker';
import { seededRandom } from '../../../../lib/random/seeded';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'quantum-router-space-'));
});
afterEach(() => rmSync(place, { recursive: true }));

const random = seededRandom('incompressible');
const noise = Buffer.from(Uint8Array.from({ length: 2 * 1_048_576 }, () => random.integer(256)));
/** The store compresses what it can, and then takes less room than a test counts on. */
const incompressible = (length: number): Buffer => {
  const start = random.integer(noise.length - length);
  return noise.subarray(start, start + length);
};

const topic: TopicSettings = { name: 't', partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1e6 };
const open = (directory: string, durability: 'process' | 'disk' = 'process') =>
  openEmbeddedBroker({ directory, clock: createVirtualClock(), maintenanceIntervalMs: null, durability });

describe('a directory that cannot be written to is refused in one sentence', () => {
  test('below a file', () => {
    writeFileSync(join(place, 'file'), '');
    const directory = join(place, 'file', 'store');
    expect(() => open(directory)).toThrow(StoreUnusableError);
    expect(() => open(directory)).toThrow(
      `cannot keep a store in ${directory}: a part of the path is a file; name another directory with --data-dir`,
    );
  });

  test('that is a file', () => {
    writeFileSync(join(place, 'file'), '');
    expect(() => open(join(place, 'file'))).toThrow('it is a file; name another directory');
  });

  const proc = process.platform === 'linux' ? test : test.skip;
  proc('where the system makes none (once an endless loop)', () => {
    expect(() => open('/proc/quantum-router')).toThrow(/it cannot be made there; name another directory/);
    expect(() => open('/proc/quantum-router/below/it')).toThrow('it cannot be made there');
  });

  const asUser = process.getuid?.() === 0 ? test.skip : test;
  asUser('that this user may not write (root may always)', () => {
    chmodSync(place, 0o500);
    expect(() => open(place)).toThrow('this user may not write there');
    expect(() => open(join(place, 'below'))).toThrow('this user may not write there');
    chmodSync(place, 0o700);
  });

  test.each([
    ['EACCES', 'this user may not write there'],
    ['EROFS', 'it is on a file system that can only be read'],
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'the quota of this user is used up'],
    ['EISDIR', 'a directory is in the place of one of its files'],
  ])('%s', (code, reason) => {
    const error = unusable('/d', Object.assign(new Error(`${code}: as Node says it`), { code }));
    expect(error.message).toBe(`cannot keep a store in /d: ${reason}; name another directory with --data-dir`);
    expect(unusable('/d', error)).toBe(error);
  });

  test('an error of another kind stays what it is', () => {
    const error = Object.assign(new Error('x'), { code: 'toString' });
    expect(unusable('/d', error)).toBe(error);
  });
});

/** A disk of its own, of 24 MB. Returns whether this user may mount one. */
function mountSmallDisk(path: string): boolean {
  return process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', path]).status === 0;
}

function unmount(path: string): void {
  spawnSync('umount', ['-l', path]);
}

const mayMount = (() => {
  const path = mkdtempSync(join(tmpdir(), 'quantum-router-mount-'));
  const mounted = mountSmallDisk(path);
  if (mounted) unmount(path);
  rmSync(path, { recursive: true });
  return mounted;
})();
const onDisk = mayMount ? describe : describe.skip;

onDisk('a disk that is full (skipped where this user may not mount one)', () => {
  async function onSmallDisk(run: (path: string) => Promise<void>): Promise<void> {
    const path = join(place, 'disk');
    mkdirSync(path);
    expect(mountSmallDisk(path)).toBe(true);
    try {
      await run(path);
    } finally {
      unmount(path);
    }
  }

  test.each(['process', 'disk'] as const)(
    'refuses what does not fit, keeps what it has, and goes on when there is room (%s)',
    (durability) =>
      onSmallDisk(async (path) => {
        const directory = join(path, 'store');
        const broker = open(directory, durability);
        await broker.ensureTopics([topic]);
        const producer = broker.producer('p');
        const filler = join(path, 'filler');
        writeFileSync(filler, Buffer.alloc(2 * 1_048_576));
        const accepted: number[] = [];
        const fill = async (): Promise<Error> => {
          for (;;) {
            try {
              const value = incompressible(5_000);
              const [placed] = await producer.send([{ topic: 't', key: `${accepted.length}`, value }]);
              accepted.push(placed!.offset);
            } catch (error) {
              return error as Error;
            }
          }
        };
        const refusal = await fill();
        expect(refusal).toBeInstanceOf(TransientError);
        expect(refusal.message).toBe(
          `the store in ${directory} cannot take this now: the disk is full. Nothing of it was written; it goes on when there is room`,
        );
        await expect(producer.send([{ topic: 't', key: 'again', value: incompressible(5_000) }])).rejects.toThrow(
          TransientError,
        );
        const before = accepted.length;
        rmSync(filler);
        expect(await fill()).toBeInstanceOf(TransientError);
        expect(accepted.length).toBeGreaterThan(before + 100);
        expect(accepted).toEqual(accepted.map((_, i) => i));
        await broker.close();
        expect(checkStore(directory).problems).toEqual([]);
        expect(() => open(directory, durability)).toThrow(/the disk is full/);
        spawnSync('mount', ['-o', 'remount,size=40m', path]);
        const again = open(directory, durability);
        const records: LogRecord[] = [];
        for await (const chunk of again.read({ topic: 't', partition: 0 }, { from: 0 })) records.push(...chunk);
        expect(records.map(({ key }) => key)).toEqual(accepted.map(String));
        await again.close();
      }),
  );
});

onDisk('a start on a disk that has got full (skipped where this user may not mount one)', () => {
  test('takes the room that was kept for it, and what is there is served', async () => {
    const path = join(place, 'disk');
    mkdirSync(path);
    expect(mountSmallDisk(path)).toBe(true);
    try {
      expect(spawnSync('mount', ['-o', 'remount,size=100m', path]).status).toBe(0);
      const directory = join(path, 'store');
      const broker = open(directory);
      await broker.ensureTopics([topic]);
      await broker.producer('p').send([{ topic: 't', key: 'k', value: Buffer.from('kept') }]);
      // Somebody else takes all that is left, to the last byte.
      const filler = openSync(join(path, 'filler'), 'w');
      expect(() => {
        for (;;) writeSync(filler, Buffer.alloc(4_096));
      }).toThrow(/ENOSPC/);
      closeSync(filler);
      await broker.close();
      const again = open(directory);
      const records: LogRecord[] = [];
      for await (const chunk of again.read({ topic: 't', partition: 0 }, { from: 0 })) records.push(...chunk);
      expect(records.map(({ value }) => value!.toString())).toEqual(['kept']);
      await again.close();
      // Without what was kept a start says what to do.
      const more = openSync(join(path, 'more'), 'w');
      expect(() => {
        for (;;) writeSync(more, Buffer.alloc(4_096));
      }).toThrow(/ENOSPC/);
      closeSync(more);
      expect(() => open(directory)).toThrow(
        /the disk is full [^;]*; the data is whole: free that much and start again$/,
      );
    } finally {
      unmount(path);
    }
  });
});

onDisk('retention on a full disk (skipped where this user may not mount one)', () => {
  const aged: TopicSettings = { ...topic, name: 'aged', retentionMs: 1_000 };
  const table: TopicSettings = { ...topic, name: 'table', cleanup: 'compact' };
  let path: string;
  let clock: VirtualClock;
  let broker: EmbeddedBroker;
  let notes: string[];
  const openOnDisk = async (durability: 'process' | 'disk' = 'process', maxBytes: number | null = null) => {
    path = join(place, 'disk');
    mkdirSync(path);
    expect(mountSmallDisk(path)).toBe(true);
    clock = createVirtualClock({ startMs: 1_000_000 });
    notes = [];
    broker = openEmbeddedBroker({
      directory: join(path, 'store'),
      clock,
      maintenanceIntervalMs: null,
      durability,
      maxBytes,
      onNote: (note) => notes.push(note),
    });
    await broker.ensureTopics([aged, table]);
  };
  afterEach(async () => {
    await broker.close();
    unmount(path);
  });
  const fileBytes = () => statSync(join(path, 'store', 'data.mdb')).size;
  /** Several where they are small, to be done sooner. */
  const sendSome = (name: string, key: string, bytes: number) =>
    broker.producer('p').send(
      Array.from({ length: Math.ceil(5_000 / bytes) }, (_, i) => ({
        topic: name,
        key: `${key} ${i}`,
        value: incompressible(bytes),
      })),
    );
  const refusalOf = (sent: Promise<unknown>): Promise<unknown> =>
    sent.then(
      () => null,
      (error) => error,
    );
  /** Until the disk takes no more. Returns how many were taken. */
  const fill = async (name: string, bytesOf: (i: number) => number, keyOf = (i: number) => `${i}`): Promise<number> => {
    for (let i = 0; ; i++) {
      const refusal = await refusalOf(sendSome(name, keyOf(i), bytesOf(i)));
      if (refusal === null) continue;
      expect(refusal).toBeInstanceOf(TransientError);
      return i;
    }
  };

  test.each([
    ['process', 'of one size', () => 5_000],
    ['disk', 'of one size', () => 5_000],
    ['process', 'small ones', () => 300],
    ['process', 'of many sizes', (i: number) => 1_000 + ((i * 7_919) % 60_000)],
  ] as const)(
    'frees what is taken again, for as long as it stays full (%s, %s)',
    async (durability, _sizes, bytesOf) => {
      await openOnDisk(durability);
      const first = await fill('aged', bytesOf);
      const full = fileBytes();
      for (let round = 0; round < 5; round++) {
        await clock.advanceBy(10_000);
        await broker.maintain();
        const { earliest, end } = await broker.offsets({ topic: 'aged', partition: 0 });
        // The newest record always stays.
        expect(earliest).toBe(end - 1);
        expect(await fill('aged', bytesOf)).toBeGreaterThan(first / 4);
      }
      expect(fileBytes()).toBeLessThanOrEqual(full + 4_096);
      await broker.close();
      expect(checkStore(join(path, 'store')).problems).toEqual([]);
    },
  );

  test('the size limit frees as well, before the time of the records', async () => {
    await openOnDisk('process', 4 * 1_048_576);
    const first = await fill('aged', () => 5_000);
    await broker.maintain();
    const { earliest, end } = await broker.offsets({ topic: 'aged', partition: 0 });
    expect(earliest).toBeGreaterThan(0);
    expect(earliest).toBeLessThan(end - 100);
    expect(await fill('aged', () => 5_000)).toBeGreaterThan(first / 8);
  });

  test('compaction frees as well', async () => {
    await openOnDisk();
    const keyOf = (i: number) => `${i % 50}`;
    const first = await fill('table', () => 5_000, keyOf);
    for (let round = 0; round < 4; round++) {
      await broker.maintain();
      expect(await fill('table', () => 5_000, keyOf)).toBeGreaterThan(first / 4);
    }
  });

  test('compaction that only adds leaves retention its room', async () => {
    await openOnDisk();
    for (let i = 0; i < 500; i++) await sendSome('aged', `${i}`, 5_000);
    let keys = 0;
    const uniqueKey = () => `key ${keys++}`;
    await fill('table', () => 500, uniqueKey);
    for (let round = 0; round < 4; round++) {
      await clock.advanceBy(10_000);
      // Compaction may be refused, which is nothing to retention.
      const refusal = await refusalOf(broker.maintain());
      if (refusal !== null) expect(refusal).toBeInstanceOf(TransientError);
      const { earliest, end } = await broker.offsets({ topic: 'aged', partition: 0 });
      expect(earliest).toBe(end - 1);
      await fill('aged', () => 5_000);
    }
    expect((await broker.offsets({ topic: 'aged', partition: 0 })).end).toBeGreaterThan(600);
  });

  test('deletion goes ahead of what a service decided and waits for room, which goes on when enough is free', async () => {
    await openOnDisk();
    await fill('aged', () => 5_000);
    const consumer = await new Promise<PartitionConsumer>((resolve, reject) => {
      const onAssigned = (_epoch: number, consumers: readonly PartitionConsumer[]) => resolve(consumers[0]!);
      broker.join({ group: 'g', topics: ['aged'], startAt: 'earliest', onAssigned, onFailed: reject }).catch(reject);
    });
    await clock.advanceBy(10_000);
    const record = { topic: 'aged', key: 'decided', value: incompressible(5_000) };
    const written = consumer.write({ records: [record], positions: new Map([['aged', 1]]) });
    while (notes.length === 0) await new Promise(setImmediate);
    // The clock stands still from here on: neither the deletion nor the write needs a second look at the disk.
    await broker.maintain();
    await written;
    expect(notes).toEqual([expect.stringMatching(/cannot take this now/), expect.stringMatching(/has room again/)]);
    const { earliest } = await broker.offsets({ topic: 'aged', partition: 0 });
    expect(earliest).toBeGreaterThan(0);
  });
});

onDisk('a service whose disk is full (skipped where this user may not mount one)', () => {
  test.each(['until there is room', 'until the store is closed'] as const)(
    'waits with what it decided %s',
    async (end) => {
      const path = join(place, 'disk');
      mkdirSync(path);
      expect(mountSmallDisk(path)).toBe(true);
      const clock = createVirtualClock();
      const notes: string[] = [];
      const onNote = (note: string) => notes.push(note);
      const directory = join(path, 'store');
      const broker = openEmbeddedBroker({ directory, clock, maintenanceIntervalMs: null, onNote });
      try {
        await broker.ensureTopics([topic]);
        const consumer = await new Promise<PartitionConsumer>((resolve, reject) => {
          const onAssigned = (_epoch: number, consumers: readonly PartitionConsumer[]) => resolve(consumers[0]!);
          broker.join({ group: 'g', topics: ['t'], startAt: 'earliest', onAssigned, onFailed: reject }).catch(reject);
        });
        // More than is ever free here, though not more than the disk is large.
        const large = { topic: 't', key: 'k', value: incompressible(900_000) };
        const filler = join(path, 'filler');
        writeFileSync(filler, Buffer.alloc(12 * 1_048_576));
        const [first] = await Promise.allSettled([broker.producer('p').send(Array(5).fill(large))]);
        expect(first!.status).toBe('rejected');
        const written = consumer.write({ records: Array(5).fill(large), positions: new Map([['t', 0]]) });
        const outcome = written.then(
          () => 'written',
          (error: Error) => error,
        );
        while (notes.length === 0) await new Promise(setImmediate);
        expect(notes).toEqual([expect.stringMatching(/cannot take this now: the disk is full/)]);
        await clock.advanceBy(5_000);
        expect(notes).toHaveLength(1);
        if (end === 'until there is room') {
          rmSync(filler);
          await clock.advanceBy(1_000);
          expect(await outcome).toBe('written');
          expect(notes[1]).toMatch(/has room again and goes on/);
          expect(await broker.offsets({ topic: 't', partition: 0 })).toEqual({ earliest: 0, end: 5 });
        } else {
          await broker.close();
          expect(await outcome).toBeInstanceOf(TransientError);
        }
      } finally {
        await broker.close();
        unmount(path);
      }
    },
  );
});

test('room is made ahead of what is written, in steps', async () => {
  const directory = join(place, 'store');
  const broker = open(directory);
  await broker.ensureTopics([topic]);
  const bytes = () => statSync(join(directory, 'data.mdb')).size;
  expect(bytes()).toBeGreaterThanOrEqual(1_048_576);
  const sizes = new Set<number>();
  for (let i = 0; i < 100; i++) {
    await broker.producer('p').send([{ topic: 't', key: 'k', value: incompressible(50_000) }]);
    sizes.add(bytes());
  }
  expect(sizes.size).toBeGreaterThan(1);
  expect(sizes.size).toBeLessThan(50);
  await broker.close();
});
