/**
 * How far the learner may fall behind the choices that declared beliefs alone would have made: what it has lost or gained
 * against them so far, by its own evidence, and what is left to lose for each of the next requests.
 */
import type { LearningEvent } from '../../topics/generated/messages';

/** What is owed to luck: the bound holds with this many standard errors to spare. */
const caution = 1.5;
/** Requests that are decided before the next tuning is known, at least. */
const leastAhead = 32;
/** Memory of delays, events. */
const delayMemory = 64;
/** No delay beyond this is believed, milliseconds: a week. */
const mostDelayMs = 7 * 24 * 3_600_000;
/** Nor that more requests are under way. */
const mostAhead = 100_000;
/** Deviation of rewards before any was seen, in observations of it. */
const priorVariance = 0.09;
const priorVarianceCount = 8;
/** A single utility beyond this says nothing. */
const mostUtility = 10;

/** All in utility of judged requests. Plain JSON: it is part of checkpoints. */
export interface Regret {
  /** What the declared choices were worth, as far as known. */
  declared: number;
  /** What the learner's choices were worth more. */
  gained: number;
  /** Requests for which it chose otherwise. */
  others: number;
  /** How far declared choices came out from what was expected of them: sum of squares, and how many. */
  squares: number;
  same: number;
  /** Running means in milliseconds: from a request to its outcome, and from one request to the next. */
  delayMs: number;
  gapMs: number;
  openedAtMs: number;
  events: number;
}

export function createRegret(): Regret {
  return { declared: 0, gained: 0, others: 0, squares: 0, same: 0, delayMs: 0, gapMs: 0, openedAtMs: 0, events: 0 };
}

/** Folds in one judged decision; `utility` is what came of it, in the same utility as the event's `safe`. */
export function observeRegret(regret: Regret, event: LearningEvent, utility: number): void {
  const { safe } = event;
  if (safe === null) return;
  const expected = within(safe.expectedUtility);
  const found = within(utility);
  if (event.model === safe.model) {
    regret.declared += Math.abs(found);
    regret.squares += (found - expected) ** 2;
    regret.same++;
  } else {
    regret.declared += Math.abs(expected);
    regret.gained += found - expected;
    regret.others++;
  }
  observeDelay(regret, event);
}

/** A judgement that was counted before has come out otherwise, by `difference` of utility. */
export function correctRegret(regret: Regret, event: LearningEvent, difference: number): void {
  if (event.safe === null || event.model === event.safe.model) return;
  regret.gained += within(difference);
}

/**
 * What the next request may be expected to lose, in utility: a part of what is left of `maxShare` of the declared choices'
 * worth, so that all requests that are under way together cannot use it up.
 */
export function regretAllowance(regret: Regret, maxShare: number): number {
  const variance = (regret.squares + priorVariance * priorVarianceCount) / (regret.same + priorVarianceCount);
  const left = maxShare * regret.declared + regret.gained - caution * Math.sqrt(regret.others * variance);
  const underWay = regret.gapMs > 0 ? Math.min(mostAhead, regret.delayMs / regret.gapMs) : 0;
  return left / (leastAhead + underWay);
}

function observeDelay(regret: Regret, { openedAtMs, occurredAtMs }: LearningEvent): void {
  const rate = 1 / Math.min(++regret.events, delayMemory);
  const delayMs = Math.max(0, Math.min(mostDelayMs, occurredAtMs - openedAtMs));
  regret.delayMs += (delayMs - regret.delayMs) * rate;
  if (regret.openedAtMs > 0) {
    const gapMs = Math.min(mostDelayMs, Math.abs(openedAtMs - regret.openedAtMs));
    regret.gapMs += (gapMs - regret.gapMs) * rate;
  }
  regret.openedAtMs = openedAtMs;
}

function within(utility: number): number {
  return Math.max(-mostUtility, Math.min(mostUtility, utility));
}
