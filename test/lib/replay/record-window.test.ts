import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { openRecordWindow } from '../../../lib/replay/record-window';
import { jsonTopic } from '../stream/toy';

interface Entry {
  readonly id: number;
}

const topic = jsonTopic<Entry>('log', ({ id }) => String(id));
const of = { topic: 'log', partition: 0 };

async function windowOver(values: readonly (Entry | Buffer | null)[], from = 0) {
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  await broker.ensureTopics([
    { name: 'log', partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1_000 },
  ]);
  await broker.producer('test').send(
    values.map((value) => ({
      ...of,
      key: 'k',
      value: value === null || Buffer.isBuffer(value) ? value : topic.codec.encode(value),
    })),
  );
  const read = { records: 0, undecodable: 0 };
  const seen: number[] = [];
  const window = openRecordWindow<Entry>({
    broker,
    of,
    codec: topic.codec,
    idOf: ({ id }) => String(id),
    idFields: ['id'],
    from,
    earliest: 2,
    end: values.length,
    onRead(records, undecodable) {
      read.records += records;
      read.undecodable += undecodable;
    },
    onValue: (_value, offset) => seen.push(offset),
  });
  return { window, read, seen };
}

const entries = (count: number): Entry[] => Array.from({ length: count }, (_, id) => ({ id }));

test('finds a record by its offset, in any order and more than once, reading the log about once', async () => {
  const { window, read } = await windowOver(entries(1_000), 10);
  for (const offset of [10, 500, 300, 999]) expect(await window.take(offset)).toEqual({ value: { id: offset } });
  expect(read.records).toBe(990);
  // Taken before, or from before the window: read by itself.
  for (const offset of [500, 5]) expect(await window.take(offset)).toEqual({ value: { id: offset } });
  expect(read.records).toBe(992);
  await window.close();
});

test('says what is gone and what was never there', async () => {
  const { window } = await windowOver(entries(20), 10);
  expect(await window.take(1)).toBe('gone');
  expect(await window.take(20)).toBe('absent');
  await window.close();
});

test('bytes that are no record, and tombstones, are counted and absent', async () => {
  const values = [...entries(3), Buffer.from('no JSON'), null, { id: 5 }];
  const { window, read, seen } = await windowOver(values);
  expect(await window.take(5)).toEqual({ value: { id: 5 } });
  expect(await window.take(3)).toBe('absent');
  expect(await window.take(4)).toBe('absent');
  expect(read.undecodable).toBe(2);
  expect(seen).toEqual([0, 1, 2, 5]);
  await window.close();
});

test('keeps a limited number of records nobody asks for, and still finds the others', async () => {
  const { window, read } = await windowOver(entries(25_000));
  expect(await window.take(24_999)).toEqual({ value: { id: 24_999 } });
  const readOnce = read.records;
  expect(await window.take(24_000)).toEqual({ value: { id: 24_000 } });
  expect(read.records).toBe(readOnce);
  expect(await window.take(3)).toEqual({ value: { id: 3 } });
  expect(read.records).toBe(readOnce + 1);
  await window.close();
});

test('any other failure of decoding is not swallowed', async () => {
  const broken = {
    ...topic.codec,
    decode(): Entry {
      throw new Error('out of memory');
    },
  };
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  await broker.ensureTopics([
    { name: 'log', partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1_000 },
  ]);
  await broker.producer('test').send([{ ...of, key: 'k', value: Buffer.from('1') }]);
  const window = openRecordWindow({
    broker,
    of,
    codec: broken,
    idOf: ({ id }) => String(id),
    idFields: ['id'],
    from: 0,
    earliest: 0,
    end: 1,
    onRead: () => {},
  });
  await expect(window.take(0)).rejects.toThrow('out of memory');
});

test('finds the first record of an id: near by, passed by before, and nowhere', async () => {
  const values = [...entries(30), { id: 3 }, ...entries(40).slice(31)];
  const { window } = await windowOver(values, 20);
  expect(await window.find('25')).toEqual({ value: { id: 25 } });
  // Before the window's beginning, and a second time.
  expect(await window.find('3')).toEqual({ value: { id: 3 } });
  expect(await window.find('22')).toEqual({ value: { id: 22 } });
  expect(await window.find('22')).toEqual({ value: { id: 22 } });
  // Retention has removed what was before offset 2.
  expect(await window.find('99')).toBe('gone');
});
