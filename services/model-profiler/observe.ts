/** Decayed statistics of one model: newer calls, and time, make older ones count for less, and none is kept. */
import type { ModelConfig } from '../../lib/config/router-config';
import { boundedAmount } from '../../lib/reward/bounded-mean';
import { configPseudoCount, nominalInputTokens } from '../../lib/routing/open/candidates';
import { addTime, faded } from '../../lib/routing/open/latency-sketch';
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
    agedAtMs: 0,
    latencies: null,
    timeoutRate: 0,
    rateLimitedRate: 0,
    inputTokens: 0,
    inputTokensWeight: 0,
    costPerMillionTokensUsd: 0,
    costedTokens: 0,
    qualityBias: 0,
    qualityError2: 0,
    calibrationWeight: 0,
  };
}

/** How fast what was observed fades. */
export interface Decay {
  /** Weight that one call leaves to an older one. */
  readonly perCall: number;
  /** In so many milliseconds every weight halves, whether there are calls or not. */
  readonly halfLifeMs: number;
}

type Mean = 'latencyMs' | 'costUsd' | 'outputTokens' | 'inputTokens';

/** What is thought of a call of a model before any was seen, for holding the first reports against it. */
export type ThoughtBefore = Readonly<Record<Mean, number>>;

/** A call is thought to cost a cent: where a price is declared nobody asks for the mean of what calls have cost. */
const thoughtUsd = 0.01;
/** Of models that no configuration names, which nobody routes to. */
const usual: Pick<ModelConfig, 'expectedLatencyMs' | 'expectedOutputTokens'> = {
  expectedLatencyMs: 2_000,
  expectedOutputTokens: 250,
};

export function thoughtBefore(model: typeof usual = usual): ThoughtBefore {
  return {
    latencyMs: model.expectedLatencyMs,
    costUsd: thoughtUsd,
    outputTokens: model.expectedOutputTokens,
    inputTokens: nominalInputTokens,
  };
}

/** Of one task: a model that is known to be slower than was thought is thought to be that slow at a new task, too. */
export function thoughtOfTask(before: ThoughtBefore, overall: DecayedStats): ThoughtBefore {
  return {
    latencyMs: Math.max(before.latencyMs, overall.latencyMs),
    costUsd: Math.max(before.costUsd, overall.costUsd),
    outputTokens: Math.max(before.outputTokens, overall.outputTokens),
    inputTokens: Math.max(before.inputTokens, overall.inputTokens),
  };
}

/** So that a weight halves after so many newer observations, and after so much time. */
export function decayOf(halfLifeObservations: number, halfLifeMs: number): Decay {
  return { perCall: 2 ** (-1 / halfLifeObservations), halfLifeMs };
}

/** Weights fade with time in steps of this share of the half-life: in smaller ones rounding would be all there is. */
const agingStep = 0.01;

/** What is left of a weight by this time; null where it is not worth a change. */
function agingOf(agedAtMs: number, observedAtMs: number, { halfLifeMs }: Decay): number | null {
  const sinceMs = observedAtMs - agedAtMs;
  return agedAtMs > 0 && sinceMs >= agingStep * halfLifeMs ? 2 ** (-sinceMs / halfLifeMs) : null;
}

/** The statistics by this time. A mean says the same, and whatever it is mixed with counts for more. */
function aged(stats: DecayedStats, observedAtMs: number, decay: Decay): DecayedStats {
  const kept = agingOf(stats.agedAtMs, observedAtMs, decay);
  if (kept === null) return stats.agedAtMs > 0 ? stats : { ...stats, agedAtMs: observedAtMs };
  return {
    ...stats,
    agedAtMs: observedAtMs,
    weight: stats.weight * kept,
    qualityWeight: stats.qualityWeight * kept,
    latencyWeight: stats.latencyWeight * kept,
    costWeight: stats.costWeight * kept,
    outputTokensWeight: stats.outputTokensWeight * kept,
    inputTokensWeight: stats.inputTokensWeight * kept,
    costedTokens: stats.costedTokens * kept,
    calibrationWeight: stats.calibrationWeight * kept,
    latencies: stats.latencies && faded(stats.latencies, kept),
  };
}

