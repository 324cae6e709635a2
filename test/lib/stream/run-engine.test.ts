import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBroker } from '../../../lib/adapters/embedded/embedded-broker';
import { TransientError } from '../../../lib/ports/broker';
import { defineService, emit, on, type ServiceDefinition } from '../../../lib/stream/define-service';
import { alone } from '../../../lib/stream/placement';
import { readersFirst, runServices } from '../../../lib/stream/run-engine';
import { createWorld, type Order, orders, ordersOf, prices, receipts, refunds, type Tally, tallies } from './toy';

const options = { known: [orders, receipts, refunds, prices, tallies], external: [orders.name] };
let poison: string | null = null;
beforeEach(() => {
  poison = null;
});

const seller = defineService({
  group: 'seller',
  inputs: [
    on<Order, undefined>(orders, (_state, order, context) => {
      if (order.id === poison) throw new TransientError('poison');
      return {
        kind: 'done',
        emit: [emit(receipts, { ...order, amount: order.amount + (context.view(prices).get('fee')?.amount ?? 0) })],
      };
    }),
  ],
  views: [prices],
  outputs: [receipts],
});
const counter = defineService({
  group: 'counter',
  inputs: [
    on<Order, Tally>(
      receipts,
      (state, order) => ({
        kind: 'done',
        state: { key: order.key, count: (state?.count ?? 0) + 1, sum: (state?.sum ?? 0) + order.amount, dueAtMs: null },
        emit: order.amount > 100 ? [emit(prices, { id: 'fee', key: 'fee', amount: 10 })] : [],
      }),
      { stateKey: (order) => order.key },
    ),
  ],
  outputs: [prices],
  table: { topic: tallies, maxRows: 100 },
});

test('in one process on the embedded store a service reads the very value that another has emitted', async () => {
  const { host, clock } = createWorld();
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-values-'));
  const broker = openEmbeddedBroker({ directory, clock, maintenanceIntervalMs: null });
  const emitted: Order[] = [];
  const writer = defineService({
    group: 'writer',
    inputs: [
      on<Order, undefined>(orders, (_state, order) => {
        const receipt = { ...order, amount: 2 * order.amount };
        emitted.push(receipt);
        return { kind: 'done', emit: [emit(receipts, receipt)] };
      }),
    ],
    outputs: [receipts],
  });
  let seen = (_receipt: Order): void => {};
  const read = new Promise<Order>((resolve) => {
    seen = resolve;
  });
  const reader = defineService({
    group: 'reader',
    inputs: [
      on<Order, undefined>(receipts, (_state, receipt) => {
        seen(receipt);
        return { kind: 'done' };
      }),
    ],
    outputs: [],
  });
  const engine = await runServices([writer, reader], { ...host, broker }, options);
  const [order] = ordersOf('a', 1, 1);
  await broker.producer('test').send([{ topic: orders.name, key: 'a', value: orders.codec.encode(order!) }]);
  expect(await read).toBe(emitted[0]);
  await engine.stop();
  await broker.close();
  rmSync(directory, { recursive: true });
});

test('runs a pipeline of two services, views fed back', async () => {
  const world = createWorld({ partitions: 2 });
  const engine = await runServices([seller, counter], world.host, options);
  expect(engine.services.map((service) => service.group)).toEqual(['counter', 'seller']);
  expect(engine.ready()).toBe(true);
  await world.put(orders, [{ id: 'b1', key: 'b', amount: 101 }, ...ordersOf('a', 1, 1)]);
  await world.put(orders, ordersOf('a', 2, 2));
  expect(
    world
      .read(receipts)
      .map((order) => order!.amount)
      .sort(),
  ).toEqual([1, 101, 12]);
  expect(engine.status()).toMatchObject([
    { group: 'counter', rows: 2 },
    { group: 'seller', rows: 0 },
  ]);
  await engine.stop();
  expect(engine.ready()).toBe(false);
  expect(world.clock.nextTimerAt()).toBeNull();
});

