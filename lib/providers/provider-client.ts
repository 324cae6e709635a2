/**
 * Calls providers over HTTP: connections are pooled per provider, everything that is waited for has a time-out, and all
 * that may come back has a largest size. Whatever goes wrong becomes an UpstreamError with the status that outcomes use.
 */
import { StringDecoder } from 'node:string_decoder';
import { Agent, type Dispatcher } from 'undici';
import type { Environment } from '../config/expand-references';
import type { ApiName, ProviderConfig } from '../config/provider-config';
import { dictionaryOf } from '../dictionary';
import type { Clock } from '../ports/clock';
import { streamFromAnthropic, wholeFromAnthropic } from './anthropic/call-anthropic';
import { type Json, objectOf } from './any-json';
import { askForUsage, refusesUsage } from './ask-for-usage';
import { Ending } from './ending';
import { createEventParser } from './event-parser';
import { embeddingsFromGemini, streamFromGemini, wholeFromGemini } from './gemini/call-gemini';
import { missingSecrets, secretIn } from './provider-secrets';
import { type Rewording, reworded, rewordingOf } from './refused-words';
import { withoutForeign } from './signed-parts';
import { streamThroughChat, wholeThroughChat } from './through-chat/through-chat';
import type { EventStream, StreamAnswer, StreamEvent, UpstreamCall, WholeAnswer } from './upstream-call';
import { errorOfStatus, retryAfterMsOf, UpstreamError } from './upstream-error';

export interface AnswerLimits {
  /** Of an answer that comes in one piece, in bytes. */
  readonly maxWholeBytes: number;
  /** Of one event of a stream. */
  readonly maxEventBytes: number;
  /** Of a stream from its beginning to its end. */
  readonly maxStreamBytes: number;
  /** Of what an error says. */
  readonly maxErrorBytes: number;
}

const defaultAnswerLimits: AnswerLimits = {
  maxWholeBytes: 16_777_216,
  maxEventBytes: 1_048_576,
  maxStreamBytes: 268_435_456,
  maxErrorBytes: 65_536,
};

export interface ProviderClient {
  /** Why a provider cannot be called at all, for people; null where it can. */
  unusable(provider: string, config: ProviderConfig): string | null;
  whole(call: UpstreamCall): Promise<WholeAnswer>;
  stream(call: UpstreamCall): Promise<StreamAnswer>;
  close(): Promise<void>;
}

export interface ProviderClientOptions {
  readonly clock: Clock;
  /** Keys are read from here at every call, and kept nowhere. */
  readonly environment: Environment;
  /** Address of the demonstration upstream; starts it where need be. */
  readonly demoUrl: () => Promise<string>;
  readonly limits?: Partial<AnswerLimits>;
}

const paths: Readonly<Record<ApiName, string>> = {
  chat: '/chat/completions',
  messages: '/messages',
  responses: '/responses',
  embeddings: '/embeddings',
};

interface Pool {
  readonly agent: Agent;
  readonly madeFor: string;
  underWay: number;
  /** It refuses to be asked for the usage of a stream. */
  refusesUsage: boolean;
  /** By the model that refuses what is said otherwise since. */
  readonly rewordings: Map<string, ReadonlySet<Rewording>>;
}

/** Models of one provider whose words are remembered. */
const maxRewordedModels = 1_024;

