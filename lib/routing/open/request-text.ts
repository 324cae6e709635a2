/** The text of a request. Only intake (and the gateway's validation) may call this: prompt text stops there. */
import type { RouteRequested } from '../../topics/generated/messages';

type Asked = Pick<RouteRequested, 'prompt' | 'messages'>;

/** The whole prompt or conversation, turns joined by line breaks; null when the caller gave features. */
export function requestText(request: Asked): string | null {
  if (request.prompt !== null) return request.prompt;
  if (request.messages.length === 0) return null;
  if (request.messages.length === 1) return request.messages[0]!.content;
  return request.messages.map((message) => message.content).join('\n');
}

/** What was asked last: the last turn of the user, or the whole text where nobody is marked as one. */
export function lastAsked(request: Asked): string | null {
  return request.messages.findLast((message) => message.role === 'user')?.content ?? requestText(request);
}

/** UTF-8 bytes of the text. */
export function textBytes(request: Asked): number {
  if (request.prompt !== null) return Buffer.byteLength(request.prompt);
  let bytes = 0;
  for (const message of request.messages) bytes += Buffer.byteLength(message.content);
  return bytes;
}

/** Four UTF-8 bytes a token: right within a third for English, code and CJK, and cheap. */
export function estimateTokens(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 4));
}
