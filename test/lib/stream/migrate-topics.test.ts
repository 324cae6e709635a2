/** What is refused before anything is made; that rows, tables and events arrive is test/integration/topics-migrate.test.ts. */
import { declaredServices } from '../../../bin/declared-services';
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { seededRandom } from '../../../lib/random/seeded';
import { type MigrationOptions, migrateTopics } from '../../../lib/stream/migrate-topics';
import { ensureServiceTopics } from '../../../lib/stream/run-engine';
import { positionRecord } from '../../../lib/stream/task/task-table';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import { topics } from '../../../lib/topics/topics';

async function engineOf(partitions: number) {
  const broker = createMemoryBroker({ clock: createVirtualClock(), random: seededRandom('migrate') });
  const services = declaredServices();
  await ensureServiceTopics(services, { broker, topicPrefix: 'a.', requestPathPartitions: partitions });
  await ensureSinglePartitionTopic(broker, topics.schemas, 'a.');
  const migrate = (said: number, topicPrefix = 'a.', more: Partial<MigrationOptions> = {}) =>
    migrateTopics({
      broker,
      services,
      ...more,
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

test('an engine with records to handle is refused with the place, and nothing is made; force leaves them behind', async () => {
  const { broker, migrate, made } = await engineOf(2);
  const topic = `a.${topics.routeRequested.name}`;
  await broker.producer('p').send([{ topic, partition: 1, key: 'k', value: Buffer.from('a request') }]);
  await expect(migrate(2)).rejects.toThrow(`route-intake has still to handle 1 records of ${topic}[1]`);
  expect(await made()).toEqual([]);
  await migrate(2, 'a.', { force: true });
  expect((await made()).length).toBeGreaterThan(10);
});

test('an engine that has handled all and runs no more is moved; one that runs is refused by its group', async () => {
  const { broker, migrate, made } = await engineOf(2);
  const place = { topic: `a.${topics.routeRequested.name}`, partition: 1 };
  const changelog = { topic: `a.${topics.sessions.name}`, partition: 1 };
  const producer = broker.producer('p');
  await producer.send([{ ...place, key: 'k', value: Buffer.from('a request') }]);
  await producer.send([positionRecord(changelog, new Map([[topics.routeRequested.name, 1]]))]);
  const membersOf = async (group: string) => (group === 'a.model-profiler' ? 2 : 0);
  await expect(migrate(2, 'a.', { membersOf })).rejects.toThrow(
    'group a.model-profiler has 2 members: stop the engine',
  );
  expect(await made()).toEqual([]);
  await migrate(2, 'a.', { membersOf: async () => 0 });
  expect((await made()).length).toBeGreaterThan(10);
});
