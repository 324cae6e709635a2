/**
 * The circumstances of a request as numbers: what can be called, how it has gone lately, what the request demands, and
 * where its session stands. A pure function of what intake pins in `RouteOpened`. The text says nothing of all this.
 */
import type { Candidate, Limits, RouteOpened } from '../../topics/generated/messages';
import { float32Of } from './encode';

/**
 * First value of every encoded context, so that events and bases of another list are recognised. Change anything about
 * the list below, and it must change; other versions' contexts then read as unknown.
 */
export const contextVersion = 1;

/**
 * The columns, in order, by group. All within -1 .. 1; 0 where there is nothing to say. "Allowed" are the eligible
 * candidates, expectations are those pinned with them, `log` is ln(ratio) / ln(1000), cut at -1 and 1.
 */
export const contextGroups = {
  availability: [
    /** Share of the configured models that are allowed. */
    'eligibleShare',
    /** Share of the configured models whose breaker lets probes through. */
    'halfOpenShare',
    /** Share of the configured models whose breaker is open. */
    'openShare',
  ],
  history: [
    /** Mean recent error rate of the allowed. */
    'errorRateMean',
    /** Highest recent error rate of the allowed. */
    'errorRateMost',
    /** Mean expected latency of the allowed: log10(1 + ms) / 6, so 1 is a quarter of an hour. */
    'latencyLevel',
    /** log of the slowest to the fastest expected latency of the allowed. */
    'latencySpread',
    /** log of the dearest to the cheapest expected cost of the allowed. */
    'costSpread',
  ],
  limits: [
    /** 1: the request has a `maxCostUsd`... */
    'costLimited',
    /** ...and the log of it to the mean expected cost of all models. */
    'costSlack',
    /** 1: the request has a `maxLatencyMs`... */
    'latencyLimited',
    /** ...and the log of it to the mean expected latency of all models. */
    'latencySlack',
  ],
  preference: [
    /** Weight of cost, of a total of 1. What is left is quality's. */
    'costWeight',
    /** Weight of latency, of a total of 1. */
    'latencyWeight',
  ],
  session: [
    /** 1: the request belongs to a session. */
    'inSession',
    /** Requests of the session before: ln(1 + n) / ln(1 + 100), at most 1. */
    'requestsBefore',
    /** 1: the session has a `maxSessionCostUsd`. */
    'hasBudget',
    /** Share of that budget spent, at most 1. */
    'spentShare',
    /** log of what is left of it to the mean expected cost of the allowed; -1 when nothing is left. */
    'leftPerMean',
    /** The same to the dearest of the allowed. */
    'leftPerDearest',
    /** 1: an answer of the session has been judged... */
    'hasLastQuality',
    /** ...and the quality of the last one, 0..1. */
    'lastQuality',
  ],
} as const;

export type ContextGroup = keyof typeof contextGroups;

/** Names of all columns, in order. */
export const contextColumns: readonly string[] = Object.values(contextGroups).flat();
/** Values of an encoded context: the version and the columns. */
export const contextSize = 1 + contextColumns.length;

/** What of an opened request its circumstances are read from. */
export type Circumstances = Pick<
  RouteOpened,
  'candidates' | 'limits' | 'preference' | 'sessionId' | 'sessionRequests' | 'sessionSpentUsd' | 'sessionLastQuality'
>;

/** A ratio of this is a logarithm of 1. */
const largestRatio = 1000;
/** A latency of this many powers of ten, in milliseconds, is a level of 1. */
const largestLatencyDigits = 6;
/** A session with so many requests is a long one. */
const longSessionRequests = 100;

/** The context of a request: `contextSize` values, the caller's own. About 2 microseconds for 12 candidates. */
export function encodeContext(at: Circumstances): Float32Array {
  const { candidates, limits, preference } = at;
  const allowed = summarise(candidates, true);
  const context = new Float32Array(contextSize);
  let column = 0;
  const add = (value: number): void => {
    context[column++] = value;
  };
  add(contextVersion);
  addAvailability(candidates, allowed.count, add);
  addHistory(allowed, add);
  addLimits(limits, candidates, add);
  addPreference(preference, add);
  addSession(at, allowed, add);
  return context;
}

const demandsFrom = 1 + contextGroups.availability.length + contextGroups.history.length;
const demandsTo = demandsFrom + contextGroups.limits.length + contextGroups.preference.length;

/** What a context says of what is demanded of the request, without what is known of the models. */
export function demandsIn(context: Float32Array): Float32Array {
  return context.subarray(demandsFrom, demandsTo);
}

/** The same of a request, alone: a fraction of the work. */
export function encodeDemands({
  candidates,
  limits,
  preference,
}: Pick<Circumstances, 'candidates' | 'limits' | 'preference'>): Float32Array {
  const demands = new Float32Array(demandsTo - demandsFrom);
  let column = 0;
  const add = (value: number): void => {
    demands[column++] = value;
  };
  addLimits(limits, candidates, add);
  addPreference(preference, add);
  return demands;
}

