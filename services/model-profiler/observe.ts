/** Decayed statistics of one model: every newer call makes older ones count for less, and none is kept. */
import type { DecayedStats, ModelObserved } from '../../lib/topics/generated/messages';

/** No call seen yet. */
export function noStats(): DecayedStats {
  return {
    weight: 0,
    errorRate: 0,
    quality: 0,
    qualityWeight: 0,
    latencyMs: 0,
    latencyWeight: 0,
    costUsd: 0,
    costWeight: 0,
    outputTokens: 0,
    outputTokensWeight: 0,
  };
}

/** Weight that one call leaves to an older one, so that it halves after `halfLifeObservations`. */
export function decayOf(halfLifeObservations: number): number {
  return 2 ** (-1 / halfLifeObservations);
}

/**
 * The statistics after one observation.
 * - every call counts for the error rate (FAILURE, TIMEOUT and RATE_LIMITED are errors) and, where known, for cost;
 * - latency and output tokens are those of successful calls, since a time-out says how long we waited, not how fast it is;
 * - quality is that of judged calls (a failed one was judged 0 by reward-feedback, a rate-limited one not at all);
 * - CANCELLED calls leave everything as it is: callers have many reasons;
 * - a correction (revision > 0) is no further call: it replaces a quality or adds figures that were missing.
 * Each mean has a weight of its own and decays only by calls that say something of it, so rare judgements are not forgotten
 * by the many calls nobody judged.
 */
export function afterObservation(stats: DecayedStats, observed: ModelObserved, decay: number): DecayedStats {
  if (observed.status === 'CANCELLED') return stats;
  const next = { ...stats };
  const ok = observed.status === 'SUCCESS';
  if (observed.revision === 0) {
    next.weight = stats.weight * decay + 1;
    next.errorRate += ((ok ? 0 : 1) - stats.errorRate) / next.weight;
  }
  if (observed.quality !== null) {
    if (observed.replacedQuality !== null && stats.qualityWeight > 0) {
      // How much the replaced call still weighs is not known; as if it were the newest is right for the usual quick correction.
      const changed = stats.quality + (observed.quality - observed.replacedQuality) / Math.max(1, stats.qualityWeight);
      next.quality = Math.min(1, Math.max(0, changed));
    } else {
      next.qualityWeight = stats.qualityWeight * decay + 1;
      next.quality += (observed.quality - stats.quality) / next.qualityWeight;
    }
  }
  if (observed.latencyMs !== null && ok) {
    next.latencyWeight = stats.latencyWeight * decay + 1;
    next.latencyMs += (observed.latencyMs - stats.latencyMs) / next.latencyWeight;
  }
  if (observed.costUsd !== null) {
    next.costWeight = stats.costWeight * decay + 1;
    next.costUsd += (observed.costUsd - stats.costUsd) / next.costWeight;
  }
  if (observed.outputTokens !== null && ok) {
    next.outputTokensWeight = stats.outputTokensWeight * decay + 1;
    next.outputTokens += (observed.outputTokens - stats.outputTokens) / next.outputTokensWeight;
  }
  return next;
}
