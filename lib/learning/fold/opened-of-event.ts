/**
 * A learning event as the request it came from, as far as a policy looks at one: to ask what another policy would have
 * done with it. What the log does not repeat (limits, latencies, the session) is left neutral or said by the caller.
 */
import type { LearningEvent, RouteOpened, Tuning, UtilityScale } from '../../topics/generated/messages';
import { noLimits } from '../../topics/schema-defaults';
import { rewardsPerModel } from './cold-start';

export interface EventWorld {
  readonly tuning: Tuning;
  readonly utilityScale: UtilityScale;
  /** Least total probability spread over eligible candidates; 0..1. */
  readonly explorationFloor: number;
  /** USD per request; null: no budget. */
  readonly budgetUsdPerRequest: number | null;
  /** Milliseconds a model is expected to take; 0 where nothing is known. */
  readonly expectedLatencyMs: (model: string) => number;
}

export function openedOfEvent(event: LearningEvent, world: EventWorld): RouteOpened {
  const { tuning, utilityScale, explorationFloor, budgetUsdPerRequest, expectedLatencyMs } = world;
  const { decisionId, openedAtMs } = event;
  return {
    requestId: decisionId,
    sessionId: event.sessionId,
    tenantId: null,
    routingKey: event.sessionId ?? decisionId,
    replyTo: null,
    openedAtMs,
    requestedAtMs: openedAtMs,
    encoderVersion: event.encoderVersion,
    sketch: event.sketch,
    sketchScale: event.sketchScale,
    handFeatures: event.handFeatures,
    callerFeatures: event.callerFeatures,
    contextFeatures: event.contextFeatures,
    taskType: event.taskType,
    promptTokens: 0,
    candidates: event.models.map((model, i) => ({
      model,
      provider: '',
      eligible: event.eligible[i] ?? false,
      ineligibleReason: null,
      health: 'CLOSED',
      expectedCostUsd: event.expectedCostsUsd[i] ?? 0,
      expectedLatencyMs: expectedLatencyMs(model),
      expectedQuality: 0,
      errorRate: 0,
      observations: 0,
      priceFactor: event.priceFactors[i] ?? 1,
      declared: null,
      p95LatencyMs: null,
      bar: null,
    })),
    preference: event.preference,
    limits: noLimits,
    strategies: [],
    strategyGroups: [],
    collapse: '',
    threadTimeoutMs: 0,
    explorationFloor,
    budgetUsdPerRequest,
    policySha256: event.policySha256,
    basisSha256: null,
    tuning,
    configVersion: 0,
    utilityScale,
    positions: {},
    seed: 0,
    cacheFingerprint: '',
    cached: null,
    cachedValues: null,
    sessionSpentUsd: 0,
    sessionRequests: 0,
    sessionLastQuality: null,
    intakeMs: 0,
    holds: null,
    contentHash: null,
    budgets: [],
    exposures: [],
    tenantSettings: [],
    shadowGroups: [],
    profilesAtMs: null,
    deployments: [],
    warmCache: null,
    complexity: null,
    tiesShare: true,
    priorObservations: 0,
    sets: null,
    rewardsPerModel,
  };
}
