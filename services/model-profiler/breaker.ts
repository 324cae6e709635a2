/**
 * The circuit breaker: CLOSED lets requests through, OPEN none, HALF_OPEN a few that probe whether it is well again. One that
 * has just closed remembers its openings while its traffic comes back (`lib/routing/open/admission.ts` says how much of it).
 * Pure: time is handed in, and an unchanged breaker is the same object.
 */
import type { RouterConfig } from '../../lib/config/router-config';
import { rampMsAfter, waitMsAfter } from '../../lib/routing/open/breaker-times';
import type { Breaker } from '../../lib/topics/generated/messages';

export interface BreakerSettings {
  /** Decayed failures in a row that open it. */
  readonly openAfterFailures: number;
  /** First wait before it is probed, in milliseconds; doubles with every opening in a row. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Successful probes that close it. */
  readonly closeAfterSuccesses: number;
  /** So long after it closed it is as if it had never been open, or sooner where it was away for less. */
  readonly rampMs: number;
}

/** `refusal`: it was refused for its rate. */
export type CallResult = 'success' | 'failure' | 'refusal';

/**
 * What a refusal counts of a failure. Where every other call is refused the share of a capacity is what has to fall, and no
 * breaker has to open; where all are refused, somebody's quota is spent, and it does.
 */
const failuresPerRefusal = 0.2;

/** What a success leaves of the failures before it: a model that fails most of its calls opens without a clean run of failures. */
const failuresKeptBySuccess = 0.5;
/** Below this the count is taken for 0, so that a healthy breaker stops changing. */
const negligibleFailures = 0.01;
/** Fifths do not add up to a whole exactly. */
const roundingError = 1e-9;

export function modelBreakerSettings(breaker: RouterConfig['breaker']): BreakerSettings {
  return breaker;
}

export function providerBreakerSettings(breaker: RouterConfig['breaker']): BreakerSettings {
  return { ...breaker, openAfterFailures: breaker.providerOpenAfterFailures };
}

export function closedBreaker(nowMs: number): Breaker {
  return {
    health: 'CLOSED',
    failures: 0,
    changedAtMs: nowMs,
    openings: 0,
    probeAtMs: null,
    probesSucceeded: 0,
    changes: [],
  };
}

/** What people see of a breaker's past; every row of every model may hold so many. */
const maxChanges = 12;

/** The breaker in another state from a time on, which it remembers. */
function changed(
  breaker: Breaker,
  state: Pick<Breaker, 'health' | 'changedAtMs'> & Partial<Omit<Breaker, 'changes'>>,
): Breaker {
  const changes = [...breaker.changes, { health: state.health, atMs: state.changedAtMs }];
  return { ...breaker, probeAtMs: null, probesSucceeded: 0, ...state, changes: changes.slice(-maxChanges) };
}

/**
 * What time alone does: an OPEN breaker whose wait is over lets probes through. It does so from the end of the wait, whenever
 * that is noticed: a probe that was sent before the first record after the wait was handled is a probe all the same.
 */
export function afterWait(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.health !== 'OPEN' || breaker.probeAtMs === null || nowMs < breaker.probeAtMs) return breaker;
  return changed(breaker, { health: 'HALF_OPEN', changedAtMs: breaker.probeAtMs });
}

/**
 * What a call does. `startedAtMs` is when it was made by the caller's clock: a failure from before the breaker became
 * HALF_OPEN is old news and is not held against it; a success always counts, so that a caller whose clock is wrong
 * cannot keep a model out. The same holds while its traffic comes back: what fails then and was called before is of the outage.
 * Calls while OPEN (sent before, or by somebody who did not ask us) change nothing.
 * `mayOpen` false counts failures but does not open a CLOSED breaker.
 */
export function afterCall(
  before: Breaker,
  result: CallResult,
  startedAtMs: number,
  settings: BreakerSettings,
  nowMs: number,
  mayOpen = true,
): Breaker {
  const breaker = whole(afterWait(before, nowMs), settings, nowMs);
  if (breaker.health === 'OPEN') return breaker;
  if (breaker.health === 'HALF_OPEN') {
    if (result !== 'success') return startedAtMs < breaker.changedAtMs ? breaker : opened(breaker, settings, nowMs);
    const probesSucceeded = breaker.probesSucceeded + 1;
    if (probesSucceeded >= settings.closeAfterSuccesses)
      return changed(breaker, { health: 'CLOSED', changedAtMs: nowMs, failures: 0 });
    return { ...breaker, probesSucceeded };
  }
  if (result !== 'success') {
    if (isOfKnownOutage(breaker, startedAtMs, nowMs)) return breaker;
    const failing = { ...breaker, failures: breaker.failures + (result === 'refusal' ? failuresPerRefusal : 1) };
    return mayOpen && failing.failures >= settings.openAfterFailures - roundingError
      ? opened(failing, settings, nowMs)
      : failing;
  }
  if (breaker.failures === 0) return breaker;
  const kept = breaker.failures * failuresKeptBySuccess;
  return { ...breaker, failures: kept < negligibleFailures ? 0 : kept };
}

/** Whoever has been back for long enough has nothing left of its outage. */
function whole(breaker: Breaker, settings: BreakerSettings, nowMs: number): Breaker {
  const { health, openings, changedAtMs } = breaker;
  const isBack = health === 'CLOSED' && openings > 0 && nowMs - changedAtMs >= rampMsAfter(openings, settings);
  return isBack ? { ...breaker, openings: 0 } : breaker;
}

/**
 * Whether a failed call is of an outage that the breaker has known of: made before it was probed, or before it came back. What
 * it says has been counted by those that opened the breaker, and would be held against the model long after the outage.
 */
export function isOfKnownOutage(breaker: Breaker, startedAtMs: number, nowMs: number): boolean {
  const { health, openings, changedAtMs } = afterWait(breaker, nowMs);
  return health === 'OPEN' || (openings > 0 && startedAtMs < changedAtMs);
}

function opened(breaker: Breaker, settings: BreakerSettings, nowMs: number): Breaker {
  const openings = breaker.openings + 1;
  const probeAtMs = nowMs + waitMsAfter(openings, settings);
  return changed(breaker, { health: 'OPEN', changedAtMs: nowMs, openings, probeAtMs });
}
