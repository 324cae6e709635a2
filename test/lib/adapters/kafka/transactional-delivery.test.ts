import fc from 'fast-check';
import { AlternatingDelivery, transactionalIdsOf } from '../../../../lib/adapters/kafka/alternating-delivery';
import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import type { PlacedRecord } from '../../../../lib/adapters/kafka/record-batcher';
import { TransactionalDelivery } from '../../../../lib/adapters/kafka/transactional-delivery';
import { RecordTimes } from '../../../../lib/adapters/kafka/wire/record-times';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { StaleEpochError, TransientError } from '../../../../lib/ports/broker';
import { connectionError, fakeCluster, protocolError, silent } from './fake-cluster';

type Fault = 'lose the request' | 'lose the answer' | Error;
type Step = 'begin' | 'add partitions' | 'produce' | 'add offsets' | 'offsets' | 'end';

interface Identified {
  readonly transactionalId?: string;
}

/** What a coordinator knows of one transactional id. */
interface Known {
  readonly owner: { producerId: string; producerEpoch: number };
  before: number | null;
  open: { readonly records: Logged[]; readonly positions: Logged[] } | null;
  ended: boolean | null;
  concurrent: number;
  next: number;
}

/** A record of the log, or of the group's positions, in the order in which they came. */
interface Logged {
  readonly value: string;
  state: 'open' | 'committed' | 'aborted';
}

