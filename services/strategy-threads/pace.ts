/**
 * Which strategies are too slow to be asked. Threads of a batch run one after the other, so one that takes long holds up
 * every request behind it. A strategy that would break the deadline is left out, and its thread is TIMEOUT; now and then it
 * is tried again.
 */

export interface Pace {
  /** Whether a strategy can be done by a deadline that is `leftMs` away. `elapsedMs`: now, monotonic. */
  mayAsk(strategy: string, leftMs: number, elapsedMs: number): boolean;
  took(strategy: string, durationMs: number, elapsedMs: number): void;
}

/** One long duration may be a pause of the process: as many in a row are the strategy's own. */
const newest = 3;
/** What takes less is always asked: it is not what breaks a deadline. */
const quickMs = 1;
const tryAgainAfterMs = 1_000;

export function createPace(): Pace {
  const strategies = new Map<string, { readonly durationsMs: number[]; askedMs: number }>();
  return {
    mayAsk(strategy, leftMs, elapsedMs) {
      const known = strategies.get(strategy);
      if (!known || known.durationsMs.length < newest) return true;
      const usualMs = Math.min(...known.durationsMs);
      return usualMs < quickMs || usualMs <= leftMs || elapsedMs - known.askedMs >= tryAgainAfterMs;
    },
    took(strategy, durationMs, elapsedMs) {
      let known = strategies.get(strategy);
      if (!known) {
        known = { durationsMs: [], askedMs: elapsedMs };
        strategies.set(strategy, known);
      }
      known.askedMs = elapsedMs;
      known.durationsMs.push(durationMs);
      if (known.durationsMs.length > newest) known.durationsMs.shift();
    },
  };
}
