/**
 * Why a candidate may not serve, as a value. What decides reads the value, here or as it is pinned; the sentence for people is
 * made of it by `describe-bar.ts` alone.
 */
import type { PinnedBar } from '../../topics/generated/messages';

/** Why a candidate may not serve. `field` is the path of the request's field that could change it. */
export type Bar =
  | { readonly field: 'limits.deniedModels' | 'limits.deniedProviders'; readonly kind: 'denied' }
  | { readonly field: 'limits.allowedModels' | 'limits.allowedProviders'; readonly kind: 'notAllowed' }
  | { readonly field: 'limits.allowedModels'; readonly kind: 'embedsOnly' }
  | { readonly field: 'limits.maxCostUsd'; readonly kind: 'tooDear'; expectedUsd: number; limitUsd: number }
  | { readonly field: 'limits.maxLatencyMs'; readonly kind: 'tooSlow'; expectedMs: number; limitMs: number }
  /** As a rule it is fast enough, and one call in twenty is not. */
  | { readonly field: 'limits.maxLatencyMs'; readonly kind: 'slowTail'; p95Ms: number; limitMs: number }
  | { readonly field: 'requiredCapabilities'; readonly kind: 'lacking'; capability: string }
  | { readonly field: 'contextTokens'; readonly kind: 'tooLong'; tokens: number; contextTokens: number }
  /** The configuration has other models for what is so complex. */
  | { readonly field: 'complexity'; readonly kind: 'tooComplex'; value: number; above: number }
  | {
      readonly field: 'limits.maxSessionCostUsd';
      readonly kind: 'overspent';
      expectedUsd: number;
      leftUsd: number;
      limitUsd: number;
    }
  /** Half open, and not chosen to probe. */
  | { readonly field: 'health'; readonly kind: 'waiting' }
  | { readonly field: 'health'; readonly kind: 'open' }
  /** Not among the share of the requests that it takes now. */
  | { readonly field: 'capacity'; readonly kind: 'returning' | 'limited' | 'resting'; share: number }
  /** The budget allows its cheapest model only. */
  | { readonly field: 'budgets'; readonly kind: 'cheapestOnly'; budget: string }
  | {
      readonly field: 'budgets';
      readonly kind: 'overGranted';
      budget: string;
      expectedUsd: number;
      grantedUsd: number;
    };

export type BarKind = Bar['kind'];

/** What of a bar stays in the log: the numbers it compares are pinned beside it. */
export function pinnedBar(bar: Bar): PinnedBar {
  return {
    field: bar.field,
    kind: bar.kind,
    capability: bar.kind === 'lacking' ? bar.capability : null,
    share: bar.field === 'capacity' ? bar.share : null,
  };
}
