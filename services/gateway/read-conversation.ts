/**
 * From a conversation in the shape that client libraries send it (content in parts, null beside tool calls) to the turns of
 * text that are routed by, and how much else there was. Images, sound and tool arguments end here: they are counted, not kept.
 */
import { z } from 'zod';
import type { Holds, Message } from '../../lib/topics/generated/messages';
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

const contentDoc = 'What was said: text, a list of parts, or null (beside tool calls, say).';

/** One turn. Client libraries add fields of their own, so those that are not listed are ignored. */
export const messageSchema = z
  .looseObject({
    role: z.enum(roles).describe(fieldDoc('Message', 'role')),
    content: z.union([z.string(), z.array(partSchema).max(maxParts), z.null()]).describe(contentDoc),
    tool_calls: z.array(z.unknown()).max(maxToolCalls).nullish().describe('Counted.'),
  })
  .describe('One turn of a conversation. Fields that are not listed are ignored.');

export type GivenMessage = z.output<typeof messageSchema>;

const kinds = new Map<string, keyof Holds>([
  ['image', 'images'],
  ['image_url', 'images'],
  ['input_image', 'images'],
  ['audio', 'audio'],
  ['input_audio', 'audio'],
  ['file', 'files'],
  ['input_file', 'files'],
  ['document', 'files'],
  ['tool_use', 'toolCalls'],
  ['tool_call', 'toolCalls'],
  ['function_call', 'toolCalls'],
  ['tool_result', 'toolResults'],
  ['function_call_output', 'toolResults'],
]);
const textTypes = new Set(['text', 'input_text', 'output_text']);

/** `holds` is null for a conversation of text alone. Parts of text are joined by line breaks. */
export function readConversation(given: readonly GivenMessage[]): { messages: Message[]; holds: Holds | null } {
  const holds: Holds = { images: 0, audio: 0, files: 0, toolCalls: 0, toolResults: 0, other: 0 };
  const messages = given.map((message) => {
    const { role, content } = message;
    if (role === 'tool' || role === 'function') holds.toolResults++;
    holds.toolCalls += (message.tool_calls?.length ?? 0) + (isGiven(message['function_call']) ? 1 : 0);
    if (isGiven(message['audio'])) holds.audio++;
    return { role, content: typeof content === 'string' ? content : textOf(content ?? [], holds) };
  });
  const isTextAlone = Object.values(holds).every((count) => count === 0);
  return { messages, holds: isTextAlone ? null : holds };
}

function textOf(parts: readonly z.output<typeof partSchema>[], holds: Holds): string {
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