test('of each topic one group answers for added partitions: who corrects partitions, else its first reader', async () => {
  const world = createWorld({ partitions: 2, topicPrefix: 'team.' });
  const joined = new Map<string, readonly string[] | undefined>();
  const { broker } = world.host;
  const watched: typeof broker = {
    ...broker,
    join(asked) {
      joined.set(asked.group, asked.forwards);
      return broker.join(asked);
    },
  };
  const auditor = defineService({
    group: 'auditor',
    inputs: [
      on<Order, undefined>(receipts, () => ({ kind: 'done' })),
      on<Order, undefined>(orders, () => ({ kind: 'done' }), { forwardMisplaced: true }),
    ],
    outputs: [],
  });
  const engine = await runServices([seller, counter, auditor], { ...world.host, broker: watched }, options);
  expect(Object.fromEntries(joined)).toEqual({
    'team.seller': [],
    'team.counter': ['team.toy.receipts'],
    'team.auditor': ['team.toy.orders'],
  });
  await engine.stop();
});

test('makes every topic, with changelogs and dead letters', async () => {
  const world = createWorld({ partitions: 2, topicPrefix: 'team.' });
  const engine = await runServices([seller, counter], world.host, options);
  const made = await world.broker.listTopics();
  expect(made.map(({ name, partitions, cleanup }) => [name, partitions, cleanup]).sort()).toEqual([
    ['team.toy.orders', 2, 'delete'],
    ['team.toy.orders.dlq', 2, 'delete'],
    ['team.toy.prices', 1, 'compact'],
    ['team.toy.receipts', 2, 'delete'],
    ['team.toy.receipts.dlq', 2, 'delete'],
    ['team.toy.tallies', 2, 'compact'],
  ]);
  await engine.stop();
});

test('a crash of one service restarts only that one', async () => {
  const world = createWorld();
  const engine = await runServices([seller, counter], world.host, options);
  poison = 'a2';
  await world.put(orders, ordersOf('a', 1, 1));
  await world.put(orders, ordersOf('a', 2, 2));
  expect(engine.status()).toMatchObject([
    { group: 'counter', state: 'running' },
    { group: 'seller', state: 'restarting' },
  ]);
  expect(engine.ready()).toBe(false);
  poison = null;
  await world.clock.advanceBy(1_000);
  expect(engine.status()).toMatchObject([{ restarts: 0 }, { restarts: 1, state: 'running' }]);
  expect(new Set(world.read(receipts).map((order) => order!.id))).toEqual(new Set(['a1', 'a2']));
  await engine.stop();
});

test('who is off the request path may restore later: decisions are made meanwhile, and what they make is read then', async () => {
  const world = createWorld();
  let restore = (): void => {};
  const mayRestore = new Promise<void>((resolve) => {
    restore = resolve;
  });
  const { broker } = world.host;
  const gated: typeof broker = {
    ...broker,
    async *read(of, range) {
      if (of.topic === tallies.name) await mayRestore;
      yield* broker.read(of, range);
    },
  };
  const offPath = { ...counter, lingerMs: 20 };
  const later = { ...options, offPathLater: true };
  const engine = await runServices([seller, offPath], { ...world.host, broker: gated }, later);
  expect(engine.awaited()).toEqual([]);
  expect(engine.ready()).toBe(false);
  expect(engine.status()).toMatchObject([
    { group: 'counter', ready: false },
    { group: 'seller', ready: true },
  ]);
  await world.put(orders, ordersOf('a', 1, 2));
  expect(world.read(receipts)).toHaveLength(2);
  restore();
  await world.clock.advanceBy(100);
  expect(engine.status()).toMatchObject([{ ready: true, rows: 1 }, { ready: true }]);
  await engine.stop();
  expect(world.clock.nextTimerAt()).toBeNull();
});

