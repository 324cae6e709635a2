import fc from 'fast-check';
import { defaultUnkindness } from '../../../lib/adapters/memory/memory-broker';
import { type Follower, PlannedRestart, TransientError } from '../../../lib/ports/broker';
import { sleep } from '../../../lib/ports/clock';
import { defineService, emit, on, process } from '../../../lib/stream/define-service';
import { partitionOf } from '../../../lib/topics/partition-of';
import { createWorld, type Order, orders, ordersOf, prices, receipts, type Tally, tallies, type World } from './toy';

interface TallyOptions {
  /** A TransientError says that the world is at fault, and ends the life of the service. */
  readonly onOrder?: (order: Order) => void;
}

/** Counts orders per key, and receipts each of them once. */
const tally = ({ onOrder }: TallyOptions = {}) =>
  defineService({
    group: 'tally',
    inputs: [
      on<Order, Tally>(
        orders,
        (state, order) => {
          onOrder?.(order);
          const before = state ?? { key: order.key, count: 0, sum: 0, dueAtMs: null };
          const row = { ...before, count: before.count + 1, sum: before.sum + order.amount };
          return { kind: 'done', state: row, emit: [emit(receipts, order)] };
        },
        { stateKey: (order) => order.key },
      ),
    ],
    outputs: [receipts],
    table: { topic: tallies, maxRows: 100 },
    ownOutput: { topics: [receipts], idOf: (order: Order) => order.id, maxIds: 100 },
  });

/** The last row of every key of the changelog. */
function changelogRows(world: World): Map<string, Tally> {
  const rows = new Map<string, Tally>();
  for (const { key, value } of world.raw(tallies.name)) {
    if (key === null || key.startsWith('\u0000')) continue;
    if (value === null) rows.delete(key);
    else rows.set(key, tallies.codec.decode(value));
  }
  return rows;
}

const sum = (values: readonly Order[]): number => values.reduce((total, order) => total + order.amount, 0);

describe('start', () => {
  test('becomes ready and reads what was there before', async () => {
    const world = createWorld({ partitions: 3 });
    const service = await world.start(tally());
    await service.ready;
    expect(service.status()).toEqual({
      group: 'tally',
      state: 'running',
      ready: true,
      partitions: [0, 1, 2],
      rows: 0,
      restarts: 0,
      lastError: null,
    });
    expect(await world.host.metrics.value('quantum_router_service_ready', { service: 'tally' })).toBe(1);
    await world.put(orders, ordersOf('a', 1, 2));
    expect(service.status().rows).toBe(1);
  });

  test('is not ready before its views have caught up', async () => {
    const world = createWorld();
    let caughtUp = (): void => {};
    const broker = {
      ...world.broker,
      follow: async (options: Parameters<typeof world.broker.follow>[0]) => {
        await new Promise<void>((resolve) => {
          caughtUp = resolve;
        });
        return world.broker.follow(options);
      },
    };
    const service = await world.start({ ...tally(), views: [prices] }, { broker });
    await world.clock.advanceBy(1_000);
    expect(service.status()).toMatchObject({ state: 'starting', ready: false, partitions: [] });
    caughtUp();
    await service.ready;
    expect(service.status().ready).toBe(true);
  });

  test('a member without partitions stands by and is ready', async () => {
    const world = createWorld();
    await world.start(tally());
    const second = await world.start(tally());
    await second.ready;
    expect(second.status()).toMatchObject({ ready: true, partitions: [] });
  });

  test('topics and groups carry the prefix, positions and metrics do not', async () => {
    const world = createWorld({ topicPrefix: 'team.' });
    await world.start(tally());
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(200);
    expect(world.raw('team.toy.receipts')).toHaveLength(1);
    expect(
      await world.host.metrics.value('quantum_router_records_out_total', { service: 'tally', topic: 'toy.receipts' }),
    ).toBe(1);
    const restarted = await world.start(tally());
    await restarted.ready;
  });
});

