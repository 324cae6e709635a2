/** Turns workload rows into the records a real user of the engine would produce. Unchosen outcomes never pass through here, but for `recordedEvents` (offline training). */
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import type { RouterConfig } from '../../lib/config/router-config';
import { bytesOf, encoderVersion } from '../../lib/learning/features/encode';
import { emptyEvent } from '../../lib/learning/fold/empty-event';
import type { OutgoingRecord } from '../../lib/ports/broker';
import { qualityOf } from '../../lib/reward/reward';
import { priceFactor } from '../../lib/routing/open/candidates';
import type { Topic } from '../../lib/topics/define-topic';
import type {
  LearningEvent,
  ModelObserved,
  RouteDecided,
  RouteOutcome,
  RouteRequested,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { encodeRow } from '../workloads/encode-row';
import { deniedModelsOf, type Outcome, type Workload, type WorkloadRow } from '../workloads/workload';

/** The request of a row. Models without an outcome in this row are denied: they cannot serve it. */
export function requestOf(workload: Workload, row: WorkloadRow, nowMs: number): RouteRequested {
  return routeRequest({
    requestId: row.id,
    prompt: row.prompt,
    features: row.features ? bytesOf(Float32Array.from(row.features)) : null,
    taskHint: row.taskHint,
    limits: { deniedModels: deniedModelsOf(workload, row) },
    requestedAtMs: nowMs,
  });
}

/** What happened when the decided model was called; null where the row does not know. */
export function outcomeOf(row: WorkloadRow, decision: RouteDecided, nowMs: number): RouteOutcome | null {
  const outcome = row.outcomes.get(decision.model);
  if (!outcome) return null;
  return routeOutcome(decision, {
    status: outcome.status,
    latencyMs: outcome.latencyMs,
    inputTokens: outcome.inputTokens,
    outputTokens: outcome.outputTokens,
    costUsd: outcome.costUsd,
    quality: outcome.status === 'SUCCESS' ? outcome.score : null,
    source: 'workload',
    occurredAtMs: nowMs,
  });
}

/** Offline training: every model's outcome of a row as one FULL learning event. */
export function recordedEvent(row: WorkloadRow, config: RouterConfig, nowMs: number): LearningEvent {
  const known = outcomesOf(row, config);
  return {
    ...emptyEvent({ eventId: `${row.id}/recorded`, decisionId: row.id, encoderVersion }, nowMs),
    kind: 'FULL',
    // Under which circumstances the outcomes were recorded is not known: it has no context features.
    ...encodeRow(row),
    models: config.models.map((model) => model.name),
    eligible: known.map((outcome) => outcome !== null),
    expectedCostsUsd: known.map(() => 0),
    priceFactors: config.models.map(priceFactor),
    fullQualities: known.map((outcome) => judgedQuality(outcome, config)),
    fullCostsUsd: known.map((outcome) => outcome?.costUsd ?? null),
    preference: config.preference,
    source: 'recorded',
  };
}

/** That event as a record, and one observation per model. */
export function recordedEvents(row: WorkloadRow, config: RouterConfig, nowMs: number): OutgoingRecord[] {
  const event = recordedEvent(row, config, nowMs);
  const records = [recordOf(topics.learningEvents, event)];
  for (const [index, outcome] of outcomesOf(row, config).entries()) {
    const model = config.models[index]!;
    if (!outcome) continue;
    const observed: ModelObserved = {
      observationId: `${row.id}/${model.name}/recorded`,
      model: model.name,
      provider: model.provider,
      taskType: event.taskType,
      status: outcome.status,
      quality: event.fullQualities[index]!,
      latencyMs: outcome.latencyMs,
      costUsd: outcome.costUsd,
      inputTokens: outcome.inputTokens,
      outputTokens: outcome.outputTokens,
      observedAtMs: nowMs,
      revision: 0,
      replacedQuality: null,
      retryAfterMs: null,
      firstTokenMs: null,
      predictedQuality: null,
      openedAtMs: null,
    };
    records.push(recordOf(topics.modelObserved, observed));
  }
  return records;
}

function outcomesOf(row: WorkloadRow, { models }: RouterConfig): (Outcome | null)[] {
  return models.map(({ name }) => row.outcomes.get(name) ?? null);
}

function judgedQuality(outcome: Outcome | null, { reward }: RouterConfig): number | null {
  if (outcome === null) return null;
  return qualityOf({ status: outcome.status, quality: outcome.score, rewardParts: {} }, reward.weights);
}

function recordOf<T>(topic: Topic<T>, value: T): OutgoingRecord {
  return { topic: topic.name, key: topic.keyOf(value), value: topic.codec.encode(value) };
}
