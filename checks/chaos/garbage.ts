/**
 * Records that no release of ours would write. Each is read, dead-lettered with its origin and a reason, forwarded or
 * refused, as fits, and the partition goes on: a good request behind each is decided.
 */

import avro from 'avsc';
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs';
import { codecOf } from '../../lib/avro/codec';
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import type { LogRecord } from '../../lib/ports/broker';
import type { DeadLetter, RouteRequested } from '../../lib/topics/generated/messages';
import { schemaVersions } from '../../lib/topics/generated/schemas';
import { partitionOf } from '../../lib/topics/partition-of';
import { deadLetterTopicName, topics } from '../../lib/topics/topics';
import { patienceMs } from '../patience';
import type { Fate, GarbageCase } from './garbage-case';
import { throwAtTables } from './garbage-tables';
import { hostileOutcomes, hostileRequests } from './hostile-records';
import { maxPromptBytes, type Scenario, type Stage } from './scenario';
import { comesTrue, until } from './until';

/** Of schemas nobody has released. */
const freshIds = { newer: 900_001, unpublished: 900_002, incompatible: 900_003, unknown: 900_004 };
const { maxRecordBytes } = topics.routeRequested;
const deadLetterCodec = codecOf<DeadLetter>('DeadLetter');

export const garbageScenario: Scenario = {
  name: 'garbage',
  requests: 1_000,
  deadLetters: garbageDeadLetters,
  run: (stage) => throwGarbage(stage, [throwAtRequests, throwAtOutcomes, throwCompressed, throwAtAllTables]),
};

/** The same in two halves, since each of them takes as long as a test file may. */
export const garbageInputsScenario: Scenario = {
  ...garbageScenario,
  name: 'garbage-inputs',
  run: (stage) => throwGarbage(stage, [throwAtRequests, throwAtOutcomes, throwCompressed]),
};

/** Whoever starts anew meets some garbage in its inputs, too. */
export const garbageTablesScenario: Scenario = {
  ...garbageScenario,
  name: 'garbage-tables',
  run: (stage) => throwGarbage(stage, [throwUnreadable, throwAtAllTables]),
};

let deadLettersMade = 0;

/** Dead letters that garbage has become so far. */
function garbageDeadLetters(): number {
  return deadLettersMade;
}

type Throw = (stage: Stage, foreign: Producer) => Promise<void>;

/** Reports a bar per case. */
async function throwGarbage(stage: Stage, throws: readonly Throw[]): Promise<void> {
  const { cluster } = stage;
  deadLettersMade = 0;
  // kafkajs itself: a foreign client that knows nothing of our limits.
  const kafka = new Kafka({ brokers: [cluster.kafka.address], clientId: 'foreign', logLevel: logLevel.NOTHING });
  const foreign = kafka.producer({ retry: { retries: 1 } });
  await foreign.connect();
  try {
    await shareSchema(stage, freshIds.newer, newerSchema());
    await shareSchema(stage, freshIds.incompatible, incompatibleSchema());
    await untilLearned(stage, foreign);
    for (const one of throws) await one(stage, foreign);
  } finally {
    await foreign.disconnect();
  }
}

async function throwAtRequests(stage: Stage, foreign: Producer): Promise<void> {
  await throwUnreadable(stage, foreign);
  for (const one of [...requestsAtTheLimits(stage), ...hostileRequests()]) await throwOne(stage, foreign, one);
}

async function throwUnreadable(stage: Stage, foreign: Producer): Promise<void> {
  for (const one of [...bytesNobodyReads(stage), ...schemasOfOthers()]) await throwOne(stage, foreign, one);
}

async function throwAtAllTables(stage: Stage, foreign: Producer): Promise<void> {
  const lost = await throwAtTables(stage, foreign);
  const isGood = lost.length === 0 && (await goesOnEverywhere(stage, foreign, 'tables'));
  stage.figures.bar('garbageInTables', isGood ? 1 : 0, 'boolean', '>=', 1, lost);
}

