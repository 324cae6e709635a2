/**
 * From a body of OpenAI's Responses API to that of a chat completion. The body has passed the door; what is in its items may be
 * of any shape.
 */
import type { ProviderConfig } from '../../config/provider-config';
import { isJson, type Json, listOf, numberField, objectOf, textOf } from '../any-json';
import { type Cannot, mostTokens, toolsCannot } from './chat-words';

/** What a body asks for that a chat completion has no word for; null where it has one for everything. */
export function responsesCannot(body: Json, { kind }: ProviderConfig): Cannot | null {
  const cannot = (field: string, reason: string): Cannot => ({ field, reason });
  for (const field of ['previous_response_id', 'conversation'])
    if (textOf(body[field]) !== '' || isJson(body[field])) return cannot(field, 'memory of earlier responses');
  if (body['background'] === true) return cannot('background', 'answers that are fetched later');
  if (isJson(body['prompt'])) return cannot('prompt', 'prompts that its provider keeps');
  if (body['truncation'] === 'auto') return cannot('truncation', 'input that is shortened by the model');
  if (typeof body['top_logprobs'] === 'number' && body['top_logprobs'] > 0)
    return cannot('top_logprobs', 'probabilities');
  const verbosity = textOf(objectOf(body['text'])['verbosity']);
  if (verbosity !== '' && verbosity !== 'medium') return cannot('text.verbosity', 'verbosity that can be asked for');
  if (kind === 'anthropic' && objectOf(objectOf(body['text'])['format'])['type'] === 'json_object')
    return cannot('text.format.type', 'JSON without a schema (json_schema)');
  const ofTools = toolsCannot(body);
  if (ofTools !== null) return ofTools;
  for (const [index, given] of listOf(body['input']).entries()) {
    const fault = itemFault(objectOf(given));
    if (fault !== null) return cannot(`input[${index}]${fault.within}`, fault.reason);
  }
  if (listOf(body['context_management']).length === 0) return null;
  return { ...cannot('context_management', 'context that is managed by the model'), isHint: true };
}

/** What a gateway still had of it stands there whole by now. */
const noMemory =
  'memory of this earlier item, which is no longer kept here: send it whole, as client libraries do with store: false (in the AI SDK providerOptions.openai.store, or its chat models)';
/** As `chat-to-responses.ts` makes them, and made them once. */
const ownItem = /^(?:msg|fc)_\d+_resp_/;

/** An item that came through chat, which nobody keeps, be it asked of a provider that keeps others. */
export function refersToNothing(body: Json): Cannot | null {
  const index = listOf(body['input']).findIndex((given) => {
    const { type, id } = objectOf(given);
    return type === 'item_reference' && ownItem.test(textOf(id));
  });
  return index < 0 ? null : { field: `input[${index}].id`, reason: noMemory };
}

interface ItemFault {
  readonly within: string;
  readonly reason: string;
}

/** Reasoning can only be read by the model it is of, and others get on without it. */
const itemTypes: ReadonlySet<unknown> = new Set([
  ...[undefined, null, 'message', 'reasoning', 'function_call', 'function_call_output'],
]);

function itemFault({ type, content, output }: Json): ItemFault | null {
  if (type === 'item_reference') return { within: '.type', reason: noMemory };
  if (!itemTypes.has(type)) return { within: '.type', reason: `item of the type ${textOf(type).slice(0, 60)}` };
  if (type === 'reasoning') return null;
  for (const [field, parts] of [
    ['content', content],
    ['output', output],
  ] as const) {
    for (const [index, given] of listOf(parts).entries()) {
      const part = objectOf(given);
      if (partOf(part) === null)
        return { within: `.${field}[${index}]`, reason: `way to send such a part of type ${textOf(part['type'])}` };
    }
  }
  return null;
}

export function responsesToChat(body: Json, config: ProviderConfig): Json {
  const { model, input, stream, instructions } = body;
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input).map(objectOf);
  const tools = listOf(body['tools']).map((tool) => toolOf(objectOf(tool)));
  const choice = toolChoiceOf(body['tool_choice']);
  const format = formatOf(objectOf(objectOf(body['text'])['format']));
  const effort = textOf(objectOf(body['reasoning'])['effort']);
  const { parallel_tool_calls: parallel, user } = body;
  return {
    model,
    messages: [...(textOf(instructions) === '' ? [] : [{ role: 'system', content: instructions }]), ...turnsOf(items)],
    ...mostTokens(config, body['max_output_tokens']),
    ...numberField('temperature', body['temperature']),
    ...numberField('top_p', body['top_p']),
    ...(tools.length > 0 && {
      ...{ tools, ...(choice !== null && { tool_choice: choice }) },
      ...(parallel === false && { parallel_tool_calls: false }),
    }),
    ...(format !== null && { response_format: format }),
    ...(effort !== '' && { reasoning_effort: effort }),
    ...(textOf(user) !== '' && { user }),
    ...(stream === true && { stream: true }),
  };
}