describe('restore', () => {
  test('a stopped service resumes from its changelog and applies nothing twice', async () => {
    const world = createWorld();
    const first = await world.start(tally());
    await world.put(orders, ordersOf('a', 1, 3));
    await first.stop();
    await world.put(orders, ordersOf('a', 4, 5));
    const seen: string[] = [];
    const second = await world.start(tally({ onOrder: ({ id }) => seen.push(id) }));
    expect(seen).toEqual(['a4', 'a5']);
    await second.stop();
    expect(changelogRows(world).get('a')).toMatchObject({ count: 5, sum: 15 });
  });

  test('after a crash before the commit, inputs are read again from the changelog and outputs are not written twice', async () => {
    const world = createWorld();
    let poisoned = true;
    const seen: string[] = [];
    const service = await world.start(
      tally({
        onOrder({ id }) {
          seen.push(id);
          if (id === 'a4' && poisoned) throw new TransientError('out of luck');
        },
      }),
    );
    await world.put(orders, ordersOf('a', 1, 2));
    await world.clock.advanceBy(100);
    await world.put(orders, ordersOf('a', 3, 3));
    await world.put(orders, ordersOf('a', 4, 4));
    expect(service.status()).toMatchObject({ state: 'restarting', ready: false });
    poisoned = false;
    await world.clock.advanceBy(1_000);
    expect(service.status()).toMatchObject({ state: 'running', ready: true, restarts: 1 });
    expect(seen).toEqual(['a1', 'a2', 'a3', 'a4', 'a3', 'a4']);
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 4));
    expect(
      await world.host.metrics.value('quantum_router_duplicates_total', { service: 'tally', topic: receipts.name }),
    ).toBe(1);
    expect(changelogRows(world).get('a')).toMatchObject({ count: 4, sum: 10 });
  });

  test('positions in the changelog win over the committed ones', async () => {
    const world = createWorld();
    const first = await world.start(tally());
    await world.put(orders, ordersOf('a', 1, 3));
    await first.stop();
    // What an older commit on a store without transactions looks like: the group's position lags behind.
    await world.broker
      .join({
        group: 'tally',
        topics: [orders.name],
        startAt: 'earliest',
        onAssigned: (_epoch, [consumer]) =>
          void consumer!.write({ records: [], positions: new Map([[orders.name, 0]]) }),
        onFailed: () => {},
      })
      .then(async (membership) => {
        await world.clock.settle();
        await membership.leave();
      });
    const seen: string[] = [];
    await world.start(tally({ onOrder: ({ id }) => seen.push(id) }));
    expect(seen).toEqual([]);
  });

  test('a changelog without positions yet leaves the committed ones in force', async () => {
    const world = createWorld();
    const echo = defineService({
      group: 'tally',
      inputs: [on<Order, undefined>(orders, (_state, order) => ({ kind: 'done', emit: [emit(receipts, order)] }))],
      outputs: [receipts],
    });
    const first = await world.start(echo);
    await world.put(orders, ordersOf('a', 1, 2));
    await first.stop();
    const seen: string[] = [];
    await world.start(tally({ onOrder: ({ id }) => seen.push(id) }));
    await world.put(orders, ordersOf('a', 3, 3));
    expect(seen).toEqual(['a3']);
  });
});

