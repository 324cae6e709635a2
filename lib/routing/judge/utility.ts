/**
 * The one utility function: what an answer of some quality, cost and latency is worth to a request.
 *
 *     utility = wq * quality - (wc / scale.costUsd + lambda) * costUsd - wl * latencyMs / scale.latencyMs
 *
 * with (wq, wc, wl) the preference scaled to sum 1, scale the `utilityScale` of the configuration (USD and milliseconds that
 * cost one unit of weight) and lambda the budget price (utility per USD). Expected values give the utility of a choice,
 * observed ones its reward (`reward.ts`).
 */
import type { Preference, RouteOpened, UtilityScale } from '../../topics/generated/messages';

export interface UtilityWeights {
  /** Utility per unit of quality. */
  readonly quality: number;
  /** Utility lost per USD. */
  readonly perUsd: number;
  /** Utility lost per millisecond. */
  readonly perMs: number;
}

export function utilityWeights(preference: Preference, scale: UtilityScale, costPricePerUsd: number): UtilityWeights {
  const total = preference.quality + preference.cost + preference.latency;
  return {
    quality: preference.quality / total,
    perUsd: preference.cost / total / scale.costUsd + costPricePerUsd,
    perMs: preference.latency / total / scale.latencyMs,
  };
}

export function utilityWeightsOf(opened: RouteOpened): UtilityWeights {
  return utilityWeights(opened.preference, opened.utilityScale, opened.tuning.costPricePerUsd);
}

export function utilityOf(weights: UtilityWeights, quality: number, costUsd: number, latencyMs: number): number {
  return weights.quality * quality - weights.perUsd * costUsd - weights.perMs * latencyMs;
}
