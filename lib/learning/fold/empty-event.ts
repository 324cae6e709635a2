/** A learning event has thirty fields, of which most makers of one know few: what the others are is said here. */
import type { LearningEvent } from '../../topics/generated/messages';

type Named = Pick<LearningEvent, 'eventId' | 'decisionId' | 'encoderVersion'>;

/** Says nothing of any model or text: a decision that was closed without a judgement. */
export function emptyEvent(of: Named, atMs: number): LearningEvent {
  const nothing = Buffer.alloc(0);
  return {
    kind: 'CLOSED',
    ...of,
    sessionId: null,
    tenantId: null,
    strategy: null,
    sketch: nothing,
    sketchScale: 0,
    handFeatures: nothing,
    callerFeatures: null,
    contextFeatures: nothing,
    taskType: 'general',
    models: [],
    eligible: [],
    propensities: [],
    expectedCostsUsd: [],
    priceFactors: [],
    model: null,
    quality: null,
    costUsd: null,
    latencyMs: null,
    fullQualities: [],
    fullCostsUsd: [],
    preference: { quality: 0, cost: 0, latency: 0 },
    strategyPropensities: {},
    degraded: false,
    provisional: false,
    source: '',
    revision: 0,
    replaces: null,
    policySha256: null,
    openedAtMs: atMs,
    occurredAtMs: atMs,
    safe: null,
    pace: null,
    stated: null,
    arms: [],
  };
}