/** Coordinators, a group and a log that treat transactions as Kafka does, of `transaction.version` 1 or 2. */
function transactionsOfKafka(version: number, firstEpoch: number) {
  const lastEpoch = 32_766;
  const ids = new Map<string, Known>();
  let generation = 1;
  const log: Logged[] = [];
  const positions: Logged[] = [];
  const faults = new Map<Step, (Fault | null)[]>();
  const asked: Step[] = [];

  const knownBy = (transactionalId: string): Known => {
    let known = ids.get(transactionalId);
    if (!known) {
      const owner = { producerId: `${ids.size * 1_000 + 1}`, producerEpoch: firstEpoch - 1 };
      known = { owner, before: null, open: null, ended: null, concurrent: 0, next: 0 };
      ids.set(transactionalId, known);
    }
    return known;
  };
  const answer = async <T>(step: Step, { transactionalId }: Identified, act: (id: Known) => T): Promise<T> => {
    asked.push(step);
    const id = knownBy(transactionalId!);
    // While one id is busy the markers of the others' transactions are written.
    for (const other of ids.values()) if (other !== id) other.concurrent = Math.max(0, other.concurrent - 1);
    const fault = faults.get(step)?.shift() ?? null;
    if (fault === 'lose the request') throw connectionError();
    if (fault instanceof Error) throw fault;
    const result = act(id);
    if (fault === 'lose the answer') throw connectionError();
    return result;
  };
  const fence = ({ owner }: Known, epoch: number): void => {
    if (epoch !== owner.producerEpoch) throw protocolError('INVALID_PRODUCER_EPOCH');
  };
  const busy = (id: Known): void => {
    if (id.concurrent > 0) {
      id.concurrent--;
      throw protocolError('CONCURRENT_TRANSACTIONS', true);
    }
  };
  /** With the first record or position: what was not added before joins, where Kafka is new enough for that. */
  const join = (id: Known, joins: boolean | undefined): NonNullable<Known['open']> => {
    if (joins && version < 2) throw protocolError('UNSUPPORTED_VERSION');
    if (joins) busy(id);
    if (!id.open && !joins) throw protocolError('INVALID_TXN_STATE');
    id.open ??= { records: [], positions: [] };
    id.ended = null;
    return id.open;
  };
  const endOpen = (id: Known, state: 'committed' | 'aborted'): void => {
    for (const logged of [...(id.open?.records ?? []), ...(id.open?.positions ?? [])]) logged.state = state;
    id.open = null;
    if (state === 'committed') id.concurrent = 2;
  };
  const node: Partial<KafkaNode> = {
    findGroupCoordinator: async () => ({ coordinator: { nodeId: 1 } }),
    transactionVersion: async () => version,
    beginTransactions: (request) =>
      answer('begin', request, (id) => {
        const { succeeds } = request;
        const { owner } = id;
        const isRepeated = succeeds !== null && succeeds.producerEpoch === id.before;
        if (succeeds && !isRepeated) fence(id, succeeds.producerEpoch);
        busy(id);
        if (id.open) {
          // Its epoch is fenced, and so is whoever names it as the one that it succeeds.
          endOpen(id, 'aborted');
          id.before = null;
          owner.producerEpoch++;
          throw protocolError('CONCURRENT_TRANSACTIONS', true);
        }
        id.ended = null;
        if (!isRepeated) {
          id.before = succeeds ? owner.producerEpoch : null;
          id.next = 0;
          if (owner.producerEpoch >= lastEpoch)
            Object.assign(owner, { producerId: `${Number(owner.producerId) + 1}`, producerEpoch: 0 });
          else owner.producerEpoch++;
        }
        return { ...owner };
      }),
    endTransaction: (request) =>
      answer('end', request, (id) => {
        const { producerEpoch, commits } = request;
        const { owner } = id;
        if (version < 2) throw protocolError('UNSUPPORTED_VERSION');
        if (producerEpoch === owner.producerEpoch - 1 && id.ended !== null) {
          if (id.ended !== commits) throw protocolError('INVALID_TXN_STATE');
          return { ...owner };
        }
        fence(id, producerEpoch);
        if (commits && !id.open) throw protocolError('INVALID_TXN_STATE');
        endOpen(id, commits ? 'committed' : 'aborted');
        id.ended = commits;
        id.before = null;
        id.next = 0;
        owner.producerEpoch++;
        if (owner.producerEpoch > lastEpoch) throw new Error('Kafka gives no such epoch');
        return { ...owner };
      }),
    addPartitionsToTxn: (request) =>
      answer('add partitions', request, (id) => {
        fence(id, request.producerEpoch);
        busy(id);
        id.open ??= { records: [], positions: [] };
        id.ended = null;
      }),
    produce: (request) =>
      answer('produce', request, (id) => {
        const { topicData, joins } = request;
        fence(id, request.producerEpoch!);
        const [{ firstSequence, messages }] = topicData[0]!.partitions as [(typeof topicData)[0]['partitions'][0]];
        const { records } = join(id, joins);
        if (firstSequence > id.next) throw protocolError('OUT_OF_ORDER_SEQUENCE_NUMBER');
        if (firstSequence === id.next) {
          id.next += messages.length;
          const logged = messages.map(({ key }): Logged => ({ value: key!, state: 'open' }));
          log.push(...logged);
          records.push(...logged);
        }
        return { topics: [{ topicName: 'output', partitions: [{ partition: 0, baseOffset: String(firstSequence) }] }] };
      }),
    addOffsetsToTxn: (request) =>
      answer('add offsets', request, (id) => {
        fence(id, request.producerEpoch);
        busy(id);
        id.open ??= { records: [], positions: [] };
        id.ended = null;
      }),
    commitInTransaction: (request) =>
      answer('offsets', request, (id) => {
        if (request.generationId !== generation) throw protocolError('ILLEGAL_GENERATION');
        fence(id, request.producerEpoch);
        const logged: Logged = { value: `${request.positions.get('input')!}`, state: 'open' };
        join(id, request.joins).positions.push(logged);
        positions.push(logged);
      }),
    endTxn: (request) =>
      answer('end', request, (id) => {
        const { transactionResult } = request;
        fence(id, request.producerEpoch);
        if (id.ended === transactionResult) return;
        if (!id.open) throw protocolError('INVALID_TXN_STATE');
        endOpen(id, transactionResult ? 'committed' : 'aborted');
        id.ended = transactionResult;
      }),
  };
  /** What readers see: nothing behind what is open. */
  const committed = (): string[] => {
    const firstOpen = log.findIndex(({ state }) => state === 'open');
    const stable = firstOpen < 0 ? log : log.slice(0, firstOpen);
    return stable.filter(({ state }) => state === 'committed').map(({ value }) => value);
  };
  return {
    node,
    committed,
    /** The last that came into the log of positions counts, in whatever order they were committed. */
    position: () => Number(positions.findLast(({ state }) => state === 'committed')?.value ?? 0),
    asked,
    isOpen: () => [...ids.values()].some(({ open }) => open !== null),
    ownerOf: (transactionalId: string) => ({ ...ids.get(transactionalId)!.owner }),
    agreeOn: (agreed: number) => {
      version = agreed;
    },
    fail: (step: Step, ...of: (Fault | null)[]) => void faults.set(step, of),
    recover: () => faults.clear(),
    rebalance: () => void generation++,
    generation: () => generation,
  };
}

