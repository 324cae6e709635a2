import { connect } from 'node:net';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TransientError } from '../../../lib/ports/broker';
import { topics } from '../../../lib/topics/topics';
import { headerOf, recordSpans, remoteSpan } from '../../lib/telemetry/recorded-spans';
import { decisionOf, startGateway } from './start-gateway';

let spans: ReturnType<typeof recordSpans>;
let started: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  spans = recordSpans();
  started = await startGateway();
});
beforeEach(() => spans.reset());
afterAll(async () => {
  await started.stop();
  await spans.stop();
});

const traceparentsOf = (topic: string, requestId: string) =>
  started.broker
    .records(topic)
    .filter((record) => record.key === requestId)
    .map((record) => record.headers['traceparent']);
/** A span ends just after the response has gone out. */
const ended = (name: string) => started.until(() => spans.all().some((span) => span.name === name));

test('a request continues the trace of the caller; the response names the span', async () => {
  const answer = await started.call('POST', '/v1/route', { requestId: 'r1', prompt: 'a' }, remoteSpan(1).headers);
  await ended('POST /v1/route');
  const server = spans.one('POST /v1/route');
  expect(server.kind).toBe(SpanKind.SERVER);
  expect(server.parentSpanContext?.spanId).toBe(remoteSpan(1).spanId);
  expect(server.attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/v1/route',
    'http.response.status_code': 200,
    'quantum_router.request_id': 'r1',
  });
  expect(answer.headers.get('traceparent')).toBe(headerOf(server));
  const sent = spans.one('route.requested send');
  expect(sent.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
  expect(traceparentsOf(topics.routeRequested.name, 'r1')).toEqual([headerOf(sent)]);
});

test('an outcome continues the trace of its own request', async () => {
  const feedback = { decisionId: 'r1', model: 'large', quality: 1 };
  await started.call('POST', '/v1/feedback', feedback, remoteSpan(2).headers);
  await ended('POST /v1/feedback');
  const sent = spans.one('route.outcome send');
  expect(sent.parentSpanContext?.spanId).toBe(spans.one('POST /v1/feedback').spanContext().spanId);
  expect(sent.spanContext().traceId).toBe(remoteSpan(2).traceId);
  expect(traceparentsOf(topics.routeOutcome.name, 'r1')).toEqual([headerOf(sent)]);
});

test('a trace begins here when the caller has none, or a malformed one', async () => {
  await started.call('POST', '/v1/route', { requestId: 'r2', prompt: 'a' }, { traceparent: 'nonsense' });
  await ended('POST /v1/route');
  expect(spans.one('POST /v1/route').parentSpanContext).toBeUndefined();
});

test('a caller that is not sampled is not traced further on', async () => {
  const unsampled = { traceparent: remoteSpan(3).headers.traceparent.replace(/1$/, '0') };
  const answer = await started.call('POST', '/v1/route', { requestId: 'r3', prompt: 'a' }, unsampled);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('traceparent')).toBeNull();
  expect(traceparentsOf(topics.routeRequested.name, 'r3')).toEqual([undefined]);
  expect(spans.all()).toEqual([]);
});

test('a decision names the trace that it was made in, and where to look at it', async () => {
  const traceUrl = 'https://traces.example.org/trace/{traceId}?x';
  const traced = await startGateway({ settings: { traceUrl } });
  await traced.call('POST', '/v1/route', { prompt: 'a' });
  const [request] = traced.requests();
  const { name, codec } = topics.routeDecided;
  const { headers, traceId } = remoteSpan(4);
  const record = (id: string) => ({
    topic: name,
    key: id,
    value: codec.encode(decisionOf({ ...request!, requestId: id })),
  });
  await traced.broker.producer('test').send([{ ...record('sampled'), headers }, record('not sampled')]);
  await traced.clock.settle();
  const url = `https://traces.example.org/trace/${traceId}?x`;
  expect((await traced.call('GET', '/v1/decisions/sampled/trace')).body).toEqual({ traceId, url });
  const none = await traced.call('GET', `/v1/decisions/${encodeURIComponent('not sampled')}/trace`);
  expect(none.body).toEqual({ traceId: null, url: null });
  expect((await traced.call('GET', '/v1/decisions/nobody/trace')).status).toBe(404);
  await traced.stop();
});

test('a caller that goes away ends its span', async () => {
  const socket = connect(started.gateway.port, '127.0.0.1');
  const head = 'POST /v1/route HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{';
  await new Promise<void>((resolve) => socket.write(head, () => resolve()));
  socket.destroy();
  await ended('POST /v1/route');
  expect(spans.one('POST /v1/route').attributes['http.response.status_code']).toBeUndefined();
});

test('reading is not traced, nor what does not exist', async () => {
  await started.call('GET', '/v1/models');
  await started.call('POST', '/v1/nothing', {});
  expect(spans.all()).toEqual([]);
});

test('a refused body is an answer, a log that cannot be written is an error', async () => {
  await started.call('POST', '/v1/route', { prompt: 1 });
  await ended('POST /v1/route');
  expect(spans.one('POST /v1/route').status.code).toBe(SpanStatusCode.UNSET);
  spans.reset();
  const away = await startGateway({
    disturb: (broker) => ({
      ...broker,
      follow: (options) => broker.follow(options),
      producer: () => ({ send: () => Promise.reject(new TransientError('away')), close: async () => {} }),
    }),
  });
  const answer = await away.call('POST', '/v1/route', { requestId: 'r4', prompt: 'a' });
  expect(answer.status).toBe(503);
  await ended('POST /v1/route');
  expect(spans.one('POST /v1/route').status.code).toBe(SpanStatusCode.ERROR);
  await away.stop();
});
