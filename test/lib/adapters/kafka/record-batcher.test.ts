import { type BatcherLimits, type PlacedRecord, RecordBatcher } from '../../../../lib/adapters/kafka/record-batcher';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { TransientError } from '../../../../lib/ports/broker';

const limits: BatcherLimits = {
  lingerMs: 0,
  maxBatchRecords: 10,
  maxBatchBytes: 1_000,
  maxQueuedRecords: 50,
  maxQueuedBytes: 100_000,
};

const record = (key: string, fields: Partial<PlacedRecord> = {}): PlacedRecord => ({
  topic: 'topic',
  partition: 0,
  key,
  value: null,
  timestampMs: 0,
  bytes: 1,
  maxBatchBytes: 1_000,
  ...fields,
});
const records = (count: number, from = 0, fields: Partial<PlacedRecord> = {}): PlacedRecord[] =>
  Array.from({ length: count }, (_, i) => record(`${from + i}`, fields));

/** A transport that keeps what it is given, and answers when told. */
function transport() {
  const batches: PlacedRecord[][] = [];
  const waiting: ((error?: Error) => void)[] = [];
  let held = false;
  let next = 0;
  let refused: ((records: readonly PlacedRecord[]) => Error | null) | null = null;
  return {
    batches,
    keys: () => batches.map((batch) => batch.map(({ key }) => key)),
    hold: () => {
      held = true;
    },
    /** Answers the oldest outstanding batch. */
    answer: (error?: Error) => waiting.shift()!(error),
    outstanding: () => waiting.length,
    refuse: (rule: (records: readonly PlacedRecord[]) => Error | null) => {
      refused = rule;
    },
    deliver: async (batch: readonly PlacedRecord[]) => {
      batches.push([...batch]);
      if (held) {
        await new Promise<void>((resolve, reject) => waiting.push((error) => (error ? reject(error) : resolve())));
      }
      const error = refused?.(batch);
      if (error) throw error;
      return batch.map(() => next++);
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('batching of sends', () => {
  const batcher = (via: ReturnType<typeof transport>, more: Partial<BatcherLimits> = {}) =>
    new RecordBatcher(via.deliver, { ...limits, ...more }, createVirtualClock());

  test('sends of one turn go together, in order, each with its own offsets', async () => {
    const via = transport();
    const batching = batcher(via);
    const offsets = await Promise.all([
      batching.send(records(2)),
      batching.send(records(1, 2)),
      batching.send(records(3, 3)),
    ]);
    expect(via.keys()).toEqual([['0', '1', '2', '3', '4', '5']]);
    expect(offsets).toEqual([[0, 1], [2], [3, 4, 5]]);
  });

  test('many sends go several together, but what groups write waits for nothing', async () => {
    const clock = createVirtualClock();
    const via = transport();
    const batching = new RecordBatcher(via.deliver, limits, clock);
    for (let i = 0; i < 200; i++) {
      await clock.advanceBy(2);
      void batching.send(records(1, i));
    }
    await clock.advanceBy(20);
    expect(via.keys().flat()).toHaveLength(200);
    expect(via.batches.length).toBeLessThan(130);
    await batching.send(records(1, 200), () => null);
    await batching.send(records(1, 201), () => null);
    expect(via.keys().slice(-2)).toEqual([['200'], ['201']]);
  });

  test('one batch is out at a time; what comes meanwhile goes with the next', async () => {
    const via = transport();
    via.hold();
    const batching = batcher(via);
    const sends = [batching.send(records(1))];
    await turn();
    sends.push(batching.send(records(1, 1)), batching.send(records(1, 2)));
    await turn();
    expect(via.outstanding()).toBe(1);
    via.answer();
    await turn();
    expect(via.keys()).toEqual([['0'], ['1', '2']]);
    via.answer();
    await Promise.all(sends);
    await batching.idle();
  });

  test('batches keep their limits: records, bytes, and bytes of one partition; a large send is split in order', async () => {
    const via = transport();
    const batching = batcher(via);
    const [offsets] = await Promise.all([batching.send(records(23)), batching.send(records(4, 23))]);
    expect(via.batches.map(({ length }) => length)).toEqual([10, 10, 7]);
    expect(offsets).toEqual(Array.from({ length: 23 }, (_, i) => i));
    expect(via.keys().flat()).toEqual(Array.from({ length: 27 }, (_, i) => `${i}`));

    const heavy = transport();
    await batcher(heavy).send(records(4, 0, { bytes: 400 }));
    expect(heavy.batches.map(({ length }) => length)).toEqual([2, 2]);

    const partition = transport();
    const small = { bytes: 60, maxBatchBytes: 100 };
    await batcher(partition).send([record('a', small), record('b', { ...small, partition: 1 }), record('c', small)]);
    expect(partition.keys()).toEqual([['a', 'b'], ['c']]);
    // One that is over the limit alone is tried: the broker has the last word.
    await batcher(partition).send([record('d', { bytes: 5_000 })]);
    expect(partition.keys().at(-1)).toEqual(['d']);
  });

  test('a send that is refused does not fail its neighbours, nor their order', async () => {
    const via = transport();
    via.refuse((batch) => (batch.some(({ key }) => key === '1') ? new Error('refused') : null));
    const batching = batcher(via);
    const sends = [0, 1, 2].map((n) => batching.send(records(1, n)));
    const results = await Promise.allSettled(sends);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(via.keys()).toEqual([['0', '1', '2'], ['0'], ['1'], ['2']]);
  });

  test('what may have failed only for now fails all of the batch, and is not sent again here', async () => {
    const via = transport();
    via.refuse(() => new TransientError('gone for now'));
    const batching = batcher(via);
    const results = await Promise.allSettled([batching.send(records(1)), batching.send(records(1, 1))]);
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(TransientError) });
    expect(via.batches).toHaveLength(1);
  });

  test('the rest of a split send is not sent after its first part failed', async () => {
    const via = transport();
    via.refuse((batch) => (batch[0]!.key === '0' ? new TransientError('gone') : null));
    const batching = batcher(via);
    const results = await Promise.allSettled([batching.send(records(25)), batching.send(records(1, 100))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(via.keys().at(-1)).toEqual(['100']);
    expect(via.batches).toHaveLength(2);
  });

  test('a send whose owner is refused by now never leaves', async () => {
    const via = transport();
    via.hold();
    const batching = batcher(via);
    let stale: Error | null = null;
    const first = batching.send(records(1));
    await turn();
    const second = batching.send(records(1, 1), () => stale);
    const third = batching.send(records(1, 2), () => null);
    stale = new Error('stale by now');
    via.answer();
    await first;
    await expect(second).rejects.toBe(stale);
    await turn();
    via.answer();
    await third;
    expect(via.keys()).toEqual([['0'], ['2']]);
  });

  test('what waits is bounded, in records and in bytes, and room is made again', async () => {
    const via = transport();
    via.hold();
    const batching = batcher(via);
    const full = Array.from({ length: 5 }, (_, n) => batching.send(records(10, n * 10)));
    await expect(batching.send(records(1))).rejects.toThrow(/50 records .* wait to be sent to Kafka/);
    await turn();
    via.answer();
    await full[0];
    const more = batching.send(records(1, 50));
    for (let i = 0; i < 5; i++) {
      await turn();
      via.answer();
    }
    await Promise.all([...full, more]);

    const heavy = batcher(transport(), { maxQueuedBytes: 10 });
    const sent = heavy.send(records(1, 0, { bytes: 10 }));
    await expect(heavy.send(records(1))).rejects.toBeInstanceOf(TransientError);
    await sent;
  });

  test('with a linger, records gather for so long', async () => {
    const via = transport();
    const clock = createVirtualClock();
    const batching = new RecordBatcher(via.deliver, { ...limits, lingerMs: 2 }, clock);
    const sends = [batching.send(records(1))];
    await turn();
    sends.push(batching.send(records(1, 1)));
    await turn();
    expect(via.batches).toEqual([]);
    await clock.advanceBy(2);
    await Promise.all(sends);
    expect(via.keys()).toEqual([['0', '1']]);
  });
});
