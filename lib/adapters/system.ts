/** The real world behind the ports: wall time, timers and fresh ids. Only `main.ts` files, checks and benchmarks hand these in. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../ports/clock';

/** The machine's clock. Its timers keep the process alive until they fire or are cancelled. */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

/** Fresh ids that nobody else makes (random UUIDs). */
export function systemIds(): () => string {
  return () => randomUUID();
}
