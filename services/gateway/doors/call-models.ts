/**
 * Calls the models of a decision in their order until one answers: before the first token a failed call is made elsewhere,
 * within the time that is left. A provider that asks to be left alone for a while is.
 */

import { type ApiName, apiThrough, type ProviderConfig } from '../../../lib/config/provider-config';
import type { ModelConfig, RouterConfig } from '../../../lib/config/router-config';
import { newestEntries } from '../../../lib/newest-entries';
import type { Clock } from '../../../lib/ports/clock';
import {
  type AnswerFacts,
  type EventRole,
  emptyFacts,
  readEvent,
  readWhole,
  thoughtRole,
} from '../../../lib/providers/answer-facts';
import { parsedJson } from '../../../lib/providers/any-json';
import { upstreamNameOf } from '../../../lib/providers/bill-call';
import { Ending } from '../../../lib/providers/ending';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import type { EventStream, StreamEvent } from '../../../lib/providers/upstream-call';
import { UpstreamError } from '../../../lib/providers/upstream-error';
import type { Log } from '../../../lib/telemetry/log';
import type { DoorCall } from './read-call';

/** A model that is called, and what came of it. */
export interface Attempt {
  readonly model: ModelConfig;
  readonly providerConfig: ProviderConfig;
  /** From 1, in the order of the decision. */
  readonly number: number;
  readonly startedMs: number;
  readonly facts: AnswerFacts;
  /** Null while it is under way, and where it has answered. */
  error: UpstreamError | null;
  firstTokenMs: number | null;
  endedMs: number | null;
}

/** An event, and what it is; null for a comment. */
export interface KnownEvent {
  readonly event: StreamEvent;
  readonly role: EventRole | null;
}

export type Answer =
  | { readonly kind: 'whole'; readonly text: string; readonly upstreamRequestId: string | null }
  | {
      readonly kind: 'stream';
      /** What came before the first token, with it. */
      readonly begun: readonly KnownEvent[];
      readonly rest: EventStream;
      readonly upstreamRequestId: string | null;
    };

export interface Called {
  /** In the order they were made; the last try of each model. */
  readonly attempts: readonly Attempt[];
  readonly answered: { readonly attempt: Attempt; readonly answer: Answer } | null;
  /** Why nobody has answered; null where somebody has. */
  readonly error: UpstreamError | null;
  /** Time that was spent waiting for providers. */
  readonly upstreamMs: number;
}

export interface ModelCaller {
  /** `signal` is aborted when the caller has gone. Never rejects for what a provider does. */
  call(
    call: DoorCall,
    order: readonly string[],
    config: RouterConfig,
    signal: Ending,
    limitMs: number,
  ): Promise<Called>;
}

export interface ModelCallerOptions {
  readonly client: ProviderClient;
  readonly clock: Clock;
  readonly maxRetryWaitMs: number;
  readonly log: Pick<Log, 'error'>;
}

/** Where a provider says 429 and not for how long. */
const defaultRetryAfterMs = 1_000;
/** Before all models are tried once more, where none has asked for more. */
const backOffMs = 250;
const maxRounds = 2;
/** What a stream may say before its first token. */
const maxBegunBytes = 262_144;
const maxResting = 1_024;
/** Whatever a provider asks for: after this somebody has to look whether it is back. */
const maxRestMs = 3_600_000;

