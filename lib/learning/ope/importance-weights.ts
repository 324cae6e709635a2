/**
 * How much each logged reward counts for a target policy: the probability the target gives the drawn model, over the
 * probability that it was drawn and judged.
 */
import { isDistribution, type TargetPolicy } from './logged-decision';
import type { PreparedLog } from './prepared-log';

export interface ImportanceWeights {
  /** One per decision; 0 where the reward is unknown. */
  readonly weights: Float64Array;
  /** What the target gives each candidate: rows x stride of the log, row-major. */
  readonly target: Float64Array;
  /** Largest weight; infinity: none is cut. */
  readonly cap: number;
}

/** Throws RangeError where the target's probabilities are no distribution over the candidates, or `cap` is not positive. */
export function importanceWeights(
  log: PreparedLog,
  policy: TargetPolicy,
  cap = Number.POSITIVE_INFINITY,
): ImportanceWeights {
  if (!(cap > 0)) throw new RangeError(`the largest weight must be above 0, not ${cap}`);
  const { decisions, stride, seen } = log;
  const weights = new Float64Array(decisions.length);
  const target = new Float64Array(decisions.length * stride);
  decisions.forEach((decision, row) => {
    const { id, models, chosen, reward } = decision;
    const probabilities = policy(decision, row);
    if (!isDistribution(probabilities, models.length)) {
      const given = Array.from(probabilities).join(', ');
      throw new RangeError(
        `decision ${id}: the target policy must give its ${models.length} candidates probabilities that sum to 1, not [${given}]`,
      );
    }
    const at = row * stride;
    for (let i = 0; i < models.length; i++) target[at + i] = probabilities[i]!;
    if (reward !== null) weights[row] = weightOf(probabilities[chosen]!, seen[at + chosen]!, cap);
  });
  return { weights, target, cap };
}

/** Weight of a draw that the target makes with probability `wanted` and the log saw with probability `seen`; 0 where it never could. */
export function weightOf(wanted: number, seen: number, cap: number): number {
  return seen > 0 ? Math.min(cap, wanted / seen) : 0;
}
