/**
 * The fold's door. An event that makes no sense is passed over, and a number that nobody can mean is cut to what somebody
 * could: a pure function of the event, so every fold of the log decides alike. The log outlives the checks of its writers.
 */
import type { LearningEvent } from '../../topics/generated/messages';
import { handSize, sketchSize } from '../features/encode';

/** Largest cost of one call that is believed, in USD. */
export const mostCostUsd = 1e6;
/** Longest latency that is believed, in milliseconds: eleven days. */
export const mostLatencyMs = 1e9;
/** Price factors within these bounds can be divided by and multiplied with any believed cost. */
const leastPriceFactor = 1e-12;
export const mostPriceFactor = 1e12;
/** Models of one event, and values of a caller's vector: what is kept per model and value has to fit into memory. */
const mostModels = 1_024;
const mostCallerValues = 65_536;
const floatBytes = 4;

export type CheckedEvent =
  | { readonly fault: null; readonly event: LearningEvent }
  /** Names the field and what is wrong with it. */
  | { readonly fault: string };

/** The event as it may be folded in, or why it may not. An event without a fault is returned as it came. */
export function checkEvent(event: LearningEvent): CheckedEvent {
  const fault = faultOf(event);
  return fault === null ? { fault, event: believable(event) } : { fault };
}

function faultOf(event: LearningEvent): string | null {
  if (event.pace)
    return (
      valuesFault('pace.steps', [event.pace.steps], isShare) ??
      valuesFault('pace.rewards', [event.pace.rewards], isShare)
    );
  const { models, kind, model, propensities } = event;
  const isFull = kind === 'FULL';
  if (models.length === 0 || models.length > mostModels)
    return `models: there are ${models.length}, not 1 to ${mostModels}`;
  if (new Set(models).size < models.length) return 'models: one is named twice';
  return (
    lengthFault('eligible', event.eligible, models) ??
    lengthFault('expectedCostsUsd', event.expectedCostsUsd, models) ??
    lengthFault('priceFactors', event.priceFactors, models) ??
    (isFull ? null : lengthFault('propensities', propensities, models)) ??
    (isFull ? lengthFault('fullQualities', event.fullQualities, models) : null) ??
    (isFull ? lengthFault('fullCostsUsd', event.fullCostsUsd, models) : null) ??
    calledFault(kind, model, models) ??
    valuesFault('propensities', propensities, isShare) ??
    valuesFault('expectedCostsUsd', event.expectedCostsUsd, isAmount) ??
    valuesFault('priceFactors', event.priceFactors, isPositive) ??
    valuesFault('fullQualities', event.fullQualities, isShare) ??
    valuesFault('fullCostsUsd', event.fullCostsUsd, isAmount) ??
    valuesFault('costUsd', [event.costUsd], isAmount) ??
    valuesFault('latencyMs', [event.latencyMs], isAmount) ??
    valuesFault('quality', [event.quality], Number.isFinite) ??
    valuesFault('strategyPropensities', Object.values(event.strategyPropensities), isShare) ??
    (event.replaces
      ? (valuesFault('replaces.quality', [event.replaces.quality], Number.isFinite) ??
        valuesFault('replaces.costUsd', [event.replaces.costUsd], isAmount))
      : null) ??
    (event.safe ? valuesFault('safe.expectedUtility', [event.safe.expectedUtility], Number.isFinite) : null) ??
    preferenceFault(event) ??
    featuresFault(event)
  );
}

function lengthFault(field: string, values: readonly unknown[], models: readonly string[]): string | null {
  return values.length === models.length ? null : `${field}: has ${values.length} values for ${models.length} models`;
}

/** Null values are unknown and never at fault. */
function valuesFault(
  field: string,
  values: readonly (number | null)[],
  isGood: (value: number) => boolean,
): string | null {
  const wrong = values.find((value) => value !== null && !isGood(value));
  return wrong === undefined ? null : `${field}: ${wrong} is out of range`;
}

function calledFault(kind: LearningEvent['kind'], model: string | null, models: readonly string[]): string | null {
  if (model === null) return kind === 'EXPERIENCE' ? 'model: nobody was called' : null;
  return models.includes(model) ? null : 'model: it is none of the candidates';
}

function preferenceFault({ preference: { quality, cost, latency } }: LearningEvent): string | null {
  const weights = [quality, cost, latency];
  const total = quality + cost + latency;
  return valuesFault('preference', weights, isAmount) ?? valuesFault('preference', [total], isPositive);
}

function featuresFault(event: LearningEvent): string | null {
  const { sketch, sketchScale, handFeatures, callerFeatures, contextFeatures } = event;
  if (!isFloats(contextFeatures)) return 'contextFeatures: not finite float32 numbers';
  if (callerFeatures) {
    const { length } = callerFeatures;
    if (length === 0 || length > mostCallerValues * floatBytes) return `callerFeatures: ${length} bytes`;
    return isFloats(callerFeatures) ? null : 'callerFeatures: not finite float32 numbers';
  }
  if (sketch.length !== sketchSize) return `sketch: ${sketch.length} bytes, not ${sketchSize}`;
  if (!isAmount(sketchScale)) return `sketchScale: ${sketchScale} is out of range`;
  if (handFeatures.length !== handSize * floatBytes)
    return `handFeatures: ${handFeatures.length} bytes, not ${handSize * floatBytes}`;
  return isFloats(handFeatures) ? null : 'handFeatures: not finite float32 numbers';
}

function isFloats(bytes: Buffer): boolean {
  if (bytes.length % floatBytes !== 0) return false;
  for (let at = 0; at < bytes.length; at += floatBytes) if (!Number.isFinite(bytes.readFloatLE(at))) return false;
  return true;
}

function isShare(value: number): boolean {
  return value >= 0 && value <= 1;
}

function isAmount(value: number): boolean {
  return value >= 0 && Number.isFinite(value);
}

function isPositive(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}

/** Cut to what can be meant; the event itself where nothing is to be cut. */
function believable(event: LearningEvent): LearningEvent {
  const isBelievable =
    within(event.costUsd, mostCostUsd) &&
    within(event.latencyMs, mostLatencyMs) &&
    (event.replaces === null || within(event.replaces.costUsd, mostCostUsd)) &&
    event.expectedCostsUsd.every((costUsd) => costUsd <= mostCostUsd) &&
    event.fullCostsUsd.every((costUsd) => within(costUsd, mostCostUsd)) &&
    event.priceFactors.every((factor) => factor >= leastPriceFactor && factor <= mostPriceFactor);
  if (isBelievable) return event;
  return {
    ...event,
    costUsd: cut(event.costUsd, mostCostUsd),
    latencyMs: cut(event.latencyMs, mostLatencyMs),
    replaces: event.replaces && { ...event.replaces, costUsd: cut(event.replaces.costUsd, mostCostUsd) },
    expectedCostsUsd: event.expectedCostsUsd.map((costUsd) => Math.min(costUsd, mostCostUsd)),
    fullCostsUsd: event.fullCostsUsd.map((costUsd) => cut(costUsd, mostCostUsd)),
    priceFactors: event.priceFactors.map((factor) => Math.max(leastPriceFactor, Math.min(factor, mostPriceFactor))),
  };
}

function within(value: number | null, most: number): boolean {
  return value === null || value <= most;
}

function cut(value: number | null, most: number): number | null {
  return value === null ? null : Math.min(value, most);
}
