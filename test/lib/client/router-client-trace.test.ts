import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { createRouterClient, replyToHeader } from '../../../lib/client/router-client';
import { type Broker, TransientError } from '../../../lib/ports/broker';
import { settingsOf } from '../../../lib/topics/define-topic';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { routeBodySchema, toRequest } from '../../../services/gateway/http/body-schemas';
import { decisionOf } from '../../services/gateway/start-gateway';
import { headerOf, recordSpans, remoteSpan } from '../telemetry/recorded-spans';

let spans: ReturnType<typeof recordSpans>;
beforeAll(() => {
  spans = recordSpans();
});
beforeEach(() => spans.reset());
afterAll(() => spans.stop());

const request = toRequest(routeBodySchema.parse({ prompt: 'a secret' }), 'r1', 1);
const outcome: RouteOutcome = {
  decisionId: 'r1',
  routingKey: null,
  model: 'large',
  attempt: 1,
  status: 'SUCCESS',
  latencyMs: null,
  inputTokens: null,
  outputTokens: null,
  costUsd: null,
  quality: 1,
  rewardParts: {},
  source: 'test',
  firstTokenMs: null,
  cachedInputTokens: null,
  reasoningTokens: null,
  finishReason: null,
  retryAfterMs: null,
  provisional: false,
  revision: 0,
  occurredAtMs: 1,
};

async function startClient(disturb = (broker: Broker): Broker => broker) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics(
    [topics.routeRequested, topics.routeDecided, topics.routeRefused, topics.routeOutcome].map((topic) =>
      settingsOf(topic as never, 1),
    ),
  );
  const client = await createRouterClient({
    broker: disturb(broker),
    clock,
    clientId: 'client-1',
    onFailed: (error) => {
      throw error;
    },
  });
  const decide = (headers: Record<string, string>) =>
    broker.producer('decider').send([
      {
        topic: topics.routeDecided.name,
        key: 'r1',
        value: topics.routeDecided.codec.encode(decisionOf(request)),
        headers: { [replyToHeader]: 'client-1', ...headers },
      },
    ]);
  return { broker, client, decide };
}

/** Runs in a span of a host application that traces. */
async function inHostSpan<T>(run: () => Promise<T>): Promise<T> {
  const span = trace.getTracer('host').startSpan('host');
  try {
    return await context.with(trace.setSpan(context.active(), span), run);
  } finally {
    span.end();
  }
}

test('a request continues the trace of the caller, and the decision is seen where it arrives', async () => {
  const { broker, client, decide } = await startClient();
  await inHostSpan(async () => {
    const decided = client.route(request, 1_000);
    await decide(remoteSpan(4).headers);
    await decided;
  });
  const host = spans.one('host');
  const sent = spans.one('route.requested send');
  expect(sent.parentSpanContext?.spanId).toBe(host.spanContext().spanId);
  expect(broker.records(topics.routeRequested.name)[0]!.headers).toEqual({
    [replyToHeader]: 'client-1',
    traceparent: headerOf(sent),
  });
  expect(spans.one('route.decided receive').parentSpanContext?.spanId).toBe(remoteSpan(4).spanId);
  expect(host.events).toMatchObject([{ name: 'decided', attributes: { 'quantum_router.model': 'large' } }]);
  expect(JSON.stringify(spans.all().map((span) => [span.name, span.attributes]))).not.toContain('secret');
  await client.close();
});

test('an outcome continues the trace of the caller', async () => {
  const { broker, client } = await startClient();
  await inHostSpan(() => client.report(outcome));
  const sent = spans.one('route.outcome send');
  expect(sent.parentSpanContext?.spanId).toBe(spans.one('host').spanContext().spanId);
  expect(broker.records(topics.routeOutcome.name)[0]!.headers).toEqual({ traceparent: headerOf(sent) });
  await client.close();
});

test.each([
  ['absent', {}],
  ['malformed', { traceparent: 'x' }],
])('a decision whose trace is %s is a decision all the same', async (_what, headers) => {
  const { client, decide } = await startClient();
  const decided = client.route(request, 1_000);
  await decide(headers);
  expect((await decided).model).toBe('large');
  expect(spans.all().map((span) => span.name)).not.toContain('route.decided receive');
  await client.close();
});

test('a record that could not be sent fails its span', async () => {
  const { client } = await startClient((broker) => ({
    ...broker,
    follow: (options) => broker.follow(options),
    producer: () => ({ send: () => Promise.reject(new TransientError('away')), close: async () => {} }),
  }));
  await expect(client.report(outcome)).rejects.toThrow('away');
  await expect(client.route(request, 1_000)).rejects.toThrow('away');
  for (const name of ['route.outcome send', 'route.requested send']) {
    expect(spans.one(name).status).toEqual({ code: SpanStatusCode.ERROR, message: 'TransientError' });
  }
  await client.close();
});
