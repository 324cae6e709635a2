/**
 * What delivery exactly once costs on Kafka: a task that reads a request and writes what a chain writes for it, once with
 * positions committed at intervals and once with a transaction for every batch, in alternation on the same broker.
 *
 *     node dist/bench/transactions.js [--rate 300] [--seconds 8] [--pairs 3] [--linger 0,5] [--kafka host:port]
 *
 * Latency counts from the intended send time to the sight of the last output by a reader of committed records.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from '../infra/local-servers';
import { quantilesOf } from '../lab/report/report';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { type KafkaBroker, openKafkaBroker } from '../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../lib/adapters/system';
import { type Delivery, type OutgoingRecord, type PartitionConsumer, StaleEpochError } from '../lib/ports/broker';
import { sleep } from '../lib/ports/clock';
import { defaultRuntimeLimits } from '../lib/stream/host';
import { chainGapMs } from '../lib/stream/service-plan';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';

const clock = systemClock();
const partitions = 4;
/** Bytes of a request, of the three records that a chain writes for it, and of a row of its table. */
const requestBytes = 1_100;
const outputBytes = { opened: 3_500, scored: 1_500, decided: 2_500 };
const rowBytes = 200;
/** Exactly once may take so many times as long as at least once. */
const p95Bar = 1.5;
const warmUpSeconds = 2;

interface Measured {
  readonly p50: number;
  readonly p95: number;
  /** Of this process, which is load, task and reader, for each 1,000 requests. */
  readonly cpuSeconds: number;
  readonly writes: number;
}

interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly lingerMs: number;
}

