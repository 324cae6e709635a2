/** A chain that starts on a log with requests: what it decides for nobody, and that nobody notices. */
import { type LogRecord, TransientError } from '../../../lib/ports/broker';
import { defineService, emit, on, type ServiceDefinition } from '../../../lib/stream/define-service';
import type { Host } from '../../../lib/stream/host';
import { type Placement, place } from '../../../lib/stream/placement';
import { runServices } from '../../../lib/stream/run-engine';
import { holdGroup } from '../../../lib/stream/run-service';
import { recordSpans, remoteSpan } from '../telemetry/recorded-spans';
import { createWorld, jsonTopic, type Order, orders, ordersOf, receipts, type Tally, tallies, type World } from './toy';

const parcels = jsonTopic<Order>('toy.parcels', (order) => order.key);
const chained: Placement = [{ name: 'shop', group: 'shop', stages: ['seller', 'packer'] }];

interface Shop {
  /** Ids that the seller has been given, and the packer, and how the clock stood. */
  readonly sold: string[];
  readonly packed: string[];
  readonly timesMs: number[];
  readonly declare: (host: Host) => ServiceDefinition[];
}

const asOwn = (topic: typeof receipts) => ({ topics: [topic], idOf: ({ id }: Order) => id, maxIds: 1_000 });

/** Each order becomes a receipt and that a parcel, with something to be remembered and counted. `look` is waited for before an order is decided. */
function shop(look: (host: Host, order: Order) => Promise<void> = async () => {}): Shop {
  const made = { sold: [] as string[], packed: [] as string[], timesMs: [] as number[] };
  const declare = (host: Host): ServiceDefinition[] => [
    defineService({
      group: 'seller',
      inputs: [
        on<Order, Tally, undefined>(
          orders,
          (_state, order, context) => {
            made.sold.push(order.id);
            made.timesMs.push(context.nowMs);
            if (context.alreadyEmitted(order.id)) return { kind: 'drop', reason: 'duplicate' };
            if (order.amount === 13) throw new Error('unlucky');
            return {
              kind: 'done',
              state: { key: order.key, count: 1, sum: order.amount, dueAtMs: null },
              emit: [emit(receipts, order)],
              remember: [{ key: order.id, value: Buffer.from('x'), ttlMs: null }],
              counts: [{ name: 'quantum_router_drops_total', labels: { service: 'seller', reason: 'counted' } }],
            };
          },
          {
            stateKey: ({ key }) => key,
            async lookup(asked) {
              for (const order of asked) await look(host, order);
              return asked.map(() => undefined);
            },
          },
        ),
      ],
      outputs: [receipts],
      table: { topic: tallies, maxRows: 100 },
      ownOutput: asOwn(receipts),
    }),
    defineService({
      group: 'packer',
      inputs: [
        on<Order, undefined>(receipts, (_state, receipt) => {
          made.packed.push(receipt.id);
          return { kind: 'done', emit: [emit(parcels, receipt)] };
        }),
      ],
      outputs: [parcels],
      ownOutput: asOwn(parcels),
    }),
  ];
  return { ...made, declare };
}

const runShop = (world: World, { declare }: Shop, anew: Shop | null) =>
  runServices(declare(world.host), world.host, {
    known: [orders, receipts, parcels, tallies],
    external: [orders.name],
    placement: chained,
    ...(anew && { declareAnew: anew.declare }),
  });

/** A world with the orders 1 to `count` on a log that another member has decided. */
async function traded(count: number): Promise<World> {
  const world = createWorld({ partitions: 2 });
  const before = await runShop(world, shop(), null);
  await world.put(orders, ordersOf('a', 1, count));
  await world.clock.advanceBy(1_000);
  await before.stop();
  return world;
}

/** Everything that is in the log. */
const logOf = (world: World): LogRecord[] =>
  [orders, receipts, parcels, tallies].flatMap(({ name }) => [...world.raw(name), ...world.raw(`${name}.dlq`)]);

test('it decides the newest requests, at their time, and nothing of it gets out', async () => {
  const world = await traded(16);
  await world.clock.advanceBy(60_000);
  const before = logOf(world);
  const metrics = await world.host.metrics.text();
  const join = jest.spyOn(world.host.broker, 'join');
  const sends = jest.spyOn(world.host.broker, 'producer');
  const put = jest.spyOn(world.host.keyValue, 'putMany');
  const real = shop();
  const anew = shop();
  let soldBeforeJoin = 0;
  join.mockImplementationOnce((given) => {
    soldBeforeJoin = anew.sold.length;
    join.mockRestore();
    return world.host.broker.join(given);
  });
  const running = await runShop(world, real, anew);
  await world.clock.settle();
  const ids = ordersOf('a', 1, 16).map(({ id }) => id);
  expect(anew.sold).toEqual(ids);
  // One of them could not be decided, as it could not the first time.
  expect(anew.packed).toEqual(ids.filter((id) => id !== 'a13'));
  expect(soldBeforeJoin).toBe(16);
  for (const timeMs of anew.timesMs) expect(world.clock.nowMs() - timeMs).toBeGreaterThanOrEqual(60_000);
  expect(real.sold).toEqual([]);
  expect(logOf(world)).toEqual(before);
  expect(sends).not.toHaveBeenCalled();
  expect(put).not.toHaveBeenCalled();
  const counted = (text: string) => text.split('\n').filter((line) => line.includes('_total') && !line.startsWith('#'));
  expect(counted(await world.host.metrics.text())).toEqual(counted(metrics));
  // What comes then is decided by the stages that are meant to.
  await world.put(orders, ordersOf('a', 17, 18));
  expect(real.packed).toEqual(['a17', 'a18']);
  expect(anew.sold).toHaveLength(16);
  await running.stop();
});

