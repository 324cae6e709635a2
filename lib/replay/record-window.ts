/**
 * Records of one partition by offset, read once from front to back and kept until they are asked for: what joins a long
 * log in little memory. What was passed by is read again, by itself.
 */
import { UndecodableError } from '../avro/codec';
import type { Broker, LogRecord, TopicPartition } from '../ports/broker';
import type { Topic } from '../topics/define-topic';

/** Few: what is decoded together and used soon dies young, and the collector never copies it. */
const chunkRecords = 100;
/** Records nobody has asked for yet, before the older half of them is let go. */
const maxKept = 20_000;

export interface RecordWindow<T> {
  /**
   * The record at an offset. Fastest when asked once each, in about growing order. `gone`: retention has removed it;
   * `absent`: the log has no such record, or its bytes are none of the topic's.
   */
  take(offset: number): Promise<{ readonly value: T } | 'gone' | 'absent'>;
  close(): Promise<void>;
}

export interface RecordWindowOptions<T> {
  readonly broker: Broker;
  readonly of: TopicPartition;
  readonly codec: Topic<T>['codec'];
  /** First offset to read; earlier ones are read one by one when asked for. */
  readonly from: number;
  readonly earliest: number;
  readonly end: number;
  /** Called for every chunk; undecodable records are counted and left out. */
  readonly onRead: (records: number, undecodable: number) => void;
  /** Called for every record once, in order. */
  readonly onValue?: (value: T, offset: number) => void;
}

export function openRecordWindow<T>(options: RecordWindowOptions<T>): RecordWindow<T> {
  const { broker, of, codec, onRead, onValue } = options;
  let kept = new Map<number, T>();
  /** All offsets below were read or passed over. */
  let readTo = options.from;
  let ended = false;
  const chunks = broker
    .read(of, { from: options.from, to: options.end, maxRecords: chunkRecords })
    [Symbol.asyncIterator]();

  const readChunk = async (): Promise<void> => {
    const chunk = await chunks.next();
    if (chunk.done) {
      ended = true;
      return;
    }
    let undecodable = 0;
    for (const record of chunk.value) {
      readTo = record.offset + 1;
      const value = decoded(codec, record);
      if (value === null) {
        undecodable++;
        continue;
      }
      kept.set(record.offset, value);
      onValue?.(value, record.offset);
    }
    onRead(chunk.value.length, undecodable);
    if (kept.size > maxKept) kept = new Map([...kept].slice(-maxKept / 2));
  };

  const readOne = async (offset: number): Promise<T | null> => {
    for await (const records of broker.read(of, { from: offset, to: offset + 1, maxRecords: 1 })) {
      onRead(records.length, 0);
      const [record] = records;
      if (record?.offset === offset) return decoded(codec, record);
    }
    return null;
  };

  return {
    async take(offset) {
      if (offset >= options.end) return 'absent';
      while (readTo <= offset && !ended) await readChunk();
      const known = kept.get(offset);
      if (known !== undefined) {
        kept.delete(offset);
        return { value: known };
      }
      if (offset < options.earliest) return 'gone';
      const value = offset < readTo ? await readOne(offset) : null;
      return value === null ? 'absent' : { value };
    },
    async close() {
      await chunks.return?.();
    },
  };
}

/** Null where the record is a tombstone or its bytes are none of the topic's. */
export function decoded<T>(codec: Topic<T>['codec'], { value }: LogRecord): T | null {
  if (value === null) return null;
  try {
    return codec.decode(value);
  } catch (error) {
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}
