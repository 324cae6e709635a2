/** Every configuration that was in force: kept beside the one that is, since a table forgets what it replaces. */
import type { Broker, Producer } from '../ports/broker';
import type { Log } from '../telemetry/log';
import { ensureSinglePartitionTopic } from '../topics/ensure-topic';
import type { ConfigApplied, ConfigVersion } from '../topics/generated/messages';
import { readRow } from '../topics/read-row';
import { topics } from '../topics/topics';
import { configFromJson } from './parse-config';

interface Place {
  readonly broker: Broker;
  readonly topicPrefix?: string;
}

/** Newest versions that are looked through: a year of one change a day. */
const maxVersions = 400;

/** A configuration is in force whether it can be remembered or not: a fault is said, and stops nothing. */
export async function rememberVersion(
  { broker, topicPrefix = '', log }: Place & { readonly log?: Log },
  producer: Producer,
  { version, json, appliedAtMs, appliedBy }: ConfigApplied,
  reason: string,
): Promise<void> {
  try {
    const topic = await ensureSinglePartitionTopic(broker, topics.configHistory, topicPrefix);
    const { keyOf, codec } = topics.configHistory;
    const entry: ConfigVersion = { version, json, appliedAtMs, appliedBy, reason };
    await producer.send([{ topic, key: keyOf(entry), value: codec.encode(entry) }]);
  } catch (error) {
    log?.warn('a version of the configuration is in force and could not be put into the history', {
      version,
      error: error as Error,
    });
  }
}

/** The newest first; of a version that stands there twice the first record counts. What is none of ours is passed over. */
export async function readHistory({ broker, topicPrefix = '' }: Place): Promise<ConfigVersion[]> {
  const topic = await ensureSinglePartitionTopic(broker, topics.configHistory, topicPrefix);
  const of = { topic, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const versions = new Map<number, ConfigVersion>();
  for await (const records of broker.read(of, { from: Math.max(earliest, end - maxVersions), to: end }))
    for (const record of records) {
      const read = readRow(topics.configHistory, record, ({ json }) => void configFromJson(json));
      if (read.kind === 'row' && !versions.has(read.value.version)) versions.set(read.value.version, read.value);
    }
  return [...versions.values()].sort((a, b) => b.version - a.version);
}
