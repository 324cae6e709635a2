/** A profile as readers of the API get it: sketches of times as the quantiles that they are kept for. */
import { dictionaryOf } from '../../../lib/dictionary';
import { quantileMs } from '../../../lib/routing/open/latency-sketch';
import type { DecayedStats, LatencySketch, ModelProfile } from '../../../lib/topics/generated/messages';

/** In milliseconds. */
interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export type LegibleStats = Omit<DecayedStats, 'latencies'> & { readonly latencies: Quantiles | null };

export type LegibleProfile = Omit<ModelProfile, 'overall' | 'tasks' | 'firstTokens'> & {
  readonly overall: LegibleStats;
  readonly tasks: Readonly<Record<string, LegibleStats>>;
  readonly firstTokens: Quantiles | null;
};

export function legibleProfile(profile: ModelProfile): LegibleProfile {
  const tasks = Object.entries(profile.tasks).map(([task, stats]) => [task, legible(stats)] as const);
  return {
    ...profile,
    overall: legible(profile.overall),
    tasks: dictionaryOf(tasks),
    firstTokens: quantilesOf(profile.firstTokens),
  };
}

function legible(stats: DecayedStats): LegibleStats {
  return { ...stats, latencies: quantilesOf(stats.latencies) };
}

function quantilesOf(sketch: LatencySketch | null): Quantiles | null {
  const p50 = quantileMs(sketch, 0.5);
  return p50 === null ? null : { p50, p95: quantileMs(sketch, 0.95)!, p99: quantileMs(sketch, 0.99)! };
}
