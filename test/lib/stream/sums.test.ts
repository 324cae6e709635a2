/** Events that are added up before they are added to rows: the rows are those that deciding each by itself makes. */
import fc from 'fast-check';
import { codecOf } from '../../../lib/avro/codec';
import { TransientError } from '../../../lib/ports/broker';
import { type Context, defineService, on, type Result, type Sums } from '../../../lib/stream/define-service';
import type { DeadLetter } from '../../../lib/topics/generated/messages';
import { createWorld, jsonTopic, type Order, orders, type Tally, type World } from './toy';

const narrow = jsonTopic<Tally>('toy.narrow', (tally) => tally.key, { kind: 'table', maxRecordBytes: 400 });
/** The row of all keys together. */
const everybody = 'everybody';

function added(row: Tally | undefined, key: string, amounts: readonly number[]): Tally {
  const { count, sum } = row ?? { count: 0, sum: 0 };
  return {
    key,
    count: count + amounts.length,
    sum: amounts.reduce((total, amount) => total + amount, sum),
    dueAtMs: null,
  };
}

/** Amounts below 0 are dropped, of 13 it throws, and the key `closed` takes none. */
function decide(row: Tally | undefined, { amount }: Order, { rowKey = '' }: Context): Result<Tally> {
  if (amount === 13) throw new Error('thirteen');
  if (amount < 0) return { kind: 'drop', reason: 'below-zero' };
  if (rowKey === 'closed') return { kind: 'deadLetter', reason: 'closed', field: 'key' };
  return { kind: 'done', state: added(row, rowKey, [amount]) };
}

const sums: Sums<Order, Tally, number> = {
  addedBy({ amount }) {
    if (amount === 13) throw new Error('thirteen');
    return amount < 0 ? null : amount;
  },
  addTo: (row, amounts, { rowKey = '' }) => (rowKey === 'closed' ? null : added(row, rowKey, amounts)),
};

function service(given: Sums<Order, Tally, number> | null) {
  return defineService({
    group: 'toy',
    inputs: [
      on<Order, Tally>(orders, decide, {
        stateKey: ({ key }) => [key, everybody],
        ...(given && { sums: given }),
      }),
    ],
    outputs: [],
    table: { topic: narrow, maxRows: 1_000 },
  });
}

/** The table's rows, the dead letters and what was dropped, after all of the orders. */
async function outcomeOf(given: Sums<Order, Tally, number> | null, batches: readonly (readonly Order[])[]) {
  const world = createWorld();
  await world.start(service(given));
  for (const batch of batches) {
    await world.put(orders, batch);
    await world.clock.advanceBy(100);
  }
  return {
    rows: rowsOf(world),
    letters: world
      .raw(`${orders.name}.dlq`)
      .map(({ value }) => codecOf<DeadLetter>('DeadLetter').decode(value!))
      .map(({ reason, offset }) => ({ reason, offset })),
    dropped: await world.host.metrics.value('quantum_router_drops_total', { service: 'toy', reason: 'below-zero' }),
    restarts: world.fatal,
  };
}

function rowsOf(world: World): Map<string | null, unknown> {
  const records = world.raw(narrow.name).filter(({ key }) => !key!.startsWith('\u0000'));
  return new Map(records.map(({ key, value }) => [key, value && JSON.parse(value.toString())]));
}

test('law: whatever comes, rows, dead letters and drops are those of deciding one by one', async () => {
  const order = fc.record({
    id: fc.constant('id'),
    // The row of a key that long does not fit into a record.
    key: fc.constantFrom('a', 'b', 'c', 'closed', 'x'.repeat(390)),
    amount: fc.constantFrom(0.1, 0.2, 0.7, 1e10, 5, -1, 13),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(order, { maxLength: 12 }), { maxLength: 4 }), async (batches) => {
      expect(await outcomeOf(sums, batches)).toEqual(await outcomeOf(null, batches));
    }),
    { numRuns: 60 },
  );
});

test('a row is made once for all that comes together', async () => {
  let made = 0;
  const counting: Sums<Order, Tally, number> = {
    ...sums,
    addTo(row, amounts, context) {
      made++;
      return sums.addTo(row, amounts, context);
    },
  };
  const batch = Array.from({ length: 50 }, (_, i) => ({ id: `${i}`, key: i % 2 === 0 ? 'a' : 'b', amount: 1 }));
  const { rows } = await outcomeOf(counting, [batch]);
  expect(made).toBe(3);
  expect([...rows.values()]).toEqual([
    { key: 'a', count: 25, sum: 25, dueAtMs: null },
    { key: everybody, count: 50, sum: 50, dueAtMs: null },
    { key: 'b', count: 25, sum: 25, dueAtMs: null },
  ]);
});

test('where the world is at fault nothing is put aside', async () => {
  let refusals = 3;
  const transient: Sums<Order, Tally, number> = {
    ...sums,
    addTo(row, amounts, context) {
      if (refusals-- > 0) throw new TransientError('not now');
      return sums.addTo(row, amounts, context);
    },
  };
  const world = createWorld();
  await world.start(service(transient));
  await world.put(
    orders,
    [1, 2, 3].map((amount) => ({ id: 'id', key: 'a', amount })),
  );
  await world.clock.advanceBy(60_000);
  expect(world.raw(`${orders.name}.dlq`)).toEqual([]);
  expect(rowsOf(world).get('a')).toEqual({ key: 'a', count: 3, sum: 6, dueAtMs: null });
});

test('sums need rows, and neither a look-up nor known keys', async () => {
  for (const extra of [{ lookup: async () => [] }, { knownKeysOnly: true }, { stateKey: undefined }]) {
    const world = createWorld();
    const broken = {
      ...service(sums),
      inputs: [{ ...service(sums).inputs[0]!, ...extra } as never],
    };
    await expect(world.start(broken)).rejects.toThrow(/sums of toy.orders need rows/);
  }
});
