import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TransientError } from '../../../../lib/ports/broker';
import {
  defineService,
  due,
  emit,
  on,
  process,
  type Result,
  type ServiceOptions,
} from '../../../../lib/stream/define-service';
import { headerOf, linkedSpanIds, recordSpans, remoteSpan } from '../../telemetry/recorded-spans';
import { createWorld, type Order, orders, ordersOf, receipts, refunds, type Tally, tallies, type World } from '../toy';

let spans: ReturnType<typeof recordSpans>;
beforeAll(() => {
  spans = recordSpans();
});
beforeEach(() => spans.reset());
afterAll(() => spans.stop());

const dueAfterMs = 1_000;

/** Echoes orders as receipts; an amount below 0 is a dead letter, 0 is dropped, one of 666 throws, and at one of 777 the service ends. */
const echo = (options: Partial<ServiceOptions> = {}) =>
  defineService({
    group: 'echo',
    inputs: [
      on<Order, undefined>(orders, (_state, order): Result<undefined> => {
        if (order.amount === 777) throw new TransientError('not yet');
        if (order.amount === 666) throw new TypeError(`cannot take "${order.id}"`);
        if (order.amount < 0) return { kind: 'deadLetter', reason: `unknown name "${order.id}"`, field: 'amount' };
        if (order.amount === 0) return { kind: 'drop', reason: 'nothing' };
        return { kind: 'done', emit: [emit(receipts, order, { headers: { own: 'kept' } })] };
      }),
    ],
    outputs: [receipts],
    ...options,
  });

/** An order opens a row; a refund, or the time that has passed, emits a receipt and ends it. */
const keeper = (rowsKeepTrace: boolean) =>
  defineService({
    group: 'keeper',
    inputs: [
      on<Order, Tally>(
        orders,
        (row, { key }, { nowMs }) => ({
          kind: 'done',
          state: row ?? { key, count: 1, sum: 1, dueAtMs: nowMs + dueAfterMs },
        }),
        { stateKey: (order) => order.key },
      ),
      on<Order, Tally>(refunds, (_row, refund) => ({ kind: 'done', state: null, emit: [emit(receipts, refund)] }), {
        stateKey: (refund) => refund.key,
      }),
      due<Tally>((row) => {
        const last = { id: 'due', key: row.key, amount: 1 };
        return { kind: 'done', state: null, emit: row.key === 'quiet' ? [] : [emit(receipts, last)] };
      }),
    ],
    outputs: [receipts],
    table: { topic: tallies, dueAtMs: (row: Tally) => row.dueAtMs, maxRows: 100, rowsKeepTrace },
  });

const headersOut = (world: World) => world.raw(receipts.name).map((record) => record.headers);

