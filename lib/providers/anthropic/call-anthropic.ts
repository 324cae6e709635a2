/** Calls Anthropic in its own API on behalf of a chat completion. */
import { isJson, type Json, objectOf, parsedJson, textOf } from '../any-json';
import type { EventStream, StreamAnswer, StreamEvent, UpstreamCall, WholeAnswer } from '../upstream-call';
import { UpstreamError } from '../upstream-error';
import { completionOf, createChunker } from './from-anthropic';
import { toAnthropic } from './to-anthropic';

type Send<Answer> = (call: UpstreamCall) => Promise<Answer>;

export async function wholeFromAnthropic(
  call: UpstreamCall,
  send: Send<WholeAnswer>,
  nowMs: number,
): Promise<WholeAnswer> {
  const { text, upstreamRequestId } = await send(inItsApi(call)).catch(inWordsOfChat);
  const completion = completionOf(parsedJson(text), nowMs);
  if (completion === null)
    throw new UpstreamError('FAILURE', `${call.provider}: what came is no message`, { httpStatus: 502 });
  return { text: JSON.stringify(completion), upstreamRequestId };
}

export async function streamFromAnthropic(
  call: UpstreamCall,
  send: Send<StreamAnswer>,
  nowMs: number,
): Promise<StreamAnswer> {
  const { events, upstreamRequestId } = await send(inItsApi(call)).catch(inWordsOfChat);
  return { events: translated(events, createChunker(nowMs)), upstreamRequestId };
}

function inItsApi(call: UpstreamCall): UpstreamCall {
  const body = toAnthropic(JSON.parse(call.body) as Json);
  return { ...call, api: 'messages', through: 'messages', headers: {}, body: JSON.stringify(body) };
}

/** What it finds wrong with a request is for the caller, in the form of the API that was called. */
function inWordsOfChat(error: unknown): never {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) throw error;
  const { type, message } = objectOf(objectOf(parsedJson(error.details.body ?? ''))['error']);
  if (textOf(message) === '') throw error;
  const said = { message, type: 'invalid_request_error', param: null, code: textOf(type) || null };
  throw new UpstreamError(error.status, error.message, { ...error.details, body: JSON.stringify({ error: said }) });
}

function translated(raw: EventStream, chunksOf: (event: Json) => string[]): EventStream {
  const one = ({ event, data }: StreamEvent): StreamEvent[] => {
    const given = data === null ? null : parsedJson(data);
    // Whoever reads the stream knows a comment, an error, and what is none of its events, by itself.
    if (!isJson(given) || isJson(given['error'])) return [{ event, data }];
    return chunksOf(given).map((chunk) => ({ event: null, data: chunk }));
  };
  return {
    async next() {
      for (;;) {
        const came = await raw.next();
        if (came === null) return null;
        const events = came.flatMap(one);
        if (events.length > 0) return events;
      }
    },
    close: () => raw.close(),
    leave: () => raw.leave(),
  };
}
