/**
 * What a session has spent. Each request counts with what it is expected to cost until its cost is reported: first the
 * mean of the candidates, then the decided model's. Every attempt of a call costs; a second report of one does not.
 */
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import { plausibleCostUsd } from '../../lib/reward/plausible-outcome';
import { qualityOf, type RewardWeights } from '../../lib/reward/reward';
import type { Candidate, RouteDecided, RouteOutcome, Session } from '../../lib/topics/generated/messages';

/** Requests whose cost is awaited, and reports remembered: more than a session has under way at a time. */
const maxAwaited = 64;
const maxReported = 128;
/** As many attempts of a decision as reward-feedback takes. */
const maxAttempts = 16;

/** The session after a request, of which no more is known than its candidates. */
export function sessionAfter(
  session: Session | undefined,
  request: {
    readonly sessionId: string;
    readonly requestId: string;
    readonly candidates: readonly Candidate[];
    readonly promptTokens: number;
  },
  nowMs: number,
): Session {
  const expectedUsd = meanCostUsd(request.candidates);
  return {
    sessionId: request.sessionId,
    requests: (session?.requests ?? 0) + 1,
    expectedSpentUsd: (session?.expectedSpentUsd ?? 0) + expectedUsd,
    lastSeenMs: nowMs,
    lastQuality: session?.lastQuality ?? null,
    awaited: newest({ ...session?.awaited, [request.requestId]: expectedUsd }),
    reported: session?.reported ?? [],
    lastRequestId: request.requestId,
    lastPromptTokens: request.promptTokens,
    warmModel: session?.warmModel ?? null,
    warmTokens: session?.warmTokens ?? 0,
    warmAtMs: session?.warmAtMs ?? 0,
  };
}

/** The session when it is known which model was decided; null when that changes nothing. */
export function sessionDecided(session: Session, decided: RouteDecided): Session | null {
  const warm = warmedBy(session, decided);
  const paid = expectedOfDecided(warm ?? session, decided);
  return paid ?? warm;
}

/** Of several requests at once the newest counts: it is the longest. */
function warmedBy(session: Session, { decisionId, model, candidates, decidedAtMs }: RouteDecided): Session | null {
  if (decisionId !== session.lastRequestId || !candidates.some((candidate) => candidate.model === model)) return null;
  if (session.warmModel === model && session.warmAtMs >= decidedAtMs) return null;
  return { ...session, warmModel: model, warmTokens: session.lastPromptTokens, warmAtMs: decidedAtMs };
}

function expectedOfDecided(session: Session, decided: RouteDecided): Session | null {
  const expectedUsd = decided.candidates.find(({ model }) => model === decided.model)?.expectedCostUsd;
  const awaitedUsd = ownEntry(session.awaited, decided.decisionId);
  if (expectedUsd === undefined || awaitedUsd === undefined || awaitedUsd === expectedUsd) return null;
  // Reported before its decision was seen: what it cost stands in the place of what was expected.
  const isPaid = session.reported.includes(reportOf(decided.decisionId, 1));
  return {
    ...session,
    expectedSpentUsd: isPaid ? session.expectedSpentUsd : spent(session.expectedSpentUsd + expectedUsd - awaitedUsd),
    awaited: { ...session.awaited, [decided.decisionId]: expectedUsd },
  };
}

/**
 * The session after an outcome; null when that changes nothing. Outcomes of decisions that are not the session's, or no
 * longer remembered, count for nothing; what an outcome may not say is ignored here and a dead letter in reward-feedback.
 */
export function sessionReported(session: Session, outcome: RouteOutcome, weights: RewardWeights): Session | null {
  const { decisionId, attempt } = outcome;
  const awaitedUsd = ownEntry(session.awaited, decisionId);
  if (awaitedUsd === undefined && !session.reported.some((report) => decisionOf(report) === decisionId)) return null;
  const quality = qualityOf(outcome, weights);
  const judged = quality !== null && quality >= 0 && quality <= 1 && quality !== session.lastQuality;
  const answered = answeredBy(session, outcome);
  const report = reportOf(decisionId, attempt);
  const isAttempt = attempt >= 1 && attempt <= maxAttempts;
  const isNew = isAttempt && !session.reported.includes(report);
  const costUsd = isNew ? believedCostUsd(session, outcome.costUsd, awaitedUsd) : null;
  const paid = costUsd !== null;
  if (!judged && !paid && answered === session) return null;
  const next = judged ? { ...answered, lastQuality: quality } : answered;
  if (!paid) return next;
  // A fallback's cost comes on top: what the decided model is expected to have cost stays until it is reported.
  const isFirst = attempt === 1 && awaitedUsd !== undefined;
  return {
    ...next,
    expectedSpentUsd: spent(session.expectedSpentUsd + costUsd - (isFirst ? awaitedUsd : 0)),
    reported: [...session.reported, report].slice(-maxReported),
  };
}

/** What has answered is what is warm: a fallback may have. The provider's own count of tokens is better than our estimate. */
function answeredBy(session: Session, { decisionId, model, status, inputTokens }: RouteOutcome): Session {
  if (decisionId !== session.lastRequestId || status !== 'SUCCESS') return session;
  const known = inputTokens !== null && inputTokens >= 0 ? inputTokens : session.lastPromptTokens;
  if (session.warmModel === model && session.warmTokens === known) return session;
  return { ...session, warmModel: model, warmTokens: known };
}

/**
 * Null where none was reported, or what is no cost. It is held against what was expected of the decision, which stays known
 * after the first report: a mean of what others have claimed would let each claim make room for a larger one.
 */
function believedCostUsd(session: Session, reportedUsd: number | null, awaitedUsd: number | undefined): number | null {
  if (reportedUsd === null || !(reportedUsd >= 0) || !Number.isFinite(reportedUsd)) return null;
  return plausibleCostUsd(reportedUsd, awaitedUsd ?? session.expectedSpentUsd / Math.max(1, session.requests));
}

function reportOf(decisionId: string, attempt: number): string {
  return `${decisionId}/${attempt}`;
}

function decisionOf(report: string): string {
  return report.slice(0, report.lastIndexOf('/'));
}

/** Sums of differences may end a rounding error below nothing. */
function spent(usd: number): number {
  return Math.max(0, usd);
}

/** Which model will be drawn is not known yet: the mean over those that may be. */
function meanCostUsd(candidates: readonly Candidate[]): number {
  const eligible = candidates.filter((candidate) => candidate.eligible);
  return eligible.reduce((sum, candidate) => sum + candidate.expectedCostUsd, 0) / eligible.length;
}

/** What is expected of those that are forgotten stays in the sum. */
function newest(awaited: Readonly<Record<string, number>>): Record<string, number> {
  return dictionaryOf(Object.entries(awaited).slice(-maxAwaited));
}
