/**
 * From the body of a chat completion to that of Anthropic's Messages API. The body has passed the door, so its messages have the
 * shape of the API; everything else in it may be of any.
 */
import { dictionaryOf } from '../../dictionary';
import { isJson, type Json, listOf, numberField, objectOf, textOf } from '../any-json';
import { readDataAddress } from '../data-address';
import { type Cannot, instructionsApart, openAiAlone, toolsCannot } from '../through-chat/chat-words';
import { isThought } from './from-anthropic';
import { strictSchema } from './strict-schema';

/** What a body asks for that has no counterpart here: rather refused, or asked of somebody else, than left out unsaid. */
export function anthropicCannot(body: Json): Cannot | null {
  const cannot = (field: string, reason: string): Cannot => ({ field, reason });
  const isAbove = (field: string, limit: number): boolean => Number(body[field] ?? limit) > limit;
  if (isAbove('n', 1)) return cannot('n', 'more than one answer');
  if (body['logprobs'] === true || isAbove('top_logprobs', 0)) return cannot('logprobs', 'probabilities');
  if (Object.keys(objectOf(body['logit_bias'])).length > 0) return cannot('logit_bias', 'a bias of tokens');
  for (const field of ['presence_penalty', 'frequency_penalty'])
    if (typeof body[field] === 'number' && body[field] !== 0) return cannot(field, `word for ${field}`);
  if (stopsOf(body).some((stop) => textOf(stop).trim() === ''))
    return cannot('stop', 'way to stop at white space alone');
  const ofOpenAi = openAiAlone(body);
  if (ofOpenAi !== null) return ofOpenAi;
  if (objectOf(body['response_format'])['type'] === 'json_object')
    return cannot('response_format.type', 'JSON without a schema (json_schema)');
  const ofTools = toolsCannot(body);
  if (ofTools !== null) return ofTools;
  for (const [index, message] of listOf(body['messages']).entries()) {
    const { role, content } = objectOf(message);
    if (role === 'function') return cannot(`messages[${index}].role`, 'results of functions (tool is the role now)');
    for (const [place, part] of listOf(content).entries())
      if (blockOf(part) === null)
        return cannot(
          `messages[${index}].content[${place}]`,
          `way to send such a part of type ${textOf(objectOf(part)['type']).slice(0, 60)}`,
        );
  }
  return null;
}

/** Fields of chat that are put into other words below, or that say nothing of the answer: where it may be cached or kept, say. */
const ofChat: ReadonlySet<string> = new Set([
  ...[
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'top_p',
    'stop',
    'user',
    'tools',
    'tool_choice',
  ],
  ...['parallel_tool_calls', 'response_format', 'reasoning_effort', 'output_config', 'stream', 'stream_options'],
  ...[
    'n',
    'logprobs',
    'top_logprobs',
    'logit_bias',
    'presence_penalty',
    'frequency_penalty',
    'modalities',
    'functions',
  ],
  ...['function_call', 'seed', 'store', 'metadata', 'service_tier', 'prediction', 'verbosity', 'safety_identifier'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'audio', 'web_search_options'],
]);

export function toAnthropic(body: Json): Json {
  const messages = listOf(body['messages']).map(objectOf);
  const others = Object.entries(body).filter(([field, value]) => !ofChat.has(field) && value !== null);
  const stops = stopsOf(body);
  const [instructions, said] = instructionsApart(messages);
  const system = instructions.flatMap(({ content }) => blocksOf(content));
  const output = outputOf(body);
  const user = textOf(body['user']);
  return {
    ...dictionaryOf(others),
    max_tokens: body['max_completion_tokens'] ?? body['max_tokens'] ?? usualMostTokens(textOf(body['model'])),
    ...(system.length > 0 && { system }),
    messages: turnsOf(said),
    ...samplingOf(body),
    ...(stops.length > 0 && { stop_sequences: stops }),
    ...toolsOf(body, messages),
    ...(output !== null && { output_config: output }),
    ...(user !== '' && { metadata: { user_id: user } }),
    ...(body['stream'] === true && { stream: true }),
  };
}

/** The API demands a number, and refuses one that is more than the model can write: the least that all of a family can. */
function usualMostTokens(model: string): number {
  if (/claude-3-5-/.test(model)) return 8_192;
  return /claude-(?:3-(?:opus|sonnet|haiku)|2|instant)/.test(model) ? 4_096 : 32_000;
}

/** Its temperature ends at 1, and newer models refuse to be given both words; a top_p of 1 says nothing. */
function samplingOf(body: Json): Json {
  const { temperature, top_p: topP } = body;
  return {
    ...numberField('temperature', typeof temperature === 'number' ? Math.min(1, temperature) : null),
    ...(topP === 1 ? {} : numberField('top_p', topP)),
  };
}

function stopsOf({ stop }: Json): readonly unknown[] {
  return typeof stop === 'string' ? [stop] : listOf(stop);
}

function turnsOf(messages: readonly Json[]): Json[] {
  const turns: { role: 'user' | 'assistant'; content: Json[] }[] = [];
  for (const message of messages) {
    const role = message['role'] === 'assistant' ? 'assistant' : 'user';
    const content =
      role === 'assistant'
        ? assistantBlocks(message)
        : message['role'] === 'tool'
          ? [resultOf(message)]
          : blocksOf(message['content']);
    const last = turns.at(-1);
    // Results of calls that were made at the same time belong into one turn, with what is said behind them.
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) turns.push({ role, content });
  }
  return turns;
}

