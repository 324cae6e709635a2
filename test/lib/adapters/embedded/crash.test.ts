/** An embedded store whose process is killed in the middle of writing opens again and holds all it acknowledged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import type { Durability } from '../../../../lib/adapters/embedded/embedded-store';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { Broker, LogRecord } from '../../../../lib/ports/broker';
import { seededRandom } from '../../../../lib/random/seeded';
import { start } from '../../../started';

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Runs the writer until it has acknowledged `count` records, kills it with SIGKILL, returns what it acknowledged. */
function writeAndKill(directory: string, durability: Durability, run: number, count: number): Promise<Acknowledged[]> {
  return new Promise((resolve, reject) => {
    const script = join(__dirname, 'store-writer.ts');
    const { child, kill } = start(process.execPath, ['--import', 'tsx', script, directory, durability, String(run)]);
    let output = '';
    let errors = '';
    child.stdout!.on('data', (chunk) => {
      output += chunk;
      if (output.split('\n').length > count) void kill();
    });
    child.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the writer ended by itself (${code}): ${errors}`));
      // The last line may be cut off.
      const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
      const parsed = lines.map((line) => line.split(' ') as [string, string, string]);
      resolve(
        parsed.map(([partition, offset, value]) => ({ partition: Number(partition), offset: Number(offset), value })),
      );
    });
  });
}

async function readAll(broker: Broker, topic: string, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const chunk of broker.read({ topic, partition }, { from: 0 })) records.push(...chunk);
  return records;
}

async function committedOf(broker: Broker): Promise<Map<number, number | null>> {
  const positions = new Map<number, number | null>();
  const ignore = { startAt: 'earliest' as const, onFailed: () => {} };
  await new Promise<void>((resolve) => {
    const onAssigned = async (
      _epoch: number,
      consumers: readonly import('../../../../lib/ports/broker').PartitionConsumer[],
    ) => {
      for (const consumer of consumers) positions.set(consumer.partition, (await consumer.committed()).get('in')!);
      resolve();
    };
    void broker.join({ group: 'copy', topics: ['in'], ...ignore, onAssigned: (...args) => void onAssigned(...args) });
  });
  return positions;
}

describe.each(['process', 'disk'] as const)('durability %s', (durability) => {
  test('every acknowledged record survives, in order, without holes, with its positions', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'quantum-router-crash-'));
    const random = seededRandom('crash', durability);
    const acknowledged: Acknowledged[] = [];
    for (let run = 0; run < 3; run++) {
      acknowledged.push(...(await writeAndKill(directory, durability, run, 50 + random.integer(500))));
      const broker = openEmbeddedBroker({
        directory,
        clock: createVirtualClock(),
        durability,
        maintenanceIntervalMs: null,
      });
      const positions = await committedOf(broker);
      for (const partition of [0, 1]) {
        const input = await readAll(broker, 'in', partition);
        expect(input.map(({ offset }) => offset)).toEqual(input.map((_, i) => i));
        for (const { offset, value } of acknowledged.filter((record) => record.partition === partition)) {
          expect(input[offset]!.key).toBe(value);
          expect(input[offset]!.value!.toString().startsWith(value)).toBe(true);
        }
        // One transaction: as many copies as the position says, each of the record of its number.
        const output = await readAll(broker, 'out', partition);
        expect(output).toHaveLength(positions.get(partition)!);
        expect(output.map(({ offset, value }) => value!.toString() === `${offset}`)).not.toContain(false);
        expect(output.map(({ key }) => key)).toEqual(input.slice(0, output.length).map(({ key }) => key));
        // The table was compacted meanwhile; its rows are those of the last records that came in with them.
        const rows = new Map(
          (await readAll(broker, 'table', partition)).map(({ key, value }) => [key, value!.toString()]),
        );
        expect(rows.get(`row-${Number(input.at(-1)!.key!.split('.')[2]) % 10}`)).toBe(input.at(-1)!.key);
      }
      await broker.close();
    }
    rmSync(directory, { recursive: true });
  });
});
