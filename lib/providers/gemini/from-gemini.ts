/** From what Gemini has answered, as the library has read it, to a chat completion: in one piece, or chunk by chunk. */
import type { createGoogleGenerativeAI } from '@ai-sdk/google';
import { isJson, type Json } from '../any-json';

type Model = ReturnType<ReturnType<typeof createGoogleGenerativeAI>>;
export type GeminiResult = Pick<Awaited<ReturnType<Model['doGenerate']>>, 'content' | 'finishReason' | 'usage'>;
type Stream = Awaited<ReturnType<Model['doStream']>>['stream'];
export type GeminiPart = Stream extends ReadableStream<infer Part> ? Part : never;
type Usage = GeminiResult['usage'];
type Content = GeminiResult['content'][number];
type ToolCallPart = Extract<Content, { type: 'tool-call' }>;

/** What the provider says of the answer itself, beside what is in it. */
export interface GeminiLabel {
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/** `raw` is the answer, or one event of it, as it came. */
export function labelOf(raw: unknown, asked: string, nowMs: number): GeminiLabel {
  const { responseId, modelVersion } = isJson(raw) ? raw : {};
  return {
    id: typeof responseId === 'string' && responseId !== '' ? responseId : 'gemini',
    model: typeof modelVersion === 'string' && modelVersion !== '' ? modelVersion : asked,
    created: Math.floor(nowMs / 1_000),
  };
}

const finishReasons: ReadonlyMap<string, string> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content-filter', 'content_filter'],
  ['tool-calls', 'tool_calls'],
  ['other', 'stop'],
]);

/** Whether an answer, or an event of one, says how it ended, in whatever word. */
function saysItsEnd(raw: unknown): boolean {
  const { candidates } = isJson(raw) ? raw : {};
  const first: unknown = Array.isArray(candidates) ? candidates[0] : null;
  return isJson(first) && typeof first['finishReason'] === 'string';
}

/** Null where it has no end, or one that says that the model has failed. A word that nobody knows is an end all the same. */
function finishOf(reason: string, hasEnd: boolean, hasCalls: boolean): string | null {
  const known = finishReasons.get(reason);
  if (known !== undefined) return known;
  if (reason !== 'unknown' || !hasEnd) return null;
  return hasCalls ? 'tool_calls' : 'stop';
}

/** How many tool calls of an answer its caller takes: Gemini cannot be told to make no more than one. */
export function mostCalls(body: Json): number {
  return body['parallel_tool_calls'] === false ? 1 : Number.POSITIVE_INFINITY;
}

/** `raw` is the answer as it came. Null where that is no answer: it has no end, or the model has failed. */
export function completionOf(
  { content, finishReason, usage }: GeminiResult,
  raw: unknown,
  label: GeminiLabel,
  most: number,
): object | null {
  const textOf = (type: 'text' | 'reasoning'): string =>
    content.map((part) => (part.type === type ? part.text : '')).join('');
  const calls = content
    .filter((part): part is ToolCallPart => part.type === 'tool-call' && !part.providerExecuted)
    .slice(0, most);
  const finish = finishOf(finishReason, saysItsEnd(raw), calls.length > 0);
  if (finish === null) return null;
  const [text, reasoning] = [textOf('text'), textOf('reasoning')];
  const message = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(toolCallOf) }),
  };
  return {
    ...{ id: label.id, object: 'chat.completion', created: label.created, model: label.model },
    choices: [{ index: 0, message, finish_reason: finish }],
    ...withUsage(usage),
  };
}

function toolCallOf({ toolCallId, toolName, input, providerMetadata }: Omit<ToolCallPart, 'type'>) {
  const signature = providerMetadata?.['google']?.['thoughtSignature'];
  return {
    id: toolCallId,
    type: 'function',
    function: { name: toolName, arguments: input },
    // As Google's own endpoint for clients of OpenAI names it: it wants it back with the result.
    ...(typeof signature === 'string' && { extra_content: { google: { thought_signature: signature } } }),
  };
}

/** Null where it said nothing of it. Gemini counts its reasoning beside the answer, OpenAI within it. */
function usageOf(usage: Usage): object | null {
  const { inputTokens = 0, outputTokens = 0, reasoningTokens, cachedInputTokens } = usage;
  if (usage.inputTokens === undefined && usage.outputTokens === undefined) return null;
  const completion = outputTokens + (reasoningTokens ?? 0);
  return {
    prompt_tokens: inputTokens,
    completion_tokens: completion,
    total_tokens: inputTokens + completion,
    ...(cachedInputTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedInputTokens } }),
    ...(reasoningTokens !== undefined && { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

function withUsage(given: Usage): { usage?: object } {
  const usage = usageOf(given);
  return usage === null ? {} : { usage };
}

/** The data of the events that a part of a stream becomes: chunks of a completion, an error, the end. */
export function createChunker(asked: string, nowMs: number, most: number): (part: GeminiPart) => string[] {
  let label: GeminiLabel | null = null;
  let calls = 0;
  let hasBegun = false;
  let hasEnd = false;
  const chunk = (choices: object[], more: object = {}): string => {
    label ??= labelOf(null, asked, nowMs);
    const { id, model, created } = label;
    return JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices, ...more });
  };
  const delta = (said: object): string => {
    const role = hasBegun ? {} : { role: 'assistant' };
    hasBegun = true;
    return chunk([{ index: 0, delta: { ...role, ...said }, finish_reason: null }]);
  };
  const failure = (type: string): string => JSON.stringify({ error: { type, message: type } });
  return (part) => {
    switch (part.type) {
      case 'raw':
        label ??= labelOf(part.rawValue, asked, nowMs);
        hasEnd ||= saysItsEnd(part.rawValue);
        return [];
      case 'text-delta':
        return part.delta === '' ? [] : [delta({ content: part.delta })];
      case 'reasoning-delta':
        return part.delta === '' ? [] : [delta({ reasoning_content: part.delta })];
      case 'tool-call':
        return part.providerExecuted || calls >= most
          ? []
          : [delta({ tool_calls: [{ index: calls++, ...toolCallOf(part) }] })];
      case 'error':
        return [failure('upstream_error')];
      case 'finish': {
        const finish = finishOf(part.finishReason, hasEnd, calls > 0);
        if (part.finishReason === 'error') return [failure('upstream_error')];
        // A stream that does not say how it ended has broken off, and whoever reads this one is to notice.
        if (finish === null) return [];
        const end = chunk([{ index: 0, delta: hasBegun ? {} : { role: 'assistant' }, finish_reason: finish }]);
        const used = withUsage(part.usage);
        return [end, ...('usage' in used ? [chunk([], used)] : []), '[DONE]'];
      }
      default:
        return [];
    }
  };
}
