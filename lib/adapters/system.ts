/** The real world behind the ports: wall time, timers and fresh ids. Only `main.ts` files, checks and benchmarks hand these in. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../ports/clock';

/** Later than this, a timer was held up by the whole process. */
const stalledMs = 25;

/**
 * The machine's clock. Its timers keep the process alive until they fire or are cancelled. After a stall of the process the loop
 * runs what is overdue before it reads what has arrived: a timer that is late waits for that, else everything waited for
 * would be called late that only nobody has looked at.
 */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(delayMs, callback) {
      const dueMs = performance.now() + delayMs;
      let behindReads: NodeJS.Immediate | null = null;
      const timer = setTimeout(() => {
        if (performance.now() < dueMs + stalledMs) callback();
        else behindReads = setImmediate(callback);
      }, delayMs);
      return () => {
        clearTimeout(timer);
        if (behindReads) clearImmediate(behindReads);
      };
    },
  };
}

/** Fresh ids that nobody else makes (random UUIDs). */
export function systemIds(): () => string {
  return () => randomUUID();
}
