/**
 * Lets processes of different releases read each other: each puts the schema versions it was built with into one
 * compacted topic and learns those of the others from it. Avro's resolution does the rest, so the order of an upgrade
 * does not matter as long as versions stay compatible (schemas/history, and its test).
 */
import { learnSchema } from '../avro/codec';
import type { Broker, LogRecord } from '../ports/broker';
import type { Log } from '../telemetry/log';
import { ensureSinglePartitionTopic } from './ensure-topic';
import { schemaVersions } from './generated/schemas';
import { topics } from './topics';

export interface ShareSchemasOptions {
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly log: Log;
  /** Only learn: for readers, which must not make topics or write. Where nobody shares, there is nothing to learn. */
  readonly readOnly?: boolean;
}

/** Resolves when everything shared so far is known here and our own versions are shared. Learns on until stopped. */
export async function shareSchemas(options: ShareSchemasOptions): Promise<{ stop(): Promise<void> }> {
  const { broker, topicPrefix, log } = options;
  const topic = topicPrefix + topics.schemas.name;
  if (!options.readOnly) await ensureSinglePartitionTopic(broker, topics.schemas, topicPrefix);
  else if (!(await broker.listTopics()).some(({ name }) => name === topic)) return { stop: async () => {} };
  const shared = new Set<string>();
  const follower = await broker.follow({
    topic,
    startAt: 'earliest',
    onRecords: (records) => {
      for (const record of records) {
        if (record.key !== null) shared.add(record.key);
        learn(record, log);
      }
    },
    onFailed: (error) => log.error('schemas of other releases can no longer be learned', { error }),
  });
  if (options.readOnly) return { stop: () => follower.stop() };
  const missing = Object.entries(schemaVersions).flatMap(([name, versions]) =>
    versions.filter(({ id }) => !shared.has(String(id))).map(({ id, schema }) => ({ id, name, schema })),
  );
  if (missing.length > 0) {
    const producer = broker.producer('schemas');
    await producer.send(
      missing.map(({ id, name, schema }) => ({
        topic,
        key: String(id),
        value: topics.schemas.codec.encode({ id, name, json: JSON.stringify(schema) }),
      })),
    );
    await producer.close();
  }
  return { stop: () => follower.stop() };
}

function learn({ value, offset }: LogRecord, log: Log): void {
  if (value === null) return;
  try {
    const { id, name, json } = topics.schemas.codec.decode(value);
    if (!learnSchema({ id, name, schema: JSON.parse(json) })) {
      log.warn('a shared schema is not ours to read', { schema: name, id });
    }
  } catch (error) {
    // Whatever was written there, what is known stays known.
    log.warn('a record of the schemas topic cannot be read', { offset, reason: (error as Error).name });
  }
}
