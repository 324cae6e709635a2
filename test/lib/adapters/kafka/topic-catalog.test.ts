import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { TopicCatalog } from '../../../../lib/adapters/kafka/topic-catalog';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { fakeCluster, protocolError, silent } from './fake-cluster';

/** A node that fails, as Kafka's clients do, wherever one of several topics is not there. `onDescribe` happens before it looks. */
function catalogOf(topics: Set<string>, onDescribe: () => void = () => {}) {
  const clock = createVirtualClock();
  const mustBeThere = (names: readonly string[]): void => {
    if (names.some((name) => !topics.has(name))) throw protocolError('UNKNOWN_TOPIC_OR_PARTITION', true);
  };
  const node: Partial<KafkaNode> = {
    async metadata(names) {
      mustBeThere(names);
      const asked = names.length > 0 ? names : [...topics];
      const partitionMetadata = [{ partitionId: 0, leader: 1 }];
      return { brokers: [], topicMetadata: asked.map((topic) => ({ topic, partitionMetadata })) };
    },
    async describeConfigs({ resources }) {
      onDescribe();
      mustBeThere(resources.map(({ name }) => name));
      return { resources: resources.map(({ name }) => ({ resourceName: name, configEntries: [] })) };
    },
  };
  const { connections } = fakeCluster({ clock, leaders: {}, nodes: { 1: node } });
  return { clock, catalog: new TopicCatalog(connections, null, silent, createMetrics()) };
}

test('a topic that somebody deletes while all are listed is left out', async () => {
  const topics = new Set(['mine', 'gone', '__consumer_offsets']);
  const { clock, catalog } = catalogOf(topics, () => topics.delete('gone'));
  const listed = catalog.list();
  await clock.advanceBy(1_000);
  expect((await listed).map(({ name }) => name)).toEqual(['mine']);
});

test('one topic that is not there does not hide the others', async () => {
  const { catalog } = catalogOf(new Set(['a', 'b']));
  expect(await catalog.actualPartitions(['a', 'gone', 'b'])).toEqual(
    new Map([
      ['a', 1],
      ['b', 1],
    ]),
  );
});
