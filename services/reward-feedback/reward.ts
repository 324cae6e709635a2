/**
 * What one outcome becomes: the learning event for the model that was decided, and the observation of whichever model was
 * really called. Its quality is `qualityOf` under the weights in force (`lib/reward/reward.ts`).
 */
import { armValue } from '../../lib/analytics/window';
import { dictionaryOf } from '../../lib/dictionary';
import { qualityOf, type RewardWeights } from '../../lib/reward/reward';
import { declaredChoice } from '../../lib/routing/judge/declared';
import { expectedQualities, expectedUtilities } from '../../lib/routing/judge/strategies/expectations';
import type {
  DecidedCandidate,
  LearningEvent,
  ModelObserved,
  ReplacedOutcome,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
  SafeChoice,
  Stated,
} from '../../lib/topics/generated/messages';
import { outcomeId } from './merge-reports';

export function closedId(decisionId: string): string {
  return `${decisionId}/closed`;
}

/**
 * The learning event of a decision before any outcome (kind CLOSED): features and prices as intake pinned them, and
 * probabilities as collapse drew them. The decision's candidates may be in another order: they are matched by name.
 */
export function eventOf(opened: RouteOpened, decided: RouteDecided): LearningEvent {
  const candidates = opened.candidates.map((candidate, i) => decidedCandidate(decided, candidate.model, i));
  return {
    eventId: closedId(decided.decisionId),
    kind: 'CLOSED',
    decisionId: decided.decisionId,
    sessionId: opened.sessionId,
    encoderVersion: opened.encoderVersion,
    sketch: opened.sketch,
    sketchScale: opened.sketchScale,
    handFeatures: opened.handFeatures,
    callerFeatures: opened.callerFeatures,
    contextFeatures: opened.contextFeatures,
    taskType: opened.taskType,
    models: opened.candidates.map((candidate) => candidate.model),
    // Collapse looked at limits and health once more: what it says could be drawn is what could be drawn.
    eligible: candidates.map((candidate) => candidate?.eligible ?? false),
    propensities: candidates.map((candidate) => candidate?.propensity ?? 0),
    expectedCostsUsd: opened.candidates.map((candidate) => candidate.expectedCostUsd),
    priceFactors: opened.candidates.map((candidate) => candidate.priceFactor),
    model: decided.model,
    quality: null,
    costUsd: null,
    latencyMs: null,
    fullQualities: [],
    fullCostsUsd: [],
    preference: opened.preference,
    strategyPropensities: strategyPropensitiesOf(decided),
    degraded: decided.degradedTo !== 'NONE',
    provisional: false,
    source: 'unknown',
    revision: 0,
    replaces: null,
    policySha256: decided.versions.policySha256,
    openedAtMs: opened.openedAtMs,
    occurredAtMs: decided.decidedAtMs,
    safe: safeChoice(opened),
    tenantId: opened.tenantId,
    strategy: decided.strategy,
    arms: decided.exposures.map(({ experiment, arm }) => armValue(experiment, arm)),
    pace: null,
    stated: statedIn(decided),
  };
}

/** What its outcome can be held against; null where a step of the ladder decided, of which nothing is learned. */
function statedIn({ candidates, confidence, rawConfidence, degradedTo }: RouteDecided): Stated | null {
  if (degradedTo !== 'NONE') return null;
  const qualities = candidates.flatMap(({ eligible, predictedQuality }) => (eligible ? [predictedQuality] : []));
  return { confidence: rawConfidence ?? confidence, bestQuality: Math.max(0, ...qualities) };
}

/** What the decision says of a model; it is nearly always at the same place. */
export function decidedCandidate(
  { candidates }: RouteDecided,
  model: string,
  place: number,
): DecidedCandidate | undefined {
  const there = candidates[place];
  return there?.model === model ? there : candidates.find((candidate) => candidate.model === model);
}

function safeChoice(opened: RouteOpened): SafeChoice | null {
  const safe = declaredChoice(opened);
  if (safe < 0) return null;
  const expected = expectedUtilities(opened, expectedQualities(opened));
  return { model: opened.candidates[safe]!.model, expectedUtility: expected[safe]! };
}

