import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { type Bound, boundOf, ReplayRangeError, spanOf } from '../../../lib/replay/range';

const noon = Date.UTC(2026, 2, 1, 12);

test.each<[string, Bound | null]>([
  ['earliest', { kind: 'earliest' }],
  ['end', { kind: 'end' }],
  ['0', { kind: 'offset', offset: 0 }],
  ['99999999999', { kind: 'offset', offset: 99_999_999_999 }],
  ['100000000000', { kind: 'time', timeMs: 100_000_000_000 }],
  [String(noon), { kind: 'time', timeMs: noon }],
  ['2026-03-01', { kind: 'time', timeMs: Date.UTC(2026, 2, 1) }],
  ['2026-03-01T12:00', { kind: 'time', timeMs: noon }],
  ['2026-03-01T12:00:00.000Z', { kind: 'time', timeMs: noon }],
  ['2026-03-01T14:00+02:00', { kind: 'time', timeMs: noon }],
  ['2026-13-01', null],
  ['2026-02-30', null],
  ['2026-02-29', null],
  ['2024-02-29', { kind: 'time', timeMs: Date.UTC(2024, 1, 29) }],
  ['2026-04-31T12:00', null],
  ['2026-00-10', null],
  ['2026-01-00', null],
  ['2026-03-01T24:00', null],
  ['2026-03-01T12:60', null],
  ['2026-03-01T12:00:61Z', null],
  ['2026-03-01T12:00+25:00', null],
  ['2026-03-01T12:00:30.250+0130', { kind: 'time', timeMs: Date.UTC(2026, 2, 1, 10, 30, 30, 250) }],
  ['-1', null],
  ['9999999999999999', null],
  ['latest', null],
  ['', null],
])('%s', (text, bound) => {
  expect(boundOf(text)).toEqual(bound);
});

async function logOfTen() {
  const clock = createVirtualClock({ startMs: noon });
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([
    { name: 'log', partitions: 1, cleanup: 'delete', retentionMs: 10_000, maxRecordBytes: 100 },
  ]);
  const records = Array.from({ length: 10 }, (_, i) => ({
    topic: 'log',
    key: 'k',
    value: Buffer.alloc(1),
    timestampMs: noon + 1_000 * i,
  }));
  await broker.producer('test').send(records);
  return { clock, broker, of: { topic: 'log', partition: 0 } };
}

const offset = (value: number): Bound => ({ kind: 'offset', offset: value });
const time = (seconds: number): Bound => ({ kind: 'time', timeMs: noon + 1_000 * seconds });

test.each<[string, Bound, Bound, { from: number; to: number }]>([
  ['everything', { kind: 'earliest' }, { kind: 'end' }, { from: 0, to: 10 }],
  ['offsets', offset(2), offset(7), { from: 2, to: 7 }],
  ['the end itself is an offset', offset(10), offset(10), { from: 10, to: 10 }],
  ['a time is its first record or the next', time(2.5), time(7), { from: 3, to: 7 }],
  ['a time after the log is its end', time(5), time(99), { from: 5, to: 10 }],
  ['a time before the log is its beginning', time(-99), offset(3), { from: 0, to: 3 }],
])('%s', async (_name, from, to, span) => {
  const { broker, of } = await logOfTen();
  expect(await spanOf(broker, of, from, to)).toEqual(span);
});

test.each<[string, Bound, Bound, RegExp]>([
  [
    'an offset after the end',
    offset(11),
    { kind: 'end' },
    /log\[0\] has no offset 11: it keeps 0 \(earliest\) up to 10/,
  ],
  ['from after to', offset(7), offset(2), /ends before it begins: from 7 to 2/],
  ['times in the wrong order, with no record between', time(3.6), time(3.2), /ends before it begins/],
])('%s is refused', async (_name, from, to, message) => {
  const { broker, of } = await logOfTen();
  await expect(spanOf(broker, of, from, to)).rejects.toThrow(message);
  await expect(spanOf(broker, of, from, to)).rejects.toThrow(ReplayRangeError);
});

test('what retention has removed is no offset any more', async () => {
  const { clock, broker, of } = await logOfTen();
  await clock.advanceBy(15_000);
  broker.clean();
  const { earliest } = await broker.offsets(of);
  expect(earliest).toBeGreaterThan(0);
  await expect(spanOf(broker, of, offset(0), { kind: 'end' })).rejects.toThrow(
    `has no offset 0: it keeps ${earliest} (earliest) up to 10 (end)`,
  );
});