/** A record's bytes as a context; null for none, and for one of another version. */
export function contextOf(bytes: Buffer): Float32Array | null {
  if (bytes.byteLength !== contextSize * Float32Array.BYTES_PER_ELEMENT) return null;
  const context = float32Of(bytes);
  return context[0] === contextVersion ? context : null;
}

type Add = (value: number) => void;

/** What is said of several candidates together; all 0 of none. */
interface Summary {
  readonly count: number;
  readonly errorRateMean: number;
  readonly errorRateMost: number;
  readonly latencyMean: number;
  readonly latencyMost: number;
  readonly latencyLeast: number;
  readonly costMean: number;
  readonly costMost: number;
  readonly costLeast: number;
}

const nobody: Summary = {
  count: 0,
  errorRateMean: 0,
  errorRateMost: 0,
  latencyMean: 0,
  latencyMost: 0,
  latencyLeast: 0,
  costMean: 0,
  costMost: 0,
  costLeast: 0,
};

function summarise(candidates: readonly Candidate[], onlyEligible: boolean): Summary {
  let count = 0;
  let errorRates = 0;
  let latencies = 0;
  let costs = 0;
  let errorRateMost = -Infinity;
  let latencyMost = -Infinity;
  let costMost = -Infinity;
  let latencyLeast = Infinity;
  let costLeast = Infinity;
  for (let i = 0; i < candidates.length; i++) {
    const { eligible, errorRate, expectedLatencyMs, expectedCostUsd } = candidates[i]!;
    if (onlyEligible && !eligible) continue;
    count++;
    errorRates += errorRate;
    latencies += expectedLatencyMs;
    costs += expectedCostUsd;
    errorRateMost = Math.max(errorRateMost, errorRate);
    latencyMost = Math.max(latencyMost, expectedLatencyMs);
    latencyLeast = Math.min(latencyLeast, expectedLatencyMs);
    costMost = Math.max(costMost, expectedCostUsd);
    costLeast = Math.min(costLeast, expectedCostUsd);
  }
  if (count === 0) return nobody;
  return {
    count,
    errorRateMean: errorRates / count,
    errorRateMost,
    latencyMean: latencies / count,
    latencyMost,
    latencyLeast,
    costMean: costs / count,
    costMost,
    costLeast,
  };
}

function addAvailability(candidates: readonly Candidate[], allowed: number, add: Add): void {
  let halfOpen = 0;
  let open = 0;
  for (let i = 0; i < candidates.length; i++) {
    const { health } = candidates[i]!;
    if (health === 'HALF_OPEN') halfOpen++;
    else if (health === 'OPEN') open++;
  }
  add(share(allowed, candidates.length));
  add(share(halfOpen, candidates.length));
  add(share(open, candidates.length));
}

function addHistory(allowed: Summary, add: Add): void {
  add(cut(allowed.errorRateMean));
  add(cut(allowed.errorRateMost));
  add(cut(Math.log10(1 + allowed.latencyMean) / largestLatencyDigits));
  add(logRatio(allowed.latencyMost, allowed.latencyLeast));
  add(logRatio(allowed.costMost, allowed.costLeast));
}

function addLimits({ maxCostUsd, maxLatencyMs }: Limits, candidates: readonly Candidate[], add: Add): void {
  const all = maxCostUsd === null && maxLatencyMs === null ? nobody : summarise(candidates, false);
  add(maxCostUsd === null ? 0 : 1);
  add(maxCostUsd === null ? 0 : logRatio(maxCostUsd, all.costMean));
  add(maxLatencyMs === null ? 0 : 1);
  add(maxLatencyMs === null ? 0 : logRatio(maxLatencyMs, all.latencyMean));
}

function addPreference({ quality, cost, latency }: RouteOpened['preference'], add: Add): void {
  const total = quality + cost + latency;
  add(share(cost, total));
  add(share(latency, total));
}

/** What is not added stays 0. */
function addSession(at: Circumstances, allowed: Summary, add: Add): void {
  if (at.sessionId === null) return;
  const { maxSessionCostUsd: budgetUsd } = at.limits;
  const leftUsd = budgetUsd === null ? 0 : Math.max(0, budgetUsd - at.sessionSpentUsd);
  add(1);
  add(cut(Math.log1p(at.sessionRequests) / Math.log1p(longSessionRequests)));
  add(budgetUsd === null ? 0 : 1);
  add(budgetUsd === null ? 0 : share(budgetUsd - leftUsd, budgetUsd));
  add(budgetUsd === null ? 0 : logRatio(leftUsd, allowed.costMean));
  add(budgetUsd === null ? 0 : logRatio(leftUsd, allowed.costMost));
  add(at.sessionLastQuality === null ? 0 : 1);
  add(at.sessionLastQuality === null ? 0 : cut(at.sessionLastQuality));
}

/** part / whole, at most 1; 0 of nothing. */
function share(part: number, whole: number): number {
  return whole > 0 ? cut(part / whole) : 0;
}

/** -1 for nothing to something, 1 the other way round, 0 where both are nothing. */
function logRatio(a: number, b: number): number {
  if (a <= 0 && b <= 0) return 0;
  return cut(Math.log(Math.max(0, a) / Math.max(0, b)) / Math.log(largestRatio));
}

function cut(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
