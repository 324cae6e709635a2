import { SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import {
  childrenOf,
  endFailed,
  flushTraces,
  parseTraceparent,
  sampledParent,
  traceparentOf,
  tracer,
} from '../../../lib/telemetry/tracing';
import { recordSpans, remoteSpan } from './recorded-spans';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const sampled = `00-${traceId}-${spanId}-01`;

describe('traceparent', () => {
  test('names a remote span', () => {
    expect(parseTraceparent(sampled)).toEqual({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)?.traceFlags).toBe(TraceFlags.NONE);
  });

  test('other flags than sampled are of no concern, later versions may say more', () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-03`)?.traceFlags).toBe(TraceFlags.SAMPLED);
    expect(parseTraceparent(`cc-${traceId}-${spanId}-01-what-comes-later`)?.spanId).toBe(spanId);
    // It is remembered with a row: nobody appends a megabyte.
    expect(parseTraceparent(`cc-${traceId}-${spanId}-01-${'x'.repeat(1_000)}`)).toBeNull();
  });

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['not a string', Buffer.from(sampled)],
    ['given twice', `${sampled}, ${sampled}`],
    ['too short', sampled.slice(0, -1)],
    ['too long for its version', `${sampled}-more`],
    ['of version ff', `ff${sampled.slice(2)}`],
    ['in upper case', sampled.toUpperCase()],
    ['without a trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['without a span', `00-${traceId}-${'0'.repeat(16)}-01`],
  ])('is ignored when %s', (_what, header) => {
    expect(parseTraceparent(header)).toBeNull();
    expect(sampledParent(header)).toBeNull();
  });

  test('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.string(), (header) => parseTraceparent(header) === null));
    fc.assert(fc.property(fc.anything(), (header) => sampledParent(header) === null));
  });

  test('an unsampled trace is no parent of records', () => {
    expect(sampledParent(`00-${traceId}-${spanId}-00`)).toBeNull();
    expect(sampledParent(sampled)?.spanId).toBe(spanId);
  });
});

describe('without an SDK', () => {
  test('what came is passed on, nothing is begun', async () => {
    const child = tracer.startSpan('child', {}, childrenOf(parseTraceparent(sampled)));
    expect(traceparentOf(child)).toBe(sampled);
    expect(traceparentOf(tracer.startSpan('root', {}, childrenOf(null)))).toBeNull();
    await expect(flushTraces()).resolves.toBeUndefined();
  });
});

describe('with an SDK registered later', () => {
  let spans: ReturnType<typeof recordSpans>;
  beforeAll(() => {
    spans = recordSpans();
  });
  afterAll(async () => {
    await spans.stop();
    trace.disable();
  });

  test('children continue the trace, and others continue from them', () => {
    const child = tracer.startSpan('child', {}, childrenOf(parseTraceparent(remoteSpan(1).headers.traceparent)));
    child.end();
    const { parentSpanContext } = spans.one('child');
    expect(parentSpanContext?.spanId).toBe(remoteSpan(1).spanId);
    expect(parseTraceparent(traceparentOf(child))).toMatchObject({
      traceId: remoteSpan(1).traceId,
      spanId: child.spanContext().spanId,
    });
  });

  test('an unsampled parent stays unsampled', () => {
    const unsampled = parseTraceparent(remoteSpan(2).headers.traceparent.replace(/1$/, '0'));
    expect(traceparentOf(tracer.startSpan('child', {}, childrenOf(unsampled)))).toBeNull();
  });

  test('of an error only its name is told', () => {
    endFailed(tracer.startSpan('failed'), new TypeError('with a secret'));
    expect(spans.one('failed').status).toEqual({ code: SpanStatusCode.ERROR, message: 'TypeError' });
    endFailed(tracer.startSpan('odd'), 'a secret');
    expect(spans.one('odd').status.message).toBe('unknown error');
  });

  test('what is left is handed over before the end', async () => {
    await flushTraces();
    expect(spans.flushes()).toBe(1);
  });
});
