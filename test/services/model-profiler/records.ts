import type { ModelObserved } from '../../../lib/topics/generated/messages';

export function observed(change: Partial<ModelObserved> = {}): ModelObserved {
  return {
    observationId: 'r1/1/0',
    model: 'alpha',
    provider: 'acme',
    taskType: 'code',
    status: 'SUCCESS',
    quality: 0.8,
    latencyMs: 500,
    costUsd: 0.01,
    inputTokens: 10,
    outputTokens: 20,
    observedAtMs: 1_700_000_000_000,
    revision: 0,
    replacedQuality: null,
    retryAfterMs: null,
    firstTokenMs: null,
    predictedQuality: null,
    openedAtMs: null,
    ...change,
  };
}
