/** What is refused before anything is made; that rows, tables and events arrive is test/integration/topics-migrate.test.ts. */
import { declaredServices } from '../../../bin/declared-services';
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { seededRandom } from '../../../lib/random/seeded';
import { migrateTopics } from '../../../lib/stream/migrate-topics';
import { ensureServiceTopics } from '../../../lib/stream/run-engine';
import { topics } from '../../../lib/topics/topics';

async function engineOf(partitions: number) {
  const broker = createMemoryBroker({ clock: createVirtualClock(), random: seededRandom('migrate') });
  const services = declaredServices();
  await ensureServiceTopics(services, { broker, topicPrefix: 'a.', requestPathPartitions: partitions });
  const migrate = (said: number, topicPrefix = 'a.') =>
    migrateTopics({
      broker,
      services,
      from: { topicPrefix, partitions: said },
      to: { topicPrefix: 'b.', partitions: 6 },
    });
  const made = async () => (await broker.listTopics()).filter(({ name }) => name.startsWith('b.'));
  return { broker, migrate, made };
}

test('rows in partitions beyond the number that is said are not left behind: it is refused, and nothing is made', async () => {
  const { broker, migrate, made } = await engineOf(3);
  const topic = `a.${topics.sessions.name}`;
  await broker.producer('p').send([{ topic, partition: 2, key: 'k', value: Buffer.from('row') }]);
  await expect(migrate(2)).rejects.toThrow(`${topic} has 3 partitions, not 2: say how many the engine works on`);
  await expect(migrate(4)).rejects.toThrow('has 3 partitions, not 4');
  expect(await made()).toEqual([]);
});

test('a prefix that nothing is under is refused, and nothing is made', async () => {
  const { migrate, made } = await engineOf(3);
  await expect(migrate(3, 'c.')).rejects.toThrow(/^there is no topic c\.[a-z.-]+: is that the prefix of the engine\?$/);
  expect(await made()).toEqual([]);
});
