/**
 * The process that the crash tests kill: writes to an embedded store as fast as it can and says on stdout what was
 * acknowledged, in whole lines written at once. Arguments: directory, durability, number of the run.
 */
import { writeSync } from 'node:fs';
import { openEmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import type { Durability } from '../../../../lib/adapters/embedded/embedded-store';
import { systemClock } from '../../../../lib/adapters/system';
import type { PartitionConsumer } from '../../../../lib/ports/broker';
import { sleep } from '../../../../lib/ports/clock';

const settings = { partitions: 2, retentionMs: null, maxRecordBytes: 100_000 };

async function main(): Promise<void> {
  const [directory, durability, run] = process.argv.slice(2) as [string, Durability, string];
  const broker = openEmbeddedBroker({ directory, clock: systemClock(), durability, maintenanceIntervalMs: 5 });
  await broker.ensureTopics([
    { ...settings, name: 'in', cleanup: 'delete' },
    { ...settings, name: 'out', cleanup: 'delete' },
    { ...settings, name: 'table', cleanup: 'compact' },
  ]);
  await broker.join({
    group: 'copy',
    topics: ['in'],
    startAt: 'earliest',
    onAssigned: (_epoch, consumers) => {
      for (const consumer of consumers) void copy(consumer);
    },
    onFailed: fail,
  });
  for (const partition of [0, 1]) void produce(partition);

  async function produce(partition: number): Promise<void> {
    const producer = broker.producer(`writer-${partition}`);
    for (let n = 0; ; n++) {
      const value = `${run}.${partition}.${n}`;
      const places = await producer.send([
        { topic: 'in', partition, key: value, value: Buffer.from(value.padEnd(10 + ((n * 37) % 5_000), '.')) },
        { topic: 'table', partition, key: `row-${n % 10}`, value: Buffer.from(value) },
      ]);
      await say(`${partition} ${places[0]!.offset} ${value}\n`);
    }
  }
}

/** A line fits into a pipe whole or not at all; while the reader is busy it does not. */
async function say(line: string): Promise<void> {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(systemClock(), 1);
    }
  }
}

/** One record out for each one in, positions in the same transaction. */
async function copy(consumer: PartitionConsumer): Promise<void> {
  for (;;) {
    const records = await consumer.poll({ maxRecords: 7, maxWaitMs: 1_000 });
    const last = records.at(-1);
    if (!last) continue;
    await consumer.write({
      records: records.map(({ partition, key, offset }) => ({
        topic: 'out',
        partition,
        key,
        value: Buffer.from(`${offset}`),
      })),
      positions: new Map([['in', last.offset + 1]]),
    });
  }
}

function fail(error: unknown): void {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
}

main().catch(fail);
