import { createHash } from 'node:crypto';
import { codecOf } from '../../../../lib/avro/codec';
import { TransientError } from '../../../../lib/ports/broker';
import { sleep } from '../../../../lib/ports/clock';
import {
  type Context,
  defineService,
  due,
  emit,
  on,
  process,
  type Result,
  type ServiceOptions,
  whenWritten,
} from '../../../../lib/stream/define-service';
import type { DeadLetter, TablePosition } from '../../../../lib/topics/generated/messages';
import { partitionOf } from '../../../../lib/topics/partition-of';
import { topics } from '../../../../lib/topics/topics';
import {
  createWorld,
  jsonTopic,
  ledger,
  type Order,
  orders,
  ordersOf,
  prices,
  receipts,
  refunds,
  type Tally,
  tallies,
  type World,
} from '../toy';

type Decide = (order: Order, context: Context) => Result<undefined>;

/** A service without a table around one decision. */
const stateless = (decide: Decide, options: Partial<ServiceOptions> = {}) =>
  defineService({
    group: 'toy',
    inputs: [on<Order, undefined>(orders, (_state, order, context) => decide(order, context))],
    outputs: [receipts],
    ...options,
  });

const echo: Decide = (order) => ({ kind: 'done', emit: [emit(receipts, order)] });
const deadLetters = (world: World, topic: string): DeadLetter[] =>
  world.raw(`${topic}.dlq`).map(({ value }) => codecOf<DeadLetter>('DeadLetter').decode(value!));
const counted = (
  world: World,
  name: Parameters<World['host']['metrics']['value']>[0],
  labels: Record<string, string>,
) => world.host.metrics.value(name, labels as never);

/** The world's broker, which refuses writes with a record of a topic that `refuses` gives a reason for. */
const refusing = (world: World, refuses: (topic: string) => string | false): World['broker'] => ({
  ...world.broker,
  join: (options) =>
    world.broker.join({
      ...options,
      onAssigned: (epoch, consumers) =>
        options.onAssigned(
          epoch,
          consumers.map((consumer) => ({
            partition: consumer.partition,
            epoch: consumer.epoch,
            isStale: () => consumer.isStale(),
            committed: () => consumer.committed(),
            seek: (topic, offset) => consumer.seek(topic, offset),
            poll: (pollOptions) => consumer.poll(pollOptions),
            wake: () => consumer.wake(),
            write: async (batch) => {
              for (const { topic } of batch.records) {
                const reason = refuses(topic);
                if (reason !== false) throw new Error(reason);
              }
              return consumer.write(batch);
            },
          })),
        ),
    }),
});

describe('results', () => {
  test('what they count is counted once it is written, also where the batch is decided again', async () => {
    const world = createWorld();
    let refusals = 0;
    const told: string[] = [];
    const decided: string[] = [];
    const service = await world.start(
      stateless(
        (order) => {
          decided.push(order.id);
          const counts = [
            { name: 'quantum_router_weights_published_total', labels: { kind: order.key }, by: 2 },
          ] as const;
          return { kind: 'done', emit: [emit(receipts, order)], counts };
        },
        { whenWritten: [whenWritten(receipts, ({ id }) => told.push(id))] },
      ),
      { broker: refusing(world, (topic) => topic === receipts.name && refusals++ === 0 && 'not now') },
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(60_000);
    expect(service.status()).toMatchObject({ restarts: 1, state: 'running' });
    expect(decided).toEqual(['a1', 'a1']);
    expect(told).toEqual(['a1']);
    expect(await counted(world, 'quantum_router_weights_published_total', { kind: 'a' })).toBe(2);
  });

  test('emits are written at once, positions at the commit point', async () => {
    const world = createWorld();
    await world.start(stateless(echo));
    await world.put(orders, ordersOf('a', 1, 2));
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 2));
    world.broker.rebalance('toy');
    await world.clock.settle();
    // The rebalance came before the commit: redelivery.
    expect(world.read(receipts)).toEqual([...ordersOf('a', 1, 2), ...ordersOf('a', 1, 2)]);
    await world.clock.advanceBy(100);
    world.broker.rebalance('toy');
    await world.clock.settle();
    expect(world.read(receipts)).toHaveLength(4);
  });

  test('an emit carries its headers, and goes to the partition of its key', async () => {
    const world = createWorld({ partitions: 4 });
    await world.start(
      stateless((order) => ({ kind: 'done', emit: [emit(receipts, order, { headers: { replyTo: 'me' } })] })),
    );
    await world.put(orders, ordersOf('b', 1, 1));
    expect(world.raw(receipts.name)).toMatchObject([
      { partition: partitionOf('b', 4), key: 'b', headers: { replyTo: 'me' } },
    ]);
  });

  test('a tombstone is emitted by key', async () => {
    const world = createWorld();
    const service = stateless((order) => ({ kind: 'done', emit: [{ topic: prices, value: null, key: order.key }] }), {
      outputs: [prices],
    });
    await world.start(service);
    await world.put(orders, ordersOf('a', 1, 1));
    expect(world.raw(prices.name)).toMatchObject([{ key: 'a', value: null, partition: 0 }]);
  });

  test('an event may concern several rows: each is decided by itself, and all of them or none are kept', async () => {
    const world = createWorld();
    const spread = defineService({
      group: 'toy',
      inputs: [
        on<Order, Tally>(
          orders,
          (tally, order, context) => {
            if (context.rowKey === 'bad' && order.amount === 2) throw new Error('a bug');
            const { count = 0, sum = 0 } = tally ?? {};
            const row = { key: context.rowKey!, count: count + 1, sum: sum + order.amount, dueAtMs: null };
            return { kind: 'done', state: row };
          },
          { stateKey: (order) => [order.key, 'all', 'bad'] },
        ),
      ],
      outputs: [],
      table: { topic: tallies, maxRows: 100 },
    });
    await world.start(spread);
    const [first, second, third] = ordersOf('a', 1, 3);
    await world.put(orders, [
      { ...first!, amount: 1 },
      { ...second!, amount: 2 },
      { ...third!, amount: 4 },
    ]);
    await world.clock.advanceBy(1_000);
    const rows = world
      .raw(tallies.name)
      .filter(({ key }) => !key?.startsWith('\u0000'))
      .map(({ value }) => tallies.codec.decode(value!));
    expect(new Map(rows.map(({ key, count, sum }) => [key, [count, sum]]))).toEqual(
      new Map([
        ['a', [2, 5]],
        ['all', [2, 5]],
        ['bad', [2, 5]],
      ]),
    );
    expect(deadLetters(world, orders.name)).toHaveLength(1);
  });

  test('a drop is counted by its reason', async () => {
    const world = createWorld();
    await world.start(stateless(() => ({ kind: 'drop', reason: 'notMine' })));
    await world.put(orders, ordersOf('a', 1, 2));
    expect(await counted(world, 'quantum_router_drops_total', { service: 'toy', reason: 'notMine' })).toBe(2);
    expect(await counted(world, 'quantum_router_records_in_total', { service: 'toy', topic: orders.name })).toBe(2);
  });

  test('remember goes to the key-value store, and a broken store disturbs nothing', async () => {
    const world = createWorld();
    const remember: Decide = (order) => ({
      kind: 'done',
      emit: [emit(receipts, order)],
      remember: [{ key: order.id, value: Buffer.from('x'), ttlMs: null }],
    });
    const first = await world.start(stateless(remember));
    await world.put(orders, ordersOf('a', 1, 1));
    expect((await world.host.keyValue.getMany(['a1']))[0]?.toString()).toBe('x');
    await first.stop();
    const keyValue = { ...world.host.keyValue, putMany: () => Promise.reject(new Error('gone')) };
    await world.start(stateless(remember), { keyValue });
    await world.put(orders, ordersOf('a', 2, 2));
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 2));
    expect(await counted(world, 'quantum_router_remember_failures_total', { service: 'toy' })).toBe(1);
  });

  test.each<[string, Partial<ServiceOptions>, Decide, RegExp]>([
    [
      'an undeclared output',
      { outputs: [] },
      echo,
      /: Error: service toy emitted to toy\.receipts: add it to the service's outputs/,
    ],
    [
      'state without a table',
      {},
      () => ({ kind: 'done', state: null }) as never,
      /no stateKey or the service no table/,
    ],
    [
      'a tombstone without a key',
      {},
      () => ({ kind: 'done', emit: [{ topic: receipts, value: null } as never] }),
      /tombstone to toy\.receipts without a key/,
    ],
    [
      'a record that does not fit its schema',
      { outputs: [topics.tuning] },
      () => ({ kind: 'done', emit: [emit(topics.tuning, { version: 'x' } as never)] }),
      /: a record that does not fit its schema, field version/,
    ],
    [
      'an undeclared view',
      {},
      (_order, context) => ({ kind: 'drop', reason: String(context.view(prices).offset) }),
      /add it to the service's views/,
    ],
  ])('%s puts the record aside, saying why', async (_what, options, decide, message) => {
    const world = createWorld();
    const service = await world.start(stateless(decide, options));
    await world.put(orders, ordersOf('a', 1, 1));
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0 });
    const [letter] = deadLetters(world, orders.name);
    expect(letter).toMatchObject({ offset: 0, key: 'a', value: orders.codec.encode(ordersOf('a', 1, 1)[0]!) });
    expect(letter!.reason).toMatch(/^the decision failed: /);
    expect(letter!.reason).toMatch(message);
    expect(await counted(world, 'quantum_router_put_aside_total', { service: 'toy', step: 'decide' })).toBe(1);
  });
});

