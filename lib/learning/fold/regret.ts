/**
 * How far the learner may fall behind the choices that declared beliefs alone would have made: what it has lost or gained
 * against them so far, by its own evidence, and what is left to lose for each of the next requests.
 */
import type { LearningEvent } from '../../topics/generated/messages';
import { createOpenedLine, fittedLine, type OpenedLine, observeOpened } from './opened-line';

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
  /** Running mean from a request to its outcome, milliseconds. */
  delayMs: number;
  opened: OpenedLine;
  events: number;
}

export function createRegret(): Regret {
  return { declared: 0, gained: 0, others: 0, squares: 0, same: 0, delayMs: 0, opened: createOpenedLine(), events: 0 };
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

/** What is left to lose, in utility, of `maxShare` of the declared choices' worth and of what was gained against them. */
export function regretLeft(regret: Regret, maxShare: number): number {
  const variance = (regret.squares + priorVariance * priorVarianceCount) / (regret.same + priorVarianceCount);
  return maxShare * regret.declared + regret.gained - caution * Math.sqrt(regret.others * variance);
}

/**
 * What the next request may be expected to lose: a part of what is left, so that all requests that are under way together
 * cannot use it up. The fold knows only how late outcomes come; how far it is behind itself is known where requests are opened
 * (hold-allowance.ts).
 */
export function regretAllowance(regret: Regret, maxShare: number): number {
  const { gapMs } = fittedLine(regret.opened);
  const underWay = gapMs > 0 ? Math.min(mostAhead, regret.delayMs / gapMs) : 0;
  return regretLeft(regret, maxShare) / (leastAhead + underWay);
}

function observeDelay(regret: Regret, { openedAtMs, occurredAtMs }: LearningEvent): void {
  const rate = 1 / Math.min(++regret.events, delayMemory);
  const delayMs = Math.max(0, Math.min(mostDelayMs, occurredAtMs - openedAtMs));
  regret.delayMs += (delayMs - regret.delayMs) * rate;
  observeOpened(regret.opened, openedAtMs);
}

function within(utility: number): number {
  return Math.max(-mostUtility, Math.min(mostUtility, utility));
}
