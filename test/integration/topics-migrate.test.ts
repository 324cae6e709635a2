/** Growth for real: the state of an engine moved to a new prefix with more partitions, on a real Kafka, by the command. */
import { randomUUID } from 'node:crypto';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import type { OutgoingRecord } from '../../lib/ports/broker';
import { createTaskTable } from '../../lib/stream/task/task-table';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import type { AwaitedOutcome, Session } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { topics } from '../../lib/topics/topics';
import { createWorkplace } from '../bin/run-command';
import { readAll } from '../contract/broker-member';
import { describeWithServers, kafkaAddress } from '../servers';
import { decided } from '../services/reward-feedback/records';

describeWithServers('topics migrate', () => {
  const place = createWorkplace();
  const [before, after] = ['a', 'b'].map((letter) => `move-${letter}-${randomUUID().slice(0, 8)}.`) as [string, string];
  const on = ['--kafka', ''];
  let broker: KafkaBroker;

  beforeAll(async () => {
    on[1] = kafkaAddress();
    broker = await openKafkaBroker(
      { ...defaultKafkaSettings, brokers: [kafkaAddress()] },
      { clock: systemClock(), log: createLog({ level: 'silent' }), metrics: createMetrics() },
    );
  });
  afterAll(async () => {
    await broker.close();
    place.remove();
  });

  // biome-ignore lint/suspicious/noExplicitAny: rows of any table
  const tableOf = (topic: Topic<any>, prefix: string, partition: number) =>
    createTaskTable({ topic, maxRows: 1_000 }, { topic: prefix + topic.name, partition, ownerEpoch: 1 });

  const failOn = (what: unknown, error: unknown): never => {
    throw new Error(`not expected: ${JSON.stringify(what)}`, { cause: error });
  };

  /** Writes rows as their service does, each where its home is. */
  async function writeRows<T>(topic: Topic<T>, rows: readonly (readonly [home: string, key: string, row: T])[]) {
    const producer = broker.producer('rows');
    for (const partition of [0, 1]) {
      const table = tableOf(topic, before, partition);
      table.restored();
      for (const [home, key, row] of rows) if (partitionOf(home, 2) === partition) table.set(key, row);
      const records: OutgoingRecord[] = [];
      table.flushInto(records, new Map([['route.requested', 123]]), failOn);
      await producer.send(records);
    }
  }

  async function rowsOf<T>(topic: Topic<T>, keys: readonly string[], partition: number): Promise<string[]> {
    const table = tableOf(topic, after, partition);
    table.restore(await readAll(broker, after + topic.name, partition), failOn);
    expect([...table.restored()!.values()].every((position) => position === 0)).toBe(true);
    return keys.filter((key) => table.get(key) !== undefined);
  }

  test('rows go where their keys are, tables and learning events are copied, offsets of events stay', async () => {
    const made = await place.run(['topics', 'create', ...on, '--topic-prefix', before, '--partitions', '2']);
    expect([made.exitCode, made.stderr]).toEqual([0, '']);
    const sessionIds = Array.from({ length: 20 }, (_, n) => `session-${n}`);
    const session = (sessionId: string): Session => ({
      sessionId,
      requests: 3,
      expectedSpentUsd: 0.5,
      lastSeenMs: 1,
      lastQuality: null,
      awaited: {},
      reported: [],
      lastRequestId: null,
      lastPromptTokens: 0,
      warmModel: null,
      warmTokens: 0,
      warmAtMs: 0,
    });
    await writeRows(
      topics.sessions,
      sessionIds.map((id) => [id, id, session(id)]),
    );
    // An awaited outcome of a conversation is where the conversation is, and need not say so itself.
    const decisionIds = Array.from({ length: 20 }, (_, n) => `decision-${n}`);
    const homeOf = (decisionId: string): string => `conversation-${Number(decisionId.split('-')[1]) % 5}`;
    const awaited = (decisionId: string): AwaitedOutcome => ({
      decisionId,
      opened: null,
      decided: null,
      outcomes: [],
      firstSeenMs: Date.now(),
      rewarded: false,
      event: Buffer.from('folded'),
      accounts: [],
      exposures: [],
      providers: [],
      expectedLatenciesMs: [],
      predictedQualities: [],
    });
    await writeRows(
      topics.awaitedOutcomes,
      decisionIds.map((id) => [homeOf(id), id, awaited(id)]),
    );
    const producer = broker.producer('before');
    await producer.send(
      decisionIds.map((id) => ({
        topic: before + topics.routeDecided.name,
        partition: partitionOf(homeOf(id), 2),
        key: homeOf(id),
        value: topics.routeDecided.codec.encode(decided(id, { routingKey: homeOf(id) })),
      })),
    );
    const events = { topic: before + topics.learningEvents.name, partition: 0 };
    await producer.send(Array.from({ length: 30 }, (_, n) => ({ ...events, key: `${n}`, value: Buffer.from(`${n}`) })));
    // As retention would.
    await broker.trim(events, 10);
    await producer.send([{ topic: before + topics.config.name, key: 'current', value: Buffer.from('configuration') }]);

    const target = ['--to-prefix', after, '--to-partitions', '5'];
    const args = ['topics', 'migrate', ...on, '--topic-prefix', before, '--partitions', '2', ...target];
    // Rows were written by hand, and nobody has handled the decisions: an engine in that state is not drained.
    const undrained = await place.run(args);
    expect([undrained.exitCode, undrained.stderr]).toEqual([
      1,
      expect.stringMatching(/has still to handle \d+ records/),
    ]);
    expect(await broker.listTopics()).not.toContainEqual(expect.objectContaining({ name: after + topics.config.name }));
    const moved = await place.run([...args, '--force']);
    expect([moved.exitCode, moved.stderr]).toEqual([0, '']);
    expect(moved.stdout).toMatch(/learning\.events\s+20\n/);
    expect(moved.stdout).toMatch(/route-intake\.sessions\s+20\n/);

    for (let partition = 0; partition < 5; partition++) {
      expect(await rowsOf(topics.sessions, sessionIds, partition)).toEqual(
        sessionIds.filter((id) => partitionOf(id, 5) === partition),
      );
      expect(await rowsOf(topics.awaitedOutcomes, decisionIds, partition)).toEqual(
        decisionIds.filter((id) => partitionOf(homeOf(id), 5) === partition),
      );
    }
    const copied = { topic: after + topics.learningEvents.name, partition: 0 };
    expect(await broker.offsets(copied)).toEqual({ earliest: 10, end: 30 });
    const values = (await readAll(broker, copied.topic)).map(({ offset, value }) => [offset, value!.toString()]);
    expect(values).toEqual(Array.from({ length: 20 }, (_, n) => [n + 10, `${n + 10}`]));
    expect((await readAll(broker, after + topics.config.name)).map(({ value }) => value!.toString())).toEqual([
      'configuration',
    ]);
    const counts = new Map((await broker.listTopics()).map(({ name, partitions }) => [name, partitions]));
    expect(counts.get(after + topics.routeRequested.name)).toBe(5);
    expect(counts.get(before + topics.routeRequested.name)).toBe(2);

    // Twice would be twice the events.
    const again = await place.run([...args, '--force']);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('holds records already');
  });
});
