/** What viewers are told: records of the log as small events without anything that a prompt could be told from. */
import type {
  Alert,
  ModelProfile,
  RouteDecided,
  RouteOutcome,
  WeightsVersion,
} from '../../../lib/topics/generated/messages';

export const liveKinds = ['decision', 'outcome', 'health', 'weights', 'alert'] as const;
export type LiveKind = (typeof liveKinds)[number];

export interface LiveEvent {
  readonly kind: LiveKind;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Fields by which viewers may choose. */
export const filterNames = ['model', 'provider', 'strategy', 'tenant', 'degradedTo'] as const;
export type FilterName = (typeof filterNames)[number];

export interface LiveFilter {
  readonly kinds: ReadonlySet<LiveKind>;
  /** An event passes where it has each of these fields with this value. */
  readonly fields: Readonly<Partial<Record<FilterName, string>>>;
}

export function passes({ kind, data }: LiveEvent, { kinds, fields }: LiveFilter): boolean {
  if (!kinds.has(kind)) return false;
  return filterNames.every((name) => fields[name] === undefined || data[name] === fields[name]);
}

export function decisionEvent(decided: RouteDecided): LiveEvent {
  const { model, candidates } = decided;
  const chosen = candidates.find((candidate) => candidate.model === model);
  return {
    kind: 'decision',
    data: {
      decisionId: decided.decisionId,
      atMs: decided.decidedAtMs,
      model,
      provider: decided.provider,
      strategy: decided.strategy,
      tenant: decided.tenantId,
      sessionId: decided.sessionId,
      propensity: decided.propensity,
      confidence: decided.confidence,
      predictedQuality: chosen?.predictedQuality ?? null,
      expectedCostUsd: chosen?.expectedCostUsd ?? null,
      cacheHit: decided.cacheHit,
      degradedTo: decided.degradedTo,
      totalMs: decided.stagesMs.total,
    },
  };
}

export function outcomeEvent(outcome: RouteOutcome): LiveEvent {
  return {
    kind: 'outcome',
    data: {
      decisionId: outcome.decisionId,
      atMs: outcome.occurredAtMs,
      model: outcome.model,
      attempt: outcome.attempt,
      status: outcome.status,
      quality: outcome.quality,
      costUsd: outcome.costUsd,
      latencyMs: outcome.latencyMs,
      revision: outcome.revision,
    },
  };
}

/** The state of the breakers of a model; an event only where it is another than before. */
export function healthEvent(profile: ModelProfile): LiveEvent {
  return {
    kind: 'health',
    data: {
      model: profile.model,
      provider: profile.provider,
      health: profile.breaker.health,
      providerHealth: profile.providerBreaker.health,
      atMs: Math.max(profile.breaker.changedAtMs, profile.providerBreaker.changedAtMs),
    },
  };
}

export function weightsEvent(version: WeightsVersion): LiveEvent {
  return {
    kind: 'weights',
    data: {
      policySha256: version.weights.policySha256,
      state: version.state,
      why: version.why,
      atMs: version.changedAtMs,
    },
  };
}

export function alertEvent({ notify: _notify, changedAtMs, ...alert }: Alert): LiveEvent {
  return { kind: 'alert', data: { ...alert, atMs: changedAtMs } };
}
