/**
 * What exploration may still lose, shared out among the requests whose outcomes the learner has not counted: the further its fold is
 * behind, the less each may lose. What was held to is pinned in the request, so a decision never depends on this memory.
 */
import { dictionaryOf, ownEntry } from '../../dictionary';
import type { Tuning } from '../../topics/generated/messages';
import { learnedStrategy } from '../judge/strategies/strategies';

/** Requests that may be opened before the next tuning is known, at least. */
const leastAhead = 32;
/** Requests under way are reckoned so many times over: their number grows while they are. */
const reserve = 1.5;
/** Requests are counted in steps of so many milliseconds... */
const stepMs = 16;
/** ...over the last so many steps in which any was opened. */
const mostSteps = 8_192;
/** Processes that open requests as this one does, at most: of those in others only the learner's own rate is known. */
const mostProcesses = 8;
/** An allowance shrinks in steps of a quarter of a doubling, so that requests share the tuning they pin... */
const stepsPerHalving = 4;
/** ...until a thousandth is left. */
const mostShrinking = 10 * stepsPerHalving;

/** `requests` more are opened now under this tuning; returns it with what each of them may lose. */
export type HoldAllowance = (tuning: Tuning | undefined, requests: number, nowMs: number) => Tuning | undefined;

/**
 * All requests opened under one tuning together may lose no more than 5/3 of what it says is left, however long no other comes: as long
 * as those under way are about as many as when it came, each may lose left / (32 + 1.5 x their number); once they are more, the
 * allowance falls with the square of their number, and the sum of that over any number of requests is bounded.
 */
export function createAllowance(): HoldAllowance {
  const opened = createOpenedCounts();
  let inForce: Tuning | undefined;
  let shared = leastAhead;
  let held: { readonly step: number; readonly tuning: Tuning } | null = null;
  return (tuning, requests, nowMs) => {
    opened.add(requests, nowMs);
    // No limit, or an earlier release's, whose trainer has shared out itself.
    if (!tuning || tuning.regretLeft === null || tuning.regretAllowance === null) return tuning;
    const underWay = underWayOf(tuning, opened.since(tuning.countedToMs), nowMs);
    if (tuning !== inForce) {
      inForce = tuning;
      shared = leastAhead + reserve * underWay;
      held = null;
    }
    const share = Math.min(1, (shared / (leastAhead + underWay)) ** 2);
    const step = Math.min(mostShrinking, Math.round(-stepsPerHalving * Math.log2(share)));
    if (held?.step !== step) held = { step, tuning: shrunk(tuning, tuning.regretLeft / shared, step) };
    return held.tuning;
  };
}

/** `own`: opened here since what is counted. Where other processes open requests too, the rate in the log says how many more there may be. */
function underWayOf({ countedToMs, requestGapMs }: Tuning, own: number, nowMs: number): number {
  if (!(requestGapMs > 0)) return own;
  const byRate = (nowMs - countedToMs) / requestGapMs;
  // After a pause the rate of before says nothing.
  return Math.max(own, Math.min(byRate, mostProcesses * own + leastAhead));
}

function shrunk(tuning: Tuning, allowance: number, step: number): Tuning {
  const share = step >= mostShrinking ? 0 : 2 ** (-step / stepsPerHalving);
  return {
    ...tuning,
    regretAllowance: allowance > 0 ? allowance * share : allowance,
    strategyWeights: share === 1 ? tuning.strategyWeights : withFewerOthers(tuning.strategyWeights, share),
  };
}

/** COMBINED's other strategies know nothing of the allowance: they get less of the requests as it shrinks. */
function withFewerOthers(weights: Tuning['strategyWeights'], share: number): Tuning['strategyWeights'] {
  const learned = ownEntry(weights, learnedStrategy);
  if (learned === undefined) return weights;
  let given = 0;
  const fewer = dictionaryOf(
    Object.entries(weights).map(([name, weight]) => {
      if (name === learnedStrategy) return [name, weight] as const;
      given += weight * (1 - share);
      return [name, weight * share] as const;
    }),
  );
  fewer[learnedStrategy] = learned + given;
  return fewer;
}

/** How many requests this process has opened since some moment. */
function createOpenedCounts() {
  /** All that had been opened when the step ended, oldest first. */
  let steps: { readonly startMs: number; total: number }[] = [];
  let total = 0;
  return {
    add(requests: number, nowMs: number): void {
      total += requests;
      const last = steps.at(-1);
      // A clock set back goes on in the step it had reached.
      if (last && nowMs < last.startMs + stepMs) last.total = total;
      else steps.push({ startMs: nowMs, total });
      if (steps.length > 2 * mostSteps) steps = steps.slice(-mostSteps);
    },
    /** At least: requests of the step in which the moment lies count. */
    since(ms: number): number {
      let low = 0;
      let high = steps.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (steps[middle]!.startMs + stepMs <= ms) low = middle + 1;
        else high = middle;
      }
      return total - (low > 0 ? steps[low - 1]!.total : 0);
    },
  };
}
