/** Opens a request: pins its session, its probes of half-open models, its seed and its place in the log. */
import { exhaustedReason } from '../../lib/budgets/account';
import { refuse } from '../../lib/budgets/refuse';
import { encodeContext } from '../../lib/learning/features/context';
import { bytesOf } from '../../lib/learning/features/encode';
import { costRange } from '../../lib/routing/decide/apply-grants';
import { complexityTerms, inSession } from '../../lib/routing/open/complexity';
import { eligibilityOf, noCandidateError, waitingCandidates } from '../../lib/routing/open/eligibility';
import { type Context, type Emit, emit, type Result } from '../../lib/stream/define-service';
import type {
  CachedValues,
  Candidate,
  RouteOpened,
  RouteRequested,
  Session,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { Prepared } from './prepare';
import { sessionAfter } from './session';
import { warmCacheOf, withWarmCache } from './warm-cache';

/** What the look-up found for one request; null when it had been opened before. */
export type Looked =
  | (Prepared & {
      readonly cachedValues: CachedValues | null;
      /** Time spent preparing it, in milliseconds. */
      readonly preparedMs: number;
    })
  | null;

const nobody: ReadonlySet<number> = new Set();
const nothing = Buffer.alloc(0);
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
  const complexity = inSession(route.complexity, session, route.promptTokens);
  const isAsPrepared = complexity === route.complexity || looked.asked.complexity === null;
  const asked = isAsPrepared
    ? looked.asked
    : { ...looked.asked, complexity: complexityTerms(world.config, complexity) };
  const { models, promptCacheMs } = world.config;
  const sessionSpentUsd = session?.expectedSpentUsd ?? 0;
  const warmCache = warmCacheOf(session, looked.expected, {
    models,
    promptCacheMs,
    promptTokens: route.promptTokens,
    nowMs: context.nowMs,
  });
  const expected = withWarmCache(looked.expected, warmCache);
  const unprobed =
    asked.limits.maxSessionCostUsd === null && warmCache === null && isAsPrepared
      ? looked.eligibility
      : eligibilityOf(expected, models, asked, { sessionSpentUsd, admitted: nobody }, world.admissions);
  // Health is not to blame: the least bad has been let in.
  const noCandidate = noCandidateError(unprobed);
  if (noCandidate) return { kind: 'deadLetter', ...noCandidate };
  const refused = refusedByBudget(looked, unprobed.candidates);
  if (refused) return { kind: 'done', emit: [refused] };
  const seed = context.random.integer(seedBound);
  const admitted = admittedOf(waitingCandidates(unprobed), looked, () => context.random.next());
  const isProbing = admitted.length > 0;
  const { candidates } = isProbing
    ? eligibilityOf(expected, models, asked, { sessionSpentUsd, admitted: new Set(admitted) }, world.admissions)
    : unprobed;
  // Field by field, in the order of the schema: spreading an object of forty fields costs more than all else that is done here.
  const opened: RouteOpened = {
    requestId: route.requestId,
    sessionId: route.sessionId,
    tenantId: route.tenantId,
    routingKey: route.routingKey,
    replyTo: route.replyTo,
    openedAtMs: route.openedAtMs,
    requestedAtMs: route.requestedAtMs,
    encoderVersion: route.encoderVersion,
    sketch: route.sketch,
    sketchScale: route.sketchScale,
    handFeatures: route.handFeatures,
    callerFeatures: route.callerFeatures,
    contextFeatures: nothing,
    taskType: route.taskType,
    promptTokens: route.promptTokens,
    candidates: candidates as Candidate[],
    preference: route.preference,
    limits: route.limits,
    strategies: route.strategies,
    strategyGroups: route.strategyGroups,
    collapse: route.collapse,
    threadTimeoutMs: route.threadTimeoutMs,
    explorationFloor: route.explorationFloor,
    budgetUsdPerRequest: route.budgetUsdPerRequest,
    policySha256: route.policySha256,
    basisSha256: route.basisSha256,
    tuning: route.tuning,
    configVersion: route.configVersion,
    utilityScale: route.utilityScale,
    positions: { ...world.positions, [context.topic]: context.offset },
    seed,
    cacheFingerprint: route.cacheFingerprint,
    cached: null,
    sessionSpentUsd,
    sessionRequests: session?.requests ?? 0,
    sessionLastQuality: session?.lastQuality ?? null,
    intakeMs: looked.preparedMs + context.elapsedMs() - startedMs,
    holds: route.holds,
    contentHash: route.contentHash,
    priorObservations: route.priorObservations,
    budgets: route.budgets,
    sets: route.sets,
    rewardsPerModel: route.rewardsPerModel,
    exposures: route.exposures,
    tenantSettings: route.tenantSettings,
    shadowGroups: route.shadowGroups,
    profilesAtMs: route.profilesAtMs,
    deployments: route.deployments,
    warmCache,
    complexity,
    tiesShare: route.tiesShare,
    cachedValues: looked.cachedValues,
  };
  opened.contextFeatures = bytesOf(encodeContext(opened));
  const emits = [emit(topics.routeOpened, opened)];
  if (request.sessionId === null) return { kind: 'done', emit: emits };
  const { requestId, sessionId } = request;
  const state = sessionAfter(
    session,
    { requestId, sessionId, candidates, promptTokens: route.promptTokens },
    context.nowMs,
  );
  return { kind: 'done', emit: emits, state };
}

/**
 * Each candidate that waits is let in for its share of the requests. All of one provider are drawn for together: a provider
 * with many models is not to be probed more often for it.
 */
function admittedOf(
  waiting: readonly number[],
  { expected, world }: Extract<Prepared, { kind: 'prepared' }>,
  draw: () => number,
): number[] {
  const drawn = new Map<string, number>();
  return waiting.filter((i) => {
    const { provider } = expected[i]!;
    const point = drawn.get(provider) ?? draw();
    drawn.set(provider, point);
    return point < (world.admissions?.[i]?.share ?? world.config.breaker.probeShare);
  });
}

/**
 * What a budget has spent already can be said here, without asking its owner: a tenant at its limit then costs nobody else a
 * judgement. Null where it has to be asked.
 */
function refusedByBudget(
  { route, world }: Extract<Prepared, { kind: 'prepared' }>,
  candidates: readonly Candidate[],
): Emit | null {
  if (route.budgets.length === 0) return null;
  const { cheapestUsd } = costRange({ candidates: candidates as Candidate[] });
  for (const terms of route.budgets) {
    const reason = exhaustedReason(world.budgetStateOf(terms.account), terms, cheapestUsd);
    if (reason === null) continue;
    const code = terms.atLimit === 'ask' ? 'budget_approval_needed' : 'budget_exhausted';
    const { account, periodEndMs: retryAtMs } = terms;
    return refuse(route, { code, account, reason, retryAtMs }, world.nowMs);
  }
  return null;
}
