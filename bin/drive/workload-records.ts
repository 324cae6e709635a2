/** Turns workload rows into the records a real user of the engine would produce. Unchosen outcomes never pass through here, but for `recordedEvents` (offline training). */
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import type { RouterConfig } from '../../lib/config/router-config';
import { deniedModelsOf, type Workload, type WorkloadRow } from '../../lib/evaluation/workload';
import { bytesOf, encoderVersion, encodeText } from '../../lib/learning/encode';
import type { OutgoingRecord } from '../../lib/ports/broker';
import { priceFactor } from '../../lib/routing/candidates';
import { inferTask } from '../../lib/routing/infer-task';
import { qualityOf } from '../../lib/routing/reward';
import type { Topic } from '../../lib/topics/define-topic';
import type {
  LearningEvent,
  ModelObserved,
  RouteDecided,
  RouteOutcome,
  RouteRequested,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

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

/** Offline training: every model's outcome of a row, as one FULL learning event and one observation per model. */
export function recordedEvents(row: WorkloadRow, config: RouterConfig, nowMs: number): OutgoingRecord[] {
  const known = config.models.map((model) => row.outcomes.get(model.name) ?? null);
  const qualities = known.map((outcome) => {
    const judged = outcome && { status: outcome.status, quality: outcome.score, rewardParts: {} };
    return judged && qualityOf(judged, config.reward.weights);
  });
  const encoded = row.features ? null : encodeText(row.prompt ?? '');
  const taskType = inferTask(row.taskHint, row.prompt);
  const priceFactors = config.models.map(priceFactor);
  const event: LearningEvent = {
    eventId: `${row.id}/recorded`,
    kind: 'FULL',
    decisionId: row.id,
    sessionId: null,
    encoderVersion,
    sketch: encoded ? bytesOf(encoded.sketch) : Buffer.alloc(0),
    sketchScale: encoded?.sketchScale ?? 0,
    handFeatures: encoded ? bytesOf(encoded.handFeatures) : Buffer.alloc(0),
    callerFeatures: row.features ? bytesOf(Float32Array.from(row.features)) : null,
    // Under which circumstances the outcomes were recorded is not known.
    contextFeatures: Buffer.alloc(0),
    taskType,
    models: config.models.map((model) => model.name),
    eligible: known.map((outcome) => outcome !== null),
    propensities: [],
    expectedCostsUsd: known.map(() => 0),
    priceFactors,
    model: null,
    quality: null,
    costUsd: null,
    latencyMs: null,
    fullQualities: qualities,
    fullCostsUsd: known.map((outcome) => outcome?.costUsd ?? null),
    preference: config.preference,
    strategyPropensities: {},
    degraded: false,
    provisional: false,
    source: 'recorded',
    replaces: null,
    revision: 0,
    policySha256: null,
    openedAtMs: nowMs,
    occurredAtMs: nowMs,
  };
  const records = [recordOf(topics.learningEvents, event)];
  for (const [index, outcome] of known.entries()) {
    const model = config.models[index]!;
    if (!outcome) continue;
    const observed: ModelObserved = {
      observationId: `${row.id}/${model.name}/recorded`,
      model: model.name,
      provider: model.provider,
      taskType,
      status: outcome.status,
      quality: qualities[index]!,
      latencyMs: outcome.latencyMs,
      costUsd: outcome.costUsd,
      inputTokens: outcome.inputTokens,
      outputTokens: outcome.outputTokens,
      observedAtMs: nowMs,
      revision: 0,
      replacedQuality: null,
    };
    records.push(recordOf(topics.modelObserved, observed));
  }
  return records;
}

function recordOf<T>(topic: Topic<T>, value: T): OutgoingRecord {
  return { topic: topic.name, key: topic.keyOf(value), value: topic.codec.encode(value) };
}