async function measure(broker: KafkaBroker, delivery: Delivery, load: Load): Promise<Measured> {
  const run = randomUUID();
  const names = ['requested', 'opened', 'scored', 'decided', 'rows'] as const;
  const topic = (name: (typeof names)[number]) => `${run}.${name}`;
  await broker.ensureTopics(
    names.map((name) => ({
      name: topic(name),
      partitions,
      cleanup: name === 'rows' ? 'compact' : 'delete',
      retentionMs: null,
      maxRecordBytes: 100_000,
    })),
  );
  let writes = 0;
  const fail = (error: Error): void => {
    if (error instanceof StaleEpochError) return;
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  };
  const work = async (consumer: PartitionConsumer): Promise<void> => {
    const { partition } = consumer;
    const outputs = (key: string | null, value: Buffer | null): OutgoingRecord[] =>
      (['opened', 'scored', 'decided'] as const).map((name) => {
        const bytes = Buffer.alloc(outputBytes[name], name);
        value!.copy(bytes, 0, 0, 8);
        return { topic: topic(name), partition, key, value: bytes };
      });
    let commitAtMs = 0;
    for (;;) {
      const first = await consumer.poll({ maxRecords: 500, maxWaitMs: 1_000 });
      if (first.length === 0) continue;
      if (load.lingerMs > 0) await sleep(clock, load.lingerMs);
      const more = load.lingerMs > 0 ? await consumer.poll({ maxRecords: 500, maxWaitMs: 0 }) : [];
      const batch = [...first, ...more];
      const records = batch.flatMap(({ key, value }) => outputs(key, value));
      // As the runtime does: positions at intervals, rows with them; exactly once, rows, which say what they reflect, with every write.
      const commits = clock.monotonicMs() >= commitAtMs;
      if (commits) commitAtMs = clock.monotonicMs() + defaultRuntimeLimits.commitIntervalMs;
      if (commits || delivery === 'exactly-once')
        records.push({ topic: topic('rows'), partition, key: 'row', value: Buffer.alloc(rowBytes) });
      const positions = new Map([[topic('requested'), batch.at(-1)!.offset + 1]]);
      await consumer.write({ records, ...(commits && { positions }) });
      writes++;
    }
  };
  const begun = new WeakSet<PartitionConsumer>();
  const membership = await broker.join({
    group: `${run}.group`,
    topics: [topic('requested')],
    startAt: 'earliest',
    delivery,
    maxGapMs: chainGapMs,
    onFailed: fail,
    onAssigned: (_epoch, consumers) => {
      for (const consumer of consumers) if (!begun.has(consumer)) work(consumer).catch(fail);
      for (const consumer of consumers) begun.add(consumer);
    },
  });
  const seenMs: number[] = [];
  const follower = await broker.follow({
    topic: topic('decided'),
    startAt: 'earliest',
    onRecords: (records) => {
      for (const { value } of records) seenMs[value!.readUInt32BE(0)] = clock.monotonicMs();
    },
    onFailed: fail,
  });

  const producer = broker.producer('load');
  const total = Math.round(load.rate * (load.seconds + warmUpSeconds));
  const warm = Math.round(load.rate * warmUpSeconds);
  const startedMs = clock.monotonicMs() + 500;
  const intendedMs = (n: number) => startedMs + (n * 1_000) / load.rate;
  let cpu = process.cpuUsage();
  for (let n = 0; n < total; ) {
    const due: OutgoingRecord[] = [];
    for (; n < total && intendedMs(n) <= clock.monotonicMs(); n++) {
      const value = Buffer.alloc(requestBytes);
      value.writeUInt32BE(n, 0);
      due.push({ topic: topic('requested'), partition: n % partitions, key: `${n}`, value });
      if (n === warm) cpu = process.cpuUsage();
    }
    if (due.length > 0) producer.send(due).catch(fail);
    await sleep(clock, 1);
  }
  while (Object.keys(seenMs).length < total) await sleep(clock, 5);
  const { user, system } = process.cpuUsage(cpu);
  await membership.leave();
  await follower.stop();
  await broker.deleteTopics(names.map(topic));
  const latencies = Array.from({ length: total - warm }, (_, i) => seenMs[warm + i]! - intendedMs(warm + i));
  const { p50, p95 } = quantilesOf(latencies);
  return { p50, p95, cpuSeconds: (user + system) / 1e6 / ((total - warm) / 1_000), writes };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '300' },
      seconds: { type: 'string', default: '8' },
      pairs: { type: 'string', default: '3' },
      linger: { type: 'string', default: '0' },
      kafka: { type: 'string' },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-transactions-'));
  const kafka = values.kafka ? null : await startKafka({ directory, livesLong: true });
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [values.kafka ?? kafka!.address], clientId: 'bench' },
    { clock, log: createLog({ level: 'warn' }), metrics: createMetrics() },
  );
  const [rate, seconds] = [Number(values.rate), Number(values.seconds)];
  try {
    for (const lingerMs of values.linger.split(',').map(Number)) {
      const ratios: number[] = [];
      for (let pair = 0; pair < Number(values.pairs); pair++) {
        const atLeast = await measure(broker, 'at-least-once', { rate, seconds, lingerMs: 0 });
        const exactly = await measure(broker, 'exactly-once', { rate, seconds, lingerMs });
        ratios.push(exactly.p95 / atLeast.p95);
        for (const [name, { p50, p95, cpuSeconds, writes }] of Object.entries({ atLeast, exactly })) {
          const details = { rate, lingerMs: name === 'exactly' ? lingerMs : 0, p50: Math.round(p50 * 10) / 10, writes };
          report(`transactions.${name}.p95`, p95, 'ms', {
            ...details,
            cpuSecondsPer1000: Math.round(cpuSeconds * 100) / 100,
          });
        }
      }
      const [median] = ratios.sort((a, b) => a - b).slice(ratios.length >> 1);
      const spread = { rate, lingerMs, least: ratios[0], most: ratios.at(-1) };
      reportBar('transactions.p95.ratio', median!, 'times', '<=', p95Bar, spread);
    }
  } finally {
    await broker.close();
    await kafka?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

runCheck(main);