/** Bytes that are no request at all. */
function bytesNobodyReads({ random }: Stage): GarbageCase[] {
  const noise = Buffer.from(Array.from({ length: 200 }, () => random.integer(256)));
  const plain = (value: Buffer | null) => () => ({ key: 'garbage', value });
  return [
    {
      name: 'poison',
      fate: { kind: 'dead', says: /magic byte/ },
      make: plain(Buffer.concat([Buffer.from([7]), noise])),
    },
    { name: 'framedNoise', fate: { kind: 'dead' }, make: plain(framed(topics.routeRequested.codec.schemaId, noise)) },
    { name: 'empty', fate: { kind: 'dead', says: /too few/ }, make: plain(Buffer.alloc(0)) },
    { name: 'nullValue', fate: { kind: 'dead', says: /no value/ }, make: plain(null) },
    { name: 'nullKey', fate: { kind: 'dead' }, make: () => ({ key: null, value: noise }) },
    {
      name: 'truncated',
      fate: { kind: 'dead' },
      make: (id) => ({ key: id, value: encoded(requestNamed(id)).subarray(0, 40) }),
    },
  ];
}

/** Written with another schema than ours. */
function schemasOfOthers(): GarbageCase[] {
  return [
    {
      name: 'unknownSchemaId',
      fate: { kind: 'dead', says: /unknown schema id 900004/ },
      make: (id) => ({ key: id, value: framed(freshIds.unknown, encoded(requestNamed(id)).subarray(5)) }),
    },
    {
      name: 'schemaOfAnotherType',
      fate: { kind: 'dead', says: /is a RouteOutcome, not a RouteRequested/ },
      make: (id) => ({
        key: id,
        value: framed(topics.routeOutcome.codec.schemaId, encoded(requestNamed(id)).subarray(5)),
      }),
    },
    { name: 'newerSchema', fate: { kind: 'read' }, make: (id) => ({ key: id, value: newer(freshIds.newer, id) }) },
    {
      name: 'newerSchemaUnpublished',
      fate: { kind: 'dead', says: /unknown schema id 900002/ },
      make: (id) => ({ key: id, value: newer(freshIds.unpublished, id) }),
    },
    {
      name: 'incompatibleSchema',
      fate: { kind: 'dead', says: /900003/ },
      make: (id) => ({ key: id, value: framed(freshIds.incompatible, incompatibleType.toBuffer({ requestId: 7 })) }),
    },
  ];
}

/** Well-formed requests that are too large, cannot be served, or lie in the wrong place. */
function requestsAtTheLimits({ cluster }: Stage): GarbageCase[] {
  return [
    {
      name: 'atSizeLimit',
      fate: { kind: 'read' },
      // Counted by its length, the prompt would be more than any model takes.
      make: (id) => ({
        key: id,
        value: encoded({ ...requestNamed(id), prompt: 'x'.repeat(maxPromptBytes), contextTokens: 100 }),
      }),
    },
    {
      // Kafka limits batches, not records: there is a little room above the topic's own limit.
      name: 'justAboveSizeLimit',
      fate: { kind: 'dead', field: 'prompt' },
      make: (id) => ({ key: id, value: ofRecordSize(id, maxRecordBytes + 2_000) }),
    },
    {
      name: 'farAboveSizeLimit',
      fate: { kind: 'refused' },
      make: (id) => ({ key: id, value: ofRecordSize(id, maxRecordBytes + 100_000) }),
    },
    {
      name: 'promptOverLimit',
      fate: { kind: 'dead', field: 'prompt' },
      make: (id) => ({ key: id, value: encoded({ ...requestNamed(id), prompt: 'x'.repeat(maxPromptBytes + 1) }) }),
    },
    {
      name: 'noCandidate',
      fate: { kind: 'dead', field: 'requiredCapabilities' },
      make: (id) => ({ key: id, value: encoded({ ...requestNamed(id), requiredCapabilities: ['telepathy'] }) }),
    },
    {
      name: 'wrongPartition',
      fate: { kind: 'forwarded' },
      make: (id) => ({ key: id, value: encoded(requestNamed(id)), misplaced: cluster.partitions > 1 }),
    },
    {
      name: 'wrongKey',
      fate: { kind: 'read' },
      make: (id) => ({ key: `not-${id}`, value: encoded(requestNamed(id)) }),
    },
  ];
}

