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
  /** What the configuration says that the model can hold, and usually writes; null where it no longer names it. */
  readonly model: {
    readonly contextTokens: number;
    readonly expectedOutputTokens: number;
    readonly expectedLatencyMs: number;
  } | null;
  /** From when its request was opened until it is told of, by our own clock: what was waited for cannot have taken longer. */
  readonly elapsedMs: number;
}

/**
 * A time that cannot have passed since its request was opened counts as at most so many times what is expected: of calls that
 * were waited for nothing is cut, and who makes a time up has to wait for it.
 */
const mostTimesWithoutWaiting = 10;
/** Another figure counts as at most so many times what was expected. */
const mostTimesExpected = 1_000;
/** Whatever was expected: no single call is believed to cost more, in USD, or to take longer, in milliseconds. */
export const mostCostUsd = 1_000;
export const mostLatencyMs = 3_600_000;
/** Tokens of one answer, whatever its model: several times what any can write. */
const mostTokens = 10_000_000;
/** Up to here a cost is believed however little was expected: a cent does no harm. */
const alwaysBelievedUsd = 0.01;
/** And the longest answers that are usual anywhere. */
const alwaysBelievedTokens = 64_000;

/** All that a report says in numbers, but for what it is worth: that has a range of its own. */
export type Figure = Exclude<NumbersOf<RouteOutcome>, 'quality'>;
type NumbersOf<T> = { [K in keyof T]-?: null extends T[K] ? (number extends T[K] ? K : never) : never }[keyof T];
type Figures = Pick<RouteOutcome, Figure>;

/** Each figure has its cap here, or this does not compile: one that is forgotten is believed to be 9e15 somewhere. */
const mostOf: Readonly<Record<Figure, (expected: ExpectedCall) => number>> = {
  costUsd: ({ costUsd }) => capOf(costUsd, alwaysBelievedUsd, mostCostUsd),
  latencyMs: mostLatencyOf,
  firstTokenMs: mostLatencyOf,
  // Nobody is asked to stay away for longer, and somebody has to look whether a provider is back.
  retryAfterMs: () => mostLatencyMs,
  inputTokens: mostTokensOf,
  outputTokens: mostWrittenOf,
  cachedInputTokens: mostTokensOf,
  reasoningTokens: mostWrittenOf,
};
const figures = Object.keys(mostOf) as Figure[];

export function plausibleCostUsd(costUsd: number, expectedUsd: number): number {
  return Math.min(costUsd, capOf(expectedUsd, alwaysBelievedUsd, mostCostUsd));
}

/** The outcome as it may be learned from: the same object where all of it is plausible. Null stays null. */
export function plausibleOutcome<T extends Figures>(outcome: T, expected: ExpectedCall): T {
  const capped: Partial<Record<Figure, number>> = {};
  let isCapped = false;
  for (const figure of figures) {
    const said = outcome[figure];
    const most = mostOf[figure](expected);
    if (said === null || said <= most) continue;
    capped[figure] = most;
    isCapped = true;
  }
  return isCapped ? { ...outcome, ...capped } : outcome;
}

/** Which figures were capped on the way from `reported` to `believed`. */
export function figuresCapped(reported: Figures, believed: Figures): Figure[] {
  return figures.filter((figure) => reported[figure] !== believed[figure]);
}

function mostLatencyOf({ latencyMs, model, elapsedMs }: ExpectedCall): number {
  const expectedMs = Math.max(usable(latencyMs), usable(model?.expectedLatencyMs ?? 0));
  if (expectedMs === 0) return mostLatencyMs;
  return Math.min(mostLatencyMs, Math.max(expectedMs * mostTimesWithoutWaiting, usable(elapsedMs)));
}

/**
 * A model can read and write no more than it holds. Without this bound one report of ten million would make all its answers
 * look thousands of times as long, and as dear, as they are.
 */
function mostTokensOf({ model }: ExpectedCall): number {
  return Math.min(mostTokens, model?.contextTokens ?? mostTokens);
}

function mostWrittenOf(expected: ExpectedCall): number {
  return capOf(expected.model?.expectedOutputTokens ?? 0, alwaysBelievedTokens, mostTokensOf(expected));
}

function capOf(expected: number, always: number, most: number): number {
  return usable(expected) > 0 ? Math.min(most, Math.max(always, expected * mostTimesExpected)) : most;
}

/** 0 where nothing is known. */
function usable(expected: number): number {
  return Number.isFinite(expected) && expected > 0 ? expected : 0;
}
