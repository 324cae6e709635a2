/**
 * Requests to providers: connections are pooled per provider, everything that is waited for has a time-out, and all that may come
 * back has a largest size. Whatever goes wrong becomes an UpstreamError with the status that outcomes use.
 */
import { Agent, type Dispatcher } from 'undici';
import type { Environment } from '../config/expand-references';
import type { ApiName, ProviderConfig } from '../config/provider-config';
import { dictionaryOf } from '../dictionary';
import type { Clock } from '../ports/clock';
import { type CallWatch, createCallWatch } from './call-watch';
import { secretIn } from './provider-secrets';
import { type AnswerLimits, readEvents, readText } from './read-answer';
import type { Rewording } from './refused-words';
import { withoutForeign } from './signed-parts';
import type { StreamAnswer, UpstreamCall, WholeAnswer } from './upstream-call';
import { errorOfStatus, retryAfterMsOf, UpstreamError } from './upstream-error';

/** What calls have shown of a provider, for as long as its configuration stays. */
export interface ProviderHabits {
  /** It refuses to be asked for the usage of a stream. */
  refusesUsage: boolean;
  /** By the model that refuses what is said otherwise since. */
  readonly rewordings: Map<string, ReadonlySet<Rewording>>;
}

/** Calls as they are given, in no other words. */
export interface ProviderHttp {
  whole(call: UpstreamCall): Promise<WholeAnswer>;
  stream(call: UpstreamCall): Promise<StreamAnswer>;
  /** The caller's to change. */
  habitsOf(call: UpstreamCall): ProviderHabits;
  close(): Promise<void>;
}

export interface ProviderHttpOptions {
  readonly clock: Clock;
  /** Keys are read from here at every call, and kept nowhere. */
  readonly environment: Environment;
  /** Address of the demonstration upstream; starts it where need be. */
  readonly demoUrl: () => Promise<string>;
  readonly limits: AnswerLimits;
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
  readonly habits: ProviderHabits;
  underWay: number;
}

export function createProviderHttp({ clock, environment, demoUrl, limits }: ProviderHttpOptions): ProviderHttp {
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
    const pool: Pool = { agent, madeFor, habits: { refusesUsage: false, rewordings: new Map() }, underWay: 0 };
    pools.set(provider, pool);
    return pool;
  };

  /** Sends the request; resolves with a 2xx answer whose body has not been read. */
  const open = async (call: UpstreamCall, watch: CallWatch): Promise<Dispatcher.ResponseData> => {
    const { provider, config, api } = call;
    const base = new URL(config.kind === 'demo' ? await demoUrl() : config.baseUrl!);
    const [own, query = ''] = (call.path ?? paths[api]).split('?');
    const search = [query, base.search.slice(1)].filter((part) => part !== '').join('&');
    const path = `${base.pathname.replace(/\/$/, '')}${own}${search === '' ? '' : `?${search}`}`;
    watch.wait(call.isStream ? config.timeouts.headersMs : null, 'the answer did not begin in time');
    const send = () =>
      poolOf(provider, config).agent.request({
        origin: base.origin,
        path,
        method: call.method ?? 'POST',
        headers: headersOf(call, environment),
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
    work: (response: Dispatcher.ResponseData, watch: CallWatch, done: () => void) => Promise<T>,
  ): Promise<T> => {
    const pool = poolOf(call.provider, call.config);
    if (pool.underWay >= call.config.maxConcurrent)
      throw new UpstreamError('RATE_LIMITED', `${call.provider} has ${pool.underWay} calls under way, its maximum`, {
        isUnsent: true,
      });
    pool.underWay++;
    const watch = createCallWatch(clock, call);
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

  return {
    whole: (call) =>
      begin(call, async ({ body, headers }, watch, done) => {
        const text = await readText(body, limits.maxWholeBytes, watch, call.config.timeouts.gapMs, 'refused');
        done();
        return { text, upstreamRequestId: requestIdOf(headers) };
      }),
    stream: (call) =>
      begin(call, async ({ body, headers }, watch, done) => ({
        upstreamRequestId: requestIdOf(headers),
        events: readEvents(body, call, limits, watch, done),
      })),
    habitsOf: ({ provider, config }) => poolOf(provider, config).habits,
    async close() {
      await Promise.all([...retired, ...[...pools.values()].map(({ agent }) => agent.destroy())]);
    },
  };
}

function headersOf(
  { config, api, isStream, headers, body }: UpstreamCall,
  environment: Environment,
): Record<string, string> {
  const all = new Map([
    ...Object.entries(headers),
    ...(body === '' ? [] : [['content-type', 'application/json'] as const]),
    ['accept', isStream ? 'text/event-stream' : 'application/json'],
    // What is not compressed cannot unpack to gigabytes.
    ['accept-encoding', 'identity'],
    ['user-agent', 'quantum-router'],
  ]);
  const key = config.apiKeyEnv === null ? null : secretIn(environment, config.apiKeyEnv);
  if (config.kind === 'anthropic' && api === 'messages') {
    if (!all.has('anthropic-version')) all.set('anthropic-version', '2023-06-01');
    if (key !== null) all.set('x-api-key', key);
  } else if (config.kind === 'gemini') {
    if (key !== null) all.set('x-goog-api-key', key);
  } else if (key !== null) all.set('authorization', `Bearer ${key}`);
  for (const [name, value] of Object.entries(config.headers)) all.set(name, value);
  for (const [name, variable] of Object.entries(config.headersEnv))
    all.set(name, secretIn(environment, variable) ?? '');
  return dictionaryOf(all);
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

function cut(text: string): string {
  const short = text.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
  return short === '' ? 'nothing' : short;
}