describe('crashes', () => {
  test('restarts with growing waits, then fails for good and tells the host', async () => {
    const world = createWorld({ limits: { maxRestarts: 3, restartBackoffMs: 100 } });
    const times: number[] = [];
    const service = await world.start(
      tally({
        onOrder() {
          times.push(world.clock.monotonicMs());
          throw new TransientError('always');
        },
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(10_000);
    expect(times).toEqual([0, 100, 300, 700]);
    expect(service.status()).toMatchObject({ state: 'failed', ready: false, restarts: 3 });
    expect(service.status().lastError).toBe('always');
    expect(world.fatal).toHaveLength(1);
    expect(world.fatal[0]!.error.message).toMatch(
      /^service tally failed for good after 3 restarts within 60000 ms: .*always$/,
    );
    expect(await world.host.metrics.value('quantum_router_restarts_total', { service: 'tally' })).toBe(3);
    await service.stop();
    expect(service.status().state).toBe('failed');
  });

  test('a restart that a service wants is no failure of it, however often', async () => {
    const world = createWorld({ limits: { maxRestarts: 1, restartBackoffMs: 100 } });
    let wanted = 5;
    const service = await world.start(
      tally({
        onOrder() {
          if (wanted-- > 0) throw new PlannedRestart('with what there is by now');
        },
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(2_000);
    expect(service.status()).toMatchObject({ state: 'running', ready: true, restarts: 0, lastError: null });
    expect(world.fatal).toEqual([]);
  });

  test('restarts outside the window do not count', async () => {
    const world = createWorld({ limits: { maxRestarts: 1, restartWindowMs: 1_000 } });
    let fail = false;
    const service = await world.start(
      tally({
        onOrder() {
          if (fail) throw new TransientError('now and then');
        },
      }),
    );
    for (let round = 0; round < 3; round++) {
      fail = true;
      await world.put(orders, ordersOf('a', 1, 1));
      fail = false;
      await world.clock.advanceBy(2_000);
      expect(service.status()).toMatchObject({ state: 'running', restarts: round + 1 });
    }
    expect(world.fatal).toEqual([]);
  });

  test('never commits past a failure, whatever other tasks of the service have done', async () => {
    const world = createWorld({ partitions: 4, limits: { maxRestarts: 2 } });
    const service = await world.start(
      tally({
        onOrder({ id }) {
          if (id === 'a2') throw new TransientError('poison');
        },
      }),
    );
    await world.put(orders, [...ordersOf('a', 1, 3), ...ordersOf('b', 1, 3), ...ordersOf('c', 1, 3)]);
    await world.clock.advanceBy(60_000);
    expect(service.status().state).toBe('failed');
    // The poisoned partition is where it was: nothing of its batch was written.
    expect(world.read(receipts).filter((order) => order!.key === 'a')).toEqual([]);
    expect(changelogRows(world).has('a')).toBe(false);
    const seen: string[] = [];
    await world.start(tally({ onOrder: ({ id }) => seen.push(id) }));
    expect(seen.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(new Set(world.read(receipts).map((order) => order!.id)).size).toBe(9);
  });

  test('the first failure ends everything: nothing more is decided or written, however long leaving takes', async () => {
    const world = createWorld({ partitions: 2 });
    const keys = ['a', 'b', 'c', 'd'];
    const sick = keys[0]!;
    const healthy = keys.find((key) => partitionOf(key, 2) !== partitionOf(sick, 2))!;
    const seen: string[] = [];
    let failing = true;
    const broker = {
      ...world.broker,
      async join(options: Parameters<typeof world.broker.join>[0]) {
        const membership = await world.broker.join(options);
        return {
          async leave() {
            await sleep(world.clock, 1_000);
            await membership.leave();
          },
        };
      },
    };
    const service = await world.start(
      tally({
        onOrder({ id, key }) {
          seen.push(id);
          if (key === sick && failing) throw new TransientError('poison');
        },
      }),
      { broker },
    );
    await world.put(orders, [...ordersOf(healthy, 1, 1), ...ordersOf(sick, 1, 1)]);
    const receiptsBefore = world.read(receipts).length;
    await world.put(orders, ordersOf(healthy, 2, 2));
    await world.clock.advanceBy(900);
    expect(world.read(receipts)).toHaveLength(receiptsBefore);
    expect(changelogRows(world).size).toBe(0);
    expect(seen).not.toContain(`${healthy}2`);
    failing = false;
    await world.clock.advanceBy(1_000);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 1 });
    expect(new Set(world.read(receipts).map((order) => order!.id))).toEqual(
      new Set([`${healthy}1`, `${healthy}2`, `${sick}1`]),
    );
  });

  test('a failed membership or view restarts the service', async () => {
    const world = createWorld();
    const failures: ((error: Error) => void)[] = [];
    const broker = {
      ...world.broker,
      join(options: Parameters<typeof world.broker.join>[0]) {
        failures.push(options.onFailed);
        return world.broker.join(options);
      },
      follow(options: Parameters<typeof world.broker.follow>[0]) {
        failures.push(options.onFailed);
        return world.broker.follow(options);
      },
    };
    const service = await world.start({ ...tally(), views: [prices] }, { broker });
    const formerLife = failures[0]!;
    for (const which of [0, 1]) {
      failures.splice(0).at(which)!(new Error('broker gone'));
      await world.clock.settle();
      expect(service.status()).toMatchObject({ state: 'restarting', lastError: 'broker gone' });
      await world.clock.advanceBy(2_000);
      expect(service.status()).toMatchObject({ state: 'running', restarts: which + 1 });
    }
    // What comes late from a former life is no news.
    formerLife(new Error('late'));
    await world.clock.advanceBy(2_000);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 2, lastError: 'broker gone' });
    await world.put(orders, ordersOf('a', 1, 1));
    expect(world.read(receipts)).toHaveLength(1);
  });

  test('ready rejects when the service fails before it was ready', async () => {
    const world = createWorld({ limits: { maxRestarts: 0 } });
    const broker = { ...world.broker, join: () => Promise.reject(new Error('no such cluster')) };
    const service = await world.start(tally(), { broker });
    await expect(service.ready).rejects.toThrow('service tally failed for good: no such cluster');
  });

  test('an error while leaving is logged, and the restart goes on', async () => {
    const world = createWorld();
    let fail = true;
    const broker = {
      ...world.broker,
      async join(options: Parameters<typeof world.broker.join>[0]) {
        const membership = await world.broker.join(options);
        return {
          async leave() {
            await membership.leave();
            throw new Error('timed out');
          },
        };
      },
    };
    const service = await world.start(
      tally({
        onOrder() {
          if (fail) throw new TransientError('once');
        },
      }),
      { broker },
    );
    await world.put(orders, ordersOf('a', 1, 1));
    fail = false;
    await world.clock.advanceBy(1_000);
    expect(service.status()).toMatchObject({ state: 'running', restarts: 1 });
  });
});

describe('rebalance', () => {
  test('an old epoch writes nothing more; the new one starts from what was committed', async () => {
    const world = createWorld();
    const service = await world.start(tally());
    await world.put(orders, ordersOf('a', 1, 2));
    await world.clock.advanceBy(100);
    await world.put(orders, ordersOf('a', 3, 3));
    world.broker.rebalance('tally');
    await world.clock.settle();
    expect(service.status()).toMatchObject({ state: 'running', ready: true, restarts: 0 });
    await world.clock.advanceBy(200);
    expect(world.read(receipts)).toEqual(ordersOf('a', 1, 3));
    expect(changelogRows(world).get('a')).toMatchObject({ count: 3, sum: 6 });
  });

  test('a task whose partition stays goes on without a restore; the others are restored', async () => {
    const world = createWorld({ partitions: 4 });
    const restores = async (): Promise<number> =>
      Number(
        /quantum_router_restore_seconds_count\{service="tally"\} (\d+)/.exec(await world.host.metrics.text())?.[1],
      );
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const put = (first: number, last: number) =>
      world.put(
        orders,
        keys.flatMap((key) => ordersOf(key, first, last)),
      );
    const first = await world.start(tally());
    expect(await restores()).toBe(4);
    // Neither written to the changelog nor committed: what a restore would not find.
    await put(1, 1);
    const second = await world.start(tally());
    expect(await restores()).toBe(4 + 2);
    expect(first.status()).toMatchObject({ partitions: [0, 2], ready: true });
    await put(2, 2);
    await second.stop();
    await world.clock.settle();
    expect(await restores()).toBe(4 + 2 + 2);
    expect(first.status()).toMatchObject({ partitions: [0, 1, 2, 3], ready: true, restarts: 0 });
    await put(3, 3);
    // A generation that the member has missed: nothing of what its tasks know can be trusted.
    world.broker.rebalance('tally');
    await world.clock.settle();
    expect(await restores()).toBe(4 + 2 + 2 + 4);
    await put(4, 4);
    await world.clock.advanceBy(200);
    for (const key of keys) expect(changelogRows(world).get(key)).toMatchObject({ count: 4, sum: 10 });
    expect(world.read(receipts)).toHaveLength(20);
  });

  test('a second member takes over half, and all when the first leaves', async () => {
    const world = createWorld({ partitions: 4 });
    const first = await world.start(tally());
    await world.put(
      orders,
      ['a', 'b', 'c', 'd', 'e'].flatMap((key) => ordersOf(key, 1, 2)),
    );
    const second = await world.start(tally());
    await world.clock.settle();
    expect([first, second].map((service) => service.status().partitions)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    await world.put(
      orders,
      ['a', 'b', 'c', 'd', 'e'].flatMap((key) => ordersOf(key, 3, 4)),
    );
    await first.stop();
    await world.clock.settle();
    expect(second.status().partitions).toEqual([0, 1, 2, 3]);
    await world.clock.advanceBy(200);
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      expect(changelogRows(world).get(key)).toMatchObject({ count: 4, sum: 10 });
    expect(world.read(receipts)).toHaveLength(20);
  });

  test('a processor is never entered twice for one partition', async () => {
    const world = createWorld();
    let inside = 0;
    let most = 0;
    let release: (() => void)[] = [];
    const slow = defineService({
      group: 'slow',
      inputs: [
        process(orders, async () => {
          most = Math.max(most, ++inside);
          await new Promise<void>((resolve) => release.push(resolve));
          inside--;
          return [];
        }),
      ],
      outputs: [],
    });
    await world.start(slow);
    await world.put(orders, ordersOf('a', 1, 1));
    world.broker.rebalance('slow');
    await world.clock.settle();
    expect(inside).toBe(1);
    for (let round = 0; round < 3; round++) {
      for (const go of release.splice(0)) go();
      await world.clock.settle();
    }
    release = [];
    expect(most).toBe(1);
  });
});

describe('stop', () => {
  test('finishes the batch, flushes, commits and leaves', async () => {
    const world = createWorld();
    const service = await world.start(tally());
    await world.put(orders, ordersOf('a', 1, 2));
    expect(world.raw(tallies.name)).toEqual([]);
    await service.stop();
    expect(changelogRows(world).get('a')).toMatchObject({ count: 2 });
    expect(service.status()).toMatchObject({ state: 'stopped', ready: false });
    await world.put(orders, ordersOf('a', 3, 3));
    expect(world.read(receipts)).toHaveLength(2);
    expect(world.clock.nextTimerAt()).toBeNull();
  });

  test('is bounded: what hangs is abandoned', async () => {
    const world = createWorld({ limits: { stopTimeoutMs: 500 } });
    let letGo = (): void => {};
    const hanging = defineService({
      group: 'hanging',
      inputs: [
        process(orders, async (batch) => {
          await new Promise<void>((resolve) => {
            letGo = resolve;
          });
          return batch.map(({ event }) => emit(receipts, event));
        }),
      ],
      outputs: [receipts],
    });
    const service = await world.start(hanging);
    await world.put(orders, ordersOf('a', 1, 1));
    let stopped = false;
    const stopping = service.stop().then(() => {
      stopped = true;
    });
    await world.clock.advanceBy(499);
    expect(stopped).toBe(false);
    await world.clock.advanceBy(1);
    await stopping;
    letGo();
    await world.clock.settle();
    expect(world.read(receipts)).toEqual([]);
  });

  test('cancels a restart that was to come', async () => {
    const world = createWorld();
    const service = await world.start(
      tally({
        onOrder() {
          throw new TransientError('always');
        },
      }),
    );
    await world.put(orders, ordersOf('a', 1, 1));
    await service.stop();
    await world.clock.advanceBy(10_000);
    expect(service.status()).toMatchObject({ state: 'stopped', restarts: 0 });
    expect(world.fatal).toEqual([]);
  });

  test('before anything was assigned', async () => {
    const world = createWorld();
    let joined = (): void => {};
    let left = false;
    const broker = {
      ...world.broker,
      join: () =>
        new Promise<{ leave(): Promise<void> }>((resolve) => {
          joined = () =>
            resolve({
              leave: async () => {
                left = true;
              },
            });
        }),
    };
    const service = await world.start(tally(), { broker });
    const stopping = service.stop();
    await world.clock.settle();
    joined();
    await stopping;
    await expect(service.ready).rejects.toThrow('service tally was stopped');
    expect(left).toBe(true);
  });

  test('while views are still being followed', async () => {
    const world = createWorld();
    let followed = (): void => {};
    let unfollowed = false;
    const broker = {
      ...world.broker,
      follow: () =>
        new Promise<Follower>((resolve) => {
          followed = () =>
            resolve({
              hurry() {},
              stop: async () => {
                unfollowed = true;
              },
            });
        }),
    };
    const service = await world.start({ ...tally(), views: [prices] }, { broker });
    const stopping = service.stop();
    await world.clock.settle();
    followed();
    await stopping;
    expect(unfollowed).toBe(true);
  });
});

test('law: on an unkind broker the table is the fold of the log, and every order has its receipt', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const unkindness = {
        ...defaultUnkindness,
        failedWriteRate: 0.05,
        lostAcknowledgementRate: 0.05,
        rebalanceRate: 0.02,
      };
      const world = createWorld({
        partitions: 2,
        unkindness,
        seed,
        limits: { commitIntervalMs: 10, maxRestarts: 1_000 },
      });
      let decided = 0;
      let unkind = true;
      const service = await world.start(
        tally({
          onOrder() {
            if (unkind && ++decided % 37 === 0) throw new TransientError('crash now and then');
          },
        }),
      );
      const producer = world.broker.producer('client');
      for (let i = 0; i < 60; i++) {
        const key = 'abcdef'[i % 6]!;
        const order = { id: `${key}${i}`, key, amount: i };
        const send = (): Promise<unknown> =>
          producer.send([{ topic: orders.name, key, value: orders.codec.encode(order) }]).catch((error: unknown) => {
            if (!(error instanceof TransientError)) throw error;
            return send();
          });
        let sent = false;
        void send().then(() => {
          sent = true;
        });
        do await world.clock.advanceBy(7);
        while (!sent);
      }
      world.broker.beKind();
      unkind = false;
      await world.clock.advanceBy(30_000);
      expect(service.status()).toMatchObject({ state: 'running', ready: true });
      // A lost acknowledgement may double an order in the log; the log is the truth.
      const log = world.read(orders) as Order[];
      const rows = changelogRows(world);
      for (const key of 'abcdef') {
        const own = log.filter((order) => order.key === key);
        expect(rows.get(key)).toMatchObject({ count: own.length, sum: sum(own) });
      }
      expect(new Set(world.read(receipts).map((order) => order!.id))).toEqual(new Set(log.map((order) => order.id)));
      await service.stop();
    }),
    { numRuns: 10 },
  );
});
