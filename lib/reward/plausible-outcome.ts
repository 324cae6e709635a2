/**
 * What may be believed of a reported call. Anybody who knows a decision's id may report any number, and one absurd figure
 * would outweigh a thousand true ones in every mean, so figures are capped before anything learns from them. The log keeps
 * what was reported.
 */
import type { RouteOutcome } from '../topics/generated/messages';

/** What was expected of the call when its model was a candidate; 0 where nothing is known. */
export interface ExpectedCall {
  readonly costUsd: number;
  readonly latencyMs: number;
}

/** A figure counts as at most so many times what was expected. */
const mostTimesExpected = 1_000;
/** Whatever was expected: no single call is believed to cost more, in USD, or to take longer, in milliseconds. */
export const mostCostUsd = 1_000;
export const mostLatencyMs = 3_600_000;
/** Tokens of one answer: several times what any model can write. */
const mostTokens = 10_000_000;
/** Up to here a figure is believed however little was expected: a cent and a minute do no harm. */
const alwaysBelievedUsd = 0.01;
const alwaysBelievedMs = 60_000;

type Figures = Pick<RouteOutcome, 'costUsd' | 'latencyMs' | 'inputTokens' | 'outputTokens'>;
export type Figure = keyof Figures;

export function plausibleCostUsd(costUsd: number, expectedUsd: number): number {
  return Math.min(costUsd, capOf(expectedUsd, alwaysBelievedUsd, mostCostUsd));
}

export function plausibleLatencyMs(latencyMs: number, expectedMs: number): number {
  return Math.min(latencyMs, capOf(expectedMs, alwaysBelievedMs, mostLatencyMs));
}

/** The outcome as it may be learned from: the same object where all of it is plausible. Null stays null. */
export function plausibleOutcome<T extends Figures>(outcome: T, expected: ExpectedCall): T {
  const capped: Figures = {
    costUsd: outcome.costUsd === null ? null : plausibleCostUsd(outcome.costUsd, expected.costUsd),
    latencyMs: outcome.latencyMs === null ? null : plausibleLatencyMs(outcome.latencyMs, expected.latencyMs),
    inputTokens: outcome.inputTokens === null ? null : Math.min(outcome.inputTokens, mostTokens),
    outputTokens: outcome.outputTokens === null ? null : Math.min(outcome.outputTokens, mostTokens),
  };
  return figuresCapped(outcome, capped).length === 0 ? outcome : { ...outcome, ...capped };
}

/** Which figures were capped on the way from `reported` to `believed`. */
export function figuresCapped(reported: Figures, believed: Figures): Figure[] {
  return figures.filter((figure) => reported[figure] !== believed[figure]);
}

const figures: readonly Figure[] = ['costUsd', 'latencyMs', 'inputTokens', 'outputTokens'];

function capOf(expected: number, always: number, most: number): number {
  const usable = Number.isFinite(expected) && expected > 0;
  return usable ? Math.min(most, Math.max(always, expected * mostTimesExpected)) : most;
}
