import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import {
  genAiConventionsVersion,
  genAiMetrics,
  genAiNames,
  type ModelCall,
  recordModelCall,
} from '../../../lib/telemetry/gen-ai';
import { recordSpans } from './recorded-spans';

let spans: ReturnType<typeof recordSpans>;
beforeAll(() => {
  spans = recordSpans();
});
beforeEach(() => spans.reset());
afterAll(() => spans.stop());

const call: ModelCall = {
  operation: 'chat',
  provider: 'own-name',
  baseUrl: 'https://api.openai.com/v1',
  requestModel: 'gpt-4.1',
  isStream: true,
  responseModel: 'gpt-4.1-2025-04-14',
  responseId: 'chatcmpl-1',
  finishReason: 'stop',
  inputTokens: 12,
  cachedInputTokens: null,
  outputTokens: 34,
  reasoningTokens: 0,
  firstTokenMs: 250,
  errorType: null,
  attributes: { 'quantum_router.request_id': 'r1' },
};

test('every name is one of the conventions, of the version that is said', () => {
  const known = new Set(Object.values(conventions).filter((value) => typeof value === 'string'));
  for (const name of [...Object.values(genAiNames), ...Object.values(genAiMetrics)])
    expect([name, known.has(name)]).toEqual([name, true]);
  let folder = dirname(require.resolve('@opentelemetry/semantic-conventions'));
  while (!folder.endsWith('semantic-conventions')) folder = dirname(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  expect(genAiConventionsVersion).toBe(version);
});

test('a call is a span of its own kind, name and times, with what its answer said', () => {
  recordModelCall(call, ROOT_CONTEXT, 1_700_000_000_000, 1_700_000_001_500);
  const span = spans.one('chat gpt-4.1');
  expect([span.kind, span.status.code]).toEqual([SpanKind.CLIENT, SpanStatusCode.UNSET]);
  expect([span.startTime, span.duration]).toEqual([
    [1_700_000_000, 0],
    [1, 500_000_000],
  ]);
  expect(span.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4.1',
    'gen_ai.request.stream': true,
    'gen_ai.response.model': 'gpt-4.1-2025-04-14',
    'gen_ai.response.id': 'chatcmpl-1',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.response.time_to_first_chunk': 0.25,
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 34,
    'gen_ai.usage.reasoning.output_tokens': 0,
    'server.address': 'api.openai.com',
    'server.port': 443,
    'quantum_router.request_id': 'r1',
  });
});

test('a call that failed says how, and nothing that is not known', () => {
  const nothing = { responseModel: null, responseId: null, finishReason: null, firstTokenMs: null } as const;
  const noTokens = { inputTokens: null, outputTokens: null, reasoningTokens: null } as const;
  const failed = { ...call, ...nothing, ...noTokens, isStream: false, errorType: '429', attributes: {} };
  recordModelCall(
    { ...failed, baseUrl: 'http://127.0.0.1:9000/v1' },
    ROOT_CONTEXT,
    1_000_000_000_000,
    1_000_000_000_001,
  );
  const span = spans.one('chat gpt-4.1');
  expect(span.status.code).toBe(SpanStatusCode.ERROR);
  expect(span.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'own-name',
    'gen_ai.request.model': 'gpt-4.1',
    'server.address': '127.0.0.1',
    'server.port': 9000,
    'error.type': '429',
  });
});

test('what an answer says of itself is cut: it may be of any length', () => {
  recordModelCall({ ...call, responseModel: 'x'.repeat(10_000), baseUrl: null }, ROOT_CONTEXT, 0, 1);
  expect(String(spans.one('chat gpt-4.1').attributes['gen_ai.response.model'])).toHaveLength(200);
});
