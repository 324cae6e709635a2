/**
 * Records of one partition by offset, read once from front to back and kept until they are asked for: what joins a long
 * log in little memory. What was passed by is read again, by itself.
 */
import { UndecodableError } from '../avro/codec';
import type { Broker, LogRecord, TopicPartition } from '../ports/broker';
import type { Topic } from '../topics/define-topic';

/** Few: what is decoded together and used soon dies young, and the collector never copies it. */
const chunkRecords = 100;
/** Records that `find` reads on before it looks everywhere. */
const maxReadOn = 2_000;
/** Records nobody has asked for yet, before the older half of them is let go. */
const maxKept = 20_000;

export interface RecordWindow<T> {
  /**
   * The record at an offset. Fastest when asked once each, in about growing order. `gone`: retention has removed it;
   * `absent`: the log has no such record, or its bytes are none of the topic's.
   */
  take(offset: number): Promise<{ readonly value: T } | 'gone' | 'absent'>;
  /**
   * The first record of an id, for records whose offset nobody knew when they were used: they were handed on in the task
   * that wrote them. Fastest when asked for in about the order of the log; `gone` where it may have been removed.
   */
  find(id: string): Promise<{ readonly value: T } | 'gone' | 'absent'>;
  close(): Promise<void>;
}

export interface RecordWindowOptions<T> {
  readonly broker: Broker;
  readonly of: TopicPartition;
  readonly codec: Topic<T>['codec'];
  /** What `find` goes by, and the fields that it is made of. */
  readonly idOf: (value: T) => string;
  readonly idFields: readonly (keyof T & string)[];
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
  /** Offsets of the first kept record of each id. */
  let offsets = new Map<string, number>();
  /** The same of all records there are, once something was not found near by. */
  let everywhere: ReadonlyMap<string, number> | null = null;
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
      const id = options.idOf(value);
      if (!offsets.has(id)) offsets.set(id, record.offset);
      onValue?.(value, record.offset);
    }
    onRead(chunk.value.length, undecodable);
    if (kept.size <= maxKept) return;
    kept = new Map([...kept].slice(-maxKept / 2));
    offsets = new Map([...offsets].filter(([, offset]) => kept.has(offset)));
  };

  const indexEverywhere = async (): Promise<ReadonlyMap<string, number>> => {
    const index = new Map<string, number>();
    for await (const records of broker.read(of, { from: options.earliest, to: options.end })) {
      for (const { value, offset } of records) {
        try {
          const id = value && options.idOf(codec.decodeFields(value, options.idFields) as T);
          if (id !== null && !index.has(id)) index.set(id, offset);
        } catch {
          // None of the topic's; counted where it is read.
        }
      }
    }
    return index;
  };

  const readOne = async (offset: number): Promise<T | null> => {
    for await (const records of broker.read(of, { from: offset, to: offset + 1, maxRecords: 1 })) {
      onRead(records.length, 0);
      const [record] = records;
      if (record?.offset === offset) return decoded(codec, record);
    }
    return null;
  };

  const window: RecordWindow<T> = {
    async find(id) {
      const readOnTo = readTo + maxReadOn;
      while (!offsets.has(id) && !everywhere?.has(id) && readTo < readOnTo && !ended) await readChunk();
      let offset = everywhere?.get(id) ?? offsets.get(id);
      if (offset === undefined) {
        everywhere ??= await indexEverywhere();
        offset = everywhere.get(id);
      }
      if (offset !== undefined) return window.take(offset);
      return options.earliest > 0 ? 'gone' : 'absent';
    },
    async take(offset) {
      if (offset >= options.end) return 'absent';
      while (readTo <= offset && !ended) await readChunk();
      const known = kept.get(offset);
      if (known !== undefined) {
        kept.delete(offset);
        const id = options.idOf(known);
        if (offsets.get(id) === offset) offsets.delete(id);
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
  return window;
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
