/**
 * Follows responses that their provider makes in the background, until it is through with them: only then is known what came of
 * the call. Whoever asked for it may fetch it or be told of it by the provider; neither passes here for certain. What this gateway
 * follows stands in the log, and what is there of others it looks at now and then: they may be gone.
 */

import type { Clock } from '../../../../lib/ports/clock';
import { emptyFacts, readWhole } from '../../../../lib/providers/answer-facts';
import { type Json, objectOf } from '../../../../lib/providers/any-json';
import { Ending } from '../../../../lib/providers/ending';
import type { ProviderClient } from '../../../../lib/providers/provider-client';
import { UpstreamError } from '../../../../lib/providers/upstream-error';
import type { Log } from '../../../../lib/telemetry/log';
import type { BackgroundResponse } from '../../../../lib/topics/generated/messages';
import type { Attempt } from '../call-models';
import type { FollowedResponses } from './followed-responses';

export interface BackgroundFollower {
  /**
   * `onEnd` is called once at most: with the facts of the answer, or of the failure, in the attempt, or with those of its beginning
   * where it is given up, because it takes too long or too many are followed. Where the gateway stops before, it is called only for what
   * is followed and stands in no log: others go on with the rest. Once it has stopped, nothing is followed and nothing is called.
   */
  follow(attempt: Attempt, of: Followed, onEnd: () => Promise<void>): void;
  /**
   * One whose stream has begun and is passed on: it stands in the log meanwhile, so that it is known also where its gateway ends with it.
   * Whoever passes it on says how the stream has ended, once.
   */
  watchStream(attempt: Attempt, of: Followed): WatchedStream;
  stop(): void;
}

/** What the log is told of it; null where it is told nothing. */
export type Followed = Omit<BackgroundResponse, 'id' | 'startedAtMs'> | null;

export interface WatchedStream {
  /** Its end has come, and what came of the response is known: `report` resolves when that is in the log. */
  ends(report: () => Promise<void>): void;
  /**
   * It has broken, or its caller has gone: the response goes on, and is followed as by `follow`, or reported at once where too many were
   * followed when it began. Once the gateway has stopped nothing is done.
   */
  breaks(onEnd: () => Promise<void>): void;
}

export interface BackgroundFollowerParts {
  readonly client: ProviderClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Null while there is no log. */
  readonly rows: FollowedResponses | null;
  /** How often those of others are asked after. A gateway that lives is through with its own before that, mostly. */
  readonly othersEveryMs: number;
  /** The call of a row as it would be made now; null where nobody can be asked any more. */
  readonly attemptOf: (row: BackgroundResponse) => Attempt | null;
  /** What came of a response of a gateway that is gone: it is in the attempt. */
  readonly onAdopted: (row: BackgroundResponse, attempt: Attempt) => Promise<void>;
}

const maxFollowed = 1_000;
const firstWaitMs = 1_000;
const mostWaitMs = 60_000;
const growth = 1.5;
/** No model thinks as long, and a decision does not wait for its outcome for ever. */
const giveUpAfterMs = 3_600_000;
const askLimitMs = 30_000;
/** Of others so many are asked after at once. */
const maxAskedAtOnce = 20;