describe('context', () => {
  test('says where the record is from, and gives a redelivered record the same randomness', async () => {
    const world = createWorld();
    const seen: unknown[] = [];
    const draws: number[] = [];
    const service = stateless((_order, context) => {
      const { group, topic, partition, offset, timestampMs, headers, nowMs } = context;
      seen.push({ group, topic, partition, offset, timestampMs, headers, nowMs, elapsedMs: context.elapsedMs() });
      draws.push(context.random.next(), context.random.next());
      return { kind: 'drop', reason: 'seen' };
    });
    await world.clock.advanceBy(5);
    await world.start(service);
    await world.put(orders, ordersOf('a', 1, 2), { h: '1' });
    const nowMs = world.clock.nowMs();
    const expected = {
      group: 'toy',
      topic: orders.name,
      partition: 0,
      timestampMs: nowMs,
      headers: { h: '1' },
      nowMs,
      elapsedMs: 5,
    };
    expect(seen).toEqual([
      { ...expected, offset: 0 },
      { ...expected, offset: 1 },
    ]);
    world.broker.rebalance('toy');
    await world.clock.settle();
    expect(draws.slice(4)).toEqual(draws.slice(0, 4));
    expect(new Set(draws).size).toBe(4);
  });

  test('views follow their topic: updates, tombstones, offset', async () => {
    const world = createWorld();
    const amounts: unknown[] = [];
    const service = stateless(
      (_order, context) => {
        const view = context.view(prices);
        amounts.push([view.get('a')?.amount, [...view.values()].length, view.offset]);
        return { kind: 'drop', reason: 'seen' };
      },
      { views: [prices] },
    );
    await world.start(service);
    await world.put(orders, ordersOf('x', 1, 1));
    await world.put(prices, ordersOf('a', 7, 8));
    await world.put(orders, ordersOf('x', 1, 1));
    await world.putRaw(prices.name, [{ key: 'a', value: Buffer.from('{broken') }]);
    await world.put(orders, ordersOf('x', 1, 1));
    await world.putRaw(prices.name, [{ key: 'a', value: null }]);
    await world.put(orders, ordersOf('x', 1, 1));
    expect(amounts).toEqual([
      [undefined, 0, -1],
      [8, 1, 1],
      [8, 1, 2],
      [undefined, 0, 3],
    ]);
    expect(await counted(world, 'quantum_router_view_undecodable_total', { service: 'toy', topic: prices.name })).toBe(
      1,
    );
  });
});

describe('own output', () => {
  const once = (maxIds: number, decide: Decide = echo, topic = receipts) =>
    stateless(decide, {
      outputs: [topic],
      ownOutput: { topics: [topic], idOf: (order: Order) => order.id, maxIds },
    });

  test('drops and counts ids already written, within a batch and across restarts', async () => {
    const world = createWorld();
    const first = await world.start(once(10));
    await world.put(orders, [...ordersOf('a', 1, 2), ...ordersOf('a', 1, 1)]);
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 2));
    await first.stop();
    await world.start(once(10));
    await world.put(orders, ordersOf('a', 1, 3));
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 3));
    expect(await counted(world, 'quantum_router_duplicates_total', { service: 'toy', topic: receipts.name })).toBe(3);
  });

  test('alreadyEmitted answers before deciding', async () => {
    const world = createWorld();
    const known: boolean[] = [];
    await world.start(
      once(10, (order, context) => {
        known.push(context.alreadyEmitted(order.id));
        return { kind: 'done', emit: [emit(receipts, order)] };
      }),
    );
    await world.put(orders, [...ordersOf('a', 1, 1), ...ordersOf('a', 1, 1)]);
    expect(known).toEqual([false, true]);
    const without: boolean[] = [];
    const other = createWorld();
    await other.start(
      stateless((order, context) => {
        without.push(context.alreadyEmitted(order.id));
        return { kind: 'drop', reason: 'seen' };
      }),
    );
    await other.put(orders, ordersOf('a', 1, 1));
    expect(without).toEqual([false]);
  });

  test('only the newest maxIds are known; foreign bytes in the output are passed over', async () => {
    const world = createWorld();
    const first = await world.start(once(2));
    await world.put(orders, ordersOf('a', 1, 3));
    await first.stop();
    await world.putRaw(receipts.name, [
      { key: 'a', value: Buffer.from('{broken') },
      { key: 'a', value: null },
    ]);
    await world.start(once(4));
    await world.put(orders, ordersOf('a', 1, 3));
    // Of the last four records two are not ours: a2 and a3 are known, a1 is not.
    expect(
      world.read({ ...receipts, codec: { ...receipts.codec, decode: (bytes) => bytes.toString() as never } }).slice(5),
    ).toEqual([JSON.stringify(ordersOf('a', 1, 1)[0])]);
  });

  test('an output with one partition is searched there by every task', async () => {
    const world = createWorld({ partitions: 4 });
    const toLedger: Decide = (order) => ({ kind: 'done', emit: [emit(ledger, order)] });
    const first = await world.start(once(100, toLedger, ledger));
    await world.put(
      orders,
      ['a', 'b', 'c', 'd'].flatMap((key) => ordersOf(key, 1, 1)),
    );
    await first.stop();
    await world.start(once(100, toLedger, ledger));
    await world.put(
      orders,
      ['a', 'b', 'c', 'd'].flatMap((key) => ordersOf(key, 1, 2)),
    );
    expect(world.read(ledger)).toHaveLength(8);
  });
});

