import { createMemoryBroker } from '../../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { settingsOf } from '../../../../lib/topics/define-topic';
import type { RouteDecided } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { createDecisionLookup } from '../../../../services/gateway/decisions/look-up-decision';
import { decided } from '../../reward-feedback/records';

const partitions = 4;

async function start(beforeOffsets: () => Promise<void> = async () => {}) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([settingsOf(topics.routeDecided, partitions)]);
  const producer = broker.producer('collapse');
  const found: RouteDecided[] = [];
  let reads = 0;
  const counting = {
    ...broker,
    offsets: async (...given: Parameters<typeof broker.offsets>) => {
      await beforeOffsets();
      return broker.offsets(...given);
    },
    read: (...given: Parameters<typeof broker.read>) => {
      reads++;
      return broker.read(...given);
    },
  };
  const lookup = createDecisionLookup({
    search: { broker: counting, topicPrefix: '', requestPathPartitions: partitions, maxScannedRecords: 100 },
    clock,
    onFound: (decision) => found.push(decision),
  });
  const write = async (id: string, routingKey: string): Promise<void> => {
    const value = topics.routeDecided.codec.encode(decided(id, { routingKey }));
    await producer.send([{ topic: topics.routeDecided.name, key: routingKey, value }]);
  };
  return { broker, clock, lookup, found, write, reads: () => reads };
}

test('finds a decision by its id, in whatever partition its session has put it, and remembers it', async () => {
  const { lookup, found, write } = await start();
  await write('d', 'session');
  expect((await lookup.find('d', null, 100)).decision).toMatchObject({ decisionId: 'd', routingKey: 'session' });
  expect((await lookup.find('d', 'session', 100)).decision).toMatchObject({ decisionId: 'd' });
  expect(found).toHaveLength(2);
});

test('bytes that are no decision are passed over', async () => {
  const { broker, lookup, write } = await start();
  const value = Buffer.from('not a decision, but of d');
  await broker.producer('anybody').send([{ topic: topics.routeDecided.name, key: 'd', value }]);
  expect(await lookup.find('d', null, 100)).toEqual({ decision: null, searchedAll: true });
  await write('e', 'e');
  expect((await lookup.find('e', null, 100)).decision).toMatchObject({ decisionId: 'e' });
});

test('says whether it has looked at everything', async () => {
  const { lookup, write } = await start();
  for (const id of ['a', 'b', 'c']) await write(id, 'k');
  expect(await lookup.find('a', 'k', 2)).toEqual({ decision: null, searchedAll: false });
  expect(await lookup.find('nobody', 'k', 3)).toEqual({ decision: null, searchedAll: true });
});

test('an unknown id costs one look for a while, many at once share it, and too many are not looked for', async () => {
  const { clock, lookup, write, reads } = await start();
  await write('a', 'k');
  const same = await Promise.all([lookup.find('x', 'k', 9), lookup.find('x', 'k', 9)]);
  expect(same[0]).toBe(same[1]);
  const before = reads();
  expect(await lookup.find('x', 'k', 9)).toEqual({ decision: null, searchedAll: true });
  expect(reads()).toBe(before);
  await write('x', 'k');
  await clock.advanceBy(1_000);
  expect((await lookup.find('x', 'k', 9)).decision).not.toBeNull();
  const many = Array.from({ length: 129 }, (_, i) => lookup.find(`y${i}`, 'k', 9));
  await expect(many.pop()).rejects.toMatchObject({ code: 'overloaded' });
  for (const one of many) expect(await one).toEqual({ decision: null, searchedAll: true });
});

test('one look-up reads the log at a time, whoever asks', async () => {
  let reading = 0;
  let most = 0;
  const { lookup, write } = await start(async () => {
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading--;
  });
  await write('a', 'k');
  await Promise.all([
    ...Array.from({ length: 5 }, (_, i) => lookup.find(`y${i}`, 'k', 9)),
    ...Array.from({ length: 5 }, () => lookup.first('a', null)),
  ]);
  expect(most).toBe(1);
});
