/**
 * From the body of a chat completion to what the library that speaks Gemini is to send. The body has passed the door, so its
 * messages have the shape of the API; everything else in it may be of any.
 */
import type { createGoogleGenerativeAI } from '@ai-sdk/google';
import { isJson, type Json, listOf, numberField, objectOf, textOf } from '../any-json';
import { readDataAddress } from '../data-address';
import { type Cannot, instructionsApart, openAiAlone, toolsCannot } from '../through-chat/chat-words';

type Model = ReturnType<ReturnType<typeof createGoogleGenerativeAI>>;
export type GeminiOptions = Parameters<Model['doGenerate']>[0];
type Prompt = GeminiOptions['prompt'];
type Turn = Prompt[number];
type UserPart = Extract<Turn, { role: 'user' }>['content'][number];
type AssistantPart = Extract<Turn, { role: 'assistant' }>['content'][number];

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** What a body asks for that has no counterpart here: rather refused, or asked of somebody else, than left out unsaid. */
export function geminiCannot(body: Json): Cannot | null {
  const cannot = (field: string, reason: string) => ({ field, reason });
  if ((numberOf(body['n']) ?? 1) > 1) return cannot('n', 'more than one answer');
  if (body['logprobs'] === true || (numberOf(body['top_logprobs']) ?? 0) > 0)
    return cannot('logprobs', 'probabilities');
  if (Object.keys(objectOf(body['logit_bias'])).length > 0) return cannot('logit_bias', 'a bias of tokens');
  const ofOpenAi = openAiAlone(body);
  if (ofOpenAi !== null) return ofOpenAi;
  const ofTools = toolsCannot(body);
  if (ofTools !== null) return ofTools;
  for (const [index, message] of listOf(body['messages']).entries()) {
    const { role, content } = objectOf(message);
    for (const [place, part] of listOf(content).entries()) {
      const isSent = role === 'user' ? partOf(part).length > 0 : textOfPart(part) !== null;
      if (!isSent)
        return cannot(
          `messages[${index}].content[${place}]`,
          `way to send such a part of type ${textOf(objectOf(part)['type']).slice(0, 60)}`,
        );
    }
  }
  return null;
}

