/**
 * Calls of the Messages and the Responses API for providers that answer chat completions alone: the body is put into the words
 * of chat, and the answer, whole or streamed, back into those of the API that was called.
 */
import type { ApiName, ProviderConfig } from '../../config/provider-config';
import { isJson, type Json, objectOf, parsedJson, textOf } from '../any-json';
import type { EventStream, StreamAnswer, StreamEvent, UpstreamCall, WholeAnswer } from '../upstream-call';
import { UpstreamError } from '../upstream-error';
import { messageWriter } from './chat-to-messages';
import { responseWriter } from './chat-to-responses';
import type { Cannot } from './chat-words';
import type { StreamWriter, Writer } from './chat-writer';
import { messagesCannot, messagesToChat, thinkingHints } from './messages-to-chat';
import { type ChatUsage, createChunkReader, readCompletion } from './read-chat';
import { responsesCannot, responsesToChat } from './responses-to-chat';

interface Translation {
  /** What the body asks for that has no counterpart. */
  cannot(body: Json, config: ProviderConfig): Cannot | null;
  toChat(body: Json, config: ProviderConfig): Json;
  readonly writer: Writer;
  /** What a provider finds wrong with a request, in the form of the API. */
  errorOf(message: string): object;
}

const translations: ReadonlyMap<ApiName, Translation> = new Map([
  [
    'messages',
    {
      ...{ cannot: messagesCannot, toChat: messagesToChat, writer: messageWriter },
      errorOf: (message) => ({ type: 'error', error: { type: 'invalid_request_error', message } }),
    },
  ],
  [
    'responses',
    {
      ...{ cannot: responsesCannot, toChat: responsesToChat, writer: responseWriter },
      errorOf: (message) => ({ error: { message, type: 'invalid_request_error', param: null, code: null } }),
    },
  ],
]);

/** What a body of this API asks for that has no counterpart in chat; null where it has one for everything. */
export function chatCannot(api: ApiName, body: Json, config: ProviderConfig): Cannot | null {
  return translations.get(api)?.cannot(body, config) ?? null;
}

type Send<Answer> = (call: UpstreamCall) => Promise<Answer>;

export async function wholeThroughChat(call: UpstreamCall, send: Send<WholeAnswer>): Promise<WholeAnswer> {
  const { translation, asked, inChat, id } = translated(call);
  const { text, upstreamRequestId } = await send(inChat).catch((error: unknown) => {
    throw inItsForm(error, translation);
  });
  const part = readCompletion(parsedJson(text));
  if (part === null) throw broken(call, 'what came is no chat completion');
  return { text: JSON.stringify(translation.writer.whole(part, asked, id)), upstreamRequestId };
}

/** Of an answer whose end repeats what was said before, no more than `maxChars` are taken: it is held until then. */
export async function streamThroughChat(
  call: UpstreamCall,
  send: Send<StreamAnswer>,
  maxChars: number,
): Promise<StreamAnswer> {
  const { translation, asked, inChat, id } = translated(call);
  const { events, upstreamRequestId } = await send(inChat).catch((error: unknown) => {
    throw inItsForm(error, translation);
  });
  return { upstreamRequestId, events: written(call, events, translation.writer.stream(asked, id), maxChars) };
}

function translated(call: UpstreamCall) {
  const translation = translations.get(call.api)!;
  const body = JSON.parse(call.body) as Json;
  const id = call.answerId ?? 'resp_unnamed';
  const inChat: UpstreamCall = {
    ...{ ...call, api: 'chat', through: 'chat', headers: {}, hints: call.api === 'messages' ? thinkingHints : [] },
    body: JSON.stringify(translation.toChat(body, call.config)),
  };
  // As the caller has asked for it, for what an answer repeats of that.
  const asked = call.goesOnFrom ? { ...body, previous_response_id: call.goesOnFrom } : body;
  return { translation, asked, inChat, id };
}

function inItsForm(error: unknown, { errorOf }: Translation): unknown {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) return error;
  const said = textOf(objectOf(objectOf(parsedJson(error.details.body ?? ''))['error'])['message']);
  if (said === '') return error;
  return new UpstreamError(error.status, error.message, { ...error.details, body: JSON.stringify(errorOf(said)) });
}

function written(call: UpstreamCall, chat: EventStream, writer: StreamWriter, maxChars: number): EventStream {
  let chars = 0;
  let finish: string | null = null;
  let usage: ChatUsage | null = null;
  let isThrough = false;
  let hasThought = false;
  const read = createChunkReader();
  const end = (): StreamEvent[] => {
    isThrough = true;
    return finish === null ? [] : writer.end(finish, usage);
  };
  const one = ({ event, data }: StreamEvent): readonly StreamEvent[] => {
    if (data === null) return [{ event, data }];
    if (isThrough) return [];
    if (data === '[DONE]') return end();
    const chunk = parsedJson(data);
    // Whoever reads the stream knows an error, and what is none of its events, by itself.
    if (!isJson(chunk) || isJson(chunk['error'])) return [{ event, data }];
    const part = read(chunk);
    finish = part.finish ?? finish;
    usage = part.usage ?? usage;
    for (const piece of part.pieces) {
      hasThought ||= piece.kind === 'thought';
      if (piece.kind !== 'call') chars += piece.text.length;
    }
    if (chars > maxChars) throw broken(call, `an answer of more than ${maxChars} characters`);
    const events = writer.part(part);
    if (events === null) throw broken(call, 'tool calls that are written at the same time');
    return events;
  };
  return {
    async next() {
      try {
        for (;;) {
          const came = await chat.next();
          hasThought = false;
          const events = came === null ? (isThrough ? [] : end()) : came.flatMap(one);
          // Whoever waits is told that there is something to wait for.
          if (hasThought && !writer.showsThoughts) return [...events, { event: null, data: null, isThought: true }];
          if (events.length > 0) return events;
          if (came === null) return null;
        }
      } catch (error) {
        chat.close();
        throw error;
      }
    },
    close: () => chat.close(),
    leave: () => chat.leave(),
  };
}

function broken({ provider }: UpstreamCall, what: string): UpstreamError {
  return new UpstreamError('FAILURE', `${provider}: ${what}`, { httpStatus: 502 });
}
