/**
 * What an answer says of itself: which model made it, how many tokens it took, how it ended. Everything in it comes from
 * outside and may be of any shape; what is not as expected is not known.
 */
import type { ApiName } from '../config/provider-config';
import { isJson, type Json, listOf, objectOf, parsedJson, textOf } from './any-json';
import { type BegunCall, beginsAnother, createBegunCall } from './pieced-calls';

export interface ToolCall {
  readonly name: string;
  /** JSON as the model wrote it, or a value; of what is cut only the beginning, or nothing. */
  arguments: unknown;
  isCut: boolean;
}

interface PiecedCall extends BegunCall {
  readonly call: ToolCall;
}

export interface AnswerFacts {
  id: string | null;
  model: string | null;
  /** With those that were cached. */
  inputTokens: number | null;
  cachedInputTokens: number | null;
  /** Of the input: what has been put into the provider's cache for calls to come. */
  cacheWriteTokens: number | null;
  /** With those of reasoning. */
  outputTokens: number | null;
  reasoningTokens: number | null;
  finishReason: string | null;
  /** Whether there is any text, tool call or other content. */
  hasContent: boolean;
  isRefusal: boolean;
  /** Of the first choice; what is longer than `maxKeptChars` is not kept. */
  text: string;
  isTextCut: boolean;
  readonly toolCalls: ToolCall[];
  /** Of arguments that are kept, of all tool calls together: `maxKeptChars` at most. */
  keptArgumentChars: number;
  /** Those that come in pieces, by choice and place; null until there is one. */
  underWay: Map<string, PiecedCall> | null;
  /** A response that is through, as it came; null for any other answer. */
  response: Json | null;
  /** The stream has said that it is through. */
  isComplete: boolean;
  /** The provider goes on with it in the background: nothing can be said of it yet. */
  isInBackground: boolean;
}

export function emptyFacts(): AnswerFacts {
  return {
    id: null,
    model: null,
    inputTokens: null,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    outputTokens: null,
    reasoningTokens: null,
    finishReason: null,
    hasContent: false,
    isRefusal: false,
    text: '',
    isTextCut: false,
    toolCalls: [],
    keptArgumentChars: 0,
    underWay: null,
    response: null,
    isComplete: false,
    isInBackground: false,
  };
}

/** Enough for structured output that is worth checking; of text, and once more of what tools are called with. */
const maxKeptChars = 262_144;
const maxToolCalls = 256;
const maxTokens = 2_147_483_647;

function tokens(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxTokens ? value : null;
}

/** Half a character cannot be asked for again, nor be written anywhere. */
function idOf(value: unknown): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= 500 && !/\p{Cs}/u.test(value) ? value : null;
}

function addText(facts: AnswerFacts, text: string): void {
  if (text === '') return;
  facts.hasContent = true;
  if (facts.isTextCut || facts.text.length + text.length > maxKeptChars) facts.isTextCut = true;
  else facts.text += text;
}

function addToolCall(facts: AnswerFacts, name: unknown, args: unknown): ToolCall | undefined {
  facts.hasContent = true;
  if (facts.toolCalls.length >= maxToolCalls) return undefined;
  const isText = typeof args === 'string';
  const call: ToolCall = { name: textOf(name), arguments: isText ? '' : args, isCut: false };
  facts.toolCalls.push(call);
  if (isText) append(facts, call, args);
  return call;
}

/** A call that is too long is cut, and those behind it may have room: a model may write as much as it likes. */
function append(facts: AnswerFacts, call: ToolCall, args: unknown): void {
  if (typeof call.arguments !== 'string' || call.isCut) return;
  const text = textOf(args);
  if (facts.keptArgumentChars + text.length > maxKeptChars) {
    call.isCut = true;
    return;
  }
  facts.keptArgumentChars += text.length;
  call.arguments += text;
}

/** Usage in the words of either family of APIs. */
function readUsage(facts: AnswerFacts, given: unknown): void {
  if (!isJson(given) || saysNothing(given)) return;
  const created = tokens(given['cache_creation_input_tokens']);
  const read = tokens(given['cache_read_input_tokens']);
  const own = tokens(given['prompt_tokens']) ?? tokens(given['input_tokens']);
  // Anthropic counts what it has cached beside the input, all others within it. Each may be a count and their sum none.
  if (own !== null) facts.inputTokens = tokens(own + (created ?? 0) + (read ?? 0));
  const details = objectOf(given['prompt_tokens_details'] ?? given['input_tokens_details']);
  facts.cachedInputTokens = tokens(details['cached_tokens']) ?? read ?? facts.cachedInputTokens;
  facts.cacheWriteTokens = created ?? tokens(details['cache_write_tokens']) ?? facts.cacheWriteTokens;
  facts.outputTokens = tokens(given['completion_tokens']) ?? tokens(given['output_tokens']) ?? facts.outputTokens;
  const outputDetails = objectOf(given['completion_tokens_details'] ?? given['output_tokens_details']);
  facts.reasoningTokens =
    tokens(outputDetails['reasoning_tokens']) ?? tokens(outputDetails['thinking_tokens']) ?? facts.reasoningTokens;
}

