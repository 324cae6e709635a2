/**
 * Calls Gemini in its own API on behalf of a chat completion or of embeddings. What is said there and how it is read is the
 * library's work; the connection, its time-outs and the limits of what may come back are ours, as for every provider.
 */
import { type Json, numberField, objectOf, parsedJson, textOf } from '../any-json';
import type { EventStream, StreamAnswer, StreamEvent, UpstreamCall, WholeAnswer } from '../upstream-call';
import { UpstreamError } from '../upstream-error';
import { embeddingsOf, textsOf } from './embeddings';
import { completionOf, createChunker, type GeminiPart, labelOf, mostCalls } from './from-gemini';
import { toGemini } from './to-gemini';

/** Where the library believes the provider to be: what follows it is the path of a call. */
const base = 'http://provider';

type Send<Answer> = (call: UpstreamCall & { readonly path: string }) => Promise<Answer>;

export async function wholeFromGemini(
  call: UpstreamCall,
  send: Send<WholeAnswer>,
  nowMs: number,
): Promise<WholeAnswer> {
  const body = JSON.parse(call.body) as Readonly<Record<string, unknown>>;
  const asked = String(body['model']);
  let answered: WholeAnswer | null = null;
  const posted = await postTo(call, asked, async (path, text) => {
    answered = await send({ ...call, path, body: text });
    return new Response(answered.text, { headers: { 'content-type': 'application/json' } });
  });
  const result = await posted.run((model) => model.doGenerate(toGemini(body)));
  const raw = result.response?.body;
  const completion = completionOf(result, raw, labelOf(raw, asked, nowMs), mostCalls(body));
  if (completion === null)
    throw new UpstreamError('FAILURE', `${call.provider}: the model ended without an answer`, { httpStatus: 502 });
  return { text: JSON.stringify(completion), upstreamRequestId: answered!.upstreamRequestId };
}

export async function streamFromGemini(
  call: UpstreamCall,
  send: Send<StreamAnswer>,
  nowMs: number,
): Promise<StreamAnswer> {
  const body = JSON.parse(call.body) as Readonly<Record<string, unknown>>;
  const asked = String(body['model']);
  let answered: StreamAnswer | null = null;
  const posted = await postTo(call, asked, async (path, text) => {
    answered = await send({ ...call, path, body: text });
    const bytes = bytesOf(answered.events, posted.noteFailure);
    return new Response(bytes, { headers: { 'content-type': 'text/event-stream' } });
  });
  const { stream } = await posted.run((model) => model.doStream({ ...toGemini(body), includeRawChunks: true }));
  const raw = answered! as StreamAnswer;
  return {
    upstreamRequestId: raw.upstreamRequestId,
    events: translated(stream, raw.events, createChunker(asked, nowMs, mostCalls(body)), posted.errorOf),
  };
}

export async function embeddingsFromGemini(call: UpstreamCall, send: Send<WholeAnswer>): Promise<WholeAnswer> {
  const body = JSON.parse(call.body) as Json;
  let upstreamRequestId: string | null = null;
  const posted = await postTo(call, String(body['model']), async (path, text) => {
    const answered = await send({ ...call, path, body: text });
    upstreamRequestId = answered.upstreamRequestId;
    return new Response(answered.text, { headers: { 'content-type': 'application/json' } });
  });
  const google = numberField('outputDimensionality', body['dimensions']);
  const { embeddings } = await posted.run((_, embedder) =>
    embedder.doEmbed({ values: textsOf(body), providerOptions: { google } }),
  );
  return { text: JSON.stringify(embeddingsOf(embeddings, body)), upstreamRequestId };
}