test('it looks at so many at most, the newest', async () => {
  const world = await traded(300);
  const anew = shop();
  const running = await runShop(world, shop(), anew);
  expect(anew.sold).toEqual(ordersOf('a', 285, 300).map(({ id }) => id));
  await running.stop();
});

test.each([
  ['never ends', () => new Promise<void>(() => {})],
  ['finds no log to write to', async (host: Host) => void (await host.broker.listTopics())],
  [
    'is told to try again, for ever',
    async () => {
      throw new TransientError('gone');
    },
  ],
])(
  'where it %s, the member joins after half a second at the latest, and goes on as if there had been none',
  async (_how, look) => {
    const world = await traded(5);
    const join = jest.spyOn(world.host.broker, 'join');
    const real = shop();
    const anew = shop(look);
    const starting = runShop(world, real, anew);
    await world.clock.advanceBy(500);
    expect(join).toHaveBeenCalledTimes(1);
    const running = await starting;
    await world.put(orders, ordersOf('a', 6, 6));
    await world.clock.advanceBy(60_000);
    expect(real.packed).toEqual(['a6']);
    expect(anew.sold).toEqual([]);
    expect(running.ready()).toBe(true);
    await running.stop();
  },
);

test('a log that cannot be read, and stages that cannot be declared, are no failure', async () => {
  const world = await traded(5);
  const offsets = jest.spyOn(world.host.broker, 'offsets').mockRejectedValueOnce(new Error('no leader'));
  const running = await runShop(world, shop(), shop());
  expect(offsets.mock.calls[0]).toEqual([{ topic: orders.name, partition: 0 }]);
  await running.stop();
  const refuses = () => {
    throw new Error('no such stage');
  };
  const again = await runShop(world, shop(), { ...shop(), declare: refuses });
  expect(again.ready()).toBe(true);
  await again.stop();
});

test('whoever stops meanwhile is not kept beyond the turn that is under way', async () => {
  const world = await traded(15);
  const join = jest.spyOn(world.host.broker, 'join');
  const anew = shop(() => new Promise<void>((resolve) => void world.clock.setTimer(20, resolve)));
  const stages = shop().declare(world.host);
  const [group] = place(stages, chained);
  const held = holdGroup(group!, world.host, { graph: stages, isExternal: () => false }, anew.declare);
  held.begin();
  for (let i = 0; i < 5; i++) await world.clock.advanceBy(10);
  let hasStopped = false;
  const stopped = held.stop().then(() => {
    hasStopped = true;
  });
  for (let i = 0; i < 10; i++) await world.clock.advanceBy(10);
  expect(hasStopped).toBe(true);
  await stopped;
  expect(anew.sold.length).toBeGreaterThan(0);
  expect(anew.sold.length).toBeLessThan(6);
  expect(join).not.toHaveBeenCalled();
});

test('what it reads of the log is let go, also where it does not come to the end', async () => {
  const world = await traded(15);
  const { broker } = world.host;
  const read = broker.read.bind(broker);
  let open = 0;
  jest.spyOn(broker, 'read').mockImplementation(async function* (of, range) {
    open++;
    try {
      yield* read(of, range);
    } finally {
      open--;
    }
  });
  const anew = shop(() => new Promise<void>((resolve) => void world.clock.setTimer(100, resolve)));
  const starting = runShop(world, shop(), anew);
  for (let i = 0; i < 50; i++) await world.clock.advanceBy(20);
  const running = await starting;
  expect(anew.sold.length).toBeGreaterThan(0);
  expect(anew.sold.length).toBeLessThan(15);
  expect(open).toBe(0);
  await running.stop();
});

test('a service that begins anew in the same process does not rehearse again', async () => {
  const world = await traded(3);
  let failures = 0;
  const real = shop(async () => {
    if (failures++ < 20) throw new TransientError('gone');
  });
  const anew = shop();
  const declare = jest.fn(anew.declare);
  const running = await runShop(world, real, { ...anew, declare });
  await world.put(orders, ordersOf('a', 4, 4));
  await world.clock.advanceBy(60_000);
  expect(running.services[0]!.status().restarts).toBeGreaterThan(0);
  expect(real.packed).toEqual(['a4']);
  expect(declare).toHaveBeenCalledTimes(1);
  await running.stop();
});

test('no trace shows it', async () => {
  const spans = recordSpans();
  try {
    const world = await traded(3);
    await world.put(orders, ordersOf('a', 4, 4), remoteSpan(1).headers);
    spans.reset();
    const [real, anew] = [shop(), shop()];
    const running = await runShop(world, real, anew);
    await world.clock.settle();
    expect(anew.sold).toContain('a4');
    expect(real.sold).toEqual(['a4']);
    // Of the decision that counts.
    expect(spans.one('seller toy.orders').spanContext().traceId).toBe(remoteSpan(1).traceId);
    await running.stop();
  } finally {
    await spans.stop();
  }
});