/**
 * No answer is made of nothing: who says that no token was read and none written has not counted, as we have to say ourselves for
 * a provider of completions without usage where the API demands a number.
 */
function saysNothing(usage: Json): boolean {
  const counts = ['prompt_tokens', 'input_tokens', 'completion_tokens', 'output_tokens', 'total_tokens'];
  const cached = ['cache_read_input_tokens', 'cache_creation_input_tokens'];
  return [...counts, ...cached].every((name) => usage[name] === undefined || usage[name] === null || usage[name] === 0);
}

/** Reads a whole answer. False where it is no answer of this API at all. */
export function readWhole(api: ApiName, answer: unknown, facts: AnswerFacts): boolean {
  if (!isJson(answer) || isJson(answer['error'])) return false;
  facts.id = idOf(answer['id']);
  facts.model = idOf(answer['model']);
  readUsage(facts, answer['usage']);
  facts.isComplete = true;
  if (api === 'embeddings') {
    facts.hasContent = listOf(answer['data']).length > 0;
    return Array.isArray(answer['data']);
  }
  if (api === 'chat') {
    const choices = listOf(answer['choices']);
    for (const [index, choice] of choices.entries()) readChoice(facts, objectOf(choice), 'message', index === 0);
    return choices.length > 0;
  }
  if (api === 'messages') {
    for (const block of listOf(answer['content'])) readBlock(facts, objectOf(block));
    endMessage(facts, answer['stop_reason']);
    return Array.isArray(answer['content']);
  }
  readResponse(facts, answer);
  return Array.isArray(answer['output']);
}

/** What a model has thought of its answer, in the two words that providers of chat have for it; empty where it says nothing of it. */
export function thoughtOf(said: Json): string {
  return textOf(said['reasoning_content']) || textOf(said['reasoning']);
}

function readChoice(facts: AnswerFacts, choice: Json, field: 'message' | 'delta', isFirst: boolean): void {
  const said = objectOf(choice[field]);
  if (isFirst) facts.finishReason = idOf(choice['finish_reason']) ?? facts.finishReason;
  if (textOf(said['refusal']) !== '') {
    facts.isRefusal = true;
    facts.hasContent = true;
  }
  const text = textOf(said['content']) || textOf(choice['text']);
  if (isFirst) addText(facts, text);
  else if (text !== '') facts.hasContent = true;
  if (isJson(said['audio']) || listOf(said['content']).length > 0 || isJson(said['function_call']))
    facts.hasContent = true;
  for (const given of listOf(said['tool_calls'])) {
    const call = objectOf(given);
    const { name, arguments: args } = objectOf(call['function']) as { name?: unknown; arguments?: unknown };
    if (field === 'message') addToolCall(facts, name, textOf(args));
    else addPiece(facts, `${tokens(choice['index']) ?? 0} ${tokens(call['index']) ?? ''}`, call['id'], name, args);
  }
}

function addPiece(facts: AnswerFacts, place: string, given: unknown, name: unknown, args: unknown): void {
  facts.underWay ??= new Map();
  const begun = facts.underWay.get(place);
  const id = idOf(given);
  if (begun && !beginsAnother(begun, id, textOf(name))) {
    begun.end.take(textOf(args));
    append(facts, begun.call, args);
    return;
  }
  if (textOf(name) === '' && !begun) return;
  const call = addToolCall(facts, name, textOf(args));
  if (!call) return;
  facts.underWay.set(place, { ...createBegunCall(id, textOf(name), textOf(args)), call });
}

function readBlock(facts: AnswerFacts, block: Json): void {
  if (block['type'] === 'tool_use') addToolCall(facts, block['name'], block['input']);
  else if (block['type'] === 'text') addText(facts, textOf(block['text']));
  else facts.hasContent = true;
}

function endMessage(facts: AnswerFacts, reason: unknown): void {
  facts.finishReason = idOf(reason) ?? facts.finishReason;
  if (reason === 'refusal') facts.isRefusal = true;
}

function readResponse(facts: AnswerFacts, response: Json): void {
  const { status } = response as { status?: unknown };
  facts.isInBackground = status === 'queued' || status === 'in_progress';
  if (!facts.isInBackground) facts.response = response;
  facts.id = idOf(response['id']) ?? facts.id;
  facts.model = idOf(response['model']) ?? facts.model;
  readUsage(facts, response['usage']);
  // An answer that is incomplete says why beside it.
  const why = idOf(objectOf(response['incomplete_details'])['reason']);
  facts.finishReason = why ?? idOf(status) ?? facts.finishReason;
  for (const given of listOf(response['output'])) {
    const item = objectOf(given);
    if (item['type'] === 'function_call') addToolCall(facts, item['name'], textOf(item['arguments']));
    for (const part of listOf(item['content'])) {
      const { type, text } = objectOf(part) as { type?: unknown; text?: unknown };
      if (type === 'refusal') facts.isRefusal = facts.hasContent = true;
      else addText(facts, textOf(text));
    }
  }
}

