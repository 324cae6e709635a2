import { defaultUnkindness } from '../../../lib/adapters/memory/memory-broker';
import type { PartitionWrite } from '../../../lib/ports/broker';
import { defineService, due, emit, on, type ServiceDefinition } from '../../../lib/stream/define-service';
import { type Placement, place } from '../../../lib/stream/placement';
import { runServices } from '../../../lib/stream/run-engine';
import {
  createWorld,
  jsonTopic,
  type Order,
  orders,
  ordersOf,
  receipts,
  refunds,
  type Tally,
  tallies,
  type World,
} from './toy';

const parcels = jsonTopic<Order>('toy.parcels', (order) => order.key);
const visits = jsonTopic<Tally>('toy.visits', (tally) => tally.key, { kind: 'table' });
const known = [orders, receipts, refunds, tallies, parcels, visits];

const asOwn = (topic: typeof receipts) => ({
  topics: [topic],
  idOf: ({ id }: Pick<Order, 'id'>) => id,
  idFields: ['id'],
  maxIds: 1_000,
});

/** What each decision has seen, as `stage:id@offset`. */
const seen: string[] = [];
/** Ids at which a stage throws. */
const poison = new Map<string, string>();

const decided = (stage: string, { id }: Order, offset: number): void => {
  seen.push(`${stage}:${id}@${offset}`);
  if (poison.get(stage) === id) throw new Error('poison');
};

/** Writes a receipt for each order, with what it has seen of the key so far, and hears back of each parcel. */
const seller = defineService({
  group: 'seller',
  inputs: [
    on<Order, Tally>(
      orders,
      (state, order, context) => {
        decided('seller', order, context.offset);
        if (context.alreadyEmitted(order.id)) return { kind: 'drop', reason: 'duplicate' };
        const count = (state?.count ?? 0) + 1;
        const receipt = { ...order, amount: order.amount + context.random.integer(1_000) / 1_000 };
        return {
          kind: 'done',
          state: { key: order.key, count, sum: state?.sum ?? 0, dueAtMs: null },
          emit: [emit(receipts, receipt, { headers: { from: order.id } })],
        };
      },
      { stateKey: ({ key }) => key, seedOf: ({ id }) => id },
    ),
    on<Order, Tally>(
      parcels,
      (state, parcel, context) => {
        decided('heard', parcel, context.offset);
        return { kind: 'done', state: { ...state!, sum: state!.sum + parcel.amount } };
      },
      { stateKey: ({ key }) => key, knownKeysOnly: true },
    ),
  ],
  outputs: [receipts],
  table: { topic: visits, maxRows: 100 },
  ownOutput: asOwn(receipts),
});

/** Packs what has a receipt; an amount of 500 and more waits for its time. */
const packer = defineService({
  group: 'packer',
  inputs: [
    on<Order, Tally>(
      receipts,
      (state, receipt, context) => {
        decided('packer', receipt, context.offset);
        if (context.alreadyEmitted(receipt.id)) return { kind: 'drop', reason: 'duplicate' };
        if (receipt.amount < 500) return { kind: 'done', emit: [emit(parcels, receipt)] };
        if (state) return { kind: 'drop', reason: 'waits' };
        return {
          kind: 'done',
          state: { key: receipt.id, count: 1, sum: receipt.amount, dueAtMs: context.nowMs + 1_000 },
        };
      },
      { stateKey: ({ id }) => id },
    ),
    due<Tally>(({ key, sum }) => ({
      kind: 'done',
      state: null,
      emit: [emit(parcels, { id: key, key: key[0]!, amount: sum })],
    })),
  ],
  outputs: [parcels],
  table: { topic: tallies, maxRows: 100, dueAtMs: ({ dueAtMs }) => dueAtMs },
  ownOutput: asOwn(parcels),
});

const chained: Placement = [{ name: 'shop', group: 'shop', stages: ['seller', 'packer'] }];
const options = { known, external: [orders.name] };

beforeEach(() => {
  seen.length = 0;
  poison.clear();
});

function start(
  world: World,
  placement: Placement,
  stages: readonly ServiceDefinition[] = [seller, packer],
  external = options.external,
) {
  return runServices(stages, world.host, { known, external, placement });
}