/** Probability each SUCCESS thread gave to the decided model. A thread's probabilities are in the order of the candidates. */
function strategyPropensitiesOf(decided: RouteDecided): Record<string, number> {
  const called = decided.candidates.findIndex((candidate) => candidate.model === decided.model);
  const propensities = new Map<string, number>();
  for (const thread of decided.threads) {
    const probability = thread.probabilities[called];
    if (thread.status === 'SUCCESS' && probability !== undefined) propensities.set(thread.strategy, probability);
  }
  return dictionaryOf(propensities);
}

/** Only the decided model, at its first attempt, was drawn with a known probability. */
export function isRewarded(event: LearningEvent, outcome: RouteOutcome): boolean {
  return outcome.attempt === 1 && outcome.model === event.model;
}

/**
 * The experience an outcome of the decided model makes of its decision's event; null when it says nothing to learn from.
 * `used` is what was known before: the learner counts a decision once, so the event says what it takes the place of.
 */
export function experienceOf(
  event: LearningEvent,
  outcome: RouteOutcome,
  used: RouteOutcome | undefined,
  weights: RewardWeights,
  eventId = outcomeId(outcome),
): LearningEvent | null {
  if (isUnsaid(outcome, weights)) return null;
  return {
    ...event,
    eventId,
    kind: 'EXPERIENCE',
    quality: qualityOf(outcome, weights),
    costUsd: outcome.costUsd,
    latencyMs: outcome.latencyMs,
    provisional: outcome.provisional,
    source: outcome.source,
    revision: outcome.revision,
    replaces: replacedBy(used, weights) ?? event.replaces,
    occurredAtMs: outcome.occurredAtMs,
  };
}

/** What an event was written of; null where none was, since there was nothing to learn from. */
function replacedBy(used: RouteOutcome | undefined, weights: RewardWeights): ReplacedOutcome | null {
  if (!used || isUnsaid(used, weights)) return null;
  return { quality: qualityOf(used, weights), costUsd: used.costUsd };
}

function isUnsaid(outcome: RouteOutcome, weights: RewardWeights): boolean {
  return qualityOf(outcome, weights) === null && outcome.costUsd === null && outcome.latencyMs === null;
}

/**
 * What the profiler hears of an outcome. `used` is what was known of the same attempt before: a call is counted once, so a
 * further report carries only a changed quality and figures not known before. Null when it adds nothing.
 */
export function observationOf(
  outcome: RouteOutcome,
  used: RouteOutcome | undefined,
  {
    reportId,
    taskType,
    provider,
    weights,
    predictedQuality,
    openedAtMs,
  }: {
    reportId: string;
    taskType: string;
    provider: string;
    weights: RewardWeights;
    predictedQuality: number | null;
    openedAtMs: number;
  },
): ModelObserved | null {
  const quality = qualityOf(outcome, weights);
  const call: ModelObserved = {
    observationId: reportId,
    model: outcome.model,
    provider,
    taskType,
    status: outcome.status,
    quality,
    latencyMs: outcome.latencyMs,
    costUsd: outcome.costUsd,
    inputTokens: outcome.inputTokens,
    outputTokens: outcome.outputTokens,
    observedAtMs: outcome.occurredAtMs,
    revision: 0,
    replacedQuality: null,
    retryAfterMs: outcome.retryAfterMs,
    firstTokenMs: outcome.firstTokenMs,
    predictedQuality,
    openedAtMs,
  };
  if (!used) return call;
  const before = qualityOf(used, weights);
  const added = {
    quality: quality === before ? null : quality,
    latencyMs: used.latencyMs === null ? outcome.latencyMs : null,
    costUsd: used.costUsd === null ? outcome.costUsd : null,
    inputTokens: used.inputTokens === null ? outcome.inputTokens : null,
    outputTokens: used.outputTokens === null ? outcome.outputTokens : null,
    firstTokenMs: used.firstTokenMs === null ? outcome.firstTokenMs : null,
  };
  if (Object.values(added).every((value) => value === null)) return null;
  const replacedQuality = added.quality === null ? null : before;
  // To the profiler a revision above 0 is no further call, and a merged report is none.
  return { ...call, ...added, revision: Math.max(1, outcome.revision), replacedQuality };
}