export function createModelCaller({ client, clock, maxRetryWaitMs, log }: ModelCallerOptions): ModelCaller {
  /** By provider and model: not to be called before this time of the monotonic clock. */
  const restingUntilMs = newestEntries<string, number>(maxResting);
  const keyOf = ({ provider, name }: ModelConfig): string => JSON.stringify([provider, name]);
  const restOf = (model: ModelConfig, atMs: number): number =>
    Math.max(0, (restingUntilMs.peek(keyOf(model)) ?? 0) - atMs);
  const letRest = (model: ModelConfig, forMs: number): void => {
    restingUntilMs.set(keyOf(model), clock.monotonicMs() + Math.min(forMs, maxRestMs));
  };

  const tryOne = async (call: DoorCall, attempt: Attempt, gone: Ending, limitMs: number): Promise<Answer> => {
    const { model, providerConfig, facts } = attempt;
    const { api } = call;
    const ending = new Ending();
    const leave = (): void => ending.abort(new UpstreamError('CANCELLED', 'the caller has gone'));
    if (gone.aborted) leave();
    gone.once('abort', leave);
    const upstream = {
      provider: model.provider,
      config: providerConfig,
      ...{ api, through: apiThrough(api, providerConfig, model.apis) ?? api },
      body: call.bodyFor(upstreamNameOf(model), model.provider),
      answerId: call.answerId,
      goesOnFrom: call.goesOnFrom,
      isStream: call.isStream,
      headers: call.headers,
      signal: ending,
      limitMs,
    };
    const { firstTokenMs } = providerConfig.timeouts;
    const cancelFirst = call.isStream
      ? clock.setTimer(firstTokenMs, () =>
          ending.abort(
            new UpstreamError('TIMEOUT', `${model.provider}: no token came within ${firstTokenMs} ms`, {
              httpStatus: 504,
            }),
          ),
        )
      : () => {};
    try {
      if (call.isStream) return await beginStream(call, attempt, await client.stream(upstream), clock);
      const { text, upstreamRequestId } = await client.whole(upstream);
      const answer = parsedJson(text);
      if (!readWhole(call.api, answer, facts))
        throw new UpstreamError('FAILURE', `${model.provider}: what came is no answer of this API`, {
          httpStatus: 502,
        });
      attempt.endedMs = clock.monotonicMs();
      return { kind: 'whole', text, upstreamRequestId };
    } catch (error) {
      gone.off('abort', leave);
      throw error;
    } finally {
      cancelFirst();
      // A stream that has begun ends with its caller.
      if (!call.isStream) gone.off('abort', leave);
    }
  };

  /** What a provider sends may be of any shape, and whatever it makes go wrong here is a failure of this call alone. */
  const unforeseen = (thrown: unknown, { provider, name }: ModelConfig): UpstreamError => {
    log.error('what came of a call could not be read', { provider, model: name, error: thrown as Error });
    return new UpstreamError('FAILURE', `${provider}: what came could not be read`, { httpStatus: 502, cause: thrown });
  };

  return {
    async call(call, order, config, signal, limitMs) {
      const deadlineMs = clock.monotonicMs() + limitMs;
      const models = modelsOf(order, config);
      const attempts = new Map<string, Attempt>();
      let upstreamMs = 0;
      let last: UpstreamError | null = null;
      // A timer may be a moment early.
      let waitedUntilMs = 0;
      for (let round = 1; round <= maxRounds; round++) {
        for (const { model, providerConfig, number } of models) {
          const before = attempts.get(model.name);
          if (before && !isWorthAnother(before.error)) continue;
          // Somebody else may be free; whoever is resting is waited for when all have been asked.
          if (restOf(model, Math.max(waitedUntilMs, clock.monotonicMs())) > 0) continue;
          const leftMs = deadlineMs - clock.monotonicMs();
          if (leftMs <= 0) break;
          const startedMs = clock.monotonicMs();
          const attempt: Attempt = {
            ...{ model, providerConfig, number, startedMs },
            ...{ facts: emptyFacts(), error: null, firstTokenMs: null, endedMs: null },
          };
          try {
            const answer = await tryOne(call, attempt, signal, leftMs);
            attempts.set(model.name, attempt);
            upstreamMs += clock.monotonicMs() - startedMs;
            return { attempts: [...attempts.values()], answered: { attempt, answer }, error: null, upstreamMs };
          } catch (thrown) {
            upstreamMs += clock.monotonicMs() - startedMs;
            const error = thrown instanceof UpstreamError ? thrown : unforeseen(thrown, model);
            last = error;
            attempt.error = error;
            attempt.endedMs = clock.monotonicMs();
            if (!error.details.isUnsent) attempts.set(model.name, attempt);
            const { retryAfterMs, isUnsent } = error.details;
            if (error.status === 'RATE_LIMITED' && !isUnsent) letRest(model, retryAfterMs ?? defaultRetryAfterMs);
            else if (retryAfterMs !== undefined) letRest(model, retryAfterMs);
            // Nobody is left to answer, or nobody could.
            if (error.status === 'CANCELLED' && !error.details.isOfThisModel)
              return { attempts: [...attempts.values()], answered: null, error, upstreamMs };
          }
        }
        const again = models.filter(({ model }) => {
          const made = attempts.get(model.name);
          return !made || isWorthAnother(made.error);
        });
        const waitMs = Math.max(backOffMs, Math.min(...again.map(({ model }) => restOf(model, clock.monotonicMs()))));
        const leftMs = deadlineMs - clock.monotonicMs();
        if (again.length > 0 && last === null && waitMs > Math.min(maxRetryWaitMs, leftMs))
          last = new UpstreamError('RATE_LIMITED', 'every model that may be called has asked to be left alone', {
            retryAfterMs: waitMs,
            isUnsent: true,
          });
        if (again.length === 0 || round === maxRounds || waitMs > Math.min(maxRetryWaitMs, leftMs)) break;
        waitedUntilMs = clock.monotonicMs() + waitMs;
        upstreamMs += await pause(clock, waitMs, signal);
        if (signal.aborted) {
          last = new UpstreamError('CANCELLED', 'the caller has gone');
          break;
        }
      }
      const error = last ?? new UpstreamError('TIMEOUT', 'there was no time left to call a model', { isUnsent: true });
      return { attempts: [...attempts.values()], answered: null, error, upstreamMs };
    },
  };
}

