/**
 * How fast a budget is spent, in multiples of the pace that would spend all of it evenly over its period. Each pace is an
 * exponentially weighted mean over a long and a short time: the long one says that it matters, the short one that it goes on.
 */
import type { AlertReading, BudgetState } from '../topics/generated/messages';

export interface BurnLimits {
  readonly fastBurn: number;
  readonly slowBurn: number;
}

export interface Burn {
  readonly state: BudgetState;
  /** Of the limit that is nearest. */
  readonly share: number;
  /** The pace that is nearer to its threshold, or further beyond it. */
  readonly burn: number;
  readonly threshold: number;
  readonly reading: AlertReading;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Below it nothing is lost yet, and one request can be a large part of a small budget. */
const leastShare = 0.02;

/** Null where there is no pace to speak of: no limit, no period, or one that is over. */
export function burnOf(
  state: BudgetState,
  before: AlertReading | undefined,
  nowMs: number,
  limits: BurnLimits,
): Burn | null {
  const { periodStartMs, periodEndMs } = state;
  const share = usedShare(state);
  if (periodEndMs === null || periodEndMs <= Math.max(nowMs, periodStartMs) || share === null) return null;
  const periodMs = periodEndMs - periodStartMs;
  const fastMs = within(periodMs / 720, 5 * minuteMs, hourMs);
  const slowMs = within(periodMs / 120, 30 * minuteMs, 6 * hourMs);
  const times = [fastMs, fastMs / 12, slowMs, slowMs / 12];
  const [lastShare = share, lastStartMs = periodStartMs, ...paces] = before?.values ?? [];
  const passedMs = before ? Math.max(1, nowMs - before.atMs) : 1;
  const spent = Math.max(0, lastStartMs === periodStartMs ? share - lastShare : share);
  const pace = (spent / passedMs) * periodMs;
  const next = times.map((timeMs, i) => {
    const was = paces[i] ?? 0;
    return was + (pace - was) * -Math.expm1(-passedMs / timeMs);
  });
  const fast = Math.min(next[0]!, next[1]!);
  const slow = Math.min(next[2]!, next[3]!);
  const isFast = fast / limits.fastBurn >= slow / limits.slowBurn;
  return {
    state,
    share,
    burn: share < leastShare ? 0 : isFast ? fast : slow,
    threshold: isFast ? limits.fastBurn : limits.slowBurn,
    reading: { name: state.account, atMs: nowMs, values: [share, periodStartMs, ...next] },
  };
}

/** The largest used share of its limits; null without one. */
function usedShare(state: BudgetState): number | null {
  const { limitUsd, limitTokens, limitCalls, spentUsd, spentTokens, spentCalls } = state;
  const pairs = [
    [spentUsd, limitUsd],
    [spentTokens, limitTokens],
    [spentCalls, limitCalls],
  ] as const;
  const shares = pairs.flatMap(([spent, limit]) => (limit !== null && limit > 0 ? [spent / limit] : []));
  const share = Math.max(...shares);
  return shares.length > 0 && Number.isFinite(share) ? share : null;
}

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
