/** Opens a request: pins its session, its probes of half-open models, its seed and its place in the log. */
import { admitProbes, noCandidateError } from '../../lib/routing/candidates';
import { type Context, emit, type Result } from '../../lib/runtime/define-service';
import type { CachedDistribution, Candidate, RouteRequested, Session } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { Prepared } from './prepare';

/** What the look-up found for one request; null when it had been opened before. */
export type Looked =
  | (Prepared & {
      readonly cached: CachedDistribution | null;
      /** Time spent preparing it, in milliseconds. */
      readonly preparedMs: number;
    })
  | null;

const seedBound = Number.MAX_SAFE_INTEGER;

export function open(
  session: Session | undefined,
  request: RouteRequested,
  context: Context,
  looked: Looked,
): Result<Session> {
  if (looked === null || context.alreadyEmitted(request.requestId)) return { kind: 'drop', reason: 'duplicate' };
  if (looked.kind === 'invalid') return { kind: 'deadLetter', ...looked.fault };
  const startedMs = context.elapsedMs();
  const { route, world } = looked;
  // Health is not to blame: prepare has let the least bad in.
  const noCandidate = noCandidateError(route.candidates);
  if (noCandidate) return { kind: 'deadLetter', ...noCandidate };
  const seed = context.random.integer(seedBound);
  const probing = admitProbes(route.candidates, world.config.breaker.probeShare, context.random);
  const opened = {
    ...route,
    // A probing request has candidates that equal requests do not have: it neither uses nor fills the cache.
    cacheFingerprint: probing ? '' : route.cacheFingerprint,
    cached: probing ? null : looked.cached,
    positions: { ...world.positions, [context.topic]: context.offset },
    seed,
    sessionSpentUsd: session?.expectedSpentUsd ?? 0,
    sessionRequests: session?.requests ?? 0,
    sessionLastQuality: session?.lastQuality ?? null,
    contextFeatures: Buffer.alloc(0),
    intakeMs: looked.preparedMs + context.elapsedMs() - startedMs,
  };
  const emits = [emit(topics.routeOpened, opened)];
  if (request.sessionId === null) return { kind: 'done', emit: emits };
  return { kind: 'done', emit: emits, state: nextSession(session, request.sessionId, route.candidates, context.nowMs) };
}

function nextSession(
  session: Session | undefined,
  sessionId: string,
  candidates: readonly Candidate[],
  nowMs: number,
): Session {
  return {
    sessionId,
    requests: (session?.requests ?? 0) + 1,
    expectedSpentUsd: (session?.expectedSpentUsd ?? 0) + meanCostUsd(candidates),
    lastSeenMs: nowMs,
    lastQuality: session?.lastQuality ?? null,
    awaited: session?.awaited ?? {},
    reported: session?.reported ?? [],
  };
}

/** Which model will be drawn is not known yet: the mean over those that may be. */
function meanCostUsd(candidates: readonly Candidate[]): number {
  const eligible = candidates.filter((candidate) => candidate.eligible);
  return eligible.reduce((sum, candidate) => sum + candidate.expectedCostUsd, 0) / eligible.length;
}