describe('a sampled record', () => {
  test('has a span in its own trace, which what is emitted carries on beside its own headers', async () => {
    const world = createWorld();
    await world.start(echo());
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    const span = spans.one('echo toy.orders');
    expect(span.spanContext().traceId).toBe(remoteSpan(1).traceId);
    expect(span.parentSpanContext?.spanId).toBe(remoteSpan(1).spanId);
    expect(span.kind).toBe(SpanKind.CONSUMER);
    expect(headersOut(world)).toEqual([{ own: 'kept', traceparent: headerOf(span) }]);
  });

  test('shares a span with its batch, which says where it came from and links to every sampled record', async () => {
    const world = createWorld();
    await world.start(echo());
    const producer = world.broker.producer('test-2');
    await producer.send(
      [remoteSpan(1).headers, {}, remoteSpan(2).headers].map((headers, i) => ({
        topic: orders.name,
        key: 'a',
        value: orders.codec.encode({ id: `a${i}`, key: 'a', amount: 1 }),
        headers,
      })),
    );
    await world.clock.settle();
    const batch = spans.one('echo process');
    expect(batch.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.destination.name': 'toy.orders',
      'messaging.destination.partition.id': '0',
      'messaging.consumer.group.name': 'echo',
      'messaging.batch.message_count': 3,
    });
    expect(linkedSpanIds(batch)).toEqual([remoteSpan(1).spanId, remoteSpan(2).spanId]);
    expect(batch.events.map((event) => event.name)).toEqual(['looked up', 'decided']);
    const each = spans.all().filter((span) => span.name === 'echo toy.orders');
    expect(each.map((span) => span.spanContext().traceId)).toEqual([remoteSpan(1).traceId, remoteSpan(2).traceId]);
    for (const span of each) expect(linkedSpanIds(span)).toEqual([batch.spanContext().spanId]);
    // The one in between was not sampled.
    expect(headersOut(world).map((headers) => headers['traceparent'] !== undefined)).toEqual([true, false, true]);
  });

  test('is read as a whole, where the service looks at a part of it', async () => {
    const world = createWorld();
    const seen: unknown[] = [];
    const part = { id: true, key: true } as const;
    const look = on<Pick<Order, 'id' | 'key'>, undefined>(
      orders,
      (_state, order) => {
        seen.push(order);
        return { kind: 'done' };
      },
      { part },
    );
    await world.start(echo({ inputs: [look] }));
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    await world.put(orders, ordersOf('a', 2, 2));
    expect(seen).toEqual([
      { id: 'a1', key: 'a', amount: 1 },
      { id: 'a2', key: 'a' },
    ]);
  });

  test('says why it was dropped, or became a dead letter, without quoting the record', async () => {
    const world = createWorld();
    await world.start(echo());
    await world.put(orders, [{ id: 'a secret', key: 'a', amount: -1 }], remoteSpan(1).headers);
    const dead = spans.one('echo toy.orders');
    expect(dead.status).toEqual({ code: SpanStatusCode.ERROR, message: 'dead letter: unknown name "…"' });
    expect(dead.attributes).toMatchObject({ 'quantum_router.dead_letter': true, 'quantum_router.field': 'amount' });
    expect(world.raw('toy.orders.dlq')[0]!.headers).toEqual({ traceparent: headerOf(dead) });
    spans.reset();
    await world.put(orders, [{ id: 'b', key: 'a', amount: 0 }], remoteSpan(1).headers);
    expect(spans.one('echo toy.orders').attributes['quantum_router.drop']).toBe('nothing');
    spans.reset();
    await world.putRaw(orders.name, [{ key: 'a', value: Buffer.from('{'), headers: remoteSpan(2).headers }]);
    expect(spans.one('echo toy.orders').status.message).toBe('dead letter: not JSON');
  });

  test('that makes the decision throw is a dead letter in its trace, which does not quote it', async () => {
    const world = createWorld();
    await world.start(echo());
    await world.put(orders, [{ id: 'a', key: 'a', amount: 666 }], remoteSpan(1).headers);
    expect(spans.one('echo toy.orders').status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'dead letter: the decision failed: TypeError: cannot take "…"',
    });
  });

  test('fails its spans when the service ends at it', async () => {
    const world = createWorld({ limits: { maxRestarts: 0 } });
    await world.start(echo());
    await world.put(orders, [{ id: 'a', key: 'a', amount: 777 }], remoteSpan(1).headers);
    expect(world.fatal).toHaveLength(1);
    for (const name of ['echo process', 'echo toy.orders']) {
      expect(spans.one(name).status).toEqual({ code: SpanStatusCode.ERROR, message: 'TransientError' });
    }
  });

  test('forwarded to another partition keeps its trace', async () => {
    const world = createWorld({ partitions: 4 });
    const service = echo({
      inputs: [
        on<Order, undefined>(orders, (_state, order) => ({ kind: 'done', emit: [emit(receipts, order)] }), {
          forwardMisplaced: true,
        }),
      ],
      outputs: [receipts, orders],
    });
    await world.start(service);
    const value = orders.codec.encode({ id: 'a1', key: 'a', amount: 1 });
    for (const partition of [0, 1, 2, 3]) {
      await world.putRaw(orders.name, [{ key: 'a', value, partition, headers: remoteSpan(1).headers }]);
    }
    expect(headersOut(world).map(({ traceparent }) => traceparent!.slice(3, 35))).toEqual(
      Array(4).fill(remoteSpan(1).traceId),
    );
  });

  test('handed to a processor carries the span of its batch on', async () => {
    const world = createWorld();
    const seen: number[] = [];
    await world.start(
      defineService({
        group: 'batch',
        inputs: [
          process<Order>(orders, async (batch) => {
            seen.push(batch.length);
            return batch.map(({ event }) => emit(receipts, event));
          }),
        ],
        outputs: [receipts],
      }),
    );
    await world.put(orders, ordersOf('a', 1, 2), remoteSpan(3).headers);
    expect(seen).toEqual([2]);
    const batch = spans.one('batch process');
    expect(headersOut(world)).toEqual([{ traceparent: headerOf(batch) }, { traceparent: headerOf(batch) }]);
    expect(spans.all().filter((span) => span.name === 'batch toy.orders')).toHaveLength(2);
  });
});

