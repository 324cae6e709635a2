/** What puts an answer of chat into the words of another API. */
import type { StreamEvent } from '../upstream-call';
import type { ChatPart, ChatUsage } from './read-chat';

export interface Writer {
  /** `body` is what was asked, in the words of the API; `id` what the answer is called, where the API lets others refer to it. */
  whole(part: ChatPart, body: Readonly<Record<string, unknown>>, id: string): object;
  stream(body: Readonly<Record<string, unknown>>, id: string): StreamWriter;
}

export interface StreamWriter {
  /** Whether what the model has thought is among what it writes. */
  readonly showsThoughts: boolean;
  /** Null where the pieces cannot be told in this order: tool calls that are written at the same time. */
  part(part: ChatPart): StreamEvent[] | null;
  /** The stream is through; never called for one that has broken off. */
  end(finish: string, usage: ChatUsage | null): StreamEvent[];
}