test('a chain, whose records take one step, may be given them some together; services apart may not', async () => {
  const gaps: (number | undefined)[] = [];
  for (const placement of [chained, undefined]) {
    const world = createWorld();
    const join = jest.spyOn(world.host.broker, 'join');
    const engine = await start(world, placement ?? []);
    gaps.push(...join.mock.calls.map(([{ maxGapMs }]) => maxGapMs));
    await engine.stop();
  }
  expect(gaps).toEqual([20, 0, 0]);
});

test('a record goes through all stages in its batch, as a value, and is written once to every topic', async () => {
  const world = createWorld();
  const decode = jest.spyOn(receipts.codec, 'decode');
  const decodeParcel = jest.spyOn(parcels.codec, 'decode');
  const engine = await start(world, chained);
  await world.put(orders, ordersOf('a', 1, 2));
  // In one batch: both are sold, then both packed, then both heard of.
  expect(seen).toEqual(['seller:a1@0', 'seller:a2@1', 'packer:a1@-1', 'packer:a2@-1', 'heard:a1@-1', 'heard:a2@-1']);
  expect([decode, decodeParcel].map((spy) => spy.mock.calls.length)).toEqual([0, 0]);
  expect(world.raw(receipts.name).map(({ headers }) => headers)).toEqual([{ from: 'a1' }, { from: 'a2' }]);
  expect(world.read(parcels)).toEqual(world.read(receipts));
  expect(engine.status().map(({ group, rows }) => [group, rows])).toEqual([
    ['seller', 1],
    ['packer', 0],
  ]);
  await engine.stop();
  decode.mockRestore();
  decodeParcel.mockRestore();
});

test('nothing is read twice after a clean stop, whichever way it goes on', async () => {
  const world = createWorld();
  for (const [at, placement] of [chained, [], chained, []].entries()) {
    const engine = await start(world, placement as Placement);
    await world.put(orders, ordersOf('a', at + 1, at + 1));
    await world.clock.advanceBy(300);
    await engine.stop();
  }
  const counts = new Map<string, number>();
  for (const one of seen.map((line) => line.replace(/@.*/, ''))) counts.set(one, (counts.get(one) ?? 0) + 1);
  expect([...counts.values()]).toEqual(Array(12).fill(1));
  expect(world.read(receipts).map((order) => order!.id)).toEqual(['a1', 'a2', 'a3', 'a4']);
  expect(world.read(parcels).map((order) => order!.id)).toEqual(['a1', 'a2', 'a3', 'a4']);
});

test('what was written before a crash, and its positions not, is found and gone on from', async () => {
  const world = createWorld();
  // Of the first order a receipt is there, of the second a parcel as well.
  const engine = await start(world, chained);
  await engine.stop();
  await world.put(receipts, [
    { id: 'a1', key: 'a', amount: 7 },
    { id: 'a2', key: 'a', amount: 8 },
  ]);
  await world.put(parcels, [{ id: 'a2', key: 'a', amount: 8 }]);
  await world.put(orders, ordersOf('a', 1, 3));
  const again = await start(world, chained);
  await world.clock.settle();
  expect(world.read(receipts).map((order) => order!.id)).toEqual(['a1', 'a2', 'a3']);
  expect(world.read(parcels)).toMatchObject([{ id: 'a2' }, { id: 'a1', amount: 7 }, { id: 'a3' }]);
  await again.stop();
});

/** Says back what has a receipt; it has no table to say how far it has come. */
const teller = defineService({
  group: 'teller',
  inputs: [
    on<Order, never>(receipts, (_state, receipt, context) => {
      decided('teller', receipt, context.offset);
      return { kind: 'done', emit: [emit(refunds, receipt)] };
    }),
  ],
  outputs: [refunds],
  ownOutput: asOwn(refunds),
});