async function throwOne(stage: Stage, foreign: Producer, one: GarbageCase): Promise<void> {
  const { cluster, figures, random } = stage;
  const topic = topics.routeRequested.name;
  const partition = random.integer(cluster.partitions);
  const requestId = idIn(partition, cluster.partitions, one.name);
  const { key, value, misplaced } = one.make(requestId);
  const place = misplaced ? (partition + 1) % cluster.partitions : partition;
  const sent = await produce(foreign, { topic, partition: place, key, value });
  const behind = idIn(place, cluster.partitions, `${one.name}-behind`);
  await sendGood(foreign, behind, place);
  const found = await fateOf(stage, { topic, partition: place, sent, fate: one.fate, requestId });
  const goesOn = await isDecided(stage, behind);
  const faults = [...found, ...(goesOn ? [] : ['the request behind it is not decided'])];
  figures.bar(one.name, faults.length === 0 ? 1 : 0, 'boolean', '>=', 1, faults);
}

/** What of the wanted fate is missing, in words. */
async function fateOf(
  stage: Stage,
  what: { topic: string; partition: number; sent: number | Error; fate: Fate; requestId: string },
): Promise<string[]> {
  const { sent, fate, requestId } = what;
  if (fate.kind === 'refused') return sent instanceof Error ? [] : ['the broker took it'];
  if (sent instanceof Error) return [`it could not be sent: ${sent.message}`];
  if (fate.kind === 'dead') return faultsOfLetter(await deadLetterAt(stage, what.topic, what.partition, sent), fate);
  if (!(await isDecided(stage, requestId))) return ['it is not decided'];
  if (fate.kind === 'read') return [];
  const copies = await copiesOf(stage, requestId);
  const home = partitionOf(requestId, stage.cluster.partitions);
  const forwarded = copies.filter(({ partition }) => partition === home);
  return forwarded.length === 1 && copies.length === 2 ? [] : [`${copies.length} records of it, not 2`];
}

function faultsOfLetter(letter: DeadLetter | null, { field, says }: { field?: string; says?: RegExp }): string[] {
  if (!letter) return ['no dead letter came'];
  deadLettersMade += 1;
  const faults: string[] = [];
  if (letter.reason === '') faults.push('the dead letter gives no reason');
  if (field !== undefined && letter.field !== field) faults.push(`it blames ${letter.field}, not ${field}`);
  if (says && !says.test(letter.reason)) faults.push(`it says "${letter.reason}"`);
  if (letter.value === null && letter.valueSha256 === null && letter.valueBytes > 0) faults.push('its bytes are lost');
  return faults;
}

/** Outcomes are as open to strangers as requests. Some can be read; behind each, one is learned from. */
async function throwAtOutcomes(stage: Stage, foreign: Producer): Promise<void> {
  const { cluster, audit, figures, random } = stage;
  const topic = topics.routeOutcome.name;
  const partition = random.integer(cluster.partitions);
  const decisionId = idIn(partition, cluster.partitions, 'judged');
  await sendGood(foreign, decisionId, partition);
  await isDecided(stage, decisionId);
  const { model } = audit.decisions.get(decisionId)!;
  for (const [number, { name, key, value }] of hostileOutcomes(decisionId, model).entries()) {
    const before = await lettersIn(stage, topic);
    const sent = await produce(foreign, { topic, partition, key, value });
    const behind = idIn(partition, cluster.partitions, `judged-behind-${number}`);
    await sendGood(foreign, behind, partition);
    const isLearned = (await isDecided(stage, behind)) && (await isReported(stage, foreign, behind, partition));
    // Those that cannot be read; what is only odd is learned from, passed over, or dead as well.
    deadLettersMade += (await lettersIn(stage, topic)) - before;
    const faults = [
      ...(sent instanceof Error ? [`it could not be sent: ${sent.message}`] : []),
      ...(isLearned ? [] : ['the outcome behind it is not learned from']),
    ];
    figures.bar(`outcome.${name}`, faults.length === 0 ? 1 : 0, 'boolean', '>=', 1, faults);
  }
}

async function lettersIn(stage: Stage, topic: string): Promise<number> {
  let letters = 0;
  for (let partition = 0; partition < stage.cluster.partitions; partition++)
    letters += (await recordsOf(stage, deadLetterTopicName(topic), partition)).length;
  return letters;
}

