import { type Codec, codecOf } from '../avro/codec';
import type { TopicSettings } from '../ports/broker';
import { type Packing, packedCodec } from './packed/packed-codec';

/**
 * A topic: its name, what its records are, how they are keyed, how long they stay. `stream` topics are cut by age,
 * `table` topics keep the last record of every key.
 */
export interface Topic<T> {
  readonly name: string;
  readonly kind: 'stream' | 'table';
  /** How many partitions: the request path's shared number, the fan-out of observations, or one. */
  readonly partitions: 'requestPath' | 'one';
  readonly retentionMs: number | null;
  readonly maxRecordBytes: number;
  /** A table of which nobody deletes rows: a record without a value is then none of ours, and changes nothing. */
  readonly keepsRows?: boolean;
  readonly codec: Codec<T>;
  keyOf(value: T): string;
  /** One line for `quantum-router topics` and the docs. */
  readonly doc: string;
}

/**
 * A topic of any type, for lists of them: whoever has one of these alone cannot say what a value of it is. Methods, not
 * properties, are what makes every topic one of these.
 */
export type AnyTopic = Topic<unknown>;

export interface TopicOptions<T> {
  readonly schema: string;
  /** Where records have another form in the log. */
  readonly packing?: Packing<T>;
  readonly key: (value: T) => string;
  readonly partitions: 'requestPath' | 'one';
  readonly retentionMs?: number | null;
  readonly maxRecordBytes?: number;
  readonly keepsRows?: boolean;
  readonly doc: string;
}

const dayMs = 24 * 3_600_000;
const defaultMaxRecordBytes = 1_000_000;

function define<T>(name: string, kind: 'stream' | 'table', options: TopicOptions<T>): Topic<T> {
  const retentionMs = options.retentionMs === undefined ? (kind === 'table' ? null : 7 * dayMs) : options.retentionMs;
  return {
    name,
    kind,
    partitions: options.partitions,
    retentionMs,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    ...(options.keepsRows && { keepsRows: true }),
    codec: options.packing ? packedCodec(codecOf<T>(options.schema), options.packing) : codecOf<T>(options.schema),
    keyOf: options.key,
    doc: options.doc,
  };
}

export const stream = <T>(name: string, options: TopicOptions<T>): Topic<T> => define(name, 'stream', options);
export const table = <T>(name: string, options: TopicOptions<T>): Topic<T> => define(name, 'table', options);

/** What the broker must make for this topic. `prefix` goes in front of the name when several teams share a cluster. */
export function settingsOf(topic: AnyTopic, requestPathPartitions: number): TopicSettings {
  return {
    name: topic.name,
    partitions: topic.partitions === 'one' ? 1 : requestPathPartitions,
    cleanup: topic.kind === 'table' ? 'compact' : 'delete',
    retentionMs: topic.retentionMs,
    maxRecordBytes: topic.maxRecordBytes,
  };
}
