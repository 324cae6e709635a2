import fc from 'fast-check';
import { type OutgoingRecord, PlannedRestart } from '../../../../lib/ports/broker';
import { defineService, on } from '../../../../lib/stream/define-service';
import { alone } from '../../../../lib/stream/placement';
import { ensureServiceTopics } from '../../../../lib/stream/run-engine';
import { planGroup } from '../../../../lib/stream/service-plan';
import { StageMemory } from '../../../../lib/stream/task/stage-memory';
import { createTaskTable } from '../../../../lib/stream/task/task-table';
import { createWorld, type Order, orders, receipts, type Tally, tallies } from '../toy';

const keys = ['a', 'b', 'c'];
const maxIds = 6;
const stage = defineService({
  group: 'stage',
  inputs: [on<Order, Tally>(orders, () => ({ kind: 'drop', reason: 'test' }), { stateKey: ({ key }) => key })],
  outputs: [receipts],
  table: { topic: tallies, maxRows: 100 },
  ownOutput: { topics: [receipts], idOf: ({ id }: Pick<Order, 'id'>) => id, idFields: ['id'], maxIds },
});
const free = (): void => {};

async function bench() {
  const world = createWorld();
  await ensureServiceTopics([stage], world.host);
  const [plan] = planGroup(alone(stage), world.host, { graph: [stage], isExternal: () => true }).stages;
  const producer = world.broker.producer('owner');
  const write = async (records: readonly OutgoingRecord[]): Promise<void> => {
    if (records.length > 0) await producer.send(records);
    await world.clock.settle();
  };
  return { world, write, memory: () => new StageMemory(plan!, world.host, 0) };
}

/** What a task would go by. */
function contents({ table, ownIds }: StageMemory) {
  const positions = table!.restored(1_000);
  const flushed: OutgoingRecord[] = [];
  // What is written over is part of it: it was not to count.
  table!.flushInto(flushed, new Map(), () => {});
  return {
    positions,
    rows: keys.map((key) => table!.get(key)),
    ids: Array.from({ length: 40 }, (_, i) => ownIds!.has(`r${i}`)),
    overwritten: flushed.map(({ key }) => key).sort(),
  };
}

test('law: read in pieces, a memory is what it is read at once, whoever wrote and whatever was torn', async () => {
  const key = fc.constantFrom(...keys);
  const count = fc.option(fc.integer({ min: 1, max: 9 }));
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('row' as const), owner: fc.nat(1), key, count }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const), owner: fc.nat(1), torn: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('output' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { write, memory } = await bench();
      const owners = [1, 2].map((ownerEpoch) =>
        createTaskTable({ topic: tallies, maxRows: 100 }, { topic: tallies.name, partition: 0, ownerEpoch }),
      );
      const inPieces = memory();
      let written = 0;
      for (const taken of steps) {
        if (taken.kind === 'look') await inPieces.readOn(free);
        else if (taken.kind === 'output') {
          const order = { id: `r${written++}`, key: 'a', amount: 1 };
          await write([{ topic: receipts.name, partition: 0, key: 'a', value: receipts.codec.encode(order) }]);
        } else if (taken.kind === 'row') {
          const row = taken.count === null ? null : { key: taken.key, count: taken.count, sum: 0, dueAtMs: null };
          owners[taken.owner]!.set(taken.key, row);
        } else {
          const records: OutgoingRecord[] = [];
          owners[taken.owner]!.flushInto(records, new Map([[orders.name, ++written]]), free);
          await write(taken.torn ? records.slice(0, -1) : records);
        }
      }
      const atOnce = memory();
      await atOnce.readOn(free);
      await inPieces.readOn(free);
      expect(contents(inPieces)).toEqual(contents(atOnce));
    }),
    { numRuns: 60 },
  );
});

test('only what is new is read; where that fails or is not wanted, it is read again', async () => {
  const { world, write, memory } = await bench();
  const output = (id: string): OutgoingRecord => {
    const value = receipts.codec.encode({ id, key: 'a', amount: 1 });
    return { topic: receipts.name, partition: 0, key: 'a', value };
  };
  const kept = memory();
  await write([output('r0')]);
  await kept.readOn(free);
  await write([output('r1')]);
  const read = jest.spyOn(world.broker, 'read');
  await expect(
    kept.readOn(() => {
      throw new Error('not ours');
    }),
  ).rejects.toThrow('not ours');
  expect(kept.ownIds!.has('r1')).toBe(false);
  await kept.readOn(free);
  expect(kept.ownIds!.has('r1')).toBe(true);
  const froms = read.mock.calls.flatMap(([{ topic }, { from }]) => (topic === receipts.name ? [from] : []));
  expect(froms).toEqual([1, 1]);
});

test('a log that has become shorter, or was not looked at for long, is not read on from', async () => {
  const { world, write, memory } = await bench();
  await write([{ topic: receipts.name, partition: 0, key: 'a', value: Buffer.from('a') }]);
  const [shortened, old] = [memory(), memory()];
  await shortened.readOn(free);
  await old.readOn(free);
  const offsets = jest.spyOn(world.broker, 'offsets').mockResolvedValue({ earliest: 0, end: 0 });
  await expect(shortened.readOn(free)).rejects.toThrow(PlannedRestart);
  offsets.mockRestore();
  await world.clock.advanceBy(2 * 3_600_000);
  await expect(old.readOn(free)).rejects.toThrow(PlannedRestart);
});
