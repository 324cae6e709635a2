/** Calls through the doors as OpenTelemetry sees them: a span an attempt, below the request of the caller. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../../../checks/chaos/until';
import { recordSpans, remoteSpan } from '../../../lib/telemetry/recorded-spans';
import { patienceMs } from '../../../patience';
import { atEnd } from '../../../started';
import { orderedConfig, startDoors } from './start-doors';

const secret = 'a prompt that no span may hold';
let spans: ReturnType<typeof recordSpans>;
beforeAll(() => {
  spans = recordSpans();
});
afterAll(() => spans.stop());

/** Answers every call so. */
async function provider(status: number, body: object): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

test('an attempt that failed and the one that answered are two spans of the trace, without a word of the prompt', async () => {
  const answer = {
    id: 'chatcmpl-7',
    object: 'chat.completion',
    model: 'second-upstream',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: `echo: ${secret}` } }],
    usage: { prompt_tokens: 9, completion_tokens: 4 },
  };
  const doors = await startDoors(
    orderedConfig(
      [
        { name: 'first', provider: 'broken' },
        { name: 'second', provider: 'sound', upstreamModel: 'second-upstream' },
      ],
      {
        broken: { kind: 'openai', baseUrl: await provider(500, { error: { message: 'no' } }) },
        sound: { kind: 'openai', baseUrl: await provider(200, answer) },
      },
    ),
  );
  const caller = remoteSpan(5);
  const response = await fetch(`${doors.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...caller.headers },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: secret }] }),
  });
  expect(response.status).toBe(200);
  await response.text();
  const hasEnded = () => spans.all().some(({ name }) => name === 'POST /v1/chat/completions');
  await until(doors.clock, 'the request has its span', hasEnded, patienceMs, 5);

  const server = spans.one('POST /v1/chat/completions');
  const failed = spans.one('chat first');
  const answered = spans.one('chat second-upstream');
  for (const span of [failed, answered]) {
    expect(span.spanContext().traceId).toBe(caller.traceId);
    expect(span.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
  }
  expect(failed.attributes).toMatchObject({
    'gen_ai.provider.name': 'broken',
    'error.type': '500',
    'quantum_router.outcome.attempt': 1,
  });
  expect(answered.attributes).toMatchObject({
    'gen_ai.provider.name': 'sound',
    'gen_ai.request.model': 'second-upstream',
    'gen_ai.response.id': 'chatcmpl-7',
    'gen_ai.usage.input_tokens': 9,
    'gen_ai.usage.output_tokens': 4,
    'quantum_router.model': 'second',
    'quantum_router.outcome.attempt': 2,
  });
  const decided = spans.all().find(({ attributes }) => attributes['quantum_router.propensity'] !== undefined);
  expect(decided?.attributes).toMatchObject({ 'gen_ai.request.model': 'first', 'gen_ai.provider.name': 'broken' });
  expect(JSON.stringify(spans.all().map(({ name, attributes, events }) => [name, attributes, events]))).not.toContain(
    secret,
  );
});