describe('table', () => {
  /** Keeps a row per key; negative amounts delete it. */
  const keeper = (options: { maxRows?: number; paused?: boolean } = {}) => {
    const decide = (state: Tally | undefined, order: Order): Result<Tally> => {
      if (order.amount < 0) return { kind: 'done', state: null };
      return {
        kind: 'done',
        state: { key: order.key, count: (state?.count ?? 0) + 1, sum: 0, dueAtMs: null },
        emit: [emit(receipts, order)],
      };
    };
    const keyed = { stateKey: (order: Order) => order.key };
    return defineService({
      group: 'keeper',
      inputs: [on<Order, Tally>(orders, decide, keyed), on<Order, Tally>(refunds, decide, keyed)],
      outputs: [receipts],
      table: {
        topic: tallies,
        maxRows: options.maxRows ?? 100,
        ...(options.paused && { pauseWhenFull: [orders] }),
      },
    });
  };
  const gone = (key: string): Order => ({ id: `${key}-`, key, amount: -1 });
  const changelog = (world: World) => world.raw(tallies.name).map(({ key, value }) => [key, value !== null]);

  test('is written behind: created and deleted between two commits is never written', async () => {
    const world = createWorld();
    await world.start(keeper());
    await world.put(orders, [...ordersOf('a', 1, 1), ...ordersOf('b', 1, 2)]);
    await world.put(refunds, [gone('a')]);
    await world.clock.advanceBy(100);
    expect(changelog(world)).toEqual([
      ['b', true],
      ['\u0000position', true],
    ]);
    await world.put(refunds, [gone('b'), gone('never')]);
    await world.clock.advanceBy(100);
    expect(changelog(world).slice(2)).toEqual([
      ['b', false],
      ['\u0000position', true],
    ]);
    // Nothing more happens, nothing more is written.
    await world.clock.advanceBy(60_000);
    expect(changelog(world)).toHaveLength(4);
    expect(await counted(world, 'quantum_router_table_rows', { service: 'keeper', partition: '0' })).toBe(0);
  });

  test('at maxRows the paused topics are not fetched until rows go', async () => {
    const world = createWorld({ limits: { maxBatchRecords: 2 } });
    const service = await world.start(keeper({ maxRows: 2, paused: true }));
    await world.put(
      orders,
      ['a', 'b', 'c', 'd'].flatMap((key) => ordersOf(key, 1, 1)),
    );
    expect(service.status().rows).toBe(2);
    expect(world.read(receipts).map((order) => order!.key)).toEqual(['a', 'b']);
    await world.put(refunds, [gone('a'), gone('b')]);
    expect(world.read(receipts).map((order) => order!.key)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a row that does not fit its schema is put aside by its key, and the others are kept', async () => {
    const world = createWorld();
    const codec = codecOf<TablePosition>('TablePosition');
    const table = { ...jsonTopic<TablePosition>('toy.rows', () => '', { kind: 'table' }), codec };
    const service = await world.start(
      defineService({
        group: 'broken',
        inputs: [
          on<Order, TablePosition>(
            orders,
            // Written well the first time only.
            (row, { key }) => ({ kind: 'done', state: { positions: { [key]: row ? ('x' as never) : 1 } } }),
            { stateKey: ({ key }) => key },
          ),
        ],
        outputs: [],
        table: { topic: table, maxRows: 10 },
      }),
    );
    await world.put(orders, [...ordersOf('good', 1, 1), ...ordersOf('bad', 1, 1)]);
    await world.clock.advanceBy(100);
    await world.put(orders, ordersOf('bad', 2, 2));
    await world.clock.advanceBy(100);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0, rows: 1 });
    expect(deadLetters(world, orders.name)).toMatchObject([
      {
        topic: table.name,
        offset: -1,
        key: 'bad',
        value: null,
        reason: 'the row cannot be kept: a record that does not fit its schema, field positions.bad',
      },
    ]);
    expect(world.raw(table.name).map(({ key, value }) => [key, value !== null])).toEqual([
      ['good', true],
      ['bad', true],
      ['\u0000position', true],
      ['bad', false],
      ['\u0000position', true],
    ]);
  });
});

describe('linger', () => {
  const sizes: number[] = [];
  const gathering = defineService({
    group: 'toy',
    inputs: [
      process<Order>(orders, async (batch) => {
        sizes.push(batch.length);
        return [];
      }),
    ],
    outputs: [],
    lingerMs: 20,
  });
  beforeEach(() => void sizes.splice(0));

  test('records gather before a batch is handled', async () => {
    const world = createWorld();
    await world.start(gathering);
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(10);
    await world.put(orders, ordersOf('a', 2, 3));
    expect(sizes).toEqual([]);
    await world.clock.advanceBy(10);
    expect(sizes).toEqual([3]);
  });

  test.each([
    { delivery: 'exactly-once', waitsMs: [20, 20, 200, 200, 400] },
    { delivery: 'at-least-once', waitsMs: [20, 20, 20, 20, 20] },
  ] as const)(
    '$delivery: how long it gathers, with writes that take 0, 50, 50, 900 and 900 ms',
    async ({ delivery, waitsMs }) => {
      const world = createWorld();
      const slow = { writeMs: 0 };
      const { join } = world.broker;
      jest.spyOn(world.broker, 'join').mockImplementation((options) =>
        join.call(world.broker, {
          ...options,
          onAssigned: (epoch, consumers) => {
            for (const consumer of consumers) {
              const write = consumer.write.bind(consumer);
              consumer.write = async (batch) => {
                await sleep(world.clock, slow.writeMs);
                return write(batch);
              };
            }
            options.onAssigned(epoch, consumers);
          },
        }),
      );
      const gathered = defineService({
        group: 'toy',
        inputs: [
          process<Order>(orders, async (batch) => {
            sizes.push(batch.length);
            return [emit(receipts, { id: 'receipt', key: 'a', amount: 0 })];
          }),
        ],
        outputs: [receipts],
        lingerMs: 20,
      });
      await world.start(gathered, { delivery });
      /** How long a record waits to be handled. */
      const waitedMs = async (id: number): Promise<number> => {
        const before = sizes.length;
        await world.put(orders, ordersOf('a', id, id));
        let ms = 0;
        for (; sizes.length === before && ms < 2_000; ms++) await world.clock.advanceBy(1);
        // Until it is written and committed, too.
        await world.clock.advanceBy(5_000);
        return ms;
      };
      const waited: number[] = [];
      for (const [at, writeMs] of [0, 50, 50, 900, 900].entries()) {
        slow.writeMs = writeMs;
        waited.push(await waitedMs(at + 1));
      }
      expect(waited).toEqual(waitsMs);
    },
  );

  test('a full batch is handled at once, and a stop does not wait for more', async () => {
    const world = createWorld({ limits: { maxBatchRecords: 2 } });
    const service = await world.start(gathering);
    await world.put(orders, ordersOf('a', 1, 3));
    expect(sizes).toEqual([2]);
    const stopped = service.stop();
    await world.clock.advanceBy(20);
    await stopped;
    expect(sizes).toEqual([2, 1]);
  });
});

describe('what a processor writes ahead', () => {
  test('is in the log before its batch is done, and the batch is met again should it fail', async () => {
    const world = createWorld();
    let goOn = (): void => {};
    const met: number[] = [];
    const service = defineService({
      group: 'toy',
      inputs: [
        process<Order>(orders, async (batch, _context, write) => {
          met.push(batch.length);
          await write([emit(receipts, { id: 'ahead', key: 'a', amount: 0 })]);
          if (met.length === 1) await new Promise<void>((resolve) => (goOn = resolve));
          if (met.length === 1) throw new TransientError('not now');
          return [emit(receipts, { id: 'at the end', key: 'a', amount: 0 })];
        }),
      ],
      outputs: [receipts],
    });
    await world.start(service);
    await world.put(orders, ordersOf('a', 1, 3));
    await world.clock.advanceBy(100);
    const ids = () => world.read(receipts).map((receipt) => receipt?.id);
    expect(ids()).toEqual(['ahead']);
    goOn();
    await world.clock.advanceBy(10_000);
    expect(met[1]).toBe(3);
    expect(ids()).toEqual(['ahead', 'ahead', 'at the end']);
  });
});