/** Reports an outcome of a decision; true once it is learned from. */
async function isReported(stage: Stage, foreign: Producer, decisionId: string, partition: number): Promise<boolean> {
  const { audit, cluster } = stage;
  const { model } = audit.decisions.get(decisionId)!;
  const outcome = routeOutcome(
    { decisionId, routingKey: decisionId, model, fallbacks: [] },
    // The source of all others: of a new one the learner passes over what is more than its share.
    { status: 'SUCCESS', quality: 0.5, source: 'workload', occurredAtMs: cluster.clock.nowMs() },
  );
  const value = topics.routeOutcome.codec.encode(outcome);
  const sent = await produce(foreign, { topic: topics.routeOutcome.name, partition, key: decisionId, value });
  if (sent instanceof Error) throw sent;
  const learned = async (): Promise<boolean> => {
    await audit.update();
    return [...audit.learned.keys()].some((eventId) => eventId.startsWith(`${decisionId}/`));
  };
  return comesTrue(cluster.clock, learned, patienceMs);
}

/** A batch as producers of other makes write them. */
async function throwCompressed(stage: Stage, foreign: Producer): Promise<void> {
  const partition = stage.random.integer(stage.cluster.partitions);
  const requestId = idIn(partition, stage.cluster.partitions, 'gzip');
  const message = { key: requestId, value: encoded(requestNamed(requestId)), partition };
  const topic = topics.routeRequested.name;
  await foreign.send({ topic, messages: [message], compression: CompressionTypes.GZIP });
  const faults = (await isDecided(stage, requestId)) ? [] : ['it is not decided'];
  stage.figures.bar('gzip', faults.length === 0 ? 1 : 0, 'boolean', '>=', 1, faults);
}

/** True when a request in every partition is decided and learned from. */
async function goesOnEverywhere(stage: Stage, foreign: Producer, name: string): Promise<boolean> {
  const { partitions } = stage.cluster;
  for (let partition = 0; partition < partitions; partition++) {
    const requestId = idIn(partition, partitions, `${name}-${partition}`);
    await sendGood(foreign, requestId, partition);
    if (!(await isDecided(stage, requestId)) || !(await isReported(stage, foreign, requestId, partition))) return false;
  }
  return true;
}

/** Offset of the record, or why it was not taken. */
async function produce(
  foreign: Producer,
  { topic, ...message }: { topic: string; partition: number; key: string | null; value: Buffer | null },
): Promise<number | Error> {
  try {
    const [written] = await foreign.send({ topic, messages: [message] });
    return Number(written!.baseOffset);
  } catch (error) {
    return error as Error;
  }
}

async function sendGood(foreign: Producer, requestId: string, partition: number): Promise<void> {
  const topic = topics.routeRequested.name;
  const sent = await produce(foreign, { topic, partition, key: requestId, value: encoded(requestNamed(requestId)) });
  if (sent instanceof Error) throw sent;
}

async function isDecided({ audit, cluster }: Stage, requestId: string): Promise<boolean> {
  const decided = async (): Promise<boolean> => {
    await audit.update();
    return audit.decisions.has(requestId);
  };
  return comesTrue(cluster.clock, decided, patienceMs);
}

async function deadLetterAt(
  stage: Stage,
  topic: string,
  partition: number,
  offset: number,
): Promise<DeadLetter | null> {
  const name = deadLetterTopicName(topic);
  let letter: DeadLetter | null = null;
  await comesTrue(
    stage.cluster.clock,
    async () => {
      for (const record of await recordsOf(stage, name, partition)) {
        const one = deadLetterCodec.decode(record.value!);
        if (one.topic === topic && one.partition === partition && one.offset === offset) letter = one;
      }
      return letter !== null;
    },
    patienceMs,
  );
  return letter;
}

async function copiesOf(stage: Stage, key: string): Promise<LogRecord[]> {
  const copies: LogRecord[] = [];
  for (let partition = 0; partition < stage.cluster.partitions; partition++) {
    const records = await recordsOf(stage, topics.routeRequested.name, partition);
    copies.push(...records.filter((record) => record.key === key));
  }
  return copies;
}

