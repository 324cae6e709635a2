/**
 * The circumstances of a request as numbers: what can be called, how it has gone lately, what the request demands, and
 * where its session stands. A pure function of what intake pins in `RouteOpened`. The text says nothing of all this.
 */
import type { Candidate, Limits, Preference, RouteOpened } from '../../topics/generated/messages';
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
  const allowed = at.candidates.filter((candidate) => candidate.eligible);
  return Float32Array.from([
    contextVersion,
    ...availabilityOf(at.candidates, allowed.length),
    ...historyOf(allowed),
    ...limitsOf(at.limits, at.candidates),
    ...preferenceOf(at.preference),
    ...sessionOf(at, allowed),
  ]);
}

/** A record's bytes as a context; null for none, and for one of another version. */
export function contextOf(bytes: Buffer): Float32Array | null {
  if (bytes.byteLength !== contextSize * Float32Array.BYTES_PER_ELEMENT) return null;
  const context = float32Of(bytes);
  return context[0] === contextVersion ? context : null;
}

function availabilityOf(candidates: readonly Candidate[], allowed: number): number[] {
  const shareOf = (health: Candidate['health']): number =>
    share(candidates.filter((candidate) => candidate.health === health).length, candidates.length);
  return [share(allowed, candidates.length), shareOf('HALF_OPEN'), shareOf('OPEN')];
}

function historyOf(allowed: readonly Candidate[]): number[] {
  const errorRates = allowed.map((candidate) => candidate.errorRate);
  const latencies = latenciesOf(allowed);
  const costs = costsOf(allowed);
  return [
    cut(mean(errorRates)),
    cut(most(errorRates)),
    cut(Math.log10(1 + mean(latencies)) / largestLatencyDigits),
    logRatio(most(latencies), least(latencies)),
    logRatio(most(costs), least(costs)),
  ];
}

function limitsOf(limits: Limits, candidates: readonly Candidate[]): number[] {
  const { maxCostUsd, maxLatencyMs } = limits;
  return [
    ...(maxCostUsd === null ? [0, 0] : [1, logRatio(maxCostUsd, mean(costsOf(candidates)))]),
    ...(maxLatencyMs === null ? [0, 0] : [1, logRatio(maxLatencyMs, mean(latenciesOf(candidates)))]),
  ];
}

function preferenceOf({ quality, cost, latency }: Preference): number[] {
  const total = quality + cost + latency;
  return [share(cost, total), share(latency, total)];
}

function sessionOf(at: Circumstances, allowed: readonly Candidate[]): number[] {
  if (at.sessionId === null) return contextGroups.session.map(() => 0);
  const costs = costsOf(allowed);
  const { maxSessionCostUsd: budgetUsd } = at.limits;
  const leftUsd = budgetUsd === null ? 0 : Math.max(0, budgetUsd - at.sessionSpentUsd);
  return [
    1,
    cut(Math.log1p(at.sessionRequests) / Math.log1p(longSessionRequests)),
    ...(budgetUsd === null
      ? [0, 0, 0, 0]
      : [1, share(budgetUsd - leftUsd, budgetUsd), logRatio(leftUsd, mean(costs)), logRatio(leftUsd, most(costs))]),
    ...(at.sessionLastQuality === null ? [0, 0] : [1, cut(at.sessionLastQuality)]),
  ];
}

function costsOf(candidates: readonly Candidate[]): number[] {
  return candidates.map((candidate) => candidate.expectedCostUsd);
}

function latenciesOf(candidates: readonly Candidate[]): number[] {
  return candidates.map((candidate) => candidate.expectedLatencyMs);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function most(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values);
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
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
