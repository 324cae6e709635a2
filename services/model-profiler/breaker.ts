/**
 * The circuit breaker: CLOSED lets requests through, OPEN none, HALF_OPEN a few that probe whether it is well again.
 * Pure: time is handed in, and an unchanged breaker is the same object.
 */
import type { RouterConfig } from '../../lib/config/router-config';
import type { Breaker } from '../../lib/topics/generated/messages';

export interface BreakerSettings {
  /** Decayed failures in a row that open it. */
  readonly openAfterFailures: number;
  /** First wait before it is probed, in milliseconds; doubles with every opening in a row. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Successful probes that close it. */
  readonly closeAfterSuccesses: number;
}

export type CallResult = 'success' | 'failure';

/** What a success leaves of the failures before it: a model that fails most of its calls opens without a clean run of failures. */
const failuresKeptBySuccess = 0.5;
/** Below this the count is taken for 0, so that a healthy breaker stops changing. */
const negligibleFailures = 0.01;

export function modelBreakerSettings(breaker: RouterConfig['breaker']): BreakerSettings {
  return breaker;
}

export function providerBreakerSettings(breaker: RouterConfig['breaker']): BreakerSettings {
  return { ...breaker, openAfterFailures: breaker.providerOpenAfterFailures };
}

export function closedBreaker(nowMs: number): Breaker {
  return { health: 'CLOSED', failures: 0, changedAtMs: nowMs, openings: 0, probeAtMs: null, probesSucceeded: 0 };
}

/** What time alone does: an OPEN breaker whose wait is over lets probes through. */
export function afterWait(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.health !== 'OPEN' || breaker.probeAtMs === null || nowMs < breaker.probeAtMs) return breaker;
  return { ...breaker, health: 'HALF_OPEN', changedAtMs: nowMs, probeAtMs: null, probesSucceeded: 0 };
}

/**
 * What a call does. `calledAtMs` is when it ended by the caller's clock: a failure from before the breaker became
 * HALF_OPEN is old news and is not held against it; a success always counts, so that a caller whose clock is wrong
 * cannot keep a model out. Calls while OPEN (sent before, or by somebody who did not ask us) change nothing.
 * `mayOpen` false counts failures but does not open a CLOSED breaker.
 */
export function afterCall(
  before: Breaker,
  result: CallResult,
  calledAtMs: number,
  settings: BreakerSettings,
  nowMs: number,
  mayOpen = true,
): Breaker {
  const breaker = afterWait(before, nowMs);
  if (breaker.health === 'OPEN') return breaker;
  if (breaker.health === 'HALF_OPEN') {
    if (result === 'failure') return calledAtMs < breaker.changedAtMs ? breaker : opened(breaker, settings, nowMs);
    const probesSucceeded = breaker.probesSucceeded + 1;
    if (probesSucceeded >= settings.closeAfterSuccesses) return closedBreaker(nowMs);
    return { ...breaker, probesSucceeded };
  }
  if (result === 'failure') {
    const failing = { ...breaker, failures: breaker.failures + 1 };
    return mayOpen && failing.failures >= settings.openAfterFailures ? opened(failing, settings, nowMs) : failing;
  }
  if (breaker.failures === 0) return breaker;
  const kept = breaker.failures * failuresKeptBySuccess;
  return { ...breaker, failures: kept < negligibleFailures ? 0 : kept };
}

function opened(breaker: Breaker, settings: BreakerSettings, nowMs: number): Breaker {
  const openings = breaker.openings + 1;
  const waitMs = Math.min(settings.maxOpenMs, settings.openMs * 2 ** (openings - 1));
  return { ...breaker, health: 'OPEN', changedAtMs: nowMs, openings, probeAtMs: nowMs + waitMs, probesSucceeded: 0 };
}
