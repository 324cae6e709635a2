/**
 * How long a breaker keeps everybody away, and how long its traffic takes to come back. Both follow from how often it has
 * opened in a row, so that nothing else has to be kept or agreed upon.
 */
import type { RouterConfig } from '../../config/router-config';

type BreakerTimes = Pick<RouterConfig['breaker'], 'openMs' | 'maxOpenMs' | 'rampMs'>;

/** Wait before it is probed, milliseconds: twice as long with every opening in a row. `openings` at least 1. */
export function waitMsAfter(openings: number, { openMs, maxOpenMs }: BreakerTimes): number {
  return Math.min(maxOpenMs, openMs * 2 ** (openings - 1));
}

/** At as long as it was away a provider that comes back weak falls over again now and then; at twice as long it does not. */
const rampPerAway = 2;

/**
 * From closing to all of its traffic, milliseconds: twice as long as it was kept away, and `rampMs` at most. Whoever was away for
 * a moment has kept its machines and its caches, and what it is not sent meanwhile goes to a worse model. One that falls over on
 * its way back is given longer the next time.
 */
export function rampMsAfter(openings: number, times: BreakerTimes): number {
  let awayMs = 0;
  let waitMs = 0;
  let opening = 1;
  for (; opening <= openings && waitMs < times.maxOpenMs; opening++) {
    waitMs = waitMsAfter(opening, times);
    awayMs += waitMs;
  }
  // From there on every wait is the longest one.
  awayMs += (openings - opening + 1) * times.maxOpenMs;
  return Math.min(times.rampMs, rampPerAway * awayMs);
}