/**
 * The statistics after one observation.
 * - every call counts for the error rates (FAILURE, TIMEOUT and RATE_LIMITED are errors) and, where known, for cost;
 * - latency and output tokens are those of successful calls, since a time-out says how long we waited, not how fast it is;
 * - quality is that of judged calls (a failed one was judged 0 by reward-feedback, a rate-limited one not at all);
 * - CANCELLED calls leave everything as it is: callers have many reasons;
 * - a correction (revision > 0) is no further call: it replaces a quality or adds figures that were missing.
 * Each mean has a weight of its own and decays only by calls that say something of it, so rare judgements are not forgotten
 * by the many calls nobody judged. All fade with time alike. No report moves what is expected by more than a share of it.
 */
export function afterObservation(
  before: DecayedStats,
  observed: ModelObserved,
  decay: Decay,
  thought: ThoughtBefore,
): DecayedStats {
  if (observed.status === 'CANCELLED') return before;
  const stats = aged(before, observed.observedAtMs, decay);
  const next = { ...stats };
  const ok = observed.status === 'SUCCESS';
  if (observed.revision === 0) {
    next.weight = stats.weight * decay.perCall + 1;
    next.errorRate += ((ok ? 0 : 1) - stats.errorRate) / next.weight;
    next.timeoutRate += ((observed.status === 'TIMEOUT' ? 1 : 0) - stats.timeoutRate) / next.weight;
    next.rateLimitedRate += ((observed.status === 'RATE_LIMITED' ? 1 : 0) - stats.rateLimitedRate) / next.weight;
  }
  if (observed.quality !== null) judge(next, observed, observed.quality, decay);
  if (observed.latencyMs !== null && ok) {
    add(next, 'latencyMs', observed.latencyMs, decay, thought);
    next.latencies = addTime(stats.latencies, observed.latencyMs, decay.perCall);
  }
  if (observed.costUsd !== null) add(next, 'costUsd', observed.costUsd, decay, thought);
  if (observed.outputTokens !== null && ok) add(next, 'outputTokens', observed.outputTokens, decay, thought);
  if (observed.inputTokens !== null && ok) add(next, 'inputTokens', observed.inputTokens, decay, thought);
  const tokens = (observed.inputTokens ?? 0) + (observed.outputTokens ?? 0);
  // What all of them cost divided by how many they are: short calls and long ones count by their tokens.
  if (observed.costUsd !== null && ok && tokens > 0) {
    next.costedTokens = stats.costedTokens * decay.perCall + tokens;
    next.costPerMillionTokensUsd +=
      ((observed.costUsd * 1e6) / tokens - stats.costPerMillionTokensUsd) * (tokens / next.costedTokens);
  }
  return next;
}

const weightOf = {
  latencyMs: 'latencyWeight',
  costUsd: 'costWeight',
  outputTokens: 'outputTokensWeight',
  inputTokens: 'inputTokensWeight',
} as const satisfies Record<Mean, keyof DecayedStats>;

/** Adds a figure to its mean, in place. */
function add(next: DecayedStats, figure: Mean, said: number, { perCall }: Decay, thought: ThoughtBefore): void {
  const weight = next[weightOf[figure]] * perCall;
  const mean = next[figure];
  const prior = thought[figure];
  const believed = boundedAmount(said, { mean, weight, prior, priorWeight: configPseudoCount });
  next[weightOf[figure]] = weight + 1;
  next[figure] += (believed - mean) / (weight + 1);
}

function judge(next: DecayedStats, observed: ModelObserved, quality: number, { perCall }: Decay): void {
  const { replacedQuality, predictedQuality } = observed;
  if (replacedQuality !== null && next.qualityWeight > 0) {
    // How much the replaced call still weighs is not known; as if it were the newest is right for the usual quick correction.
    const corrected = quality - replacedQuality;
    next.quality = Math.min(1, Math.max(0, next.quality + corrected / Math.max(1, next.qualityWeight)));
    if (predictedQuality === null || !(next.calibrationWeight > 0)) return;
    const weight = Math.max(1, next.calibrationWeight);
    const error2 = (quality - predictedQuality) ** 2 - (replacedQuality - predictedQuality) ** 2;
    next.qualityBias = Math.min(1, Math.max(-1, next.qualityBias + corrected / weight));
    next.qualityError2 = Math.min(1, Math.max(0, next.qualityError2 + error2 / weight));
    return;
  }
  next.qualityWeight = next.qualityWeight * perCall + 1;
  next.quality += (quality - next.quality) / next.qualityWeight;
  if (predictedQuality === null) return;
  const error = quality - predictedQuality;
  next.calibrationWeight = next.calibrationWeight * perCall + 1;
  next.qualityBias += (error - next.qualityBias) / next.calibrationWeight;
  next.qualityError2 += (error ** 2 - next.qualityError2) / next.calibrationWeight;
}
