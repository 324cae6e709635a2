/**
 * What a test asks of a Kafka as its administrator. kafkajs waits for the leaders of new topics, but gives up when the
 * node that it asks has not heard of them yet, which a busy broker takes a moment for; here that is waited for, too.
 */

import { type Admin, type ITopicConfig, Kafka, logLevel } from 'kafkajs';
import type { KafkaBroker } from '../lib/adapters/kafka/kafka-broker';

/** Connects to `brokers` (host:port, without security) for as long as `use` takes. */
export async function withAdmin<T>(brokers: readonly string[], use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Resolves once the topics are there and every partition has a leader. A topic that is there already is refused. */
export async function makeTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  if (!(await admin.createTopics({ topics: [...topics], waitForLeaders: false }))) throw new Error('there already');
  await untilDone(async () => {
    const { topics: made } = await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) });
    if (made.some(({ partitions }) => partitions.some(({ leader }) => leader < 0))) throw new Error('no leader yet');
  });
}

/** Resolves once every one of `count` partitions has a leader; kafkajs drops, without a word, what is sent to others. */
export async function growTopic(admin: Admin, topic: string, count: number): Promise<void> {
  await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  await untilDone(async () => {
    const { topics: grown } = await admin.fetchTopicMetadata({ topics: [topic] });
    const led = grown[0]!.partitions.filter(({ leader }) => leader >= 0);
    if (led.length < count) throw new Error('not all of them are there yet');
  });
}

/** Resolves once the broker no longer knows the topic: it says that it is deleted before that. */
export function untilGone(broker: Pick<KafkaBroker, 'listTopics'>, topic: string): Promise<void> {
  return untilDone(async () => {
    if ((await broker.listTopics()).some(({ name }) => name === topic)) throw new Error('there still');
  });
}

/** Resolves with what `attempt` does once Kafka has done what was asked before: it answers before every node knows. */
export async function untilDone<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