/** As on Kafka a write says how far it came. `onWrite` is told whether it had positions, once it is done. */
function tellingWrites(world: World, onWrite: (hadPositions: boolean) => void = () => {}): void {
  const { broker } = world.host;
  const join = broker.join.bind(broker);
  broker.join = (joined) =>
    join({
      ...joined,
      onAssigned: (epoch, consumers) => {
        for (const consumer of consumers) {
          const write = consumer.write.bind(consumer);
          const writtenUpTo = (topic: string) => world.raw(topic).length;
          Object.assign(consumer, {
            writtenUpTo,
            write: async (batch: PartitionWrite) => {
              const ends = await write(batch);
              onWrite(batch.positions !== undefined);
              return ends;
            },
          });
        }
        joined.onAssigned(epoch, consumers);
      },
    });
}

function startExactly(world: World, stages: readonly ServiceDefinition[]) {
  const placement = [{ name: 'shop', group: 'shop', stages: stages.map(({ group }) => group) }];
  const external = stages.length > 1 ? options.external : [receipts.name];
  return runServices(stages, { ...world.host, delivery: 'exactly-once' }, { known, external, placement });
}

describe('exactly once', () => {
  test('rows tell how far a batch has come: the group hears it at commit points, and who comes before that does nothing twice', async () => {
    const world = createWorld();
    const told: boolean[] = [];
    tellingWrites(world, (hadPositions) => told.push(hadPositions));
    const engine = await startExactly(world, [seller, teller, packer]);
    await world.put(orders, ordersOf('a', 1, 1));
    await world.clock.advanceBy(2_000);
    told.length = 0;
    for (const id of [2, 3, 4]) await world.put(orders, ordersOf('a', id, id));
    // The first comes long after the last commit, and is one.
    expect(told).toEqual([true, false, false]);
    seen.length = 0;
    world.broker.rebalance('shop');
    await world.clock.settle();
    // The one without a table looks at all of them again, the others at what the last write had in it; each knows what it has made of them.
    expect(seen.map((line) => line.replace(/@.*/, ''))).toEqual([
      ...['teller:a2', 'teller:a3', 'teller:a4'],
      ...['packer:a4', 'heard:a4'],
    ]);
    told.length = 0;
    await world.put(orders, ordersOf('a', 5, 5));
    for (const topic of [receipts, refunds, parcels])
      expect(world.read(topic).map((order) => order!.id)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
    await world.clock.advanceBy(2_000);
    expect(told).toContain(true);
    await engine.stop();
  });

  test('where little comes, each write has its positions, and none is made for them alone', async () => {
    const world = createWorld();
    const told: boolean[] = [];
    tellingWrites(world, (hadPositions) => told.push(hadPositions));
    const engine = await startExactly(world, [seller, teller, packer]);
    await world.clock.advanceBy(2_000);
    told.length = 0;
    for (const id of [1, 2, 3]) {
      await world.put(orders, ordersOf('a', id, id));
      await world.clock.advanceBy(1_500);
    }
    expect(told).toEqual([true, true, true]);
    await engine.stop();
  });

  test('rows that reflect more than the task has read again say so in the writes of its catching up, too', async () => {
    const world = createWorld();
    let crashes = false;
    tellingWrites(world, () => {
      if (crashes) world.broker.rebalance('shop');
      crashes = false;
    });
    // Reads what the seller hears, too, and has no rows to say how far.
    const listener = defineService({
      group: 'listener',
      inputs: [
        on<Order, never>(receipts, (_state, receipt) => ({ kind: 'done', emit: [emit(refunds, receipt)] })),
        on<Order, never>(parcels, () => ({ kind: 'drop', reason: 'heard' })),
      ],
      outputs: [refunds],
      ownOutput: asOwn(refunds),
    });
    const engine = await startExactly(world, [seller, packer, listener]);
    for (const id of [1, 2, 3, 4]) await world.put(orders, ordersOf('a', id, id));
    seen.length = 0;
    crashes = true;
    world.broker.rebalance('shop');
    await world.clock.settle();
    await world.clock.advanceBy(1_500);
    // What was written before the first crash is in the seller's rows, and is not heard again after the second.
    expect(seen.filter((line) => line.startsWith('heard:') && !line.startsWith('heard:a4'))).toEqual([]);
    await engine.stop();
  });

  test('a stage that has neither rows nor records handed on to it has its positions in every write', async () => {
    const world = createWorld();
    const told: boolean[] = [];
    tellingWrites(world, (hadPositions) => told.push(hadPositions));
    const engine = await startExactly(world, [teller]);
    await world.put(receipts, ordersOf('a', 1, 2));
    await world.put(receipts, ordersOf('a', 3, 3));
    expect(told).toEqual([true, true]);
    world.broker.rebalance('shop');
    await world.clock.settle();
    expect(seen).toHaveLength(3);
    await engine.stop();
  });
});

test('where a write says how far it came nobody asks, and an owner after a crash reads only what came after the last commit', async () => {
  const world = createWorld();
  tellingWrites(world);
  const engine = await start(world, chained);
  const asked = jest.spyOn(world.host.broker, 'offsets');
  for (const id of [1, 2, 3]) {
    await world.put(orders, ordersOf('a', id, id));
    await world.clock.advanceBy(2_000);
  }
  expect(asked).not.toHaveBeenCalled();
  // Written, and no commit since.
  await world.put(orders, ordersOf('a', 4, 4));
  seen.length = 0;
  world.broker.rebalance('shop');
  await world.clock.settle();
  expect(seen.map((line) => line.slice(0, -2))).toEqual(['packer:a4', 'heard:a4', 'seller:a4']);
  expect(world.read(parcels)).toHaveLength(4);
  await engine.stop();
});

test('a record at which one stage throws is put aside there alone', async () => {
  const world = createWorld();
  poison.set('packer', 'a2');
  const engine = await start(world, chained);
  await world.put(orders, ordersOf('a', 1, 3));
  expect(world.read(receipts)).toHaveLength(3);
  expect(world.read(parcels).map((order) => order!.id)).toEqual(['a1', 'a3']);
  expect(world.raw(`${receipts.name}.dlq`)).toHaveLength(1);
  expect(world.raw(`${orders.name}.dlq`)).toHaveLength(0);
  await engine.stop();
});

test('timers of a stage fire, and what they emit is handed on', async () => {
  const world = createWorld();
  const engine = await start(world, chained);
  await world.put(orders, [{ id: 'a1', key: 'a', amount: 600 }]);
  expect(world.read(parcels)).toEqual([]);
  await world.clock.advanceBy(1_100);
  expect(world.read(parcels)).toHaveLength(1);
  expect(seen.at(-1)).toBe('heard:a1@-1');
  await engine.stop();
});

test('where others write a topic too, theirs are read and own ones are not read again', async () => {
  const world = createWorld();
  const engine = await start(world, chained, [seller, packer], [orders.name, receipts.name]);
  await world.put(orders, ordersOf('a', 1, 1));
  await world.put(receipts, [{ id: 'b1', key: 'a', amount: 1 }]);
  expect(seen).toEqual(['seller:a1@0', 'packer:a1@-1', 'heard:a1@-1', 'packer:b1@1', 'heard:b1@-1']);
  await engine.stop();
});

test('both placements decide the same', async () => {
  const decisions = async (placement: Placement) => {
    const world = createWorld({ partitions: 2 });
    const engine = await start(world, placement);
    await world.put(orders, [...ordersOf('a', 1, 5), ...ordersOf('b', 1, 5)]);
    await engine.stop();
    return [world.read(receipts), world.read(parcels)];
  };
  expect(await decisions(chained)).toEqual(await decisions([]));
});

test.each([1, 2, 3, 4, 5])(
  'with an unkind broker, in placements that change, each order has one receipt and one parcel (seed %d)',
  async (seed) => {
    const world = createWorld({ seed, partitions: 2, unkindness: defaultUnkindness });
    /** Time passes until it is done: writes are tried again, and groups assigned anew. */
    const inTime = async <T>(work: Promise<T>): Promise<T> => {
      let ended = false;
      const ending = () => {
        ended = true;
      };
      work.then(ending, ending);
      while (!ended) await world.clock.advanceBy(50);
      return work;
    };
    let sent = 0;
    for (const placement of [chained, [], chained] as Placement[]) {
      const engine = await inTime(start(world, placement));
      for (let i = 0; i < 10; i++) {
        sent++;
        const order = { id: `${'ab'[i % 2]!}${sent}`, key: 'ab'[i % 2]!, amount: sent % 3 === 0 ? 600 : sent };
        for (let failed = true; failed; ) {
          failed = await inTime(world.put(orders, [order])).then(
            () => false,
            () => true,
          );
        }
        await world.clock.advanceBy(70);
      }
      await inTime(engine.stop());
    }
    const last = await inTime(start(world, chained));
    await world.clock.advanceBy(10_000);
    await inTime(last.stop());
    for (const topic of [receipts, parcels]) {
      const byId = new Map<string, Set<string>>();
      for (const order of world.read(topic))
        byId.set(order!.id, (byId.get(order!.id) ?? new Set()).add(JSON.stringify(order)));
      expect(byId.size).toBe(sent);
      // A write whose acknowledgement was lost is written again; it says the same.
      expect([...byId.values()].filter((contents) => contents.size > 1)).toEqual([]);
    }
  },
);

test('a placement that cannot be is refused with what is wrong', () => {
  const world = createWorld();
  const twice: Placement = [{ name: 'shop', group: 'packer', stages: ['seller'] }];
  return expect(start(world, twice)).rejects.toThrow('group packer is named by two tasks');
});

test('stages keep the order of the placement, and those it does not name stand alone', () => {
  const groups = place([packer, seller, defineService({ ...seller, group: 'other' })], chained);
  expect(groups.map(({ name, stages }) => [name, stages.map(({ group }) => group)])).toEqual([
    ['shop', ['seller', 'packer']],
    ['other', ['other']],
  ]);
});

describe('with stand-bys', () => {
  const withStandbys = (world: World) =>
    runServices([seller, packer], { ...world.host, standbyPartitions: 2 }, { ...options, placement: chained });
  /** Offsets from which own outputs are read, by topic. */
  const readsOf = (world: World) => {
    const read = jest.spyOn(world.host.broker, 'read');
    return () => read.mock.calls.flatMap(([{ topic }, { from }]) => (topic === receipts.name ? [from] : []));
  };

  test('who starts has read everything before it is given anything, and who takes over reads what is new', async () => {
    const world = createWorld({ partitions: 2 });
    const first = await withStandbys(world);
    await world.put(orders, [...ordersOf('a', 1, 5), ...ordersOf('b', 1, 5)]);
    await world.clock.advanceBy(300);
    const join = jest.spyOn(world.host.broker, 'join');
    const reads = readsOf(world);
    const starting = withStandbys(world);
    await world.clock.settle();
    const second = await starting;
    expect(join).toHaveBeenCalledTimes(1);
    // The first time before it joined; what it was given then, from the end of that.
    const [earliest] = reads();
    expect(earliest).toBe(0);
    await world.clock.advanceBy(5_000);
    const before = reads().length;
    await first.stop();
    await world.clock.settle();
    const takenOver = reads().slice(before);
    expect(takenOver.length).toBeGreaterThan(0);
    expect(Math.min(...takenOver)).toBeGreaterThan(0);
    await world.put(orders, [...ordersOf('a', 1, 6), ...ordersOf('b', 1, 6)]);
    for (const topic of [receipts, parcels]) expect(new Set(world.read(topic).map((order) => order!.id)).size).toBe(12);
    // What the first has written the second does not write again.
    expect(world.read(receipts)).toHaveLength(12);
    await second.stop();
  });

  test.each([1, 2, 3])('members that come and go write each receipt and each parcel once (seed %d)', async (seed) => {
    const world = createWorld({ seed, partitions: 2 });
    const members = [await withStandbys(world), await withStandbys(world)];
    let sent = 0;
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 6; i++) {
        sent++;
        await world.put(orders, [
          { id: `${'ab'[i % 2]!}${sent}`, key: 'ab'[i % 2]!, amount: sent % 3 === 0 ? 600 : sent },
        ]);
        await world.clock.advanceBy(40 * seed);
      }
      await members.shift()!.stop();
      await world.clock.advanceBy(700);
      members.push(await withStandbys(world));
    }
    await world.clock.advanceBy(3_000);
    for (const topic of [receipts, parcels]) {
      expect(world.read(topic)).toHaveLength(sent);
      expect(new Set(world.read(topic).map((order) => order!.id)).size).toBe(sent);
    }
    for (const member of members) await member.stop();
  });
});
