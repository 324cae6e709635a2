/**
 * What a clock that was ahead has left in a row. Every time in it was `now` when it was written, or follows from one that was: so
 * where one is still to come, that clock has been set back since. It is taken for now, and waits are as long as they were. Left
 * as it is, a model would be kept out until then, and nothing that fails before then would be held against it.
 */
import { dictionaryOf } from '../../lib/dictionary';
import type {
  Breaker,
  Capacity,
  DecayedStats,
  ModelProfile,
  ProviderProfiles,
} from '../../lib/topics/generated/messages';

/** Clocks are set back by so much all the time, and those of two machines differ by it. */
const toleratedMs = 1_000;

/** The row by the clock of now, milliseconds since the epoch; the same object where nothing in it is still to come. */
export function asOfNow(row: ProviderProfiles, nowMs: number): ProviderProfiles {
  const profiles = Object.values(row.models);
  const newestMs = Math.max(
    row.breaker.changedAtMs,
    newestOf(row.capacity),
    ...profiles.map(({ updatedAtMs }) => updatedAtMs),
  );
  if (newestMs <= nowMs + toleratedMs) return row;
  const breaker = breakerAsOf(row.breaker, nowMs);
  const capacity = capacityAsOf(row.capacity, nowMs);
  const models = profiles.map((profile): readonly [string, ModelProfile] => [
    profile.model,
    {
      ...profile,
      overall: statsAsOf(profile.overall, nowMs),
      tasks: dictionaryOf(
        Object.entries(profile.tasks).map(([task, stats]) => [task, statsAsOf(stats, nowMs)] as const),
      ),
      breaker: breakerAsOf(profile.breaker, nowMs),
      capacity: capacityAsOf(profile.capacity, nowMs),
      providerBreaker: breaker,
      providerCapacity: capacity,
      updatedAtMs: nowMs,
    },
  ]);
  return { ...row, breaker, capacity, models: dictionaryOf(models) };
}

function newestOf(capacity: Capacity | null): number {
  return capacity ? Math.max(capacity.changedAtMs, capacity.measuredAtMs) : 0;
}

function breakerAsOf(breaker: Breaker, nowMs: number): Breaker {
  const aheadMs = breaker.changedAtMs - nowMs;
  if (aheadMs <= 0) return breaker;
  return {
    ...breaker,
    changedAtMs: nowMs,
    probeAtMs: breaker.probeAtMs === null ? null : breaker.probeAtMs - aheadMs,
    changes: breaker.changes.map((change) => ({ ...change, atMs: Math.min(change.atMs, nowMs) })),
  };
}

function capacityAsOf(capacity: Capacity | null, nowMs: number): Capacity | null {
  if (!capacity) return null;
  const aheadMs = newestOf(capacity) - nowMs;
  if (aheadMs <= 0) return capacity;
  return {
    ...capacity,
    changedAtMs: Math.min(capacity.changedAtMs, nowMs),
    measuredAtMs: Math.min(capacity.measuredAtMs, nowMs),
    restUntilMs: Math.max(0, capacity.restUntilMs - aheadMs),
  };
}

function statsAsOf(stats: DecayedStats, nowMs: number): DecayedStats {
  return stats.agedAtMs > nowMs ? { ...stats, agedAtMs: nowMs } : stats;
}