describe('commit points', () => {
  /** Counts what comes in rows, and tells of each; off the request path. */
  const counting = (writtenWithRows: readonly (typeof receipts)[]) =>
    defineService({
      group: 'toy',
      inputs: [
        on<Order, Tally>(
          orders,
          (state, order) => ({
            kind: 'done',
            state: { key: order.key, count: (state?.count ?? 0) + 1, sum: 0, dueAtMs: null },
            emit: [emit(receipts, order)],
          }),
          { stateKey: (order) => order.key },
        ),
      ],
      outputs: [receipts],
      table: { topic: tallies, maxRows: 10 },
      lingerMs: 20,
      writtenWithRows,
    });

  test('are multiples of the interval, so that tasks which began at different times commit together', async () => {
    const world = createWorld({ partitions: 2 });
    await world.start(stateless(echo));
    const committed = async () => {
      world.broker.rebalance('toy');
      await world.clock.settle();
      return world.read(receipts).length;
    };
    await world.clock.advanceBy(130);
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(69);
    // Not yet: it is delivered again. That redelivery is committed at 200 too.
    expect(await committed()).toBe(2);
    await world.clock.advanceBy(1);
    expect(await committed()).toBe(2);
  });

  test('come later where little was read: not before so many records, or a time of their own', async () => {
    const limits = { commitIntervalMs: 100, fewRecords: 3, patientCommitIntervalMs: 1_000 };
    const world = createWorld({ limits });
    await world.start(stateless(echo));
    const positions = async (): Promise<number> => {
      const { end } = await world.broker.offsets({ topic: orders.name, partition: 0 });
      const before = world.read(receipts).length;
      world.broker.rebalance('toy');
      await world.clock.settle();
      return end - (world.read(receipts).length - before);
    };
    await world.put(orders, ordersOf('a', 1, 2));
    await world.clock.advanceBy(999);
    expect(await positions()).toBe(0);
    // What was delivered again counts anew, and so does its time.
    await world.clock.advanceBy(1);
    expect(await positions()).toBe(2);
    await world.put(orders, ordersOf('b', 1, 3));
    await world.clock.advanceBy(100);
    expect(await positions()).toBe(5);
  });

  test('come with what is to be counted once, also where the group gathers: a crash makes none of it again', async () => {
    const limits = { commitIntervalMs: 100, fewRecords: 0, fewGatheredRecords: 1_000, patientCommitIntervalMs: 1_000 };
    const world = createWorld({ limits });
    const written = async (world: World): Promise<number> => {
      await world.put(orders, ordersOf('a', 1, 3));
      await world.clock.advanceBy(40);
      world.broker.rebalance('toy');
      await world.clock.advanceBy(40);
      return world.read(receipts).length;
    };
    await world.start(counting([receipts]));
    expect(await written(world)).toBe(3);
    const later = createWorld({ limits });
    await later.start(counting([]));
    expect(await written(later)).toBe(6);
  });

  test('come later where the group gathers, until that is many records, and a row is written once for all that changed it until then', async () => {
    const limits = { commitIntervalMs: 100, fewRecords: 0, fewGatheredRecords: 13, patientCommitIntervalMs: 1_000 };
    const world = createWorld({ limits });
    await world.start(counting([]));
    for (let sent = 0; sent < 4; sent++) {
      await world.put(orders, ordersOf('a', 1 + 3 * sent, 3 + 3 * sent));
      await world.clock.advanceBy(240);
    }
    const rows = () =>
      world.raw(tallies.name).flatMap(({ key, value }) => (key === 'a' ? [tallies.codec.decode(value!).count] : []));
    // What is made of them is written at once.
    expect([world.read(receipts).length, rows()]).toEqual([12, []]);
    await world.clock.advanceBy(100);
    expect(rows()).toEqual([12]);
    await world.put(orders, ordersOf('a', 13, 25));
    await world.clock.advanceBy(200);
    expect(rows()).toEqual([12, 25]);
  });
});

describe('timers', () => {
  /** Rows are due `amount` ms after they were seen; a refund of 0 puts it off for ever. */
  const alarm = (
    onDue: (row: Tally, context: Context) => Result<Tally> = (row) => ({
      kind: 'done',
      state: null,
      emit: [emit(receipts, { id: row.key, key: row.key, amount: row.sum })],
    }),
  ) =>
    defineService({
      group: 'alarm',
      inputs: [
        on<Order, Tally>(
          orders,
          (_state, order, context) => ({
            kind: 'done',
            state: {
              key: order.key,
              count: 1,
              sum: order.amount,
              dueAtMs: order.amount === 0 ? null : context.nowMs + order.amount,
            },
          }),
          { stateKey: (order) => order.key },
        ),
        due<Tally>(onDue),
      ],
      outputs: [receipts],
      table: { topic: tallies, maxRows: 100, dueAtMs: (row) => row.dueAtMs },
    });
  test('over maxRows, the rows due first are called before their time', async () => {
    const world = createWorld({ limits: { maxBatchRecords: 3 } });
    const base = alarm();
    const service = await world.start({ ...base, table: { ...base.table!, maxRows: 2, closeEarlyWhenFull: true } });
    await world.put(orders, [
      order('late', 900),
      order('soon', 300),
      order('never', 0),
      order('later', 950),
      order('soonest', 100),
    ]);
    expect(world.read(receipts).map((receipt) => receipt!.key)).toEqual(['soon', 'soonest', 'late']);
    expect(service.status().rows).toBe(2);
    expect(await counted(world, 'quantum_router_closed_early_total', { service: 'alarm' })).toBe(3);
    await world.clock.advanceBy(10_000);
    expect(
      world
        .read(receipts)
        .map((receipt) => receipt!.key)
        .at(-1),
    ).toBe('later');
  });

  const order = (key: string, amount: number): Order => ({ id: `${key}${amount}`, key, amount });

  test('fire when due, earliest first, and not before', async () => {
    const world = createWorld();
    await world.start(alarm());
    await world.put(orders, [order('late', 150), order('soon', 30), order('never', 0)]);
    await world.clock.advanceBy(29);
    expect(world.read(receipts)).toEqual([]);
    await world.clock.advanceBy(1);
    expect(world.read(receipts)).toMatchObject([{ key: 'soon' }]);
    await world.clock.advanceBy(10_000);
    expect(world.read(receipts)).toMatchObject([{ key: 'soon' }, { key: 'late' }]);
  });

  test.each([400 * 86_400_000, -3_600_000, 3_600_000])(
    'wait as long as they would have when the clock is set by %d ms',
    async (byMs) => {
      const world = createWorld();
      let setByMs = 0;
      const clock = { ...world.clock, nowMs: () => world.clock.nowMs() + setByMs };
      await world.start(alarm(), { clock });
      await world.put(orders, [order('before', 150)]);
      setByMs = byMs;
      await world.clock.advanceBy(10);
      await world.put(orders, [order('touched', 0)]);
      expect(world.read(receipts)).toEqual([]);
      await world.clock.advanceBy(139);
      expect(world.read(receipts)).toEqual([]);
      // And back again, as it was.
      setByMs = 0;
      await world.clock.advanceBy(1);
      expect(world.read(receipts)).toMatchObject([{ key: 'before' }]);
    },
  );

  test('move when the row changes', async () => {
    const world = createWorld();
    await world.start(alarm());
    await world.put(orders, [order('a', 30), order('b', 30)]);
    await world.put(orders, [order('a', 200), order('b', 0)]);
    await world.clock.advanceBy(199);
    expect(world.read(receipts)).toEqual([]);
    await world.clock.advanceBy(1);
    expect(world.read(receipts)).toMatchObject([{ key: 'a' }]);
  });

  test('come after everything fetched has been decided', async () => {
    const world = createWorld({ limits: { maxBatchRecords: 1 } });
    const service = await world.start(alarm());
    await world.put(orders, [order('a', 50)]);
    await service.stop();
    await world.clock.advanceBy(1_000);
    // Long overdue, but two records that put it off are already in the log.
    await world.put(orders, [order('b', 10), order('a', 0)]);
    await world.start(alarm());
    await world.clock.advanceBy(1_000);
    expect(world.read(receipts)).toMatchObject([{ key: 'b' }]);
  });

  test('are restored with their rows', async () => {
    const world = createWorld();
    const service = await world.start(alarm());
    await world.put(orders, [order('a', 500)]);
    await service.stop();
    await world.start(alarm());
    await world.clock.advanceBy(499);
    expect(world.read(receipts)).toEqual([]);
    await world.clock.advanceBy(1);
    expect(world.read(receipts)).toHaveLength(1);
  });

  test('see a context without a record, and randomness of their row', async () => {
    const world = createWorld();
    const seen: unknown[] = [];
    await world.start(
      alarm((row, context) => {
        seen.push([
          row.key,
          context.topic,
          context.offset,
          context.timestampMs === context.nowMs,
          context.headers,
          context.random.next(),
        ]);
        return { kind: 'done', state: null };
      }),
    );
    await world.put(orders, [order('a', 5), order('b', 5)]);
    await world.clock.advanceBy(5);
    const draws = seen.map((entry) => (entry as unknown[]).pop());
    expect(seen).toEqual([
      ['a', '', -1, true, {}],
      ['b', '', -1, true, {}],
    ]);
    expect(draws[0]).not.toBe(draws[1]);
  });

  test('a drop leaves the row, and it is not called again until it changes', async () => {
    const world = createWorld();
    let calls = 0;
    const service = await world.start(
      alarm(() => {
        calls++;
        return { kind: 'drop', reason: 'notYet' };
      }),
    );
    await world.put(orders, [order('a', 5)]);
    await world.clock.advanceBy(1_000);
    expect([calls, service.status().rows]).toEqual([1, 1]);
  });

  test.each<[string, () => Result<Tally>, string]>([
    ['is refused', () => ({ kind: 'deadLetter', reason: 'no' }), 'no'],
    [
      'throws',
      () => {
        throw new TypeError('cannot read "secret words"');
      },
      'its timer failed: TypeError: cannot read "…"',
    ],
    [
      'emits what does not fit',
      () => ({ kind: 'done', emit: [emit(receipts, { id: 'x'.repeat(100_000), key: 'k', amount: 1 })] }),
      'its timer failed: OversizedRecordError: a record of 100287 bytes for toy.receipts, which takes 100000',
    ],
  ])('a row whose timer %s is put aside instead of being met for ever', async (_what, decide, reason) => {
    const world = createWorld();
    let calls = 0;
    const service = await world.start(
      alarm((row) => {
        if (row.key === 'good') return { kind: 'done', state: null };
        calls++;
        return decide();
      }),
    );
    await world.put(orders, [order('bad', 5), order('good', 5)]);
    await world.clock.advanceBy(1_000);
    expect([calls, service.status()]).toMatchObject([1, { state: 'running', restarts: 0, rows: 0 }]);
    expect(deadLetters(world, orders.name)).toMatchObject([
      { topic: tallies.name, offset: -1, key: 'bad', reason, value: expect.any(Buffer) },
    ]);
  });
});

