/** Hostile records of one topic: every field edited, and the record as a whole mutilated. */
import type { OutgoingRecord } from '../../lib/ports/broker';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import type { AnyTopic } from '../../lib/topics/define-topic';
import { schemaVersions } from '../../lib/topics/generated/schemas';
import { topics } from '../../lib/topics/topics';
import { type AvroEdit, type AvroSchema, avroFieldsOf, editedAvro } from './avro-fields';
import { type CaseList, caseList } from './case-list';
import { type HostileBytes, hostileBytes } from './hostile-avro';
import { prototypeWords } from './hostile-json';

type Whole = (record: OutgoingRecord, random: Random) => OutgoingRecord;

export interface RecordPart {
  readonly how: string;
  readonly edit?: Pick<AvroEdit, 'path'> & Pick<HostileBytes, 'bytes'>;
  readonly whole?: Whole;
}

const unknownId = 900_123;
const changed = (change: (value: Buffer, random: Random) => Buffer | null): Whole => {
  return (record, random) => ({ ...record, value: record.value && change(record.value, random) });
};

const wholes: readonly RecordPart[] = [
  { how: 'no value', whole: changed(() => null) },
  { how: 'empty value', whole: changed(() => Buffer.alloc(0)) },
  { how: 'three bytes', whole: changed(() => Buffer.from([0, 0, 0])) },
  { how: 'a header alone', whole: changed((value) => value.subarray(0, 5)) },
  { how: 'wrong magic', whole: changed((value) => Buffer.concat([Buffer.from([7]), value.subarray(1)])) },
  { how: 'unknown schema id', whole: changed((value) => withSchemaId(value, unknownId)) },
  { how: 'negative schema id', whole: changed((value) => withSchemaId(value, -1)) },
  { how: 'schema of another type', whole: changed((value, random) => withSchemaId(value, anySchemaId(random))) },
  ...Array.from({ length: 12 }, () => ({
    how: 'truncated',
    whole: changed((value, random) => value.subarray(0, 5 + random.integer(Math.max(1, value.length - 5)))),
  })),
  ...Array.from({ length: 24 }, () => ({ how: 'bits flipped', whole: changed(flipped) })),
  ...Array.from({ length: 8 }, () => ({
    how: 'noise',
    whole: changed((value, random) => Buffer.concat([value.subarray(0, 5), noise(random, 200)])),
  })),
  { how: 'something behind it', whole: changed((value) => Buffer.concat([value, Buffer.alloc(100)])) },
  { how: 'no key', whole: (record) => ({ ...record, key: null }) },
  { how: 'empty key', whole: (record) => ({ ...record, key: '' }) },
  ...prototypeWords.map((word) => ({ how: `key ${word}`, whole: ((record) => ({ ...record, key: word })) as Whole })),
  { how: 'key of 400,000 characters', whole: (record) => ({ ...record, key: 'k'.repeat(400_000) }) },
  {
    how: 'large key and garbage',
    whole: (record) => ({ ...record, key: 'k'.repeat(500_000), value: noiseOf(400_000) }),
  },
  {
    how: 'headers of 100,000 characters',
    whole: (record) => ({ ...record, headers: { 'reply-to': 'r'.repeat(100_000), traceparent: 't'.repeat(1_000) } }),
  },
  {
    how: 'headers named like prototypes',
    whole: (record) => ({ ...record, headers: { ['__proto__']: 'x', constructor: 'x', traceparent: '00-0-0-0' } }),
  },
];

/** As it is where there is no room for one: the other half of a pair has cut it off. */
function withSchemaId(value: Buffer, id: number): Buffer {
  if (value.length < 5) return value;
  const copy = Buffer.from(value);
  copy.writeInt32BE(id, 1);
  return copy;
}

function anySchemaId(random: Random): number {
  const ids = Object.values(schemaVersions).flatMap((versions) => versions.map(({ id }) => id));
  return ids[random.integer(ids.length)]!;
}

function flipped(value: Buffer, random: Random): Buffer {
  const copy = Buffer.from(value);
  for (let flips = 1 + random.integer(4); flips > 0 && copy.length > 5; flips--) {
    const at = 5 + random.integer(copy.length - 5);
    copy[at] = copy[at]! ^ (1 << random.integer(8));
  }
  return copy;
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(256)));
}

const noiseOf = (length: number): Buffer => Buffer.alloc(length, 0xa5);

export interface RecordCases {
  readonly topic: AnyTopic;
  readonly list: CaseList<RecordPart>;
}

/** Every topic there is: nothing in any of them is beyond a stranger with a producer. */
export function anyTopics(): readonly AnyTopic[] {
  return Object.values(topics);
}

export function recordCases(topic: AnyTopic): RecordCases {
  const schema = schemaOf(topic);
  const edits = avroFieldsOf(schema).flatMap(({ path, schema: of }) =>
    hostileBytes(of).map(({ how, bytes }): RecordPart => ({ how: `${path.join('.')}: ${how}`, edit: { path, bytes } })),
  );
  return { topic, list: caseList(topic.name, [...edits, ...wholes]) };
}

function schemaOf({ codec }: AnyTopic): AvroSchema {
  return schemaVersions[codec.schemaName]!.at(-1)!.schema as AvroSchema;
}

/** The record of a case, made of an ordinary one. */
export function recordOf(
  { topic, list }: RecordCases,
  seed: number,
  index: number,
  ordinary: { readonly key: string; readonly value: unknown },
): OutgoingRecord {
  const parts = list.partsOf(seed, index);
  const edits = parts.flatMap(({ edit }) => (edit ? [{ path: edit.path, bytes: edit.bytes() }] : []));
  const head = Buffer.alloc(5);
  head.writeInt32BE(topic.codec.schemaId, 1);
  const value = Buffer.concat([head, editedAvro(schemaOf(topic), ordinary.value, edits)]);
  const random = seededRandom(seed, 'fuzz', topic.name, 'bytes', index);
  let record: OutgoingRecord = { topic: topic.name, key: ordinary.key, value };
  for (const { whole } of parts) if (whole) record = whole(record, random);
  return record;
}
