/**
 * From a body of Anthropic's Messages API to that of a chat completion. The body has passed the door, so its messages have the
 * shape of the API; everything else in it may be of any.
 */
import type { ProviderConfig } from '../../config/provider-config';
import { isJson, type Json, listOf, numberField, objectOf, textOf } from '../any-json';
import { type Cannot, effortOf, fileUrlOf, mostTokens } from './chat-words';

/** More than these are refused by providers of chat. */
const maxStops = 4;

/** What a body asks for that a chat completion has no word for; null where it has one for everything. */
export function messagesCannot(body: Json, { kind }: ProviderConfig): Cannot | null {
  for (const field of ['container', 'mcp_servers', 'fallbacks'])
    if (isJson(body[field]) || listOf(body[field]).length > 0) return { field, reason: `word for ${field}` };
  if (listOf(body['stop_sequences']).length > maxStops)
    return { field: 'stop_sequences', reason: `place for more than ${maxStops} of them` };
  // Gemini has its own word for both; other providers of chat have them for some models alone.
  if (kind !== 'gemini' && typeof body['top_k'] === 'number') return { field: 'top_k', reason: 'word for top_k' };
  for (const [index, tool] of listOf(body['tools']).entries()) {
    const { type } = objectOf(tool);
    if (type !== undefined && type !== null && type !== 'custom')
      return { field: `tools[${index}].type`, reason: 'tools of their own' };
  }
  for (const [index, message] of listOf(body['messages']).entries()) {
    for (const [place, given] of listOf(objectOf(message)['content']).entries()) {
      const fault = blockFault(objectOf(given));
      if (fault !== null) return { field: `messages[${index}].content[${place}]`, reason: fault };
    }
  }
  const hints = [
    ...(kind !== 'gemini' && isThinking(body) ? ['thinking'] : []),
    ...(kind !== 'gemini' && textOf(objectOf(body['output_config'])['effort']) !== '' ? ['output_config.effort'] : []),
    ...(managesContext(body) ? ['context_management'] : []),
  ];
  return hints.length === 0 ? null : { field: hints.join(', '), reason: 'word for how to come by it', isHint: true };
}

/** Whether anything but thoughts is to be cleared from the conversation: thoughts of earlier turns are left out anyhow. */
function managesContext(body: Json): boolean {
  const edits = listOf(objectOf(body['context_management'])['edits']).map((edit) => textOf(objectOf(edit)['type']));
  return edits.some((type) => !type.startsWith('clear_thinking_'));
}

/** What a chat completion gets of how much a model is to think, which those that do not know it refuse. */
export const thinkingHints = ['reasoning_effort'] as const;

/** Whether thoughts are asked for, and so may be answered. */
export function isThinking(body: Json): boolean {
  const { type } = objectOf(body['thinking']);
  return type === 'enabled' || type === 'adaptive';
}

/** What only the model that has thought it can read; the API lets others pass it over, too. */
const passedOver: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);
const known: ReadonlySet<unknown> = new Set(['text', 'tool_use']);

function blockFault(block: Json): string | null {
  const { type } = block;
  if (known.has(type) || passedOver.has(type)) return null;
  if (type === 'image' || type === 'document')
    return partOf(block) === null ? `way to send such a block of type ${textOf(type)}` : null;
  if (type !== 'tool_result') return `block of the type ${textOf(type).slice(0, 60)}`;
  for (const inner of listOf(block['content'])) {
    const fault = objectOf(inner)['type'] === 'tool_result' ? 'result within a result' : blockFault(objectOf(inner));
    if (fault !== null) return fault;
  }
  return null;
}

export function messagesToChat(body: Json, config: ProviderConfig): Json {
  const { model, stream, tool_choice: choice } = body;
  const tools = listOf(body['tools']).map((tool) => toolOf(objectOf(tool)));
  const stops = listOf(body['stop_sequences']);
  const format = formatOf(body);
  const user = textOf(objectOf(body['metadata'])['user_id']);
  const thinking = objectOf(body['thinking']);
  const effort = textOf(objectOf(body['output_config'])['effort']);
  const budget = isThinking(body) ? effortOf(thinking['budget_tokens']) : null;
  return {
    model,
    messages: [...systemOf(body['system']), ...listOf(body['messages']).flatMap((one) => turnsOf(objectOf(one)))],
    ...mostTokens(config, body['max_tokens']),
    ...numberField('temperature', body['temperature']),
    ...numberField('top_p', body['top_p']),
    ...numberField('top_k', body['top_k']),
    ...(stops.length > 0 && { stop: stops }),
    ...(tools.length > 0 && { tools, ...toolChoiceOf(objectOf(choice)) }),
    ...(format !== null && { response_format: format }),
    ...(effort !== '' || budget !== null ? { reasoning_effort: effort === '' ? budget : effort } : {}),
    // As Google's own endpoint for clients of OpenAI names it.
    ...(config.kind === 'gemini' &&
      isThinking(body) && { extra_body: { google: { thinking_config: { include_thoughts: true } } } }),
    ...(user !== '' && { user }),
    ...(stream === true && { stream: true }),
  };
}