export function createProviderClient(options: ProviderClientOptions): ProviderClient {
  const { clock, environment } = options;
  const limits = { ...defaultAnswerLimits, ...options.limits };
  const pools = new Map<string, Pool>();
  const retired: Promise<void>[] = [];

  const poolOf = (provider: string, config: ProviderConfig): Pool => {
    const { baseUrl, timeouts, maxConcurrent } = config;
    const madeFor = JSON.stringify([baseUrl, timeouts.connectMs, maxConcurrent]);
    const existing = pools.get(provider);
    if (existing?.madeFor === madeFor) return existing;
    // Calls that are under way finish on the connections of the configuration they began with.
    if (existing) retired.push(existing.agent.close());
    const agent = new Agent({
      connections: maxConcurrent,
      pipelining: 1,
      connect: { timeout: timeouts.connectMs },
      // Where the provider does not say how long: one that closes first would fail a call that is just being sent.
      keepAliveTimeout: 10_000,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const pool: Pool = { agent, madeFor, underWay: 0, refusesUsage: false, rewordings: new Map() };
    pools.set(provider, pool);
    return pool;
  };

  const secretOf = (variable: string): string | null => secretIn(environment, variable);

  const headersOf = ({ config, api, isStream, headers, body }: UpstreamCall): Record<string, string> => {
    const all = new Map([
      ...Object.entries(headers),
      ...(body === '' ? [] : [['content-type', 'application/json'] as const]),
      ['accept', isStream ? 'text/event-stream' : 'application/json'],
      // What is not compressed cannot unpack to gigabytes.
      ['accept-encoding', 'identity'],
      ['user-agent', 'quantum-router'],
    ]);
    const key = config.apiKeyEnv === null ? null : secretOf(config.apiKeyEnv);
    if (config.kind === 'anthropic' && api === 'messages') {
      if (!all.has('anthropic-version')) all.set('anthropic-version', '2023-06-01');
      if (key !== null) all.set('x-api-key', key);
    } else if (config.kind === 'gemini') {
      if (key !== null) all.set('x-goog-api-key', key);
    } else if (key !== null) all.set('authorization', `Bearer ${key}`);
    for (const [name, value] of Object.entries(config.headers)) all.set(name, value);
    for (const [name, variable] of Object.entries(config.headersEnv)) all.set(name, secretOf(variable) ?? '');
    return dictionaryOf(all);
  };

  /** Sends the request; resolves with a 2xx answer whose body has not been read. */
  const open = async (call: UpstreamCall, watch: Watch): Promise<Dispatcher.ResponseData> => {
    const { provider, config, api } = call;
    const base = new URL(config.kind === 'demo' ? await options.demoUrl() : config.baseUrl!);
    const [own, query = ''] = (call.path ?? paths[api]).split('?');
    const search = [query, base.search.slice(1)].filter((part) => part !== '').join('&');
    const path = `${base.pathname.replace(/\/$/, '')}${own}${search === '' ? '' : `?${search}`}`;
    watch.wait(call.isStream ? config.timeouts.headersMs : null, 'the answer did not begin in time');
    const send = () =>
      poolOf(provider, config).agent.request({
        origin: base.origin,
        path,
        method: call.method ?? 'POST',
        headers: headersOf(call),
        ...(call.body !== '' && { body: withoutForeign(call) }),
        signal: watch.signal,
      });
    const response = await send().catch((error: unknown) => {
      if (watch.signal.aborted || !wasIdle(error)) throw error;
      return send();
    });
    watch.go();
    const { statusCode, headers, body } = response;
    // The body reports an abort here as well; whoever reads it hears of it there.
    body.on('error', () => {});
    if (statusCode !== 200) {
      const said = await readText(body, limits.maxErrorBytes, watch, config.timeouts.gapMs, 'cut');
      throw errorOfStatus(statusCode, said, retryAfterMsOf(headers, clock.nowMs()), provider);
    }
    const wanted = call.isStream ? 'text/event-stream' : 'application/json';
    const type = String(headers['content-type'] ?? '').toLowerCase();
    const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
    if (!type.startsWith(wanted) || encoding !== 'identity') {
      body.destroy();
      throw new UpstreamError('FAILURE', `${provider} answered with ${cut(type)} (${cut(encoding)}), not ${wanted}`, {
        httpStatus: 502,
      });
    }
    return response;
  };

  /** Counts the call and sees to it that whatever is thrown is an UpstreamError. `done` is to be called at its end. */
  const begin = async <T>(
    call: UpstreamCall,
    work: (response: Dispatcher.ResponseData, watch: Watch, done: () => void) => Promise<T>,
  ): Promise<T> => {
    const pool = poolOf(call.provider, call.config);
    if (pool.underWay >= call.config.maxConcurrent)
      throw new UpstreamError('RATE_LIMITED', `${call.provider} has ${pool.underWay} calls under way, its maximum`, {
        isUnsent: true,
      });
    pool.underWay++;
    const watch = createWatch(clock, call);
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      pool.underWay--;
      watch.end();
    };
    try {
      return await work(await open(call, watch), watch, done);
    } catch (error) {
      done();
      throw watch.errorOf(error);
    }
  };

  /** A model that refuses a word that others demand is asked in other words, and from then on at once. */
  const inWords = async <T>(call: UpstreamCall, send: (call: UpstreamCall) => Promise<T>): Promise<T> => {
    if (call.through !== 'chat' || call.config.kind !== 'openai') return send(call);
    const { rewordings } = poolOf(call.provider, call.config);
    const { hints = [] } = call;
    // What a caller writes himself is not left out because somebody else's was only meant.
    const spokenBy = (body: Json): string => [String(body['model']), ...hints].join(' ');
    // Most bodies are refused nowhere, and never read.
    let read: Json | null = rewordings.size === 0 ? null : objectOf(JSON.parse(call.body));
    const how = new Set(read === null ? undefined : rewordings.get(spokenBy(read)));
    for (let first: unknown = null; ; ) {
      const body = read === null || how.size === 0 ? null : reworded(read, how);
      // As it came where nothing is said otherwise: a number that no double can hold stays what it is.
      const text = body === null || body === read ? call.body : JSON.stringify(body);
      try {
        const answer = await send({ ...call, body: text });
        if (first === null) return answer;
        if (rewordings.size >= maxRewordedModels) rewordings.clear();
        rewordings.set(spokenBy(read!), how);
        return answer;
      } catch (error) {
        if (!(error instanceof UpstreamError) || !error.details.isRequestFault) throw error;
        read ??= objectOf(JSON.parse(call.body));
        const other = rewordingOf(error, body ?? read, hints);
        if (other === null) throw error;
        first ??= error;
        // It knows neither of two words: what it has said of the one that the caller has chosen is for the caller.
        if ([...how].some(({ kind }) => kind === other.kind)) throw first;
        how.add(other);
      }
    }
  };

  const whole = (call: UpstreamCall): Promise<WholeAnswer> => inWords(call, wholeAsItIs);
  const wholeAsItIs = (call: UpstreamCall): Promise<WholeAnswer> =>
    begin(call, async ({ body, headers }, watch, done) => {
      const text = await readText(body, limits.maxWholeBytes, watch, call.config.timeouts.gapMs, 'refused');
      done();
      return { text, upstreamRequestId: requestIdOf(headers) };
    });
  const streamInWords = (call: UpstreamCall): Promise<StreamAnswer> => inWords(call, streamAsItIs);
  const streamAsItIs = (call: UpstreamCall): Promise<StreamAnswer> =>
    begin(call, async ({ body, headers }, watch, done) => ({
      upstreamRequestId: requestIdOf(headers),
      events: readEvents(body, call, limits, watch, done),
    }));

  /**
   * A stream of chat says what it has cost only where it is asked to. Callers hear of it only where they have asked themselves:
   * what a provider finds wrong with that is between us and it, and it is asked no more.
   */
  const stream = async (call: UpstreamCall): Promise<StreamAnswer> => {
    const pool = poolOf(call.provider, call.config);
    const asking =
      call.through !== 'chat' || call.config.kind === 'gemini' || pool.refusesUsage ? null : askForUsage(call.body);
    if (asking === null) return streamInWords(call);
    try {
      return await streamInWords({ ...call, body: asking });
    } catch (error) {
      if (!refusesUsage(error)) throw error;
      const answer = await streamInWords(call);
      // Only now it is known that nothing else was wrong: what callers write may not end what is known of everybody's costs.
      pool.refusesUsage = true;
      return answer;
    }
  };

  /** In the words that the provider takes: those of the API, but for chat with Anthropic and all with Gemini, who have their own. */
  const isAnthropicChat = ({ config, through }: UpstreamCall): boolean =>
    config.kind === 'anthropic' && through === 'chat';
  const wholeOf = (call: UpstreamCall): Promise<WholeAnswer> => {
    if (isAnthropicChat(call)) return wholeFromAnthropic(call, whole, clock.nowMs());
    if (call.config.kind !== 'gemini') return whole(call);
    return call.api === 'embeddings' ? embeddingsFromGemini(call, whole) : wholeFromGemini(call, whole, clock.nowMs());
  };
  const streamOf = (call: UpstreamCall): Promise<StreamAnswer> => {
    if (isAnthropicChat(call)) return streamFromAnthropic(call, stream, clock.nowMs());
    return call.config.kind === 'gemini' ? streamFromGemini(call, stream, clock.nowMs()) : stream(call);
  };

  return {
    unusable(provider, config) {
      const missing = missingSecrets(config, environment);
      return missing.length === 0
        ? null
        : `${provider} cannot be called: the environment of the gateway has no usable ${missing.join(', ')}`;
    },
    whole: (call) => (call.through === call.api ? wholeOf(call) : wholeThroughChat(call, wholeOf)),
    stream: (call) =>
      call.through === call.api ? streamOf(call) : streamThroughChat(call, streamOf, limits.maxWholeBytes),
    async close() {
      await Promise.all([...retired, ...[...pools.values()].map(({ agent }) => agent.destroy())]);
    },
  };
}

/**
 * A connection that had served before and was closed without a byte of an answer: the provider had given it up as idle while
 * the call was on its way. That is no failure of the model; on a new connection the call is made once more.
 */
function wasIdle(error: unknown): boolean {
  const { code, socket } = error as { code?: unknown; socket?: { bytesRead?: unknown } | null };
  return code === 'UND_ERR_SOCKET' && typeof socket?.bytesRead === 'number' && socket.bytesRead > 0;
}

function requestIdOf(headers: Readonly<Record<string, unknown>>): string | null {
  const id = headers['x-request-id'] ?? headers['request-id'];
  return typeof id === 'string' && /^[\x21-\x7e]{1,200}$/.test(id) ? id : null;
}

/** The time-outs of one call: the total one, and that of whatever is being waited for now. */
interface Watch {
  readonly signal: Ending;
  /** From now on something is waited for; null: only the total time-out counts. */
  wait(limitMs: number | null, otherwise: string): void;
  /** It has come. */
  go(): void;
  end(): void;
  errorOf(error: unknown): UpstreamError;
}

function createWatch(clock: Clock, { provider, config, signal, limitMs }: UpstreamCall): Watch {
  const ending = new Ending();
  const fail = (error: UpstreamError): void => ending.abort(error);
  const timedOut = (why: string): void =>
    fail(new UpstreamError('TIMEOUT', `${provider}: ${why}`, { httpStatus: 504 }));
  // Whoever aborts for another reason than that the caller has gone says so.
  const gone = (): void =>
    fail(
      signal.reason instanceof UpstreamError ? signal.reason : new UpstreamError('CANCELLED', 'the caller has gone'),
    );
  if (signal.aborted) gone();
  signal.once('abort', gone);
  const totalMs = Math.max(1, Math.min(config.timeouts.totalMs, limitMs));
  const cancelTotal = clock.setTimer(totalMs, () => timedOut(`the call took longer than ${Math.round(totalMs)} ms`));
  // One timer for all that is waited for: it looks when the newest limit is due, and sets itself anew where that lies ahead.
  let cancel: (() => void) | null = null;
  let dueMs = Number.POSITIVE_INFINITY;
  let timerMs = Number.POSITIVE_INFINITY;
  let overdue = '';
  const look = (): void => {
    cancel = null;
    timerMs = Number.POSITIVE_INFINITY;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    if (clock.monotonicMs() >= dueMs) timedOut(overdue);
    else setTimer();
  };
  const setTimer = (): void => {
    cancel?.();
    timerMs = dueMs;
    cancel = clock.setTimer(Math.max(1, Math.ceil(dueMs - clock.monotonicMs())), look);
  };
  const go = (): void => {
    dueMs = Number.POSITIVE_INFINITY;
  };
  return {
    signal: ending,
    wait(waitMs, otherwise) {
      if (waitMs === null) return go();
      dueMs = clock.monotonicMs() + waitMs;
      overdue = `${otherwise} (${waitMs} ms)`;
      if (timerMs > dueMs) setTimer();
    },
    go,
    end() {
      go();
      cancel?.();
      cancelTotal();
      signal.off('abort', gone);
    },
    errorOf(error) {
      if (ending.reason instanceof UpstreamError) return ending.reason;
      if (error instanceof UpstreamError) return error;
      const code = (error as { code?: unknown }).code;
      if (code === 'UND_ERR_CONNECT_TIMEOUT')
        return new UpstreamError('TIMEOUT', `${provider}: no connection within ${config.timeouts.connectMs} ms`, {
          httpStatus: 504,
          cause: error,
        });
      const what = typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : 'the connection failed';
      return new UpstreamError('FAILURE', `${provider}: ${what}`, { httpStatus: 502, cause: error });
    },
  };
}

/** The text of a body; a longer one is cut or refused. */
async function readText(
  body: Dispatcher.ResponseData['body'],
  maxBytes: number,
  watch: Watch,
  gapMs: number,
  tooLong: 'cut' | 'refused',
): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    watch.wait(gapMs, 'the answer stopped in its middle');
    const next = await iterator.next();
    watch.go();
    if (next.done) break;
    const chunk = next.value as Buffer;
    length += chunk.length;
    if (length > maxBytes) {
      body.destroy();
      if (tooLong === 'cut') break;
      throw new UpstreamError('FAILURE', `an answer of more than ${maxBytes} bytes`, { httpStatus: 502 });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readEvents(
  body: Dispatcher.ResponseData['body'],
  { provider, config }: UpstreamCall,
  { maxEventBytes, maxStreamBytes }: AnswerLimits,
  watch: Watch,
  done: () => void,
): EventStream {
  let ready: StreamEvent[] = [];
  const parser = createEventParser({
    onEvent: (event) => ready.push(event),
    onComment: () => ready.push({ event: null, data: null }),
  });
  // A character may be cut by the border of two chunks, and the mark that some begin with as well.
  const decoder = new StringDecoder('utf8');
  const tooLarge = (what: string): UpstreamError =>
    new UpstreamError('FAILURE', `${provider}: ${what}`, { httpStatus: 502 });
  let hasText = false;
  let sinceEvent = 0;
  let total = 0;
  let isThrough = false;
  let broken: unknown = null;
  let wake: () => void = () => {};
  const end = (error: unknown = null): void => {
    broken ??= error;
    isThrough = true;
    wake();
  };
  body.on('readable', () => wake()).on('end', () => end());
  body.on('error', end).on('close', () => end(body.readableEnded ? null : new Error('the connection closed')));
  const close = (): void => {
    body.destroy();
    done();
  };

  const feed = (text: string): void => {
    if (text === '') return;
    parser.feed(!hasText && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    hasText = true;
  };

  const take = (chunk: Buffer): void => {
    sinceEvent += chunk.length;
    total += chunk.length;
    if (total > maxStreamBytes) throw tooLarge(`a stream of more than ${maxStreamBytes} bytes`);
    feed(decoder.write(chunk));
    if (ready.length > 0) sinceEvent = 0;
    if (sinceEvent > maxEventBytes) throw tooLarge(`an event of more than ${maxEventBytes} bytes`);
  };

  return {
    async next() {
      try {
        for (;;) {
          const chunk = body.read() as Buffer | null;
          if (chunk !== null) {
            watch.go();
            take(chunk);
            if (ready.length === 0) continue;
            const events = ready;
            ready = [];
            return events;
          }
          if (broken !== null) throw broken;
          if (isThrough) {
            // Some end without the empty line that ends an event.
            if (ready.length === 0) feed('\n\n');
            close();
            const events = ready;
            ready = [];
            return events.length > 0 ? events : null;
          }
          // Only while the provider is waited for: a caller who reads slowly is no fault of it.
          watch.wait(config.timeouts.gapMs, 'the stream stopped in its middle');
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } catch (error) {
        close();
        throw watch.errorOf(error);
      }
    },
    close,
    leave() {
      if (isThrough) return close();
      const drain = (): void => {
        while (body.read() !== null);
        if (isThrough) close();
      };
      watch.wait(lingerMs, 'the connection stayed open behind the last event');
      wake = drain;
      drain();
    },
  };
}

/** What a provider has after its last event to end the answer, so that its connection can serve the next call. */
const lingerMs = 1_000;

function cut(text: string): string {
  const short = text.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
  return short === '' ? 'nothing' : short;
}
