/** How often a key may ask: counted by all gateways together where there is a store for it, else by this process alone. */
import { createMemoryTokenBuckets } from '../../../lib/adapters/memory/memory-token-buckets';
import type { Clock } from '../../../lib/ports/clock';
import type { Bucket, Taken, TokenBuckets } from '../../../lib/ports/token-buckets';
import type { Metrics } from '../../../lib/telemetry/metrics';
import type { ErrorForm } from '../doors/error-form';
import type { RateLimit } from './who-is-asking';

export interface RateLimited extends Taken {
  readonly capacity: number;
  /** Until there is a token again; 0 where there is one. */
  readonly retryAfterSeconds: number;
  /** Until the bucket is full. */
  readonly fullAfterSeconds: number;
}

export interface RateLimiter {
  /** Never rejects. Whatever becomes of the store, one process grants no more than its own bucket would. */
  take(limit: RateLimit): Promise<RateLimited>;
}

/** What was granted elsewhere was granted by another clock, a moment ago or two: it may be as much too early for this one. */
const overdraft = 1;

export function createRateLimiter(parts: {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly shared: TokenBuckets | undefined;
}): RateLimiter {
  const { clock, metrics, shared } = parts;
  // What this process has granted, whoever counted it: a store that comes and goes, or forgets, lets nobody begin anew each time.
  const own = createMemoryTokenBuckets({ clock });
  const takeShared = async (key: string, bucket: Bucket): Promise<Taken | null> => {
    try {
      return (await shared?.takeToken(key, bucket)) ?? null;
    } catch {
      metrics.count('quantum_router_rate_limits_local_total', {});
      return null;
    }
  };
  const takeToken = async (key: string, bucket: Bucket): Promise<Taken> => {
    const ofAll = await takeShared(key, bucket);
    if (ofAll?.isTaken === false) return ofAll;
    if (ofAll === null) return own.takeToken(key, bucket);
    const ofThis = await own.takeToken(key, bucket, overdraft);
    return { ...ofThis, tokens: Math.min(ofAll.tokens, ofThis.tokens) };
  };
  return {
    async take({ key, requestsPerMinute, burst: capacity }) {
      const perSecond = requestsPerMinute / 60;
      const taken = await takeToken(key, { capacity, perSecond });
      return {
        isTaken: taken.isTaken,
        tokens: Math.max(0, taken.tokens),
        capacity,
        retryAfterSeconds: Math.max(0, 1 - taken.tokens) / perSecond,
        fullAfterSeconds: Math.max(0, capacity - taken.tokens) / perSecond,
      };
    },
  };
}

/** What client libraries look for, in the words of the API that was called. */
export function rateLimitHeaders(limited: RateLimited, form: ErrorForm, nowMs: number): Record<string, string> {
  const { capacity, tokens, fullAfterSeconds } = limited;
  const remaining = String(Math.floor(tokens));
  const reset = Math.ceil(fullAfterSeconds * 1_000) / 1_000;
  if (form === 'anthropic')
    return {
      'anthropic-ratelimit-requests-limit': String(capacity),
      'anthropic-ratelimit-requests-remaining': remaining,
      'anthropic-ratelimit-requests-reset': new Date(nowMs + reset * 1_000).toISOString(),
    };
  const end = form === 'openai' ? '-requests' : '';
  return {
    [`x-ratelimit-limit${end}`]: String(capacity),
    [`x-ratelimit-remaining${end}`]: remaining,
    [`x-ratelimit-reset${end}`]: form === 'openai' ? `${reset}s` : String(Math.ceil(reset)),
  };
}
