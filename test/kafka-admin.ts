/**
 * What a test asks of a Kafka as its administrator. kafkajs waits for the leaders of new topics, but gives up when the
 * node that it asks has not heard of them yet, which a busy broker takes a moment for; here that is waited for, too.
 */

import { type Admin, type ITopicConfig, Kafka, logLevel } from 'kafkajs';

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

/** Until Kafka has done what was asked before: it answers before every node knows. */
export async function untilDone(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