async function recordsOf({ cluster }: Stage, topic: string, partition: number): Promise<LogRecord[]> {
  const { broker } = cluster.home;
  const { earliest } = await broker.offsets({ topic, partition });
  const all: LogRecord[] = [];
  for await (const records of broker.read({ topic, partition }, { from: earliest })) all.push(...records);
  return all;
}

/** As a process of another release does at its start. */
async function shareSchema({ cluster }: Stage, id: number, schema: object): Promise<void> {
  const value = topics.schemas.codec.encode({ id, name: 'RouteRequested', json: JSON.stringify(schema) });
  const producer = cluster.home.broker.producer('chaos-schemas');
  await producer.send([{ topic: topics.schemas.name, key: String(id), value }]);
  await producer.close();
}

/** A process learns a new schema a moment after it was shared; a record that comes before that is a dead letter. */
async function untilLearned(stage: Stage, foreign: Producer): Promise<void> {
  const { cluster, audit } = stage;
  const topic = topics.routeRequested.name;
  for (let partition = 0; partition < cluster.partitions; partition++) {
    let tries = 0;
    const learned = async (): Promise<boolean> => {
      const id = idIn(partition, cluster.partitions, `learned-${tries++}`);
      const sent = await produce(foreign, { topic, partition, key: id, value: newer(freshIds.newer, id) });
      if (sent instanceof Error) throw sent;
      let dead = false;
      await comesTrue(
        cluster.clock,
        async () => {
          await audit.update();
          const letters = await recordsOf(stage, deadLetterTopicName(topic), partition);
          dead = letters.some(({ value }) => deadLetterCodec.decode(value!).offset === sent);
          return dead || audit.decisions.has(id);
        },
        patienceMs,
      );
      if (dead) deadLettersMade += 1;
      return !dead;
    };
    await until(cluster.clock, `partition ${partition} reads the newer schema`, learned, patienceMs);
  }
}

/** A key of this partition, so that a record put there is not misplaced. */
function idIn(partition: number, partitions: number, name: string): string {
  for (let i = 0; ; i++) if (partitionOf(`${name}-${i}`, partitions) === partition) return `${name}-${i}`;
}

function requestNamed(requestId: string): RouteRequested {
  return routeRequest({ requestId, prompt: 'Translate "good morning" into Finnish.', requestedAtMs: 0 });
}

function encoded(request: RouteRequested): Buffer {
  return topics.routeRequested.codec.encode(request);
}

function framed(schemaId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(schemaId, 1);
  return Buffer.concat([head, body]);
}

/** A request whose key and value together have exactly so many bytes. */
function ofRecordSize(requestId: string, bytes: number): Buffer {
  // Counted by its length, the prompt would be more than any model takes.
  const padding = { tenantId: 't'.repeat(200), taskHint: 'h'.repeat(200), contextTokens: 100 };
  const base = { ...requestNamed(requestId), ...padding };
  let promptBytes = bytes - requestId.length - encoded({ ...base, prompt: '' }).length;
  for (;;) {
    const value = encoded({ ...base, prompt: 'x'.repeat(promptBytes) });
    const excess = value.length + requestId.length - bytes;
    if (excess === 0) return value;
    // The length of the prompt has a length of its own.
    promptBytes -= excess;
  }
}

type RecordSchema = { readonly fields: readonly object[] };

function latestSchema(): RecordSchema {
  return schemaVersions['RouteRequested']!.at(-1)!.schema as RecordSchema;
}

/** The next release, with a field we do not know. */
function newerSchema(): object {
  const schema = latestSchema();
  return { ...schema, fields: [...schema.fields, { name: 'mood', type: 'string', default: 'calm' }] };
}

const newerType = (): avro.Type => avro.Type.forSchema(newerSchema() as avro.Schema, { wrapUnions: false });

function newer(schemaId: number, requestId: string): Buffer {
  return framed(schemaId, newerType().toBuffer({ ...requestNamed(requestId), mood: 'curious' }));
}

/** Of the same name, but nothing in it fits. */
function incompatibleSchema(): object {
  return { type: 'record', name: 'RouteRequested', fields: [{ name: 'requestId', type: 'int' }] };
}

const incompatibleType = avro.Type.forSchema(incompatibleSchema() as avro.Schema);