const record = (key: string): PlacedRecord => ({
  topic: 'output',
  partition: 0,
  key,
  value: null,
  timestampMs: 1,
  bytes: 1,
  maxBatchBytes: 1_000,
});

function bench(version: number, { ids, firstEpoch = 0 }: { ids: number; firstEpoch?: number }) {
  const clock = createVirtualClock();
  const kafka = transactionsOfKafka(version, firstEpoch);
  const { connections } = fakeCluster({ clock, leaders: { input: [1], output: [1] }, nodes: { 1: kafka.node } });
  /** A new owner of the partition, as after an assignment. */
  const own = (maxBatchRecords = 500) => {
    const generationId = kafka.generation();
    const told: string[] = [];
    let over = false;
    const stale = () => new StaleEpochError('group', 0, generationId);
    const scope = {
      group: 'group',
      partition: 0,
      topic: 'input',
      generationId,
      memberId: 'member',
      refusal: () => (over ? stale() : null),
      lost: (reason: string) => {
        told.push(reason);
        over = true;
        return stale();
      },
    };
    const limits = {
      deliveryTimeoutMs: 10_000,
      requestTimeoutMs: 100,
      transactionTimeoutMs: 1_000,
      maxBatchRecords,
      maxBatchBytes: 1e6,
    };
    const times = new RecordTimes(clock, silent);
    const delivery = new AlternatingDelivery(
      transactionalIdsOf('group', 0)
        .slice(0, ids)
        .map((id) => new TransactionalDelivery(id, scope, connections, clock, times, limits)),
      async () => {
        if (kafka.generation() !== generationId) throw protocolError('ILLEGAL_GENERATION');
      },
    );
    const settle = async <T>(work: Promise<T>): Promise<T> => {
      let settled = false;
      const watched = work.finally(() => {
        settled = true;
      });
      watched.catch(() => {});
      // A turn of the event loop, which positions wait for, is nothing that the clock knows of.
      while (!settled) await clock.runUntilIdle({ until: () => settled });
      return watched;
    };
    return {
      told,
      begin: () => settle(delivery.begin()),
      /** Records named by the positions they stand for. */
      write: (from: number, to: number) =>
        settle(
          delivery.write(
            Array.from({ length: to - from }, (_, i) => record(`${from + i}`)),
            new Map([['input', to]]),
          ),
        ),
      expire: () => {
        over = true;
      },
    };
  };
  return { clock, kafka, own };
}

test('the ids are those of group and partition, and the first that of an owner that knows one alone', () => {
  expect(transactionalIdsOf('prefix.group', 3)).toEqual(['prefix.group-3', 'prefix.group-3-b']);
});