/** One call through the library: `post` is what makes it, and what `post` throws is what the call throws. */
async function postTo(call: UpstreamCall, asked: string, post: (path: string, body: string) => Promise<Response>) {
  // Loaded by those who need it.
  const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
  let isSent = false;
  let failure: unknown = null;
  const noteFailure = (error: unknown): void => {
    failure ??= error;
  };
  const errorOf = (error: unknown): UpstreamError => {
    if (failure instanceof UpstreamError) return inOurWords(failure);
    if (error instanceof UpstreamError) return inOurWords(error);
    if (isSent)
      return new UpstreamError('FAILURE', `${call.provider}: what came is no answer of this API`, { httpStatus: 502 });
    const message = `${call.provider}: a schema of the request has no counterpart in its API`;
    const said = { message, type: 'invalid_request_error', param: null, code: 'unsupported_value' };
    return new UpstreamError('CANCELLED', message, {
      ...{ httpStatus: 400, isRequestFault: true, isOfThisModel: true, isUnsent: true },
      body: JSON.stringify({ error: said }),
    });
  };
  const provider = createGoogleGenerativeAI({
    baseURL: base,
    // The key is put in where the call is made; without any the library would look for one of its own.
    apiKey: 'unused',
    fetch: async (url, init) => {
      // It goes on by itself where an answer says so: one call is one call.
      if (isSent) throw new UpstreamError('FAILURE', `${call.provider}: an answer that is to be asked for again`);
      isSent = true;
      try {
        return await post(String(url).slice(base.length), String(init?.body));
      } catch (error) {
        noteFailure(error);
        throw error;
      }
    },
  });
  const model = provider(asked);
  const embedder = provider.textEmbeddingModel(asked);
  return {
    noteFailure,
    errorOf,
    async run<T>(work: (with_: typeof model, embedder_: typeof embedder) => PromiseLike<T>): Promise<T> {
      try {
        return await work(model, embedder);
      } catch (error) {
        throw errorOf(error);
      }
    },
  };
}

/** Gemini calls a wrong key a wrong request, says in the body how long to wait, and has a form of errors of its own. */
function inOurWords(error: UpstreamError): UpstreamError {
  const { httpStatus, body = '', retryAfterMs, ...rest } = error.details;
  const { message, status } = objectOf(objectOf(parsedJson(body))['error']);
  if (httpStatus === 400 && body.includes('API_KEY_INVALID'))
    return new UpstreamError('FAILURE', error.message, { httpStatus: 401 });
  const [, seconds] = /"retryDelay":\s*"(\d{1,6}(?:\.\d{1,9})?)s"/.exec(body) ?? [];
  if (rest.isRequestFault && textOf(message) !== '') {
    const said = { message, type: 'invalid_request_error', param: null, code: textOf(status).toLowerCase() || null };
    return new UpstreamError(error.status, error.message, { ...error.details, body: JSON.stringify({ error: said }) });
  }
  if (retryAfterMs !== undefined || seconds === undefined) return error;
  return new UpstreamError(error.status, error.message, {
    ...{ ...rest, body, retryAfterMs: Number(seconds) * 1_000 },
    ...(httpStatus !== undefined && { httpStatus }),
  });
}

/** The events as they would come over a connection, read no faster than they are wanted. */
function bytesOf(events: EventStream, onFailure: (error: unknown) => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      for (let hasSaid = false; !hasSaid; ) {
        const next = await events.next();
        if (next === null) return controller.close();
        for (const { data } of next) {
          if (data === null) continue;
          hasSaid = true;
          controller.enqueue(encoder.encode(`data: ${data.replaceAll('\n', '\ndata: ')}\n\n`));
        }
      }
    } catch (error) {
      onFailure(error);
      controller.error(error);
    }
  };
  return new ReadableStream({ pull, cancel: () => events.close() }, { highWaterMark: 0 });
}

function translated(
  stream: ReadableStream<GeminiPart>,
  raw: EventStream,
  chunksOf: (part: GeminiPart) => string[],
  errorOf: (error: unknown) => UpstreamError,
): EventStream {
  const reader = stream.getReader();
  const close = (): void => {
    raw.close();
    // It may have failed already, which whoever reads has been told.
    reader.cancel().catch(() => {});
  };
  return {
    async next() {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            close();
            return null;
          }
          const events = chunksOf(value).map((data): StreamEvent => ({ event: null, data }));
          if (events.length > 0) return events;
        }
      } catch (error) {
        close();
        throw errorOf(error);
      }
    },
    close,
    leave: close,
  };
}
