/**
 * Follows responses that their provider makes in the background, until it is through with them: only then is known what came of
 * the call. Whoever asked for it may fetch it or be told of it by the provider; neither passes here for certain.
 */

import type { Clock } from '../../../lib/ports/clock';
import { emptyFacts, readWhole } from '../../../lib/providers/answer-facts';
import { type Json, objectOf } from '../../../lib/providers/any-json';
import { Ending } from '../../../lib/providers/ending';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import { UpstreamError } from '../../../lib/providers/upstream-error';
import type { Log } from '../../../lib/telemetry/log';
import type { Attempt } from './call-models';

export interface BackgroundFollower {
  /**
   * `onEnd` is called once: with the facts of the answer, or of the failure, in the attempt, or with those of its beginning where it
   * is given up, because it takes too long, too many are followed or the gateway stops.
   */
  follow(attempt: Attempt, onEnd: () => void): void;
  stop(): void;
}

const maxFollowed = 1_000;
const firstWaitMs = 1_000;
const mostWaitMs = 60_000;
const growth = 1.5;
/** No model thinks as long, and a decision does not wait for its outcome for ever. */
const giveUpAfterMs = 3_600_000;
const askLimitMs = 30_000;

export function createBackgroundFollower(client: ProviderClient, clock: Clock, log: Log): BackgroundFollower {
  /** How each is given up. */
  const followed = new Set<() => void>();

  const ask = async ({ model, providerConfig, facts }: Attempt): Promise<Json> => {
    const { text } = await client.whole({
      ...{ provider: model.provider, config: providerConfig, api: 'responses', through: 'responses', isStream: false },
      ...{ method: 'GET', path: `/responses/${encodeURIComponent(facts.id!)}`, body: '', headers: {} },
      ...{ signal: new Ending(), limitMs: askLimitMs },
    });
    return objectOf(JSON.parse(text));
  };

  return {
    follow(attempt, onEnd) {
      // When it will have ended is seen by and by only.
      attempt.endedMs = null;
      if (attempt.facts.id === null || followed.size >= maxFollowed) return onEnd();
      const startedMs = clock.monotonicMs();
      let cancel = (): void => {};
      let hasEnded = false;
      const end = (): void => {
        if (hasEnded) return;
        hasEnded = true;
        cancel();
        followed.delete(end);
        onEnd();
      };
      const look = async (waitMs: number): Promise<void> => {
        try {
          // One that has failed says why, and is an answer to who asks after it all the same.
          const answer = { ...(await ask(attempt)), error: null };
          const facts = emptyFacts();
          if (readWhole('responses', answer, facts) && !facts.isInBackground) {
            if (hasEnded) return;
            Object.assign(attempt.facts, facts, { id: attempt.facts.id });
            attempt.error = errorIn(attempt);
            return end();
          }
        } catch (error) {
          // Whoever asked for it has deleted it, or the provider does not keep it.
          if (error instanceof UpstreamError && error.details.httpStatus === 404) return end();
          log.debug('a response in the background could not be looked at', { error: error as Error });
        }
        if (clock.monotonicMs() - startedMs > giveUpAfterMs) return end();
        if (!hasEnded) next(Math.min(mostWaitMs, waitMs * growth));
      };
      const next = (waitMs: number): void => {
        cancel = clock.setTimer(waitMs, () => void look(waitMs));
      };
      followed.add(end);
      next(firstWaitMs);
    },
    stop() {
      for (const end of [...followed]) end();
    },
  };
}

function errorIn({ model, facts }: Attempt): UpstreamError | null {
  if (facts.finishReason === 'cancelled') return new UpstreamError('CANCELLED', 'the caller has cancelled it');
  if (facts.finishReason !== 'failed') return null;
  return new UpstreamError('FAILURE', `${model.provider}: the response failed in the background`, { httpStatus: 502 });
}