describe('dead letters', () => {
  test('undecodable bytes, a missing value and refused records go to the .dlq with where and why', async () => {
    const world = createWorld();
    await world.start(
      stateless((order) =>
        order.amount < 0
          ? { kind: 'deadLetter', reason: 'negative', field: 'amount' }
          : echo(order, undefined as never),
      ),
    );
    await world.putRaw(orders.name, [
      { key: 'k', value: Buffer.from('{broken') },
      { key: null, value: null },
    ]);
    const refused: Order = { id: 'r', key: 'r', amount: -1 };
    await world.put(orders, [refused, ...ordersOf('a', 1, 1)]);
    const common = {
      topic: orders.name,
      partition: 0,
      group: 'toy',
      valueSha256: null,
      failedAtMs: world.clock.nowMs(),
    };
    expect(deadLetters(world, orders.name)).toEqual([
      { ...common, offset: 0, key: 'k', reason: 'not JSON', field: null, value: Buffer.from('{broken'), valueBytes: 7 },
      { ...common, offset: 1, key: null, reason: 'the record has no value', field: null, value: null, valueBytes: 0 },
      {
        ...common,
        offset: 2,
        key: 'r',
        reason: 'negative',
        field: 'amount',
        value: orders.codec.encode(refused),
        valueBytes: orders.codec.encode(refused).length,
      },
    ]);
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 1));
    expect(await counted(world, 'quantum_router_dead_letters_total', { service: 'toy', topic: orders.name })).toBe(3);
  });

  test('what is too large to carry is named by its hash', async () => {
    const world = createWorld();
    const small = jsonTopic<Order>('toy.small', (order) => order.key, { maxRecordBytes: 10_000 });
    await world.start(
      defineService({
        group: 'toy',
        inputs: [on<Order, undefined>(small, () => ({ kind: 'deadLetter', reason: 'r'.repeat(5_000) }))],
        outputs: [],
      }),
    );
    const large = { id: 'x'.repeat(8_000), key: 'k', amount: 1 };
    await world.put(small, [large]);
    const bytes = small.codec.encode(large);
    expect(deadLetters(world, small.name)).toMatchObject([
      {
        value: null,
        valueBytes: bytes.length,
        valueSha256: createHash('sha256').update(bytes).digest('hex'),
        reason: 'r'.repeat(1_000),
      },
    ]);
  });

  test.each<[string, { key: string; value: Buffer; timestampMs?: number }, Partial<DeadLetter>]>([
    [
      'a huge key with garbage',
      { key: 'k'.repeat(60_000), value: Buffer.from('{') },
      { value: null, key: `${'k'.repeat(200)}… (60000 bytes)` },
    ],
    [
      'a huge key of wide characters',
      { key: '€'.repeat(20_000), value: Buffer.from('{') },
      { value: null, valueBytes: 1 },
    ],
    ['a huge value', { key: 'k', value: Buffer.alloc(99_900, 'x') }, { value: null, key: 'k', valueBytes: 99_900 }],
    [
      'a huge field',
      { key: 'k', value: Buffer.from('"field"') },
      { field: 'f'.repeat(200), value: Buffer.from('"field"') },
    ],
    ['a huge reason', { key: 'k', value: Buffer.from('"reason"') }, { reason: 'r'.repeat(1_000) }],
    [
      'a huge output',
      { key: 'k', value: Buffer.from('"output"') },
      {
        reason:
          'the decision failed: OversizedRecordError: a record of 100287 bytes for toy.receipts, which takes 100000',
      },
    ],
    [
      'a huge header',
      { key: 'k', value: Buffer.from('"header"') },
      {
        reason:
          'the decision failed: OversizedRecordError: a record of 100305 bytes for toy.receipts, which takes 100000',
      },
    ],
  ])('the dead letter of a record with %s fits', async (_what, record, letter) => {
    const world = createWorld();
    const huge: Order = { id: 'x'.repeat(100_000), key: 'k', amount: 1 };
    const small: Order = { id: 'x', key: 'k', amount: 1 };
    const service = await world.start(
      stateless((order) => {
        switch (order as unknown) {
          case 'field':
            return { kind: 'deadLetter', reason: 'r', field: 'f'.repeat(120_000) };
          case 'reason':
            return { kind: 'deadLetter', reason: 'r'.repeat(120_000) };
          case 'output':
            return { kind: 'done', emit: [emit(receipts, small), emit(receipts, huge)] };
          case 'header':
            return { kind: 'done', emit: [emit(receipts, small, { headers: { h: 'x'.repeat(100_000) } })] };
          default:
            return echo(order, undefined as never);
        }
      }),
    );
    await world.putRaw(orders.name, [record]);
    await world.put(orders, ordersOf('a', 1, 1));
    expect(deadLetters(world, orders.name)).toMatchObject([{ offset: 0, ...letter }]);
    // Nothing of what it would have emitted is written, and the partition goes on.
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 1));
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0 });
  });

  test('a row that grows too large is the fault of the record that makes it: its state stays as it was', async () => {
    const world = createWorld();
    const service = await world.start(
      defineService({
        group: 'toy',
        inputs: [
          on<Order, { key: string; ids: string[] }>(
            orders,
            (row, { id, key }) => ({
              kind: 'done',
              state: { key, ids: [...(row?.ids ?? []), id] },
              emit: [emit(receipts, { id: id.slice(0, 1), key, amount: row?.ids.length ?? 0 })],
            }),
            { stateKey: ({ key }) => key },
          ),
        ],
        outputs: [receipts],
        table: { topic: jsonTopic('toy.lists', ({ key }: { key: string }) => key, { kind: 'table' }), maxRows: 10 },
      }),
    );
    const long = (letter: string): Order => ({ id: letter.repeat(60_000), key: 'k', amount: 1 });
    await world.put(orders, [long('a'), long('b'), { id: 'c', key: 'k', amount: 1 }]);
    await world.clock.advanceBy(1_000);
    expect(world.read(receipts)).toEqual([
      { id: 'a', key: 'k', amount: 0 },
      { id: 'c', key: 'k', amount: 1 },
    ]);
    expect(deadLetters(world, orders.name)).toMatchObject([
      {
        offset: 1,
        reason: expect.stringMatching(
          /^the decision failed: OversizedRecordError: a record of 12\d{4} bytes for toy.lists/,
        ),
      },
    ]);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0, rows: 1 });
  });

  test('of an error they have the message without quotations, and the log has where it was thrown', async () => {
    const world = createWorld();
    const logged: { message: string; fields: Record<string, unknown> }[] = [];
    const log = { ...world.host.log, error: (message: string, fields = {}) => void logged.push({ message, fields }) };
    await world.start(
      stateless(({ id }) => {
        throw new TypeError(`no "${id}" in 'it\\'s', nor in \`${id}\` ${'y'.repeat(10_000)}`);
      }),
      { log: { ...log, child: () => log } as never },
    );
    await world.put(orders, [{ id: 'my secret', key: 'k', amount: 1 }]);
    const [{ reason }] = deadLetters(world, orders.name) as [DeadLetter];
    expect(reason).toMatch(/^the decision failed: TypeError: no "…" in "…", nor in "…" y+$/);
    expect(reason.length).toBeLessThan(400);
    expect(logged).toMatchObject([
      {
        message: 'a record made the service fail and is put aside',
        fields: { service: 'toy', step: 'decide', topic: orders.name, partition: 0, offset: 0, failure: 'TypeError' },
      },
    ]);
    expect(JSON.stringify(logged)).not.toContain('secret');
    expect(logged[0]!.fields['at']).toContainEqual(expect.stringContaining('task.test'));
  });

  test('a tombstone on a table read as a stream is dropped, not dead', async () => {
    const world = createWorld();
    await world.start(
      defineService({
        group: 'toy',
        inputs: [on<Order, undefined>(prices, () => ({ kind: 'drop', reason: 'seen' }))],
        outputs: [],
      }),
    );
    await world.putRaw(prices.name, [{ key: 'a', value: null }]);
    expect(await counted(world, 'quantum_router_drops_total', { service: 'toy', reason: 'tombstone' })).toBe(1);
    expect(deadLetters(world, prices.name)).toEqual([]);
  });

  test('are awaited: positions do not move when they cannot be written', async () => {
    const world = createWorld({ limits: { maxRestarts: 0 } });
    const broker = refusing(world, (topic) => topic.endsWith('.dlq') && 'dlq is full');
    const service = await world.start(stateless(echo), { broker });
    await world.putRaw(orders.name, [{ key: 'k', value: Buffer.from('{broken') }]);
    await world.clock.advanceBy(1_000);
    expect(service.status()).toMatchObject({ state: 'failed', lastError: 'dlq is full' });
    await world.start(stateless(echo));
    expect(deadLetters(world, orders.name)).toMatchObject([{ offset: 0 }]);
  });

  test('too many of them ring an alarm, and the partition goes on', async () => {
    const world = createWorld({ limits: { deadLetters: { count: 5, ratio: 0.5, windowMs: 1_000 } } });
    const service = await world.start(stateless(echo));
    const garbage = (count: number) =>
      world.putRaw(
        orders.name,
        Array.from({ length: count }, () => ({ key: 'k', value: Buffer.from('{') })),
      );
    const alarm = () => world.host.metrics.value('quantum_router_dead_letter_alarm', { service: 'toy' });
    await garbage(5);
    expect(await alarm()).toBe(0);
    await garbage(600);
    expect(await alarm()).toBe(1);
    await world.put(orders, ordersOf('a', 1, 3));
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0 });
    expect(deadLetters(world, orders.name)).toHaveLength(605);
    for (let window = 0; window < 3; window++) {
      await world.clock.advanceBy(1_000);
      await world.put(orders, ordersOf(`b${window}`, 1, 3));
    }
    expect(await alarm()).toBe(0);
  });

  test('what makes a processor throw rings it as well, over the restarts that find it; it ends after a restart, too', async () => {
    const world = createWorld({ limits: { deadLetters: { count: 3, ratio: 0.5, windowMs: 600_000 } } });
    const poisoned = defineService({
      group: 'toy',
      inputs: [
        process(orders, async (batch) => {
          if (batch.some(({ event }) => event.id.startsWith('bad'))) throw new Error('a bug');
          return [];
        }),
      ],
      outputs: [],
    });
    await world.start(poisoned);
    const alarm = () => world.host.metrics.value('quantum_router_dead_letter_alarm', { service: 'toy' });
    await world.put(orders, ordersOf('bad', 1, 5));
    await world.clock.advanceBy(300_000);
    expect(deadLetters(world, orders.name)).toHaveLength(5);
    expect(await alarm()).toBe(1);
    await world.put(orders, ordersOf('bad', 6, 6));
    for (let window = 0; window < 3; window++) {
      await world.clock.advanceBy(600_000);
      await world.put(orders, ordersOf(`b${window}`, 1, 3));
    }
    expect(await alarm()).toBe(0);
  });

  test('few among many, or spread over time, ring none', async () => {
    const world = createWorld({ limits: { deadLetters: { count: 2, ratio: 0.5, windowMs: 1_000 } } });
    await world.start(stateless(echo));
    await world.put(orders, ordersOf('a', 1, 10));
    for (let i = 0; i < 9; i++) await world.putRaw(orders.name, [{ key: 'k', value: Buffer.from('{') }]);
    await world.clock.advanceBy(1_000);
    for (let i = 0; i < 8; i++) {
      await world.putRaw(orders.name, [{ key: 'k', value: Buffer.from('{') }]);
      await world.clock.advanceBy(500);
    }
    expect(await world.host.metrics.value('quantum_router_dead_letter_alarm', { service: 'toy' })).toBe(0);
  });
});

