/** From an answer of Anthropic's Messages API to a chat completion: in one piece, or chunk by chunk. */
import { dictionaryOf } from '../../dictionary';
import { isJson, type Json, objectOf, textOf } from '../any-json';

const finishReasons: ReadonlyMap<unknown, string> = new Map([
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

/** Null where the answer does not say how it ended. A word that nobody knows is an end all the same. */
function finishOf(reason: unknown): string | null {
  return typeof reason === 'string' ? (finishReasons.get(reason) ?? 'stop') : null;
}

/** What was cached is counted beside the input there, and within it here. Null where nothing is said of tokens. */
function usageOf(usage: Json): object | null {
  const count = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0);
  if (typeof usage['input_tokens'] !== 'number' && typeof usage['output_tokens'] !== 'number') return null;
  const [written, read] = [count(usage['cache_creation_input_tokens']), count(usage['cache_read_input_tokens'])];
  const prompt = count(usage['input_tokens']) + written + read;
  const completion = count(usage['output_tokens']);
  const { thinking_tokens: thinking } = objectOf(usage['output_tokens_details']);
  return {
    ...{ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    ...(typeof thinking === 'number' && { completion_tokens_details: { reasoning_tokens: thinking } }),
  };
}

/** A model that has thought before it called a tool wants its thoughts back with the result: they travel with the call. */
function toolCallOf({ id, name }: Json, args: string, thoughts: readonly Json[]): Json {
  return {
    ...{ id, type: 'function', function: { name, arguments: args } },
    ...(thoughts.length > 0 && { extra_content: { anthropic: { thinking: thoughts } } }),
  };
}

/** A block of thoughts, be they readable or not. */
export function isThought({ type }: Json): boolean {
  return type === 'thinking' || type === 'redacted_thinking';
}

/** Null where it is no message that has come to an end. */
export function completionOf(message: unknown, nowMs: number): object | null {
  const { content, stop_reason: reason, id, model, usage } = objectOf(message);
  const finish = finishOf(reason);
  if (!Array.isArray(content) || finish === null) return null;
  const blocks = content.map(objectOf);
  const textIn = (type: string): string =>
    blocks.map((one) => (one['type'] === type ? textOf(one['text']) : '')).join('');
  const text = textIn('text');
  const reasoning = blocks.map((one) => (one['type'] === 'thinking' ? textOf(one['thinking']) : '')).join('');
  const calls: Json[] = [];
  let thoughts: Json[] = [];
  for (const block of blocks) {
    if (isThought(block)) thoughts.push(block);
    if (block['type'] !== 'tool_use') continue;
    calls.push(toolCallOf(block, JSON.stringify(block['input'] ?? {}), thoughts));
    thoughts = [];
  }
  const said = {
    ...{ role: 'assistant', content: text === '' && calls.length > 0 ? null : text, refusal: null },
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const used = usageOf(objectOf(usage));
  return {
    ...{ id, object: 'chat.completion', created: Math.floor(nowMs / 1_000), model },
    choices: [{ index: 0, message: said, logprobs: null, finish_reason: finish }],
    ...(used !== null && { usage: used }),
  };
}

/** The data of the chunks that an event of a stream becomes; `type` is that of the event. */
export function createChunker(nowMs: number): (event: Json) => string[] {
  let label: Json = {};
  let usage: Json = {};
  let calls = 0;
  /** Of the block under way. */
  let block: Json = {};
  let thoughts: Json[] = [];
  const chunk = (choices: object[], more: object = {}): string =>
    JSON.stringify({ ...label, object: 'chat.completion.chunk', created: Math.floor(nowMs / 1_000), choices, ...more });
  const delta = (said: object, finish: string | null = null): string =>
    chunk([{ index: 0, delta: said, finish_reason: finish }]);
  const piece = (text: string): string[] =>
    text === '' ? [] : [delta({ tool_calls: [{ index: calls - 1, function: { arguments: text } }] })];

  const said = (field: string, text: unknown): string[] => (textOf(text) === '' ? [] : [delta({ [field]: text })]);

  const begin = (given: Json): string[] => {
    block = given;
    const { type, input } = given;
    if (type === 'text') return said('content', given['text']);
    if (type !== 'tool_use') return [];
    const call = { index: calls++, ...toolCallOf(given, '', thoughts) };
    thoughts = [];
    const whole = isJson(input) && Object.keys(input).length > 0 ? piece(JSON.stringify(input)) : [];
    return [delta({ tool_calls: [call] }), ...whole];
  };
  const goOn = (given: Json): string[] => {
    const { type } = given;
    if (type === 'text_delta') return said('content', given['text']);
    if (type === 'input_json_delta' && block['type'] === 'tool_use') return piece(textOf(given['partial_json']));
    if (type === 'signature_delta') block = { ...block, signature: given['signature'] };
    if (type !== 'thinking_delta') return [];
    block = { ...block, thinking: textOf(block['thinking']) + textOf(given['thinking']) };
    return said('reasoning_content', given['thinking']);
  };

  return (event) => {
    switch (event['type']) {
      case 'message_start': {
        const message = objectOf(event['message']);
        label = { id: message['id'], model: message['model'] };
        usage = objectOf(message['usage']);
        return [delta({ role: 'assistant', content: '' })];
      }
      case 'content_block_start':
        return begin(objectOf(event['content_block']));
      case 'content_block_delta':
        return goOn(objectOf(event['delta']));
      case 'content_block_stop':
        if (isThought(block)) thoughts.push(block);
        return [];
      case 'message_delta': {
        const counted = Object.entries(objectOf(event['usage'])).filter(([, value]) => value !== null);
        usage = { ...usage, ...dictionaryOf(counted) };
        const finish = finishOf(objectOf(event['delta'])['stop_reason']);
        return finish === null ? [] : [delta({}, finish)];
      }
      case 'message_stop': {
        const used = usageOf(usage);
        return [...(used === null ? [] : [chunk([], { usage: used })]), '[DONE]'];
      }
      default:
        return [];
    }
  };
}