/** What one event of a stream is to whoever passes it on. */
export interface EventRole {
  /** The model has begun to answer. */
  readonly isToken: boolean;
  /** It carries usage that the caller did not ask for, and nothing else. */
  readonly isUsageAlone: boolean;
  /** Nothing comes behind it. */
  readonly isLast: boolean;
  /** It says that the call has failed; for people. */
  readonly failure: string | null;
}

const nothing: EventRole = { isToken: false, isUsageAlone: false, isLast: false, failure: null };
const last: EventRole = { ...nothing, isLast: true };
const failed = (failure: string): EventRole => ({ ...nothing, failure });

/** What stands for thoughts that the API has no word for. */
export const thoughtRole: EventRole = { ...nothing, isToken: true };

/** Reads the data of one event; `name` is that of the event, where it has one. */
export function readEvent(api: ApiName, data: string, facts: AnswerFacts, name: string | null = null): EventRole {
  if (data === '[DONE]') {
    facts.isComplete = true;
    return last;
  }
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    return failed('an event that is not JSON');
  }
  if (!isJson(event)) return failed('an event that is no object');
  const { error, type } = event as { error?: unknown; type?: unknown };
  if (isJson(error) || textOf(error) !== '' || type === 'error' || name === 'error') return failed(failureOf(event));
  if (api === 'chat') return readChunk(facts, event);
  return api === 'messages' ? readMessageEvent(facts, event) : readResponseEvent(facts, event);
}

/** The provider's own word for it, which is short; its message may repeat the prompt. */
function failureOf(event: Json): string {
  const error = objectOf(event['error']);
  const word = textOf(error['type']) || textOf(error['code']) || textOf(event['code']);
  return /^[\w.-]{1,60}$/.test(word) ? `the error ${word} in its stream` : 'an error in its stream';
}

function readChunk(facts: AnswerFacts, chunk: Json): EventRole {
  facts.id ??= idOf(chunk['id']);
  facts.model ??= idOf(chunk['model']);
  readUsage(facts, chunk['usage']);
  const choices = listOf(chunk['choices']);
  let isThought = false;
  for (const given of choices) {
    const choice = objectOf(given);
    readChoice(facts, choice, 'delta', (choice['index'] ?? 0) === 0);
    isThought ||= thoughtOf(objectOf(choice['delta'])) !== '';
  }
  // A chunk that ends the answer begins it, too, where it is empty. Thoughts are no answer, but a model that thinks has begun:
  // callers are shown them, and it may think for minutes.
  const isToken = facts.hasContent || facts.finishReason !== null || isThought;
  return { ...nothing, isToken, isUsageAlone: choices.length === 0 && isJson(chunk['usage']) };
}

function readMessageEvent(facts: AnswerFacts, event: Json): EventRole {
  const { type } = event as { type?: unknown };
  if (type === 'message_start') {
    const message = objectOf(event['message']);
    facts.id ??= idOf(message['id']);
    facts.model ??= idOf(message['model']);
    readUsage(facts, message['usage']);
    return nothing;
  }
  if (type === 'content_block_start') {
    const block = objectOf(event['content_block']);
    if (block['type'] === 'tool_use') addToolCall(facts, block['name'], '');
    else readBlock(facts, { ...block, ...(block['type'] === 'text' && { text: textOf(block['text']) }) });
    return { ...nothing, isToken: true };
  }
  if (type === 'content_block_delta') {
    const delta = objectOf(event['delta']);
    if (delta['type'] === 'text_delta') addText(facts, textOf(delta['text']));
    const call = delta['type'] === 'input_json_delta' ? facts.toolCalls.at(-1) : undefined;
    if (call) append(facts, call, delta['partial_json']);
    return { ...nothing, isToken: true };
  }
  if (type === 'message_delta') {
    endMessage(facts, objectOf(event['delta'])['stop_reason']);
    // Counts at the end are those of the whole message; only newer answers repeat those of the input.
    readUsage(facts, event['usage']);
    return { ...nothing, isToken: true };
  }
  if (type !== 'message_stop') return nothing;
  facts.isComplete = true;
  return last;
}

const endsOfResponse: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete']);

/** Whether nothing comes behind this event of a response: it says how it has ended, or that the stream has failed. */
export function isEndOfResponse(data: string): boolean {
  const type = objectOf(parsedJson(data))['type'];
  return endsOfResponse.has(type) || type === 'response.failed' || type === 'error';
}

function readResponseEvent(facts: AnswerFacts, event: Json): EventRole {
  const { type } = event as { type?: unknown };
  if (type === 'response.failed') return failed('the error response.failed in its stream');
  if (endsOfResponse.has(type)) {
    const whole = emptyFacts();
    readResponse(whole, objectOf(event['response']));
    Object.assign(facts, whole, { isComplete: true });
    return { ...last, isToken: true };
  }
  const response = event['response'];
  if (isJson(response)) {
    facts.id ??= idOf(response['id']);
    facts.model ??= idOf(response['model']);
  }
  // What is made in the background goes on whoever waits, so it is nobody else's any more, and its name is what the caller needs.
  const isMade = facts.id !== null && isJson(response) && response['background'] === true;
  return { ...nothing, isToken: isMade || (typeof type === 'string' && type.includes('.delta')) };
}