describe('look-ups', () => {
  const withLookup = (lookup: (events: readonly Order[]) => Promise<readonly number[]>) =>
    defineService({
      group: 'toy',
      inputs: [
        on<Order, undefined, number>(
          orders,
          (_state, order, _context, looked) => ({ kind: 'done', emit: [emit(receipts, { ...order, amount: looked })] }),
          { lookup },
        ),
        on<Order, undefined>(refunds, (_state, order) => ({ kind: 'done', emit: [emit(receipts, order)] })),
      ],
      outputs: [receipts],
    });

  test('come in bulk before any decision, aligned with their events', async () => {
    const world = createWorld();
    const calls: string[][] = [];
    await world.start(
      withLookup(async (events) => {
        calls.push(events.map(({ id }) => id));
        return events.map(({ amount }) => amount * 100);
      }),
    );
    await world.putRaw(orders.name, [
      { key: 'a', value: orders.codec.encode({ id: 'a1', key: 'a', amount: 1 }) },
      { key: 'a', value: Buffer.from('{') },
      { key: 'a', value: orders.codec.encode({ id: 'a2', key: 'a', amount: 2 }) },
    ]);
    await world.put(refunds, ordersOf('r', 9, 9));
    expect(calls).toEqual([['a1', 'a2']]);
    expect(world.read(receipts).map((order) => order!.amount)).toEqual([100, 200, 9]);
  });

  test('are tried again after transient failures, with growing waits', async () => {
    const world = createWorld({ limits: { maxRetries: 3, retryBackoffMs: 10 } });
    const times: number[] = [];
    const service = await world.start(
      withLookup(async (events) => {
        times.push(world.clock.monotonicMs());
        if (times.length < 4) throw new TransientError('busy');
        return events.map(() => 1);
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(1_000);
    expect(times).toEqual([0, 10, 30, 70]);
    expect(world.read(receipts)).toHaveLength(1);
    expect(service.status().restarts).toBe(0);
    expect(await counted(world, 'quantum_router_retries_total', { service: 'toy', operation: 'lookup' })).toBe(3);
  });

  test('with retries used up the service starts afresh, and nothing is put aside', async () => {
    const error = new TransientError('busy');
    const world = createWorld({ limits: { maxRetries: 2 } });
    let healthy = false;
    const service = await world.start(
      withLookup(async (events) => {
        if (!healthy) throw error;
        return events.map(() => 1);
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(100);
    expect(service.status()).toMatchObject({ state: 'restarting', lastError: error.message });
    healthy = true;
    await world.clock.advanceBy(1_000);
    expect(world.read(receipts)).toHaveLength(1);
  });

  test('a batch at which they throw is asked for in halves, and only the record at fault is put aside', async () => {
    const world = createWorld();
    const calls: number[] = [];
    const service = await world.start(
      withLookup(async (events) => {
        calls.push(events.length);
        if (events.some(({ id }) => id === 'a3')) throw new RangeError('no');
        return events.map(() => 1);
      }),
    );
    await world.put(orders, ordersOf('a', 1, 8));
    expect(calls).toEqual([8, 4, 2, 2, 1, 1, 4]);
    expect(world.read(receipts).map((order) => order!.id)).toEqual(['a1', 'a2', 'a4', 'a5', 'a6', 'a7', 'a8']);
    expect(deadLetters(world, orders.name)).toMatchObject([
      { offset: 2, reason: 'the look-up failed: RangeError: no', key: 'a' },
    ]);
    expect(service.status().restarts).toBe(0);
  });

  test('must give a result per event', async () => {
    const world = createWorld();
    const service = await world.start(withLookup(async () => []));
    await world.put(orders, ordersOf('a', 1, 1));
    expect(deadLetters(world, orders.name)[0]!.reason).toBe(
      'the look-up failed: Error: service toy: the look-up of toy.orders gave 0 results for 1 events',
    );
    expect(service.status().restarts).toBe(0);
  });
});

describe('misplaced records', () => {
  const forwarding = defineService({
    group: 'toy',
    inputs: [
      on<Order, undefined>(
        orders,
        (_state, order, context) => ({ kind: 'done', emit: [emit(receipts, { ...order, amount: context.partition })] }),
        {
          forwardMisplaced: true,
        },
      ),
    ],
    outputs: [receipts],
  });
  const right = partitionOf('a', 4);
  const wrong = (right + 1) % 4;
  const value = orders.codec.encode({ id: 'a1', key: 'a', amount: 0 });

  test('go once to the partition of their key', async () => {
    const world = createWorld({ partitions: 4 });
    await world.start(forwarding);
    await world.putRaw(orders.name, [{ key: 'whatever', value, partition: wrong, headers: { replyTo: 'me' } }]);
    expect(world.raw(orders.name).filter(({ partition }) => partition === right)).toMatchObject([
      { key: 'a', headers: { replyTo: 'me', forwarded: '1' } },
    ]);
    expect(world.read(receipts)).toMatchObject([{ id: 'a1', amount: right }]);
    expect(await counted(world, 'quantum_router_forwarded_total', { service: 'toy', topic: orders.name })).toBe(1);
  });

  test('are handled where they are when what would be forwarded does not fit', async () => {
    const world = createWorld({ partitions: 4 });
    const service = await world.start(forwarding);
    const tail = orders.codec.encode({ id: '', key: 'a', amount: 0 }).length;
    const large = orders.codec.encode({ id: 'x'.repeat(99_930 - tail), key: 'a', amount: 0 });
    await world.putRaw(orders.name, [{ key: 'b', value: large, partition: wrong }]);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0 });
    // Its receipt is as large, so it is put aside here, where it was.
    expect(deadLetters(world, orders.name)).toMatchObject([
      { partition: wrong, value: null, valueBytes: large.length },
    ]);
    expect(world.raw(orders.name)).toHaveLength(1);
  });

  test('with a time before the epoch are forwarded with ours, which brokers take', async () => {
    const world = createWorld({ partitions: 4 });
    const broker = {
      ...world.broker,
      join: (options: Parameters<typeof world.broker.join>[0]) =>
        world.broker.join({
          ...options,
          onAssigned: (epoch, consumers) =>
            options.onAssigned(
              epoch,
              consumers.map((consumer) =>
                Object.assign(Object.create(consumer), {
                  partition: consumer.partition,
                  poll: async (given: Parameters<typeof consumer.poll>[0]) =>
                    (await consumer.poll(given)).map((record) => ({ ...record, timestampMs: -1 })),
                }),
              ),
            ),
        }),
    };
    const service = await world.start(forwarding, { broker });
    await world.putRaw(orders.name, [{ key: 'b', value, partition: wrong }]);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 0 });
    expect(world.read(receipts).map((order) => order!.amount)).toEqual([right]);
  });

  test('are handled where they are when they were forwarded before', async () => {
    const world = createWorld({ partitions: 4 });
    await world.start(forwarding);
    await world.putRaw(orders.name, [{ key: 'a', value, partition: wrong, headers: { forwarded: '1' } }]);
    expect(world.read(receipts)).toMatchObject([{ id: 'a1', amount: wrong }]);
    expect(world.raw(orders.name)).toHaveLength(1);
  });
});

/** An order makes a row; refunds are read for keys that have one. */
const refundsOf = ({ knownKeysOnly }: { knownKeysOnly: boolean | (() => boolean) }) =>
  defineService({
    group: 'toy',
    inputs: [
      on<Order, Tally>(
        orders,
        (_tally, { key }) => ({ kind: 'done', state: { key, count: 1, sum: 0, dueAtMs: null } }),
        { stateKey: orders.keyOf },
      ),
      on<Order, Tally>(refunds, (_tally, refund) => ({ kind: 'done', emit: [emit(receipts, refund)] }), {
        stateKey: refunds.keyOf,
        knownKeysOnly,
      }),
    ],
    outputs: [receipts],
    table: { topic: tallies, maxRows: 10 },
  });
const refundsOfKnown = refundsOf({ knownKeysOnly: true });

test('records whose key has no row are passed over unread where only known ones are wanted', async () => {
  const world = createWorld({ partitions: 1 });
  await world.start(refundsOfKnown);
  await world.put(orders, ordersOf('a', 1, 1));
  await world.putRaw(refunds.name, [
    { key: 'b', value: Buffer.from('unread') },
    { key: 'b', value: null },
    { key: null, value: refunds.codec.encode({ id: 'n', key: 'a', amount: 1 }) },
    { key: 'a', value: refunds.codec.encode({ id: 'a2', key: 'a', amount: 1 }) },
    { key: 'a', value: Buffer.from('read') },
  ]);
  expect(world.read(receipts)).toMatchObject([{ id: 'a2' }]);
  expect(world.raw(`${refunds.name}.dlq`)).toHaveLength(1);
});

test('a service that is waiting for something reads those of other keys meanwhile', async () => {
  let isWaiting = false;
  const world = createWorld({ partitions: 1 });
  await world.start(refundsOf({ knownKeysOnly: () => !isWaiting }));
  await world.put(refunds, [{ id: 'b1', key: 'b', amount: 1 }]);
  isWaiting = true;
  await world.put(refunds, [{ id: 'b2', key: 'b', amount: 1 }]);
  isWaiting = false;
  await world.put(refunds, [{ id: 'b3', key: 'b', amount: 1 }]);
  expect(world.read(receipts)).toMatchObject([{ id: 'b2' }]);
});

test('a row made earlier in the same batch is known', async () => {
  const world = createWorld({ partitions: 1 });
  await world.start(refundsOfKnown);
  const refund = { id: 'a2', key: 'a', amount: 1 };
  await world.broker.producer('both').send([
    { topic: orders.name, key: 'a', value: orders.codec.encode(ordersOf('a', 1, 1)[0]!) },
    { topic: refunds.name, key: 'a', value: refunds.codec.encode(refund) },
  ]);
  await world.clock.settle();
  expect(world.read(receipts)).toMatchObject([{ id: 'a2' }]);
});

test('known keys only and a look-up do not go together', async () => {
  const service = defineService({
    group: 'toy',
    inputs: [
      on<Order, Tally, Order>(refunds, () => ({ kind: 'done' }), {
        lookup: (events) => Promise.resolve(events),
        knownKeysOnly: true,
      }),
    ],
    outputs: [],
  });
  await expect(createWorld({ partitions: 1 }).start(service)).rejects.toThrow('a look-up and known keys only');
});

describe('processors', () => {
  const batches: { id: string; offset: number }[][] = [];
  beforeEach(() => batches.splice(0));
  const processor = (startAt?: (partition: number) => Promise<number | null>) =>
    defineService({
      group: 'trainer',
      inputs: [
        process(
          orders,
          async (batch, context) => {
            batches.push(batch.map(({ event, offset }) => ({ id: event.id, offset })));
            return [emit(receipts, { id: context.group, key: 'n', amount: batch.length })];
          },
          startAt ? { startAt } : {},
        ),
      ],
      outputs: [receipts],
    });

  test('get whole batches; their emits are written before positions move', async () => {
    const world = createWorld();
    const service = await world.start(processor());
    await world.put(orders, ordersOf('a', 1, 3));
    await service.stop();
    await world.start(processor());
    await world.put(orders, ordersOf('a', 4, 4));
    expect(batches.map((batch) => batch.map(({ id }) => id))).toEqual([['a1', 'a2', 'a3'], ['a4']]);
    expect(world.read(receipts)).toMatchObject([
      { id: 'trainer', amount: 3 },
      { id: 'trainer', amount: 1 },
    ]);
  });

  test('may keep a position of their own', async () => {
    const world = createWorld();
    const asked: number[] = [];
    const first = await world.start(processor());
    await world.put(orders, ordersOf('a', 1, 3));
    await first.stop();
    batches.splice(0);
    await world.start(
      processor(async (partition) => {
        asked.push(partition);
        return 1;
      }),
    );
    expect(asked).toEqual([0]);
    expect(batches).toEqual([
      [
        { id: 'a2', offset: 1 },
        { id: 'a3', offset: 2 },
      ],
    ]);
    await world.start(processor(async () => null));
    await world.clock.settle();
  });

  test('hand over what they keep when they stop cleanly, and only then', async () => {
    const world = createWorld();
    const stopped: number[] = [];
    const keeping = defineService({
      group: 'trainer',
      inputs: [
        process(orders, async () => [], {
          onStop: async (partition) => {
            stopped.push(partition);
            return [emit(receipts, { id: 'checkpoint', key: 'c', amount: 0 })];
          },
        }),
      ],
      outputs: [receipts],
    });
    const service = await world.start(keeping);
    world.broker.rebalance('trainer');
    await world.clock.settle();
    expect(stopped).toEqual([]);
    await service.stop();
    expect(stopped).toEqual([0]);
    expect(world.read(receipts)).toMatchObject([{ id: 'checkpoint' }]);
  });

  test('undecodable records never reach them', async () => {
    const world = createWorld();
    await world.start(processor());
    await world.putRaw(orders.name, [{ key: 'k', value: Buffer.from('{') }]);
    expect(batches).toEqual([]);
    expect(deadLetters(world, orders.name)).toHaveLength(1);
  });

  test('an error starts the service afresh', async () => {
    const world = createWorld();
    let fail = true;
    const service = await world.start(
      defineService({
        group: 'trainer',
        inputs: [
          process(orders, async (batch) => {
            if (fail) throw new Error('worker died');
            return batch.map(({ event }) => emit(receipts, event));
          }),
        ],
        outputs: [receipts],
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    expect(service.status()).toMatchObject({
      state: 'restarting',
      lastError: 'service trainer failed at toy.orders[0]@0: worker died',
    });
    fail = false;
    await world.clock.advanceBy(1_000);
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 1));
    expect(deadLetters(world, orders.name)).toEqual([]);
  });

  test.each<[string, (ids: readonly string[]) => string | Error]>([
    ['it throws', (ids) => (ids.some((id) => /^[37]$/.test(id.slice(1))) ? new Error('poison') : 'ok')],
    [
      'what it emits cannot be written',
      (ids) => (ids.some((id) => /^[37]$/.test(id.slice(1))) ? 'x'.repeat(1e5) : 'ok'),
    ],
  ])(
    'a record at which %s is found over restarts, tried some times and put aside; all others are processed',
    async (_what, fate) => {
      const world = createWorld({ limits: { maxRestarts: 1 } });
      const skipped = new Set<number>();
      const tried: string[][] = [];
      const poisoned = defineService({
        group: 'trainer',
        inputs: [
          process(
            orders,
            async (batch) => {
              const ids = batch.map(({ event }) => event.id);
              tried.push(ids);
              const id = fate(ids);
              if (id instanceof Error) throw id;
              return [emit(receipts, { id, key: ids.join(), amount: 0 })];
            },
            { onPutAside: (offset) => void skipped.add(offset) },
          ),
        ],
        outputs: [receipts],
      });
      const service = await world.start(poisoned);
      await world.put(orders, ordersOf('a', 1, 9));
      await world.clock.advanceBy(60_000);
      expect(service.status()).toMatchObject({ state: 'running', ready: true });
      expect(world.fatal).toEqual([]);
      expect(deadLetters(world, orders.name).map(({ offset }) => offset)).toEqual([2, 6]);
      expect(deadLetters(world, orders.name)[0]!.reason).toMatch(/^processing it failed: /);
      expect([...skipped]).toEqual([2, 6]);
      expect(tried.filter((ids) => ids.join() === 'a3')).toHaveLength(world.host.limits.maxTriesAlone);
      const processed = new Set(world.read(receipts).flatMap((receipt) => receipt!.key.split(',')));
      expect([...processed].sort()).toEqual(['a1', 'a2', 'a4', 'a5', 'a6', 'a8', 'a9']);
      // Later records come in batches again.
      await world.put(orders, ordersOf('b', 1, 1).concat(ordersOf('c', 1, 1)));
      expect(tried.at(-1)).toEqual(['b1', 'c1']);
    },
  );
});
