import type { FetchedMessage, FetchedPartitionData } from '../../../../../lib/adapters/kafka/wire/fetched-data';
import { fetchedRecords } from '../../../../../lib/adapters/kafka/wire/fetched-records';

const message = (offset: number, fields: Partial<FetchedMessage> = {}): FetchedMessage => ({
  offset,
  timestamp: 1_700_000_000_123,
  key: Buffer.from('k'),
  value: Buffer.from(`${offset}`),
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
  ...fields,
});
const data = (messages: FetchedMessage[], fields: Partial<FetchedPartitionData> = {}): FetchedPartitionData => ({
  partition: 3,
  highWatermark: '100',
  lastStableOffset: '90',
  messages,
  nextOffset: messages.length > 0 ? messages.at(-1)!.offset + 1 : null,
  ...fields,
});
const offsets = (fetched: ReturnType<typeof fetchedRecords>): number[] => fetched.records.map(({ offset }) => offset);

describe('what a fetch brought', () => {
  test('records as the port has them', () => {
    const headers = { one: Buffer.from('1'), other: Buffer.from('ß'), none: undefined };
    const fetched = fetchedRecords('topic', data([message(7, { headers }), message(8, { key: null, value: null })]), 7);
    expect(fetched.records).toEqual([
      {
        topic: 'topic',
        partition: 3,
        offset: 7,
        timestampMs: 1_700_000_000_123,
        key: 'k',
        value: Buffer.from('7'),
        headers: { one: '1', other: 'ß', none: '' },
      },
      { topic: 'topic', partition: 3, offset: 8, timestampMs: 1_700_000_000_123, key: null, value: null, headers: {} },
    ]);
    expect(fetched).toMatchObject({ next: 9, end: 90 });
  });

  test('a batch that begins earlier is cut, and one whose tail compaction took ends where it ended', () => {
    const messages = [4, 6, 8].map((offset) => message(offset));
    const fetched = fetchedRecords('topic', data(messages, { nextOffset: 14 }), 5);
    expect(offsets(fetched)).toEqual([6, 8]);
    expect(fetched.next).toBe(14);
  });

  test('nothing leaves the position where it is; old brokers tell the end by the high watermark alone', () => {
    expect(fetchedRecords('topic', data([]), 5)).toEqual({ records: [], next: 5, end: 90, unreadable: [] });
    expect(fetchedRecords('topic', data([], { lastStableOffset: '-1' }), 5).end).toBe(100);
  });

  test('a damaged batch that does not say how far it goes is passed one offset at a time', () => {
    const unreadable = [{ firstOffset: 4, lastOffset: 4, reason: 'its checksum is wrong' }];
    const damaged = data([], { unreadable, nextOffset: 5 });
    expect(fetchedRecords('topic', damaged, 4)).toMatchObject({ next: 5, unreadable });
    const again = { firstOffset: 5, lastOffset: 5, reason: 'its checksum is wrong' };
    expect(fetchedRecords('topic', damaged, 5)).toMatchObject({ next: 6, unreadable: [again] });
  });

  test('of foreign transactions only what was committed is shown, and no markers', () => {
    const of = (producerId: string, offset: number, fields: Partial<FetchedMessage> = {}): FetchedMessage =>
      message(offset, {
        batchContext: { producerId, inTransaction: true },
        ...fields,
      });
    const marker = { isControlRecord: true };
    const abortedTransactions = [
      { producerId: '2', firstOffset: '6' },
      { producerId: '1', firstOffset: '0' },
    ];
    const messages = [
      of('1', 0),
      of('2', 1),
      message(2),
      of('1', 3, marker),
      of('1', 4),
      of('2', 5, marker),
      of('2', 6),
      of('1', 7, marker),
      of('2', 8, marker),
    ];
    const fetched = fetchedRecords('topic', data(messages, { abortedTransactions }), 0);
    expect(offsets(fetched)).toEqual([1, 2, 4]);
    expect(fetched.next).toBe(9);
  });
});
