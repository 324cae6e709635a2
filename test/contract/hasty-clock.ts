/** Time-outs that are generous until a test is about them, and over soon then: whatever else is slow on a machine does not matter. */
import { systemClock } from '../../lib/adapters/system';
import type { Clock } from '../../lib/ports/clock';
import { patienceMs } from '../patience';

/** How long `patienceMs` is while the clock is in haste. */
const hastyMs = 200;

/** A clock whose timers, when they are set while it is in haste, end so much sooner that patience is over at once. */
export function hastyClock(): Clock & { hasten(): void; relax(): void } {
  const clock = systemClock();
  let isInHaste = false;
  return {
    ...clock,
    setTimer: (delayMs, callback) => clock.setTimer(isInHaste ? (delayMs * hastyMs) / patienceMs : delayMs, callback),
    hasten: () => {
      isInHaste = true;
    },
    relax: () => {
      isInHaste = false;
    },
  };
}