describe('a record without a sampled trace', () => {
  test.each([
    ['none', undefined],
    ['an unsampled one', { traceparent: remoteSpan(1).headers.traceparent.replace(/1$/, '0') }],
    ['a malformed one', { traceparent: 'who knows' }],
  ])('leaves no span and no header: %s', async (_what, headers) => {
    const world = createWorld();
    await world.start(echo());
    await world.put(orders, ordersOf('a', 1, 3), headers);
    expect(world.raw(receipts.name)).toHaveLength(3);
    expect(headersOut(world)).toEqual(Array(3).fill({ own: 'kept' }));
    expect(spans.all()).toEqual([]);
  });
});

describe('rows that keep their trace', () => {
  test('a timer emits in the trace of the row', async () => {
    const world = createWorld();
    await world.start(keeper(true));
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    await world.clock.advanceBy(dueAfterMs);
    const span = spans.one('keeper due');
    expect(span.parentSpanContext?.spanId).toBe(remoteSpan(1).spanId);
    expect(span.kind).toBe(SpanKind.INTERNAL);
    expect(headersOut(world)).toEqual([{ traceparent: headerOf(span) }]);
  });

  test('a timer that emits nothing is not shown', async () => {
    const world = createWorld();
    await world.start(keeper(true));
    await world.put(orders, [{ id: 'q', key: 'quiet', amount: 1 }], remoteSpan(1).headers);
    await world.clock.advanceBy(dueAfterMs);
    expect(spans.all().map((span) => span.name)).not.toContain('keeper due');
  });

  test('a record of another trace links to the newest span of the row, and ends what is remembered', async () => {
    const world = createWorld();
    await world.start(keeper(true));
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    const later = `00-${remoteSpan(1).traceId}-${remoteSpan(7).spanId}-01`;
    await world.put(orders, ordersOf('a', 2, 2), { traceparent: later });
    await world.put(refunds, ordersOf('a', 3, 3), remoteSpan(2).headers);
    const refund = spans.one('keeper toy.refunds');
    expect(refund.spanContext().traceId).toBe(remoteSpan(2).traceId);
    expect(linkedSpanIds(refund)).toContain(remoteSpan(7).spanId);
    spans.reset();
    await world.put(refunds, ordersOf('a', 4, 4), remoteSpan(3).headers);
    expect(linkedSpanIds(spans.one('keeper toy.refunds'))).toEqual([spans.one('keeper process').spanContext().spanId]);
  });

  test('a record without a trace of its own is shown in that of its row, and only of its row', async () => {
    const world = createWorld();
    await world.start(keeper(true));
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    await world.put(refunds, [...ordersOf('a', 2, 2), ...ordersOf('b', 1, 1)]);
    const span = spans.one('keeper toy.refunds');
    expect(span.parentSpanContext?.spanId).toBe(remoteSpan(1).spanId);
    expect(headersOut(world)).toEqual([{ traceparent: headerOf(span) }, {}]);
  });

  test('where rows outlive a trace nothing is remembered', async () => {
    const world = createWorld();
    await world.start(keeper(false));
    await world.put(orders, ordersOf('a', 1, 1), remoteSpan(1).headers);
    await world.clock.advanceBy(dueAfterMs);
    expect(headersOut(world)).toEqual([{}]);
  });
});