describe.each([
  [1, 1],
  [1, 2],
  [2, 1],
  [2, 2],
])('transactional delivery, transaction.version %i, %i ids', (version, ids) => {
  test('records and positions are committed together, one transaction after the other', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    await owner.write(0, 2);
    await owner.write(2, 3);
    expect(kafka.committed()).toEqual(['0', '1', '2']);
    expect(kafka.position()).toBe(3);
  });

  test('what is too much for a request goes in several, all in one transaction', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own(2);
    await owner.begin();
    expect(await owner.write(0, 5)).toEqual(new Map([['output', 5]]));
    expect(kafka.committed()).toEqual(['0', '1', '2', '3', '4']);
    expect(kafka.asked.filter((step) => step === 'produce')).toHaveLength(3);
    expect(kafka.asked.filter((step) => step === 'end')).toHaveLength(1);
  });

  test('a later owner fences an earlier one, which does not know yet', async () => {
    const { kafka, own } = bench(version, { ids });
    const earlier = own();
    await earlier.begin();
    await earlier.write(0, 1);
    const later = own();
    await later.begin();
    await expect(earlier.write(1, 2)).rejects.toBeInstanceOf(StaleEpochError);
    expect(earlier.told[0]).toContain('INVALID_PRODUCER_EPOCH');
    await later.write(1, 3);
    expect(kafka.committed()).toEqual(['0', '1', '2']);
  });

  test('what an earlier owner left open is aborted before a later one begins', async () => {
    const { kafka, own } = bench(version, { ids });
    const earlier = own();
    await earlier.begin();
    kafka.fail('end', ...new Array<Fault>(1_000).fill('lose the request'));
    await expect(earlier.write(0, 1)).rejects.toBeInstanceOf(StaleEpochError);
    expect(kafka.isOpen()).toBe(true);
    const later = own();
    await later.begin();
    expect(kafka.isOpen()).toBe(false);
    kafka.recover();
    await later.write(0, 1);
    expect(kafka.committed()).toEqual(['0']);
  });

  test('a member whose generation is over cannot commit, although nobody has taken its transactions over', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    kafka.rebalance();
    await expect(owner.write(0, 1)).rejects.toBeInstanceOf(StaleEpochError);
    expect(owner.told[0]).toContain('ILLEGAL_GENERATION');
    expect(kafka.committed()).toEqual([]);
    expect(kafka.isOpen()).toBe(false);
  });

  test('an answer to the commit that was lost is asked for again, and nothing is written twice', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    kafka.fail('end', 'lose the answer', 'lose the answer');
    await owner.write(0, 2);
    expect(kafka.committed()).toEqual(['0', '1']);
  });

  test('an outcome that cannot be learnt ends the epoch: it is never a failure that is tried again', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    kafka.fail('end', 'lose the answer', ...new Array<Fault>(100).fill('lose the request'));
    await expect(owner.write(0, 2)).rejects.toBeInstanceOf(StaleEpochError);
    expect(owner.told[0]).toContain('no known end');
    kafka.recover();
    // It was committed, as the positions tell whoever comes next.
    expect(kafka.position()).toBe(2);
  });

  test('what is written again after a failure is told from what was under way, and nobody else is fenced', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    await owner.write(0, 1);
    for (const step of ['produce', 'offsets', 'end'] as const) {
      kafka.fail(step, protocolError('UNKNOWN_SERVER_ERROR'));
      const from = kafka.position();
      await owner.write(from, from + 1).catch(() => {});
      kafka.recover();
      if (step !== 'end') await owner.write(from, from + 1);
    }
    expect(kafka.committed()).toEqual(['0', '1', '2']);
    // Only a commit without an answer has ended the epoch.
    expect(owner.told).toEqual([expect.stringContaining('no known end')]);
  });

  test('what fails before the commit is aborted, and may be written again', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    kafka.fail('offsets', ...new Array<Fault>(100).fill('lose the request'));
    await expect(owner.write(0, 2)).rejects.toBeInstanceOf(TransientError);
    expect(kafka.isOpen()).toBe(false);
    kafka.recover();
    await owner.write(0, 2);
    expect(kafka.committed()).toEqual(['0', '1']);
  });

  test('a record that Kafka refuses is told by its word, and the next write is taken', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    kafka.fail('produce', protocolError('MESSAGE_TOO_LARGE'));
    await expect(owner.write(0, 2)).rejects.toThrow('MESSAGE_TOO_LARGE');
    await owner.write(0, 1);
    expect(kafka.committed()).toEqual(['0']);
  });

  test('after its time has passed an owner begins nothing, and leaves nothing open', async () => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    owner.expire();
    await expect(owner.write(0, 1)).rejects.toBeInstanceOf(StaleEpochError);
    expect(kafka.isOpen()).toBe(false);
    expect(kafka.committed()).toEqual([]);
  });

  test('whatever is lost on the way, and whoever owns the partition, every input has one output, in order', async () => {
    const steps = fc.constantFrom<Step>('begin', 'add partitions', 'produce', 'add offsets', 'offsets', 'end');
    const fault = fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      fc.constantFrom<Fault>('lose the request', 'lose the answer'),
      fc.constantFrom('CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR_FOR_GROUP').map((type) => protocolError(type, true)),
      fc.constantFrom('INVALID_TXN_STATE', 'UNKNOWN_SERVER_ERROR').map((type) => protocolError(type)),
    );
    // Now and then an outage that outlasts every patience, with or without the first request having come through.
    const outage = fc
      .constantFrom<Fault>('lose the request', 'lose the answer')
      .map((first): Fault[] => [first, ...new Array<Fault>(1_000).fill('lose the request')]);
    const lost = fc.oneof({ weight: 4, arbitrary: fc.array(fault, { maxLength: 4 }) }, outage);
    const faults = fc.array(fc.tuple(steps, lost), { maxLength: 4 });
    const batches = fc.array(fc.record({ size: fc.integer({ min: 1, max: 3 }), faults, change: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        const { kafka, own } = bench(version, { ids });
        let owner = own();
        await owner.begin();
        /** Another owner takes over, and goes on where the positions are. */
        const change = async (): Promise<void> => {
          kafka.rebalance();
          for (;;) {
            owner = own();
            const begun = await owner.begin().catch((error: Error) => error);
            if (!begun) return;
            kafka.recover();
          }
        };
        for (const batch of given) {
          for (const [step, of] of batch.faults) kafka.fail(step, ...of);
          let from = kafka.position();
          const goal = from + batch.size;
          while (from < goal) {
            try {
              await owner.write(from, goal);
              from = goal;
            } catch (error) {
              kafka.recover();
              // Anything else says that nothing was written: the same is written again, as the runtime does.
              if (!(error instanceof StaleEpochError)) continue;
              await change();
              from = kafka.position();
            }
          }
          if (batch.change) await change();
        }
        expect(kafka.committed()).toEqual(Array.from({ length: kafka.position() }, (_, i) => `${i}`));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what the version of transactions decides', () => {
  test('the old one adds partitions and group first, the new one leaves both out', async () => {
    const asked = async (version: number) => {
      const { kafka, own } = bench(version, { ids: 1 });
      const owner = own();
      await owner.begin();
      await owner.write(0, 1);
      return kafka.asked;
    };
    expect(await asked(1)).toEqual(['begin', 'add partitions', 'add offsets', 'produce', 'offsets', 'end']);
    expect(await asked(2)).toEqual(['begin', 'produce', 'offsets', 'end']);
  });

  test('each transaction of the new one has an epoch of its own, and before they run out another producer id', async () => {
    const { kafka, own } = bench(2, { ids: 1, firstEpoch: 32_764 });
    const owner = own();
    await owner.begin();
    const epochs: string[] = [];
    for (let n = 0; n < 4; n++) {
      await owner.write(n, n + 1);
      epochs.push(`${kafka.ownerOf('group-0').producerId}:${kafka.ownerOf('group-0').producerEpoch}`);
    }
    expect(epochs).toEqual(['1:32765', '1:32766', '2:1', '2:2']);
    expect(kafka.committed()).toEqual(['0', '1', '2', '3']);
  });

  test('a cluster that goes back to the old one is asked again, and loses nothing', async () => {
    const { kafka, own } = bench(2, { ids: 2 });
    const owner = own();
    await owner.begin();
    await owner.write(0, 1);
    kafka.agreeOn(1);
    await expect(owner.write(1, 2)).rejects.toBeInstanceOf(TransientError);
    await owner.write(1, 2);
    expect(kafka.committed()).toEqual(['0', '1']);
    expect(owner.told).toEqual([]);
  });
});

describe('two ids in turns', () => {
  test('who was slow to take them over, while the group went on without it, does not own one beside a later owner', async () => {
    const owners = ['nobody', 'nobody'];
    let present = 'earlier';
    const own = (name: string, firstIdCanBeTaken: Promise<void>) =>
      new AlternatingDelivery(
        [0, 1].map((id) => ({
          begin: async () => {
            if (id === 0) await firstIdCanBeTaken;
            owners[id] = name;
          },
          write: async () => new Map(),
        })),
        async () => {
          if (present !== name) throw protocolError('ILLEGAL_GENERATION');
        },
      );
    let letThrough!: () => void;
    const slow = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    const earlier = own('earlier', slow).begin();
    present = 'later';
    await own('later', Promise.resolve()).begin();
    letThrough();
    await expect(earlier).rejects.toThrow('ILLEGAL_GENERATION');
    // Without the question both would have gone on, each under an id of its own.
    expect(owners).toEqual(['earlier', 'later']);
  });

  /** How often a step was asked for that had to wait for the end of the transaction before. */
  const waits = async (version: number, ids: number): Promise<number> => {
    const { kafka, own } = bench(version, { ids });
    const owner = own();
    await owner.begin();
    for (let n = 0; n < 6; n++) await owner.write(n, n + 1);
    const first: Step = version === 1 ? 'add partitions' : 'produce';
    return kafka.asked.filter((step) => step === first).length - 6;
  };

  test.each([1, 2])(
    'nothing waits for the end of the transaction before, with transaction.version %i',
    async (version) => {
      expect(await waits(version, 1)).toBeGreaterThan(0);
      expect(await waits(version, 2)).toBe(0);
    },
  );

  test('what has failed and could not be ended is ended before anything is written behind it', async () => {
    const { kafka, own } = bench(2, { ids: 2 });
    const owner = own();
    await owner.begin();
    await owner.write(0, 1);
    kafka.fail('offsets', protocolError('UNKNOWN_SERVER_ERROR'));
    kafka.fail('end', ...new Array<Fault>(100).fill('lose the request'));
    await expect(owner.write(1, 2)).rejects.toThrow('UNKNOWN_SERVER_ERROR');
    expect(kafka.isOpen()).toBe(true);
    kafka.recover();
    await owner.write(1, 2);
    expect(kafka.isOpen()).toBe(false);
    expect(kafka.committed()).toEqual(['0', '1']);
  });

  test.each([0, 1])('a later owner fences both ids, whichever is next (%i writes before)', async (writes) => {
    const { kafka, own } = bench(2, { ids: 2 });
    const earlier = own();
    await earlier.begin();
    for (let n = 0; n < writes; n++) await earlier.write(n, n + 1);
    const later = own();
    await later.begin();
    await expect(earlier.write(writes, 9)).rejects.toBeInstanceOf(StaleEpochError);
    await later.write(writes, writes + 1);
    await later.write(writes + 1, writes + 2);
    expect(kafka.committed()).toEqual(Array.from({ length: writes + 2 }, (_, n) => `${n}`));
  });
});
