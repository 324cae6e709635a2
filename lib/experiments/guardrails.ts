/** What may not get worse: a guardrail is broken once a difference is worse than allowed with confidence, at whatever time it is looked at. */
import { short } from '../figures/figures';
import type { Interval } from './confidence-sequence';

export const metricNames = ['quality', 'costUsd', 'latencyMs', 'failure'] as const;
export type MetricName = (typeof metricNames)[number];

export interface Guardrail {
  readonly metric: MetricName;
  /** How much worse than the control it may be, in the metric's unit; 0 or more. */
  readonly allowed: number;
}

/** More of it is better for quality, less of it for all others. */
export function harmOf(metric: MetricName, effect: Interval): Interval {
  return metric === 'quality' ? { lower: -effect.upper, upper: -effect.lower } : effect;
}

/** Null while it holds. `effect` is the difference to the control with its interval. */
export function brokenReason({ metric, allowed }: Guardrail, effect: Interval): string | null {
  const { lower } = harmOf(metric, effect);
  if (!(lower > allowed)) return null;
  return `${metric} is worse than the control's by at least ${short(lower)}, and ${allowed} is allowed`;
}
