/**
 * What stands in for a log that cannot be reached: tables as they were copied from it earlier. Whoever follows one of them gets its
 * rows and then nothing more; all other topics are empty, and nothing can be written.
 */
import { type Broker, type LogRecord, TransientError } from '../ports/broker';

/** Rows by the name of their topic, as records have them. */
export type CopiedTables = ReadonlyMap<string, readonly { readonly key: string; readonly value: Buffer }[]>;

/** `why` ends the sentence that every refused write says, such as `Kafka at host:9092 does not answer`. */
export function createCopiedLog(tables: CopiedTables, why: string): Broker {
  const refuse = async (): Promise<never> => {
    throw new TransientError(`nothing can be written: ${why}`);
  };
  return {
    ensureTopics: refuse,
    listTopics: async () => [],
    offsets: async () => ({ earliest: 0, end: 0 }),
    offsetAt: async () => 0,
    async *read() {},
    async follow({ topic, startAt, onRecords }) {
      const rows = startAt === 'earliest' ? (tables.get(topic) ?? []) : [];
      const records = rows.map(
        ({ key, value }, offset): LogRecord => ({
          topic,
          partition: 0,
          offset,
          timestampMs: 0,
          key,
          value,
          headers: {},
        }),
      );
      if (records.length > 0) await onRecords(records);
      return { hurry() {}, stop: async () => {} };
    },
    join: refuse,
    producer: () => ({ send: refuse, close: async () => {} }),
    close: async () => {},
  };
}
