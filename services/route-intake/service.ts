/** The declaration of route-intake: requests in, opened requests out, with the world pinned; sessions add up what they cost. */
import { createRefusalCounter } from '../../lib/budgets/count-refusal';
import type { Encoder } from '../../lib/learning/features/encoder-key';
import type { KeyValue } from '../../lib/ports/key-value';
import { createAllowance } from '../../lib/routing/open/hold-allowance';
import { taskTypes } from '../../lib/routing/open/infer-task';
import {
  createProbeMemory,
  modelBreaker,
  type ProbeMemory,
  providerBreaker,
} from '../../lib/routing/open/probe-memory';
import {
  defineService,
  due,
  on,
  type Result,
  type ServiceDefinition,
  whenWritten,
} from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  RouteDecided,
  RouteOpened,
  RouteOutcome,
  RouteRefused,
  RouteRequested,
  Session,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { type Looked, open } from './open';
import { prepare, type StrategyGroup } from './prepare';
import { createReadCache } from './read-cache';
import { createWorldReader } from './read-world';
import { createRecentContents } from './recent-contents';
import { sessionDecided, sessionReported } from './session';

export interface RouteIntakeOptions {
  /** Holds the routing cache. */
  readonly keyValue: KeyValue;
  /** Who hosts which strategies: collapse waits for the groups of the strategies asked. */
  readonly strategyGroups: readonly StrategyGroup[];
  /** Sessions remembered per partition; beyond it the one not seen for longest is forgotten. */
  readonly maxSessions: number;
  /** A session is forgotten this long after its last request. */
  readonly sessionTtlMs: number;
  readonly metrics: Metrics;
  /** With the installation's key; left out without one. */
  readonly encoder?: Encoder | null;
}

/** Requests per partition that are recognised when they come again. */
const maxRememberedRequests = 20_000;

export function createRouteIntake(options: RouteIntakeOptions): ServiceDefinition {
  const { keyValue, strategyGroups, maxSessions, sessionTtlMs, metrics } = options;
  const readCache = createReadCache(keyValue, metrics);
  const probes = createProbeMemory();
  const readWorld = createWorldReader(metrics, probes);
  const holdAllowance = createAllowance();
  const contents = createRecentContents(maxRememberedRequests);
  /** The same request again is what delivery at least once brings; another one with its id is a fault of its producer. */
  const told = (result: Result<Session>, request: RouteRequested): Result<Session> => {
    if (result.kind === 'drop' && contents.isOther(request)) return { kind: 'drop', reason: 'otherContent' };
    for (const { value } of (result.kind === 'done' && result.emit) || []) {
      const { requestId, contentHash } = value as RouteOpened | RouteRefused;
      if (contentHash !== null) contents.remember(requestId, contentHash);
      if ('candidates' in (value as object)) noteProbes(probes, value as RouteOpened);
    }
    return result;
  };
  return defineService({
    group: 'route-intake',
    inputs: [
      on<RouteRequested, Session, Looked>(topics.routeRequested, (...given) => told(open(...given), given[1]), {
        stateKey: topics.routeRequested.keyOf,
        // Wherever and however often a request comes, it is opened with the same draws.
        seedOf: (request) => request.requestId,
        forwardMisplaced: true,
        async lookup(requests, context) {
          const world = readWorld(context);
          const tuning = holdAllowance(world.tuning, requests.length, world.nowMs);
          const held = { ...world, tuning };
          const prepared = requests.map((request): Looked => {
            if (context.alreadyEmitted(request.requestId)) return null;
            const startedMs = context.elapsedMs();
            const result = prepare(request, held, strategyGroups, options.encoder);
            return { ...result, cachedValues: null, preparedMs: context.elapsedMs() - startedMs };
          });
          return world.config.cache.enabled ? readCache(prepared) : prepared;
        },
      }),
      on<RouteDecided, Session>(
        topics.routeDecided,
        (session, decided) => {
          const { requestId, model, provider } = decided;
          probes.decided(requestId, [modelBreaker(model), providerBreaker(provider)]);
          return changed(session && sessionDecided(session, decided));
        },
        { stateKey: topics.routeDecided.keyOf, knownKeysOnly: () => !probes.isWaiting() },
      ),
      // Misplaced ones are forwarded by reward-feedback, which reads them too: here they come again, in their place.
      on<RouteOutcome, Session>(
        topics.routeOutcome,
        (session, outcome, context) =>
          changed(session && sessionReported(session, outcome, readWorld(context).config.reward.weights)),
        // Garbage is reward-feedback's to put aside, once.
        { stateKey: topics.routeOutcome.keyOf, knownKeysOnly: true },
      ),
      due<Session>(() => ({ kind: 'done', state: null })),
    ],
    views: [
      topics.config,
      topics.modelProfile,
      topics.tuning,
      topics.weightsPublished,
      topics.budgetStates,
      topics.experimentStates,
    ],
    // Misplaced requests are forwarded to their own topic.
    outputs: [topics.routeOpened, topics.routeRequested, topics.routeRefused],
    table: {
      topic: topics.sessions,
      dueAtMs: (session: Session) => session.lastSeenMs + sessionTtlMs,
      maxRows: maxSessions,
      closeEarlyWhenFull: true,
    },
    whenWritten: [
      whenWritten(topics.routeOpened, createOpenedCounter(metrics)),
      whenWritten(topics.routeRefused, createRefusalCounter(metrics)),
    ],
    ownOutput: {
      topics: [topics.routeOpened],
      idOf: (opened: Pick<RouteOpened, 'requestId'>) => opened.requestId,
      idFields: ['requestId'],
      maxIds: maxRememberedRequests,
    },
  });
}

/** Candidates that are half open, and that this request was let in to probe. */
function noteProbes(probes: ProbeMemory, { requestId, candidates, openedAtMs }: RouteOpened): void {
  for (const { model, provider, health, eligible } of candidates) {
    if (health !== 'HALF_OPEN' || !eligible) continue;
    probes.note(modelBreaker(model), requestId, openedAtMs);
    probes.note(providerBreaker(provider), requestId, openedAtMs);
  }
}

/** Most records are of no session, or tell it nothing new. */
function changed(session: Session | null | undefined): Result<Session> {
  return session ? { kind: 'done', state: session } : { kind: 'done' };
}

/** Counts what was opened, by inferred task type: hints are the caller's own words, so other types count as one. */
function createOpenedCounter(metrics: Metrics): (opened: RouteOpened) => void {
  const counterOf = (type: string) => metrics.counter('quantum_router_requests_opened_total', { task_type: type });
  const counters = new Map<string, () => void>(taskTypes.map((type) => [type, counterOf(type)]));
  const other = counterOf('other');
  return ({ taskType }) => (counters.get(taskType) ?? other)();
}