/** A key that is refused, a model that is not there or one that cannot stays so; everything else may pass. */
function isWorthAnother(error: UpstreamError | null): boolean {
  const status = error?.details.httpStatus;
  return error !== null && !error.details.isOfThisModel && status !== 401 && status !== 403 && status !== 404;
}

function modelsOf(order: readonly string[], config: RouterConfig) {
  const byName = new Map(config.models.map((model) => [model.name, model]));
  const providers = new Map(Object.entries(config.providers));
  return order.flatMap((name, index) => {
    const model = byName.get(name);
    const providerConfig = model && providers.get(model.provider);
    return providerConfig ? [{ model, providerConfig, number: index + 1 }] : [];
  });
}

/** Reads up to the first token, so that whatever goes wrong before it can be tried elsewhere. */
async function beginStream(
  { api, isBackground }: DoorCall,
  attempt: Attempt,
  { events, upstreamRequestId }: Awaited<ReturnType<ProviderClient['stream']>>,
  clock: Clock,
): Promise<Answer> {
  const { facts, model } = attempt;
  const begun: KnownEvent[] = [];
  const broken = (what: string): UpstreamError =>
    new UpstreamError('FAILURE', `${model.provider}: ${what}`, { httpStatus: 502 });
  let bytes = 0;
  let hasBegun = false;
  try {
    while (!hasBegun) {
      const next = await events.next();
      if (next === null) {
        if (!facts.isComplete) throw broken('the stream ended before it began');
        break;
      }
      for (const event of next) {
        const known = readOne(api, event, facts);
        begun.push(known);
        // A comment counts as well: a provider that sends nothing else says nothing.
        bytes += (event.data?.length ?? 0) + 16;
        hasBegun ||= known.role?.isToken === true || facts.isComplete;
        // What fails behind the first token is for whoever passes the stream on.
        if (hasBegun) continue;
        if (known.role?.failure) throw broken(known.role.failure);
        if (bytes > maxBegunBytes) throw broken(`more than ${maxBegunBytes} characters came before the first token`);
      }
    }
  } catch (error) {
    events.close();
    throw error;
  }
  // In the background it begins with its name.
  if (!isBackground) attempt.firstTokenMs = clock.monotonicMs() - attempt.startedMs;
  return { kind: 'stream', begun, rest: events, upstreamRequestId };
}

export function readOne(api: ApiName, event: StreamEvent, facts: AnswerFacts): KnownEvent {
  if (event.data === null) return { event, role: event.isThought ? thoughtRole : null };
  return { event, role: readEvent(api, event.data, facts, event.event) };
}

/** Waits, or until the caller has gone; resolves with the time it took. */
async function pause(clock: Clock, forMs: number, signal: Ending): Promise<number> {
  const startedMs = clock.monotonicMs();
  await new Promise<void>((resolve) => {
    const cancel = clock.setTimer(forMs, done);
    signal.once('abort', done);
    function done(): void {
      cancel();
      signal.off('abort', done);
      resolve();
    }
  });
  return clock.monotonicMs() - startedMs;
}
