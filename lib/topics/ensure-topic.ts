/** Makes one topic of a single partition, for those that are needed before a service declares them. */
import type { Broker } from '../ports/broker';
import { settingsOf, type Topic } from './define-topic';

/** Resolves with its name on the broker. */
export async function ensureSinglePartitionTopic<T>(
  broker: Broker,
  topic: Topic<T>,
  topicPrefix: string,
): Promise<string> {
  const settings = settingsOf(topic, 1);
  const name = topicPrefix + settings.name;
  await broker.ensureTopics([{ ...settings, name }]);
  return name;
}
