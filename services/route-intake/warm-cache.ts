/**
 * What it is worth to stay with a session's model: its provider still has the beginning of the session in its prompt cache, and
 * reads it at the price of cached input. Elsewhere, and after a while here as well, it is read anew.
 */
import type { ModelConfig } from '../../lib/config/router-config';
import { priceOfCall } from '../../lib/reward/price-of-call';
import { copyCandidate } from '../../lib/routing/open/copy-candidate';
import type { Candidate, Session, WarmCache } from '../../lib/topics/generated/messages';

export interface WarmSession {
  readonly models: readonly ModelConfig[];
  /** How long a provider keeps what it has read, in milliseconds; 0: not to be counted on. */
  readonly promptCacheMs: number;
  readonly promptTokens: number;
  readonly nowMs: number;
}

/** What is believed of an estimate: no answer costs less than this share of what is expected of one without a cache. */
const leastShare = 0.1;
/** A prompt this much shorter than the last one does not begin with it: the session was summed up, or has begun anew. */
const sameBeginning = 0.9;

/** Null where nothing is known to be warm, or it saves nothing. `candidates` are as they are expected without a cache. */
export function warmCacheOf(
  session: Pick<Session, 'warmModel' | 'warmTokens' | 'warmAtMs'> | undefined,
  candidates: readonly Candidate[],
  { models, promptCacheMs, promptTokens, nowMs }: WarmSession,
): WarmCache | null {
  if (!session || session.warmModel === null || nowMs - session.warmAtMs >= promptCacheMs) return null;
  if (promptTokens < sameBeginning * session.warmTokens) return null;
  const at = models.findIndex(({ name }) => name === session.warmModel);
  const candidate = candidates[at];
  if (!candidate) return null;
  const tokens = Math.min(session.warmTokens, promptTokens);
  const costOf = (cachedInput: number): number =>
    priceOfCall(models[at]!.price, { input: promptTokens, cachedInput, cacheWrite: 0, output: 0, reasoning: 0 });
  const savedUsd = Math.min(costOf(0) - costOf(tokens), (1 - leastShare) * candidate.expectedCostUsd);
  return savedUsd > 0 ? { model: candidate.model, tokens, savedUsd } : null;
}

/** The same candidates, the warm one of them at what it is expected to cost now. */
export function withWarmCache(candidates: readonly Candidate[], warm: WarmCache | null): readonly Candidate[] {
  if (warm === null) return candidates;
  return candidates.map((candidate) => {
    if (candidate.model !== warm.model) return candidate;
    const warmer = copyCandidate(candidate);
    warmer.expectedCostUsd = candidate.expectedCostUsd - warm.savedUsd;
    return warmer;
  });
}
