/** Time-outs that are what a test is about, as generous as all others and yet not waited for. */
import { systemClock } from '../../../../lib/adapters/system';
import type { Clock } from '../../../../lib/ports/clock';

/** The machine's clock, whose time, timers included, a test can let pass at once. */
export interface SkippingClock extends Clock {
  skip(forMs: number): void;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  cancel: () => void;
}

export function skippingClock(): SkippingClock {
  const clock = systemClock();
  const timers = new Set<Timer>();
  let skippedMs = 0;
  const monotonicMs = (): number => clock.monotonicMs() + skippedMs;
  const run = (timer: Timer): void => {
    timer.cancel = clock.setTimer(Math.max(0, timer.dueMs - monotonicMs()), () => {
      timers.delete(timer);
      timer.callback();
    });
  };
  return {
    nowMs: () => clock.nowMs() + skippedMs,
    monotonicMs,
    setTimer(delayMs, callback) {
      const timer: Timer = { dueMs: monotonicMs() + delayMs, callback, cancel: () => {} };
      timers.add(timer);
      run(timer);
      return () => {
        timers.delete(timer);
        timer.cancel();
      };
    },
    skip(forMs) {
      skippedMs += forMs;
      for (const timer of timers) {
        timer.cancel();
        run(timer);
      }
    },
  };
}
