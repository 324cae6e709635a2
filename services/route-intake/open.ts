/** Opens a request: pins its session, its probes of half-open models, its seed and its place in the log. */
import { encodeContext } from '../../lib/learning/features/context';
import { bytesOf } from '../../lib/learning/features/encode';
import { admitProbes, liftHealthFilter, limitSession, noCandidateError } from '../../lib/routing/open/candidates';
import { type Context, emit, type Result } from '../../lib/stream/define-service';
import type { CachedDistribution, RouteRequested, Session } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { Prepared } from './prepare';
import { sessionAfter } from './session';

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
  const sessionSpentUsd = session?.expectedSpentUsd ?? 0;
  // The session may have shut out the healthy ones that prepare saw.
  if (limitSession(route.candidates, route.limits.maxSessionCostUsd, sessionSpentUsd)) {
    liftHealthFilter(route.candidates);
  }
  // Health is not to blame: the least bad has been let in.
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
    sessionSpentUsd,
    sessionRequests: session?.requests ?? 0,
    sessionLastQuality: session?.lastQuality ?? null,
    intakeMs: looked.preparedMs + context.elapsedMs() - startedMs,
  };
  const emits = [emit(topics.routeOpened, { ...opened, contextFeatures: bytesOf(encodeContext(opened)) })];
  if (request.sessionId === null) return { kind: 'done', emit: emits };
  const { requestId, sessionId } = request;
  const state = sessionAfter(session, { requestId, sessionId, candidates: route.candidates }, context.nowMs);
  return { kind: 'done', emit: emits, state };
}
