/**
 * Says what the fold passes over: at once, and from then on once in a while, with how many it were since. A log that is folded anew
 * may hold a hundred thousand of them, and one line for each portion would be all there is to read.
 */
import type { Clock } from '../../lib/ports/clock';
import type { Log } from '../../lib/telemetry/log';

export interface SkippedTeller {
  /** `facts`: of the newest. */
  tell(what: string, events: number, facts?: Readonly<Record<string, unknown>>): void;
}

const everyMs = 10_000;

export function createSkippedTeller({ clock, log }: { readonly clock: Clock; readonly log: Log }): SkippedTeller {
  const told = new Map<string, { events: number; toldAtMs: number }>();
  return {
    tell(what, events, facts = {}) {
      const nowMs = clock.monotonicMs();
      const { events: untold, toldAtMs } = told.get(what) ?? { events: 0, toldAtMs: Number.NEGATIVE_INFINITY };
      const sum = untold + events;
      const isTime = nowMs - toldAtMs >= everyMs;
      if (isTime) log.warn(what, { events: sum, ...facts });
      told.set(what, isTime ? { events: 0, toldAtMs: nowMs } : { events: sum, toldAtMs });
    },
  };
}
