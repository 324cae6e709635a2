import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { createConfigWriter } from '../../../lib/config/apply-config';
import { configFromJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { Broker } from '../../../lib/ports/broker';
import { anyTopic } from '../../../lib/runtime/define-service';
import { settingsOf } from '../../../lib/topics/define-topic';
import { topics } from '../../../lib/topics/topics';

const configOf = (seed: number) => defaultRouterConfig([{ name: 'a', provider: 'p' }], { seed });

async function start() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([settingsOf(anyTopic(topics.config), 4)]);
  const written = () =>
    broker
      .records(topics.config.name)
      .map((record) => topics.config.codec.decode(record.value!))
      .map(({ version, json }) => [version, configFromJson(json).seed]);
  return { clock, broker, written };
}

test('versions grow by one, and only the version in force can be replaced', async () => {
  const { broker, clock, written } = await start();
  const writer = createConfigWriter({ broker, clock, name: 'a' });
  expect(await writer.apply(configOf(1), 0)).toMatchObject({
    ok: true,
    applied: { version: 1, appliedAtMs: clock.nowMs() },
  });
  expect(await writer.apply(configOf(2), 1)).toMatchObject({ ok: true, applied: { version: 2 } });
  expect(await writer.apply(configOf(3), 1)).toMatchObject({ ok: false, current: { version: 2 } });
  expect(await writer.apply(configOf(3), 7)).toMatchObject({ ok: false, current: { version: 2 } });
  await writer.close();
  expect(written()).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('of many at once in one process one wins', async () => {
  const { broker, clock, written } = await start();
  const writer = createConfigWriter({ broker, clock, name: 'a' });
  const results = await Promise.all([1, 2, 3].map((seed) => writer.apply(configOf(seed), 0)));
  expect(results.map((result) => result.ok)).toEqual([true, false, false]);
  expect(written()).toEqual([[1, 1]]);
  await writer.close();
});

test('of two processes the first in the log wins, and the second puts its configuration back on top', async () => {
  const { broker, clock, written } = await start();
  const first = createConfigWriter({ broker, clock, name: 'first' });
  // The second looks before the first has written, and writes after it.
  const late: Broker = {
    ...broker,
    producer: (name) => {
      const producer = broker.producer(name);
      let isFirst = true;
      return {
        close: () => producer.close(),
        send: async (records) => {
          if (isFirst) await first.apply(configOf(1), 0);
          isFirst = false;
          return producer.send(records);
        },
      };
    },
  };
  const second = createConfigWriter({ broker: late, clock, name: 'second' });
  expect(await second.apply(configOf(2), 0)).toMatchObject({ ok: false, current: { version: 2 } });
  expect(written()).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
  ]);
  // Whoever reads the table from now on sees the winner.
  expect(await first.apply(configOf(3), 2)).toMatchObject({ ok: true, applied: { version: 3 } });
});

test('a failed write fails its caller and not the next one', async () => {
  const { broker, clock } = await start();
  let fail = true;
  const unsteady: Broker = {
    ...broker,
    producer: (name) => ({
      ...broker.producer(name),
      send: (records) => (fail ? Promise.reject(new Error('gone')) : broker.producer(name).send(records)),
    }),
  };
  const writer = createConfigWriter({ broker: unsteady, clock, name: 'a' });
  await expect(writer.apply(configOf(1), 0)).rejects.toThrow('gone');
  fail = false;
  expect((await writer.apply(configOf(1), 0)).ok).toBe(true);
});

test.each<[string, Buffer | null]>([
  ['a record without a value', null],
  ['garbage', Buffer.from('?')],
  ['a configuration that cannot be read', topics.config.codec.encode({ version: 9, json: '{}', appliedAtMs: 0 })],
])(
  'under %s the configuration is in force still, and is written anew when it is put in force',
  async (_what, value) => {
    const { broker, clock } = await start();
    const writer = createConfigWriter({ broker, clock, name: 'a' });
    await writer.putInForce(configOf(1));
    expect(await writer.putInForce(configOf(1))).toEqual({ version: 1, changed: false });
    await broker.producer('foreign').send([{ topic: topics.config.name, key: 'current', value }]);
    expect(await writer.apply(configOf(2), 0)).toMatchObject({ ok: false, current: { version: 1 } });
    expect(await writer.putInForce(configOf(1))).toEqual({ version: 2, changed: true });
    expect(await writer.putInForce(configOf(1))).toEqual({ version: 2, changed: false });
    await writer.close();
  },
);
