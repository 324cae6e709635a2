/**
 * From a conversation in the shape that client libraries send it (content in parts, null beside tool calls) to the turns of
 * text that are routed by, and how much else there was. Images, sound and tool arguments end here: they are counted, not kept.
 * What tools have answered is text like any other, wherever an API has its place: as a turn, as a part of one, or as an item.
 */
import { z } from 'zod';
import { isJson, objectOf } from '../../../lib/providers/any-json';
import { maxMessages } from '../../../lib/routing/open/validate-request';
import type { Holds, Message } from '../../../lib/topics/generated/messages';
import { fieldDoc } from './avro-json-schema';
import { label } from './field-schemas';

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;
const maxParts = 10_000;
const maxToolCalls = 256;

const partSchema = z
  .looseObject({
    type: label.describe('text, image_url, input_audio, file, …; parts of unknown type are counted'),
    text: z.string().nullish().describe('what a part of text says'),
  })
  .describe('One part of a turn. Fields that are not listed are ignored.');

const contentDoc =
  'What was said: text, a list of parts, or null; some clients leave it out beside tool calls, which means the same.';

/** One turn. Client libraries add fields of their own, so those that are not listed are ignored. */
export const messageSchema = z
  .looseObject({
    role: z.enum(roles).describe(fieldDoc('Message', 'role')),
    content: z
      .union([z.string(), z.array(partSchema).max(maxParts), z.null()])
      .optional()
      .describe(contentDoc),
    tool_calls: z.array(z.unknown()).max(maxToolCalls).nullish().describe('Counted.'),
  })
  .describe('One turn of a conversation. Fields that are not listed are ignored.');

export type GivenMessage = z.output<typeof messageSchema>;

const kinds = new Map<string, keyof Holds>([
  ['image', 'images'],
  ['image_url', 'images'],
  ['input_image', 'images'],
  ['computer_screenshot', 'images'],
  ['audio', 'audio'],
  ['input_audio', 'audio'],
  ['file', 'files'],
  ['input_file', 'files'],
  ['document', 'files'],
  ['tool_use', 'toolCalls'],
  ['tool_call', 'toolCalls'],
  ['function_call', 'toolCalls'],
  ['function_call_output', 'toolResults'],
]);
const textTypes = new Set(['text', 'input_text', 'output_text']);

type Part = z.output<typeof partSchema>;

/**
 * `holds` is null for a conversation of text alone. Parts of text are joined by line breaks. Answers of tools that are parts of a
 * turn become turns of their own. Of more turns than a request may have the newest stay.
 */
export function readConversation(given: readonly GivenMessage[]): { messages: Message[]; holds: Holds | null } {
  const holds: Holds = { images: 0, audio: 0, files: 0, toolCalls: 0, toolResults: 0, other: 0 };
  const messages = given.flatMap((message) => {
    const { role, content } = message;
    if (role === 'tool' || role === 'function') holds.toolResults++;
    holds.toolCalls += (message.tool_calls?.length ?? 0) + (isGiven(message['function_call']) ? 1 : 0);
    if (isGiven(message['audio'])) holds.audio++;
    return typeof content === 'string' ? [{ role, content }] : turnsOf(role, content ?? [], holds);
  });
  const isTextAlone = Object.values(holds).every((count) => count === 0);
  return {
    messages: messages.length > maxMessages ? messages.slice(-maxMessages) : messages,
    holds: isTextAlone ? null : holds,
  };
}

/** A turn of the user begins with the answers of tools, and one that has nothing else is none of the user. */
function turnsOf(role: GivenMessage['role'], parts: readonly Part[], holds: Holds): Message[] {
  if (!parts.some(isToolAnswer)) return [{ role, content: textOf(parts, holds) }];
  const own = parts.filter((part) => !isToolAnswer(part));
  const answers = parts.filter(isToolAnswer).map((part) => {
    holds.toolResults++;
    return { role: 'tool', content: answerOf(part, holds) };
  });
  const turn = { role, content: textOf(own, holds) };
  if (role === 'assistant') return [turn, ...answers];
  return own.length === 0 ? answers : [...answers, turn];
}

/** Those of tools that the provider runs by itself have longer names. */
function isToolAnswer({ type }: Part): boolean {
  return type.endsWith('tool_result');
}

/** A failure that is not told in words is: as `trajectoryOf` knows it. */
const failureMark = '{"is_error": true}';

function answerOf({ content, is_error: isError }: Part, holds: Holds): string {
  const text = outputText(content, holds);
  const hasFailed = isError === true || String(objectOf(content)['type']).endsWith('_error');
  return hasFailed ? [failureMark, text].filter((line) => line !== '').join('\n') : text;
}

function outputText(given: unknown, holds: Holds): string {
  if (typeof given === 'string') return given;
  const parts = (Array.isArray(given) ? given : [given]).filter(
    (part): part is Part => isJson(part) && typeof part['type'] === 'string',
  );
  return textOf(parts, holds);
}

function textOf(parts: readonly Part[], holds: Holds): string {
  const texts: string[] = [];
  for (const { type, text } of parts) {
    if (!textTypes.has(type)) holds[kinds.get(type) ?? 'other']++;
    if (typeof text === 'string') texts.push(text);
  }
  return texts.join('\n');
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
