/**
 * Pacing: whoever has spent more than the part of the period that is over allows counts cost for more, until the two agree
 * again. So a budget lasts to the end of its period, and what it buys goes to the requests that gain most by a dear model,
 * instead of to those that come first. A limit stays a limit; pacing refuses nobody. Pure.
 */
import type { BudgetState, Preference, UtilityScale } from '../topics/generated/messages';

/** So far ahead of the pace, as a share of the limit, a usual call costs one more unit of utility: about what an answer is worth. */
const aheadPerUnit = 0.02;
/** Cost never counts for more than so many units of utility a usual call: by then only the cheapest are left. */
const mostUnits = 10;
/** A price beyond this is not believed: utility per USD. */
const mostPricePerUsd = 1e9;

export interface Pace {
  /** What an even pace would have spent by now, in USD. */
  readonly pacedUsd: number;
  /** Utility that a USD costs a request beside its own preference; 0 where the account is not ahead of its pace. */
  readonly pricePerUsd: number;
}

type Spent = Pick<
  BudgetState,
  'limitUsd' | 'spentUsd' | 'spentCalls' | 'reservedUsd' | 'periodStartMs' | 'periodEndMs'
>;

/** Null where there is nothing to pace: no limit in USD, or no period. */
export function paceOf(
  { limitUsd, spentUsd, spentCalls, reservedUsd, periodStartMs, periodEndMs }: Spent,
  nowMs: number,
): Pace | null {
  if (limitUsd === null || periodEndMs === null || !(periodEndMs > periodStartMs)) return null;
  const over = Math.max(0, Math.min(1, (nowMs - periodStartMs) / (periodEndMs - periodStartMs)));
  const pacedUsd = limitUsd * over;
  const aheadUsd = spentUsd + reservedUsd - pacedUsd;
  const usualUsd = spentCalls > 0 ? spentUsd / spentCalls : 0;
  if (!(aheadUsd > 0) || !(usualUsd > 0)) return { pacedUsd, pricePerUsd: 0 };
  const units = limitUsd > 0 ? Math.min(mostUnits, aheadUsd / limitUsd / aheadPerUnit) : mostUnits;
  return { pacedUsd, pricePerUsd: Math.min(mostPricePerUsd, units / usualUsd) };
}

/** A preference that counts every USD for so much more, by what all budgets of the request together ask for; the same where none asks. */
export function pacedPreference(
  preference: Preference,
  scale: Pick<UtilityScale, 'costUsd'>,
  budgets: readonly { readonly pricePerUsd: number }[],
): Preference {
  let pricePerUsd = 0;
  for (const budget of budgets) pricePerUsd += budget.pricePerUsd;
  if (!(pricePerUsd > 0)) return preference;
  // Of sum 1 first: preferences may be as large as numbers are.
  const total = preference.quality + preference.cost + preference.latency;
  return {
    quality: preference.quality / total,
    cost: preference.cost / total + pricePerUsd * scale.costUsd,
    latency: preference.latency / total,
  };
}