function turnsOf(items: readonly Json[]): Json[] {
  const turns: Json[] = [];
  for (const item of items) {
    const { type, role, content } = item;
    if (type === 'reasoning') continue;
    if (type === 'function_call') addCall(turns, item);
    else if (type === 'function_call_output')
      turns.push({ role: 'tool', tool_call_id: textOf(item['call_id']), content: plainText(item['output']) });
    else if (role === 'assistant') turns.push({ role, content: plainText(content) });
    else if (role === 'system' || role === 'developer') turns.push({ role: 'system', content: plainText(content) });
    else turns.push({ role: 'user', content: userContent(content) });
  }
  return withPictures(turns, items);
}

/** Calls that were made at the same time, and what was said with them, are one message there. */
function addCall(turns: Json[], { call_id: id, name, arguments: args, extra_content: extra }: Json): void {
  const call = {
    ...{ id, type: 'function', function: { name, arguments: textOf(args) || '{}' } },
    ...(isJson(extra) && { extra_content: extra }),
  };
  const last = turns.at(-1);
  if (last?.['role'] !== 'assistant') turns.push({ role: 'assistant', content: null, tool_calls: [call] });
  else turns[turns.length - 1] = { ...last, tool_calls: [...listOf(last['tool_calls']), call] };
}

/** A result is text there; pictures of results follow as what the user shows, behind the results of all calls. */
function withPictures(turns: Json[], items: readonly Json[]): Json[] {
  const pictures = new Map<string, Json[]>();
  for (const { type, call_id: id, output } of items) {
    if (type !== 'function_call_output') continue;
    const parts = partsOf(output);
    const shown = parts.filter((part) => part['type'] !== 'text');
    if (shown.length > 0) pictures.set(textOf(id), shown);
  }
  if (pictures.size === 0) return turns;
  return turns.flatMap((turn, index) => {
    const isLastResult = turn['role'] === 'tool' && turns[index + 1]?.['role'] !== 'tool';
    if (!isLastResult) return [turn];
    const shown: Json[] = [];
    for (let at = index; turns[at]?.['role'] === 'tool'; at--)
      shown.unshift(...(pictures.get(textOf(turns[at]!['tool_call_id'])) ?? []));
    return shown.length === 0 ? [turn] : [turn, { role: 'user', content: shown }];
  });
}

function userContent(content: unknown): unknown {
  if (typeof content === 'string') return content;
  const parts = partsOf(content);
  const [only] = parts;
  return parts.length === 1 && only!['type'] === 'text' ? only!['text'] : parts;
}

function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => textOf(objectOf(part)['text']) || textOf(objectOf(part)['refusal']))
    .join('');
}

function partsOf(given: unknown): Json[] {
  return listOf(given)
    .map((part) => partOf(objectOf(part)))
    .filter((part) => part !== null);
}

/** Null for what has no counterpart. */
function partOf(part: Json): Json | null {
  const { type, detail } = part;
  if (type === 'input_text' || type === 'output_text' || type === 'text')
    return { type: 'text', text: textOf(part['text']) };
  if (type === 'refusal') return { type: 'text', text: textOf(part['refusal']) };
  if (type === 'input_image') {
    const url = textOf(part['image_url']);
    return url === '' ? null : { type: 'image_url', image_url: { url, ...(textOf(detail) !== '' && { detail }) } };
  }
  if (type !== 'input_file' || textOf(part['file_data']) === '') return null;
  const filename = textOf(part['filename']) || 'document.pdf';
  return { type: 'file', file: { filename, file_data: part['file_data'] } };
}

function toolOf({ name, description, parameters, strict }: Json): Json {
  return {
    type: 'function',
    function: {
      name,
      ...(typeof description === 'string' && { description }),
      parameters: isJson(parameters) ? parameters : { type: 'object', properties: {} },
      ...(typeof strict === 'boolean' && { strict }),
    },
  };
}

function toolChoiceOf(choice: unknown): unknown {
  if (typeof choice === 'string') return choice;
  return isJson(choice) ? { type: 'function', function: { name: choice['name'] } } : null;
}

function formatOf({ type, name, schema, strict, description }: Json): Json | null {
  if (type === 'json_object') return { type };
  if (type !== 'json_schema') return null;
  return {
    type,
    json_schema: {
      ...{ name: textOf(name) || 'answer', schema },
      ...(typeof description === 'string' && { description }),
      ...(typeof strict === 'boolean' && { strict }),
    },
  };
}