test('stopped while one restores later: neither it nor those behind it begin any more', async () => {
  const world = createWorld();
  const { broker } = world.host;
  const joined: string[] = [];
  const never: typeof broker = {
    ...broker,
    join(asked) {
      joined.push(asked.group);
      return asked.group === 'auditor' ? new Promise(() => {}) : broker.join(asked);
    },
  };
  const auditor = defineService({
    group: 'auditor',
    inputs: [on<Order, undefined>(receipts, () => ({ kind: 'done' }))],
    outputs: [],
    lingerMs: 20,
  });
  const stages = [seller, auditor, { ...counter, lingerMs: 20 }];
  const engine = await runServices(stages, { ...world.host, broker: never }, { ...options, offPathLater: true });
  expect(engine.awaited()).toEqual([]);
  const stopped = engine.stop();
  await world.clock.advanceBy(60_000);
  await stopped;
  expect(joined).toEqual(['seller', 'auditor']);
});

test('refuses a wrong graph before anything is touched; a part is checked with the whole', async () => {
  const world = createWorld();
  await expect(runServices([counter], world.host, options)).rejects.toThrow(
    /counter reads toy\.receipts, which nobody writes/,
  );
  expect(await world.broker.listTopics()).toEqual([]);
  const engine = await runServices([counter], world.host, { ...options, graph: [seller, counter] });
  expect(engine.services.map((service) => service.group)).toEqual(['counter']);
  await engine.stop();
});

test('a service that cannot start takes the others down again', async () => {
  const world = createWorld({ limits: { maxRestarts: 0 } });
  const broker = {
    ...world.broker,
    join: (groupOptions: Parameters<typeof world.broker.join>[0]) =>
      groupOptions.group === 'seller' ? Promise.reject(new Error('no rights')) : world.broker.join(groupOptions),
  };
  await expect(runServices([seller, counter], { ...world.host, broker }, options)).rejects.toThrow(
    /seller failed for good: no rights/,
  );
  expect(world.clock.nextTimerAt()).toBeNull();
});

test('readers come first, loops and all', () => {
  const back = defineService({
    group: 'back',
    inputs: [on<Order, undefined>(receipts, () => ({ kind: 'drop', reason: '' }))],
    outputs: [orders],
  });
  const order = (...stages: ServiceDefinition[]) => readersFirst(stages.map(alone)).map(({ group }) => group);
  expect(order(seller, counter)).toEqual(['counter', 'seller']);
  expect(order(counter, seller)).toEqual(['counter', 'seller']);
  expect(order(seller, back)).toEqual(['back', 'seller']);
});

test('topics that an administrator made for smaller records are heeded: what they do not take is put aside', async () => {
  const world = createWorld();
  const small = (name: string) => ({ name, partitions: 1, cleanup: 'delete', retentionMs: null }) as const;
  await world.broker.ensureTopics([
    { ...small('toy.receipts'), maxRecordBytes: 2_000 },
    { ...small('toy.orders.dlq'), maxRecordBytes: 9_000 },
  ]);
  const engine = await runServices([seller, counter], world.host, options);
  await world.put(orders, [{ id: 'x'.repeat(3_000), key: 'k', amount: 1 }, ...ordersOf('a', 1, 1)]);
  expect(world.read(receipts)).toEqual(ordersOf('a', 1, 1));
  expect(world.raw('toy.orders.dlq')).toMatchObject([{ key: 'k' }]);
  expect(engine.status()).toMatchObject([{ restarts: 0 }, { restarts: 0 }]);
  await engine.stop();
});

test('where the broker does not say what its topics take, the declarations stand', async () => {
  const world = createWorld();
  const broker = { ...world.broker, listTopics: () => Promise.reject(new Error('not for you')) };
  const engine = await runServices([seller, counter], { ...world.host, broker }, options);
  await world.put(orders, ordersOf('a', 1, 1));
  expect(world.read(receipts)).toEqual(ordersOf('a', 1, 1));
  await engine.stop();
});
