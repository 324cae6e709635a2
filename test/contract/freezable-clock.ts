/** A process that stands still, as SIGSTOP makes it, within the process of the test. */
import { systemClock } from '../../lib/adapters/system';
import type { Clock } from '../../lib/ports/clock';

/** A clock whose timers stop firing when it is frozen, as in a stopped process; the time goes on. */
export function freezableClock(): Clock & { freeze(): void; thaw(): void } {
  const clock = systemClock();
  let missed: (() => void)[] | null = null;
  return {
    ...clock,
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        if (missed) missed.push(callback);
        else callback();
      }),
    freeze: () => {
      missed = [];
    },
    thaw: () => {
      for (const callback of missed ?? []) setImmediate(callback);
      missed = null;
    },
  };
}
