/** Records whose bytes are made to hurt whoever reads them: counts without items, words every object knows, keys without end. */
import { routeRequest } from '../../lib/client/build-records';
import { schemaVersions } from '../../lib/topics/generated/schemas';
import { topics } from '../../lib/topics/topics';
import { type AvroPath, type AvroSchema, editedAvro, sized, text, varint } from '../fuzz/avro-fields';
import type { GarbageCase } from './garbage-case';

/** Bytes in place of one field of an otherwise good record. */
function withBytes(
  topic: { codec: { schemaName: string; schemaId: number } },
  value: object,
  path: AvroPath,
  bytes: Buffer,
) {
  const head = Buffer.alloc(5);
  head.writeInt32BE(topic.codec.schemaId, 1);
  const schema = schemaVersions[topic.codec.schemaName]!.at(-1)!.schema as AvroSchema;
  return Buffer.concat([head, editedAvro(schema, value, [{ path, bytes }])]);
}

const counts = {
  manyItems: 2n ** 22n,
  moreThanMemory: 2n ** 31n,
  moreThanNumbers: 2n ** 53n,
  fewerThanNone: -(2n ** 62n),
};

export function hostileRequests(): GarbageCase[] {
  const request = (requestId: string) => routeRequest({ requestId, prompt: 'Is this hostile?', requestedAtMs: 0 });
  const announced = Object.entries(counts).map(
    ([name, count]): GarbageCase => ({
      name,
      fate: { kind: 'dead' },
      make: (id) => ({
        key: id,
        value: withBytes(topics.routeRequested, request(id), ['requiredCapabilities'], varint(count)),
      }),
    }),
  );
  return [
    ...announced,
    {
      name: 'longerThanItIs',
      fate: { kind: 'dead' },
      make: (id) => ({
        key: id,
        value: withBytes(topics.routeRequested, request(id), ['requestId'], varint(2n ** 40n)),
      }),
    },
    {
      name: 'keyWithoutEnd',
      fate: { kind: 'dead' },
      make: () => ({ key: 'k'.repeat(500_000), value: Buffer.alloc(300_000, 0xa5) }),
    },
    {
      name: 'taskHintWithoutEnd',
      fate: { kind: 'dead', field: 'taskHint' },
      make: (id) => ({
        key: id,
        value: topics.routeRequested.codec.encode({ ...request(id), taskHint: 'h'.repeat(300_000) }),
      }),
    },
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map(
      (word): GarbageCase => ({
        name: `named.${word}`,
        fate: { kind: 'read' },
        make: (id) => ({
          key: id,
          value: topics.routeRequested.codec.encode({ ...request(id), tenantId: word, taskHint: word }),
        }),
      }),
    ),
  ];
}

export interface HostileOutcome {
  readonly name: string;
  readonly key: string;
  readonly value: Buffer;
}

/** Outcomes of a decision: some of them can be read, none may stop what reads them. */
export function hostileOutcomes(decisionId: string, model: string): HostileOutcome[] {
  const outcome = {
    decisionId,
    routingKey: null,
    model,
    attempt: 1,
    status: 'SUCCESS',
    latencyMs: 100,
    inputTokens: 10,
    outputTokens: 10,
    costUsd: 0.001,
    quality: 0.5,
    rewardParts: {},
    source: 'workload',
    provisional: false,
    revision: 0,
    occurredAtMs: 0,
  };
  const edited = (name: string, path: AvroPath, bytes: Buffer): HostileOutcome => ({
    name,
    key: decisionId,
    value: withBytes(topics.routeOutcome, outcome, path, bytes),
  });
  const part = (name: string): Buffer => Buffer.concat([varint(1), text(name), Buffer.alloc(8), varint(0)]);
  return [
    { name: 'notAvro', key: 'garbage', value: Buffer.from('not avro at all') },
    ...Object.entries(counts).map(([name, count]) => edited(name, ['rewardParts'], varint(count))),
    edited('partWithoutEnd', ['rewardParts'], part('p'.repeat(520_000))),
    edited('partNamedProto', ['rewardParts'], part('__proto__')),
    edited('sourceNamedConstructor', ['source'], text('constructor')),
    edited('sourceNamedProto', ['source'], text('__proto__')),
    edited('halfACharacter', ['source'], sized(Buffer.from([0xed, 0xa0, 0x80]))),
    { name: 'keyWithoutEnd', key: 'k'.repeat(500_000), value: Buffer.alloc(300_000, 0xa5) },
  ];
}
