/**
 * Calls of models in the words of OpenTelemetry's conventions for generative AI: the one place that has their names. They
 * are those of `genAiConventionsVersion`, are still in development there, and a test compares them. No content is recorded.
 */
import { type Attributes, type Context, type Histogram, metrics, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { tracer } from './tracing';

/** Release of OpenTelemetry's semantic conventions that the names are of. */
export const genAiConventionsVersion = '1.45.0';

export const genAiNames = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  stream: 'gen_ai.request.stream',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
} as const;

export const genAiMetrics = {
  duration: 'gen_ai.client.operation.duration',
  timeToFirstChunk: 'gen_ai.client.operation.time_to_first_chunk',
  tokens: 'gen_ai.client.token.usage',
} as const;

/** Providers that the conventions have a name for, by the host that serves them. */
const providerOfHost: readonly (readonly [RegExp, string])[] = [
  [/^api\.openai\.com$/, 'openai'],
  [/\.openai\.azure\.com$/, 'azure.ai.openai'],
  [/^api\.anthropic\.com$/, 'anthropic'],
  [/^api\.groq\.com$/, 'groq'],
  [/^api\.mistral\.ai$/, 'mistral_ai'],
  [/^api\.deepseek\.com$/, 'deepseek'],
  [/^api\.x\.ai$/, 'x_ai'],
  [/^api\.perplexity\.ai$/, 'perplexity'],
  [/^api\.cohere\.(ai|com)$/, 'cohere'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/^bedrock-runtime\.[\w-]+\.amazonaws\.com$/, 'aws.bedrock'],
];

export interface ModelCall {
  readonly operation: 'chat' | 'embeddings';
  /** As configured; where the conventions have no name for who serves it, this one is given. */
  readonly provider: string;
  readonly baseUrl: string | null;
  /** As the provider calls it. */
  readonly requestModel: string;
  readonly isStream: boolean;
  /** What the answer says; null where it says nothing. */
  readonly responseModel: string | null;
  readonly responseId: string | null;
  readonly finishReason: string | null;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly firstTokenMs: number | null;
  /** Status of HTTP, or how the call ended; null for an answer. */
  readonly errorType: string | null;
  /** Our own attributes of the span. */
  readonly attributes: Attributes;
}

/** What comes from an answer may be of any length. */
const maxTextLength = 200;
const tokenBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
const secondBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

interface Meters {
  readonly duration: Histogram;
  readonly firstChunk: Histogram;
  readonly tokens: Histogram;
}

let meters: Meters | null = null;

/** Made with the first call: before the SDK is registered they would count nothing for ever. */
function metersOfCalls(): Meters {
  if (meters) return meters;
  const meter = metrics.getMeter('quantum-router');
  const histogram = (name: string, unit: string, explicitBucketBoundaries: number[]): Histogram =>
    meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries } });
  meters = {
    duration: histogram(genAiMetrics.duration, 's', secondBoundaries),
    firstChunk: histogram(genAiMetrics.timeToFirstChunk, 's', secondBoundaries),
    tokens: histogram(genAiMetrics.tokens, '{token}', tokenBoundaries),
  };
  return meters;
}

/** Records a call that has ended as a span and in the metrics. Times in milliseconds since the epoch. Nothing without an SDK. */
export function recordModelCall(call: ModelCall, parent: Context, startMs: number, endMs: number): void {
  const common = commonAttributes(call);
  const { operation, requestModel, firstTokenMs, errorType } = call;
  const name = `${operation} ${requestModel}`;
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes: common, startTime: startMs }, parent);
  if (span.isRecording()) {
    span.setAttributes({ ...answerAttributes(call), ...call.attributes });
    if (errorType !== null) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  }
  const { duration, firstChunk, tokens } = metersOfCalls();
  const labels = {
    ...common,
    ...(call.responseModel !== null && { [genAiNames.responseModel]: cut(call.responseModel) }),
    ...(errorType !== null && { [genAiNames.errorType]: errorType }),
  };
  duration.record(Math.max(0, endMs - startMs) / 1_000, labels);
  if (firstTokenMs !== null) firstChunk.record(firstTokenMs / 1_000, labels);
  // Tokens of a failed call are not told apart.
  for (const [type, count] of [
    ['input', call.inputTokens],
    ['output', call.outputTokens],
  ] as const)
    if (count !== null) tokens.record(count, { ...common, [genAiNames.tokenType]: type });
}

/** What a decision and an outcome say in the same words, so that they are found together with the call. */
export function chosenAttributes(provider: string | null, model: string): Attributes {
  return { [genAiNames.requestModel]: model, ...(provider !== null && { [genAiNames.provider]: provider }) };
}

function commonAttributes({ operation, provider, baseUrl, requestModel }: ModelCall): Attributes {
  const { known, address } = serverOf(baseUrl);
  return {
    [genAiNames.operation]: operation,
    [genAiNames.provider]: known ?? provider,
    [genAiNames.requestModel]: requestModel,
    ...address,
  };
}

interface Server {
  /** The name that the conventions have for whoever serves there. */
  readonly known: string | null;
  readonly address: Attributes;
}

/** By address, since every call asks; a configuration has few. */
const servers = new Map<string | null, Server>();
const maxServers = 1_000;

function serverOf(baseUrl: string | null): Server {
  const seen = servers.get(baseUrl);
  if (seen) return seen;
  const url = baseUrl !== null && URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const known = url && providerOfHost.find(([host]) => host.test(url.hostname));
  const address: Attributes = url
    ? {
        [genAiNames.serverAddress]: url.hostname,
        [genAiNames.serverPort]: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
      }
    : {};
  const server = { known: known?.[1] ?? null, address };
  if (servers.size >= maxServers) servers.clear();
  servers.set(baseUrl, server);
  return server;
}

function answerAttributes(call: ModelCall): Attributes {
  const given: [string, string | number | string[] | null][] = [
    [genAiNames.responseModel, call.responseModel === null ? null : cut(call.responseModel)],
    [genAiNames.responseId, call.responseId === null ? null : cut(call.responseId)],
    [genAiNames.finishReasons, call.finishReason === null ? null : [cut(call.finishReason)]],
    [genAiNames.inputTokens, call.inputTokens],
    [genAiNames.cachedInputTokens, call.cachedInputTokens],
    [genAiNames.outputTokens, call.outputTokens],
    [genAiNames.reasoningTokens, call.reasoningTokens],
    [genAiNames.timeToFirstChunk, call.firstTokenMs === null ? null : call.firstTokenMs / 1_000],
    [genAiNames.errorType, call.errorType],
  ];
  const attributes: Attributes = call.isStream ? { [genAiNames.stream]: true } : {};
  for (const [name, value] of given) if (value !== null) attributes[name] = value;
  return attributes;
}

function cut(text: string): string {
  return text.slice(0, maxTextLength);
}