/** What it has thought before it called a tool comes back as we gave it, in front of that call; a turn that has thoughts begins with them. */
function assistantBlocks({ content, refusal, tool_calls: calls }: Json): Json[] {
  const said = [...blocksOf(content), ...blocksOf(refusal)];
  return [
    ...said,
    ...listOf(calls).flatMap((call) => {
      const { id, function: called, extra_content: extra } = objectOf(call);
      const { name, arguments: args } = objectOf(called);
      const thoughts = listOf(objectOf(objectOf(extra)['anthropic'])['thinking']).filter(isJson);
      return [...thoughts, { type: 'tool_use', id: toolId(id), name, input: inputOf(args) }];
    }),
  ].sort((one, other) => Number(isThought(other)) - Number(isThought(one)));
}

function resultOf({ tool_call_id: id, content }: Json): Json {
  return { type: 'tool_result', tool_use_id: toolId(id), content: blocksOf(content) };
}

/** Others make ids of characters that are refused there. */
function toolId(id: unknown): string {
  return textOf(id).replace(/[^\w-]/g, '_');
}

function inputOf(args: unknown): Json {
  try {
    return objectOf(JSON.parse(textOf(args) || '{}'));
  } catch {
    return {};
  }
}

/** Texts that are empty, or white space alone, are refused there. */
function blocksOf(content: unknown): Json[] {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
  return parts.map(blockOf).filter((block) => block !== null && textOf(block['text'] ?? '-').trim() !== '') as Json[];
}

/** Null for what has no counterpart. */
function blockOf(given: unknown): Json | null {
  const part = objectOf(given);
  const { type, cache_control: cached } = part;
  const block = (more: Json): Json => ({ ...more, ...(isJson(cached) && { cache_control: cached }) });
  if (type === 'text') return block({ type, text: textOf(part['text']) });
  if (type === 'refusal') return block({ type: 'text', text: textOf(part['refusal']) });
  if (type === 'image_url') {
    const source = sourceOf(textOf(objectOf(part['image_url'])['url']), imageTypes);
    return source && block({ type: 'image', source });
  }
  if (type !== 'file') return null;
  const { file_data: data, filename } = objectOf(part['file']);
  const source = sourceOf(textOf(data), documentTypes);
  const title = textOf(filename);
  return source && block({ type: 'document', source, ...(title !== '' && { title }) });
}

/** What it takes as base64. */
const imageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const documentTypes = ['application/pdf'];

function sourceOf(url: string, mediaTypes: readonly string[]): Json | null {
  const held = readDataAddress(url);
  if (held && !mediaTypes.includes(held.mediaType)) return null;
  if (held) return { type: 'base64', media_type: held.mediaType, data: held.data };
  return /^https?:/.test(url) ? { type: 'url', url } : null;
}

const choices: ReadonlyMap<unknown, string> = new Map([
  ['auto', 'auto'],
  ['required', 'any'],
  ['none', 'none'],
]);

function toolsOf(body: Json, messages: readonly Json[]): Json {
  const tools = listOf(body['tools']).map((tool) => toolOf(objectOf(tool)));
  if (tools.length === 0) {
    // A conversation that holds calls has to declare tools there; of those that the caller has not given any, none may be called.
    const called = messages.flatMap(({ tool_calls: calls }) =>
      listOf(calls).map((call) => textOf(objectOf(objectOf(call)['function'])['name'])),
    );
    const declared = [...new Set(called)].map((name) => ({ name, input_schema: { type: 'object', properties: {} } }));
    return declared.length === 0 ? {} : { tools: declared, tool_choice: { type: 'none' } };
  }
  const given = body['tool_choice'];
  const name = objectOf(objectOf(given)['function'])['name'];
  const type = choices.get(given) ?? (name === undefined ? 'auto' : 'tool');
  const isAlone = body['parallel_tool_calls'] === false && type !== 'none';
  if (type === 'auto' && !isAlone) return { tools };
  return {
    tools,
    tool_choice: {
      type,
      ...(type === 'tool' && { name }),
      ...(isAlone && { disable_parallel_tool_use: true }),
    },
  };
}

function toolOf({ function: declared, cache_control: cached }: Json): Json {
  const { name, description, parameters, strict } = objectOf(declared);
  const schema = isJson(parameters) ? parameters : { type: 'object', properties: {} };
  return {
    name,
    ...(typeof description === 'string' && { description }),
    input_schema: isJson(parameters) && strict === true ? strictSchema(schema) : schema,
    ...(strict === true && { strict }),
    ...(isJson(cached) && { cache_control: cached }),
  };
}

/** Form and effort of the answer; null where nothing is said of either. */
function outputOf(body: Json): Json | null {
  const { type, json_schema: given } = objectOf(body['response_format']);
  const effort = textOf(body['reasoning_effort']);
  const output = {
    ...objectOf(body['output_config']),
    ...(type === 'json_schema' && { format: { type, schema: strictSchema(objectOf(given)['schema'] ?? {}) } }),
    ...(effort !== '' && effort !== 'none' && { effort: effort === 'minimal' ? 'low' : effort }),
  };
  return Object.keys(output).length === 0 ? null : output;
}