export function createBackgroundFollower(parts: BackgroundFollowerParts): BackgroundFollower {
  const { client, clock, log, rows, othersEveryMs, attemptOf, onAdopted } = parts;
  /** How each is given up when the gateway stops. */
  const followed = new Map<string, () => void>();
  /** Since when those of others are known here. */
  const seenMs = new Map<string, number>();
  let cancelRound = (): void => {};
  let isStopped = false;

  const ask = async ({ model, providerConfig, facts }: Attempt): Promise<Json> => {
    const { text } = await client.whole({
      ...{ provider: model.provider, config: providerConfig, api: 'responses', through: 'responses', isStream: false },
      ...{ method: 'GET', path: `/responses/${encodeURIComponent(facts.id!)}`, body: '', headers: {} },
      ...{ signal: new Ending(), limitMs: askLimitMs },
    });
    return objectOf(JSON.parse(text));
  };

  /** `through`: what came of it is in the attempt. `gone`: nobody will know. Never rejects. */
  const look = async (attempt: Attempt): Promise<'through' | 'gone' | 'under-way'> => {
    try {
      // One that has failed says why, and is an answer to who asks after it all the same.
      const answer = { ...(await ask(attempt)), error: null };
      const facts = emptyFacts();
      if (!readWhole('responses', answer, facts) || facts.isInBackground) return 'under-way';
      Object.assign(attempt.facts, facts, { id: attempt.facts.id });
      attempt.error = errorIn(attempt);
      return 'through';
    } catch (error) {
      // Whoever asked for it has deleted it, or the provider does not keep it.
      if (error instanceof UpstreamError && error.details.httpStatus === 404) return 'gone';
      log.debug('a response in the background could not be looked at', { error: error as Error });
      return 'under-way';
    }
  };

  const adopt = async (row: BackgroundResponse): Promise<void> => {
    const attempt = attemptOf(row);
    const found = attempt === null ? 'under-way' : await look(attempt);
    // Its own gateway may have been there first.
    if (isStopped || rows?.has(row.id) !== true) return;
    if (found === 'through') await onAdopted(row, attempt!);
    if (found !== 'under-way' || clock.monotonicMs() - (seenMs.get(row.id) ?? 0) > giveUpAfterMs) rows.remove(row.id);
  };

  const lookAtOthers = async (): Promise<void> => {
    const others = [...rows!.values()].filter(({ id }) => !followed.has(id));
    const known = others.filter(({ id }) => seenMs.has(id));
    const there = new Set(others.map(({ id }) => id));
    for (const id of seenMs.keys()) if (!there.has(id)) seenMs.delete(id);
    for (const { id } of others) if (!seenMs.has(id)) seenMs.set(id, clock.monotonicMs());
    while (known.length > 0 && !isStopped) await Promise.all(known.splice(0, maxAskedAtOnce).map(adopt));
  };
  const nextRound = (): void => {
    cancelRound = clock.setTimer(othersEveryMs, async () => {
      await lookAtOthers().catch((error) =>
        log.warn('responses in the background could not be followed', { error: error as Error }),
      );
      if (!isStopped) nextRound();
    });
  };
  if (rows) nextRound();

  /** Has it stand in the log. False where nothing is written of it. */
  const write = (id: string, of: Followed): boolean => {
    if (rows === null || of === null) return false;
    rows.add({ ...of, id, startedAtMs: clock.nowMs() });
    return true;
  };

  const goOn = (attempt: Attempt, id: string, isWritten: boolean, onEnd: () => Promise<void>): void => {
    // When it will have ended is seen by and by only.
    attempt.endedMs = null;
    const startedMs = clock.monotonicMs();
    let cancel = (): void => {};
    let hasEnded = false;
    const end = async (): Promise<void> => {
      hasEnded = true;
      cancel();
      followed.delete(id);
      await onEnd();
      // Behind what came of it: in between a gateway may be killed.
      if (isWritten) rows!.remove(id);
    };
    const lookAgain = async (waitMs: number): Promise<void> => {
      const found = await look(attempt);
      if (hasEnded) return;
      if (found !== 'under-way' || clock.monotonicMs() - startedMs > giveUpAfterMs) await end();
      else next(Math.min(mostWaitMs, waitMs * growth));
    };
    const next = (waitMs: number): void => {
      cancel = clock.setTimer(waitMs, () => void lookAgain(waitMs));
    };
    followed.set(id, () => {
      cancel();
      if (!isWritten) void end();
      hasEnded = true;
    });
    next(firstWaitMs);
  };

  return {
    follow(attempt, of, onEnd) {
      if (isStopped) return;
      const { id } = attempt.facts;
      if (id === null || followed.size >= maxFollowed) {
        attempt.endedMs = null;
        return void onEnd();
      }
      goOn(attempt, id, write(id, of), onEnd);
    },
    watchStream(attempt, of) {
      const { id } = attempt.facts;
      const isWatched = id !== null && !isStopped && followed.size < maxFollowed;
      if (isWatched) followed.set(id, () => {});
      const isWritten = isWatched && write(id, of);
      return {
        ends(report) {
          void (async () => {
            await report();
            if (!isWatched) return;
            followed.delete(id);
            if (isWritten) rows!.remove(id);
          })();
        },
        breaks(onEnd) {
          // With the gateway: what comes of it is seen by whoever reads its row, if there is one.
          if (isStopped) return;
          if (isWatched) goOn(attempt, id, isWritten, onEnd);
          else void onEnd();
        },
      };
    },
    stop() {
      isStopped = true;
      cancelRound();
      for (const stop of [...followed.values()]) stop();
    },
  };
}

function errorIn({ model, facts }: Attempt): UpstreamError | null {
  if (facts.finishReason === 'cancelled') return new UpstreamError('CANCELLED', 'the caller has cancelled it');
  if (facts.finishReason !== 'failed') return null;
  return new UpstreamError('FAILURE', `${model.provider}: the response failed in the background`, { httpStatus: 502 });
}
