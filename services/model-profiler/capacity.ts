/**
 * What a model or a provider can take: how much it is used, and which share of the requests may use it so that it is used no
 * more than its limits allow. Limits are configured, or learned where a call is refused for its rate.
 *
 * Pure: time is handed in. A share that is below 1 grows by itself (`lib/routing/open/admission.ts`), so nothing needs to be
 * written while nothing happens.
 */
import type { RateLimits } from '../../lib/config/router-config';
import { shareAt } from '../../lib/routing/open/admission';
import type { Capacity, ModelObserved } from '../../lib/topics/generated/messages';

/** What is used is a mean over about so long; a share that was set is seen to work only after it. */
const measuredOverMs = 15_000;
/**
 * What is left of the share a second after many calls were refused. Where fewer than so many of a hundred are, it has nothing to do
 * with how much is sent, or costs less than going elsewhere would: they count as failures, and the share stays.
 */
const keptByRefusals = 0.7;
const manyRefused = 0.3;
const toleratedRefused = 0.05;
/**
 * Where most of the last calls were refused, a second later only what was answered is sent: a mean over a quarter of a minute would
 * notice when hundreds of calls had failed.
 */
const latelyCalls = 20;
const mostRefused = 0.5;
const leastKept = 0.3;
/** Refusals within one second are one: they were sent before anybody knew. */
const oneRefusalMs = 1_000;
/** Limits are aimed at from below: what arrives is no even stream. */
const aimedShare = 0.95;
/** A share is raised by no more at a time, since what is used lags behind it. */
const mostRaise = 1.5;
/** Below it nothing would be called, and nothing learned. */
const leastShare = 0.005;
/** Whatever a provider asks for: after this somebody has to look whether it is back. */
const maxRestMs = 3_600_000;
const minuteMs = 60_000;

/** After a call, or a correction of one. `limits` are those configured; null for none. */
export function modelCapacityAfter(
  before: Capacity | null,
  observed: ModelObserved,
  limits: RateLimits | null,
  nowMs: number,
): Capacity {
  const capacity = measured(before ?? unmeasured(), observed, nowMs);
  if (observed.revision > 0) return capacity;
  if (observed.status === 'RATE_LIMITED') return refused(capacity, observed, nowMs);
  return limits ? withinLimits(capacity, limits, nowMs) : capacity;
}

/** Likewise of a provider: a refusal is the model's, and the others are asked until they refuse, too. */
export function providerCapacityAfter(
  before: Capacity | null,
  observed: ModelObserved,
  limits: RateLimits | null,
  nowMs: number,
): Capacity {
  const capacity = measured(before ?? unmeasured(), observed, nowMs);
  return limits && observed.revision === 0 ? withinLimits(capacity, limits, nowMs) : capacity;
}

function unmeasured(): Capacity {
  return {
    share: 1,
    changedAtMs: 0,
    restUntilMs: 0,
    callsPerMinute: 0,
    refusedPerMinute: 0,
    tokensPerMinute: 0,
    concurrent: 0,
    measuredAtMs: 0,
    refusedLately: 0,
  };
}

/** A sum in which every call fades with time. Calls come in any order, and callers' clocks are their own: none is of the future. */
function measured(before: Capacity, observed: ModelObserved, nowMs: number): Capacity {
  const atMs = Math.min(observed.observedAtMs, nowMs);
  const measuredAtMs = Math.max(before.measuredAtMs, atMs);
  const kept = Math.exp((before.measuredAtMs - measuredAtMs) / measuredOverMs);
  const weight = Math.exp((atMs - measuredAtMs) / measuredOverMs);
  const plus = (sum: number, amount: number): number => sum * kept + (weight * amount) / measuredOverMs;
  const isCall = observed.revision === 0;
  const lately = before.refusedLately * kept;
  const wasRefused = observed.status === 'RATE_LIMITED' ? 1 : 0;
  const tokens = (observed.inputTokens ?? 0) + (observed.outputTokens ?? 0);
  return {
    ...before,
    callsPerMinute: plus(before.callsPerMinute, isCall ? minuteMs : 0),
    refusedPerMinute: plus(before.refusedPerMinute, isCall ? wasRefused * minuteMs : 0),
    tokensPerMinute: plus(before.tokensPerMinute, tokens * minuteMs),
    concurrent: plus(before.concurrent, observed.latencyMs ?? 0),
    measuredAtMs,
    refusedLately: isCall ? lately + (wasRefused - lately) / lastCallsOf(before) : lately,
  };
}

/** How many calls are the last ones: at least those of a second, since a burst within it is no more than that. */
function lastCallsOf({ callsPerMinute }: Capacity): number {
  return Math.max(latelyCalls, callsPerMinute / 60);
}

function refused(capacity: Capacity, { observedAtMs, retryAfterMs }: ModelObserved, nowMs: number): Capacity {
  const restMs = Math.min(maxRestMs, Math.max(0, retryAfterMs ?? 0));
  const restUntilMs = Math.max(capacity.restUntilMs, Math.round(Math.min(observedAtMs, nowMs) + restMs));
  if (nowMs - capacity.changedAtMs < oneRefusalMs) return { ...capacity, restUntilMs };
  const refusedShare = capacity.refusedPerMinute / capacity.callsPerMinute;
  const much = Math.max(0, Math.min(1, (refusedShare - toleratedRefused) / (manyRefused - toleratedRefused)));
  const lately = capacity.refusedLately;
  // A burst that is refused among many calls that are not is none: the share of the last seconds says so.
  const isMost = lately > mostRefused && refusedShare > toleratedRefused;
  if (!(much > 0) && !isMost) return { ...capacity, restUntilMs };
  const kept = Math.min(1 - much * (1 - keptByRefusals), isMost ? Math.max(leastKept, 1 - lately) : 1);
  const share = Math.max(leastShare, shareAt(capacity, nowMs) * kept);
  return { ...capacity, share, changedAtMs: nowMs, restUntilMs };
}

/** Sets the share to what the limits allow of what comes at the share of before, once in as long as it takes to be seen. */
function withinLimits(capacity: Capacity, limits: RateLimits, nowMs: number): Capacity {
  if (nowMs - capacity.changedAtMs < measuredOverMs) return capacity;
  const used = Math.max(
    ofLimit(capacity.callsPerMinute, limits.requestsPerMinute),
    ofLimit(capacity.tokensPerMinute, limits.tokensPerMinute),
    ofLimit(capacity.concurrent, limits.concurrent),
  );
  const now = shareAt(capacity, nowMs);
  if (used <= aimedShare && now === 1) return capacity;
  const factor = used > 0 ? Math.min(mostRaise, aimedShare / used) : mostRaise;
  return { ...capacity, share: Math.min(1, Math.max(leastShare, now * factor)), changedAtMs: nowMs };
}

function ofLimit(used: number, limit: number | null): number {
  return limit === null ? 0 : used / limit;
}