export function toGemini(body: Json): GeminiOptions {
  const tools = listOf(body['tools']).map((tool) => toolOf(objectOf(objectOf(tool)['function'])));
  const choice = toolChoiceOf(body['tool_choice']);
  const format = formatOf(objectOf(body['response_format']));
  const thinking = thinkingOf(body);
  const stop = typeof body['stop'] === 'string' ? [body['stop']] : listOf(body['stop']).filter(isText);
  return {
    prompt: promptOf(listOf(body['messages']).map(objectOf)),
    ...numberField('maxOutputTokens', body['max_completion_tokens'] ?? body['max_tokens']),
    ...numberField('temperature', body['temperature']),
    ...numberField('topP', body['top_p']),
    ...numberField('topK', body['top_k']),
    ...numberField('seed', body['seed']),
    ...numberField('presencePenalty', body['presence_penalty']),
    ...numberField('frequencyPenalty', body['frequency_penalty']),
    ...(stop.length > 0 && { stopSequences: stop }),
    ...(format && { responseFormat: format }),
    ...(tools.length > 0 && { tools, ...(choice && { toolChoice: choice }) }),
    ...(thinking && { providerOptions: { google: { thinkingConfig: thinking } } }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function toolOf({ name, description, parameters }: Json) {
  return {
    type: 'function' as const,
    name: textOf(name),
    ...(isText(description) && { description }),
    inputSchema: (isJson(parameters) ? parameters : { type: 'object', properties: {} }) as object,
  };
}

function toolChoiceOf(given: unknown): GeminiOptions['toolChoice'] | null {
  if (given === 'auto' || given === 'none' || given === 'required') return { type: given };
  const name = textOf(objectOf(objectOf(given)['function'])['name']);
  return name === '' ? null : { type: 'tool', toolName: name };
}

function formatOf({ type, json_schema: given }: Json): NonNullable<GeminiOptions['responseFormat']> | null {
  if (type === 'json_object') return { type: 'json' };
  const { schema } = objectOf(given);
  if (type !== 'json_schema') return null;
  return { type: 'json', ...(isJson(schema) && { schema: schema as object }) };
}

/** As Google itself takes OpenAI's word for it, in tokens. */
const thinkingBudgets: ReadonlyMap<unknown, number> = new Map([
  ['none', 0],
  ['minimal', 1_024],
  ['low', 1_024],
  ['medium', 8_192],
  ['high', 24_576],
  ['xhigh', 24_576],
  ['max', 24_576],
]);

function thinkingOf(body: Json): { thinkingBudget?: number; includeThoughts?: true } | null {
  const thinkingBudget = thinkingBudgets.get(body['reasoning_effort']);
  const { thinking_config: given } = objectOf(objectOf(body['extra_body'])['google']);
  const isShown = objectOf(given)['include_thoughts'] === true;
  if (thinkingBudget === undefined && !isShown) return null;
  return {
    ...(thinkingBudget !== undefined && { thinkingBudget }),
    ...(isShown && { includeThoughts: true as const }),
  };
}

function promptOf(messages: readonly Json[]): Prompt {
  const [instructions, said] = instructionsApart(messages);
  const system = instructions.map(({ content }): Turn => ({ role: 'system', content: plainText(content) }));
  const toolNames = new Map(
    messages.flatMap(({ tool_calls: calls }) =>
      listOf(calls).map((call) => {
        const { id, function: called } = objectOf(call);
        return [textOf(id), textOf(objectOf(called)['name'])] as const;
      }),
    ),
  );
  const turns: Turn[] = [];
  for (const message of said) {
    const turn = turnOf(message, toolNames);
    // A turn without any part is refused there.
    if (turn.content.length === 0) continue;
    const last = turns.at(-1);
    // Results of calls that were made at the same time have a message each here; there they are one turn, or it is refused.
    if (last?.role === 'tool' && turn.role === 'tool') last.content.push(...turn.content);
    else turns.push(turn);
  }
  return [...system, ...turns];
}

function turnOf(message: Json, toolNames: ReadonlyMap<string, string>): Turn {
  const { role, content, tool_calls: calls, tool_call_id: callId } = message;
  if (role === 'assistant') {
    const text = plainText(content) || textOf(message['refusal']);
    const said: AssistantPart[] = text === '' ? [] : [{ type: 'text', text }];
    return { role, content: [...said, ...listOf(calls).map((call) => callOf(objectOf(call)))] };
  }
  if (role === 'tool' || role === 'function') {
    const toolCallId = textOf(callId);
    const toolName = toolNames.get(toolCallId) ?? textOf(message['name']);
    const output = { type: 'text' as const, value: plainText(content) };
    return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
  }
  const parts = isText(content) ? [{ type: 'text' as const, text: content }] : listOf(content).flatMap(partOf);
  return { role: 'user', content: parts.filter((part) => part.type !== 'text' || part.text !== '') };
}

/** A call as a model made it. What Gemini has signed comes back as we gave it: it refuses to go on without. */
function callOf({ id, function: called, extra_content: extra }: Json): AssistantPart {
  const { name, arguments: args } = objectOf(called);
  const signature = objectOf(objectOf(extra)['google'])['thought_signature'];
  return {
    type: 'tool-call',
    toolCallId: textOf(id),
    toolName: textOf(name),
    input: argumentsOf(args),
    ...(isText(signature) && { providerOptions: { google: { thoughtSignature: signature } } }),
  };
}

function argumentsOf(given: unknown): unknown {
  try {
    return JSON.parse(textOf(given) || '{}');
  } catch {
    return {};
  }
}

/** The text of a content that is one, or of all its parts. */
function plainText(content: unknown): string {
  if (isText(content)) return content;
  return listOf(content)
    .map((part) => textOfPart(part) ?? '')
    .join('');
}

/** Null for a part that says nothing in words. */
function textOfPart(given: unknown): string | null {
  const { type, text, refusal } = objectOf(given);
  if (type === 'text') return textOf(text);
  return type === 'refusal' ? textOf(refusal) : null;
}

function partOf(given: unknown): UserPart[] {
  const part = objectOf(given);
  if (part['type'] === 'text') return [{ type: 'text', text: textOf(part['text']) }];
  if (part['type'] === 'image_url') return fileOf(textOf(objectOf(part['image_url'])['url']), 'image/*');
  if (part['type'] === 'input_audio') {
    const { data, format } = objectOf(part['input_audio']);
    return [{ type: 'file', data: textOf(data), mediaType: `audio/${textOf(format) || 'wav'}` }];
  }
  if (part['type'] === 'file') return fileOf(textOf(objectOf(part['file'])['file_data']), 'application/pdf');
  return [];
}

/** Addresses that Google fetches itself. */
const fetched = ['https:', 'http:', 'gs:'];

function fileOf(url: string, usualType: string): UserPart[] {
  const held = readDataAddress(url);
  if (held) return [{ type: 'file', ...held }];
  const address = URL.canParse(url) ? new URL(url) : null;
  return address && fetched.includes(address.protocol) ? [{ type: 'file', data: address, mediaType: usualType }] : [];
}