function systemOf(system: unknown): Json[] {
  const text = plainText(system);
  return text === '' ? [] : [{ role: 'system', content: text }];
}

/** One message may be several there: results of tools have a message each, before whatever else is said with them. */
function turnsOf({ role, content }: Json): Json[] {
  if (role === 'system') return systemOf(content);
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).map(objectOf);
  if (role === 'assistant') return assistantTurn(blocks);
  const results: Json[] = [];
  const parts: Json[] = [];
  for (const block of blocks) {
    if (block['type'] === 'tool_result') {
      results.push({ role: 'tool', tool_call_id: textOf(block['tool_use_id']), content: resultOf(block) });
      // A result is text there; pictures of one follow as what the user shows.
      parts.push(...listOf(block['content']).flatMap((inner) => pictureOf(objectOf(inner))));
    } else {
      const part = partOf(block);
      if (part !== null) parts.push(part);
    }
  }
  return [...results, ...(parts.length > 0 ? [{ role: 'user', content: simplest(parts) }] : [])];
}

function assistantTurn(blocks: readonly Json[]): Json[] {
  const text = blocks.map((block) => (block['type'] === 'text' ? textOf(block['text']) : '')).join('');
  const calls = blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input, extra_content: extra }) => ({
      ...{ id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } },
      ...(isJson(extra) && { extra_content: extra }),
    }));
  if (text === '' && calls.length === 0) return [];
  return [{ role: 'assistant', content: text === '' ? null : text, ...(calls.length > 0 && { tool_calls: calls }) }];
}

function resultOf({ content, is_error: isError }: Json): string {
  const text = plainText(content);
  return isError === true ? `Error: ${text}` : text;
}

function pictureOf(block: Json): Json[] {
  const part = block['type'] === 'text' ? null : partOf(block);
  return part === null ? [] : [part];
}

function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((block) => textOf(objectOf(block)['text']))
    .filter((text) => text !== '')
    .join('\n\n');
}

/** A text alone is what every provider takes. */
function simplest(parts: readonly Json[]): unknown {
  const [only] = parts;
  return parts.length === 1 && only!['type'] === 'text' ? only!['text'] : parts;
}

/** Null for what has no counterpart. */
function partOf(block: Json): Json | null {
  const { type, source, title, citations } = block;
  if (type === 'text') return { type, text: textOf(block['text']) };
  const { type: from, media_type: mediaType, data, url } = objectOf(source);
  if (type === 'image') {
    const address = from === 'base64' ? fileUrlOf(mediaType, data) : from === 'url' ? textOf(url) : '';
    return address === '' ? null : { type: 'image_url', image_url: { url: address } };
  }
  if (type !== 'document' || objectOf(citations)['enabled'] === true) return null;
  if (from === 'text') return { type: 'text', text: textOf(data) };
  const address = from === 'base64' ? fileUrlOf(mediaType, data) : '';
  return address === ''
    ? null
    : { type: 'file', file: { filename: textOf(title) || 'document.pdf', file_data: address } };
}

function toolOf({ name, description, input_schema: parameters, strict }: Json): Json {
  return {
    type: 'function',
    function: {
      name,
      ...(typeof description === 'string' && { description }),
      parameters: isJson(parameters) ? parameters : { type: 'object', properties: {} },
      ...(strict === true && { strict }),
    },
  };
}

const choices: ReadonlyMap<unknown, string> = new Map([
  ['auto', 'auto'],
  ['any', 'required'],
  ['none', 'none'],
]);

function toolChoiceOf({ type, name, disable_parallel_tool_use: isAlone }: Json): Json {
  const choice = type === 'tool' ? { type: 'function', function: { name } } : choices.get(type);
  return {
    ...(choice !== undefined && { tool_choice: choice }),
    ...(isAlone === true && { parallel_tool_calls: false }),
  };
}

function formatOf(body: Json): Json | null {
  // The older of the two names came with the beta of it.
  const { type, schema } = objectOf(objectOf(body['output_config'])['format'] ?? body['output_format']);
  return type === 'json_schema' ? { type, json_schema: { name: 'answer', schema } } : null;
}
