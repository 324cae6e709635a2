/** What an outcome may say. The schema takes any double, so ranges are checked here, before anything is learned from it. */
import type { RouteOutcome } from '../../lib/topics/generated/messages';
import { codePointsOf, maxIdChars } from '../../lib/topics/identifiers';

export interface OutcomeFault {
  readonly reason: string;
  /** Path of the offending field. */
  readonly field: string;
}

/** Attempts of one decision that are kept apart. */
export const maxAttempts = 16;
/** Parts of one judgement. */
export const maxRewardParts = 32;
/** With this and the length of ids a row of all the reports of a decision has a largest size. */
const maxPartNameLength = 64;

/** The first fault of an outcome, or null. Whether its model is known needs the decision: see `reward.ts`. */
export function faultOf(outcome: RouteOutcome): OutcomeFault | null {
  if (outcome.decisionId === '')
    return { field: 'decisionId', reason: 'is empty; echo the decisionId of the decision' };
  for (const field of ['decisionId', 'routingKey', 'model', 'source', 'finishReason'] as const) {
    const length = codePointsOf(outcome[field] ?? '');
    if (length > maxIdChars) return { field, reason: `has ${length} characters, at most ${maxIdChars}` };
  }
  if (outcome.model === '') return { field: 'model', reason: 'is empty; name the model really called' };
  if (outcome.attempt < 1 || outcome.attempt > maxAttempts) {
    return {
      field: 'attempt',
      reason: `is ${outcome.attempt}; the decided model is attempt 1, at most ${maxAttempts}`,
    };
  }
  if (outcome.revision < 0)
    return { field: 'revision', reason: `is ${outcome.revision}; the first report is revision 0` };
  return (
    outsideFault('quality', outcome.quality, 1) ??
    rewardPartsFault(outcome.rewardParts) ??
    outsideFault('latencyMs', outcome.latencyMs) ??
    outsideFault('costUsd', outcome.costUsd) ??
    outsideFault('inputTokens', outcome.inputTokens) ??
    outsideFault('outputTokens', outcome.outputTokens) ??
    outsideFault('firstTokenMs', outcome.firstTokenMs) ??
    outsideFault('cachedInputTokens', outcome.cachedInputTokens) ??
    outsideFault('reasoningTokens', outcome.reasoningTokens) ??
    outsideFault('retryAfterMs', outcome.retryAfterMs) ??
    outsideFault('occurredAtMs', outcome.occurredAtMs)
  );
}

function outsideFault(field: string, value: number | null, max = Number.MAX_SAFE_INTEGER): OutcomeFault | null {
  if (value === null || (value >= 0 && value <= max)) return null;
  return { field, reason: `must be 0 to ${max}, not ${value}` };
}

function rewardPartsFault(parts: Readonly<Record<string, number>>): OutcomeFault | null {
  const entries = Object.entries(parts);
  if (entries.length > maxRewardParts) {
    return { field: 'rewardParts', reason: `has ${entries.length} parts, at most ${maxRewardParts}` };
  }
  for (const [name, value] of entries) {
    if (name.length > maxPartNameLength) {
      const reason = `has a name of ${name.length} characters, at most ${maxPartNameLength}`;
      return { field: 'rewardParts', reason };
    }
    const fault = outsideFault(`rewardParts.${name}`, value, 1);
    if (fault) return fault;
  }
  return null;
}
