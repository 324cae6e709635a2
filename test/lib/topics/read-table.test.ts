import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { settingsOf } from '../../../lib/topics/define-topic';
import { readTable } from '../../../lib/topics/read-table';
import { topics } from '../../../lib/topics/topics';

/** As a table of which rows are deleted. */
const config = { ...topics.config, keepsRows: false };
const row = (version: number): Buffer =>
  config.codec.encode({ version, json: '{}', appliedAtMs: 0, appliedBy: '', fileSha256: null });

async function tableOf(records: readonly (readonly [string, Buffer | null])[]): Promise<[string, number][]> {
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  await broker.ensureTopics([settingsOf(config, 1)]);
  const producer = broker.producer('test');
  await producer.send(records.map(([key, value]) => ({ topic: config.name, partition: 0, key, value })));
  return [...(await readTable(broker, config, ''))].map(([key, { version }]) => [key, version]);
}

test('the newest row of each key, in the order of their last change; removed ones are gone', async () => {
  const records = [
    ['a', row(1)],
    ['b', row(2)],
    ['c', row(3)],
    ['a', row(4)],
    ['b', null],
  ] as const;
  expect(await tableOf(records)).toEqual([
    ['c', 3],
    ['a', 4],
  ]);
});

test('what cannot be decoded leaves what was there before it', async () => {
  const records = [
    ['a', row(1)],
    ['a', Buffer.from('no row')],

    ['b', Buffer.alloc(0)],
  ] as const;
  expect(await tableOf(records)).toEqual([['a', 1]]);
});
