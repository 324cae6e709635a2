/**
 * Parts of a conversation that only who has made them may be sent again: others refuse fields and signatures that they do not know,
 * and a conversation may go from model to model.
 */
import { isJson, objectOf } from './any-json';
import type { UpstreamCall } from './upstream-call';

/** What `chat-to-messages.ts` writes of thoughts that nobody has signed. */
const unsigned = /"signature"\s*:\s*""/;

/**
 * The body without what Gemini and Anthropic have signed with tool calls, unless Google is asked, and without thoughts that came
 * through chat.
 */
export function withoutForeign({ body, api, config: { kind, baseUrl } }: UpstreamCall): string {
  const hasThoughts = api === 'messages' && unsigned.test(body);
  if (kind === 'gemini' || !(hasThoughts || body.includes('"extra_content"'))) return body;
  const isGoogle = baseUrl !== null && new URL(baseUrl).hostname.endsWith('.googleapis.com');
  return JSON.stringify(JSON.parse(body), (name, value: unknown) => {
    if (hasThoughts && name === 'content' && Array.isArray(value)) return value.filter((block) => !isUnsigned(block));
    const { google, anthropic } = name === 'extra_content' ? objectOf(value) : {};
    return isJson(anthropic) || (isJson(google) && !isGoogle) ? undefined : value;
  });
}

function isUnsigned(block: unknown): boolean {
  const { type, signature } = objectOf(block);
  return type === 'thinking' && signature === '';
}
