/** What a reported call costs the budgets of its decision. A further report of the call charges the difference. */
import { type Emit, emit } from '../../lib/stream/define-service';
import type { AwaitedOutcome, RouteOutcome } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

export interface ReportedCall {
  /** As it is known now, and as it was known before; implausible figures are capped. */
  readonly outcome: RouteOutcome;
  readonly used: RouteOutcome | undefined;
  readonly reportId: string;
  /** What the call was expected to cost, in USD. */
  readonly expectedUsd: number;
}

export function chargeBudgets(
  { accounts }: Pick<AwaitedOutcome, 'accounts'>,
  { outcome, used, reportId, expectedUsd }: ReportedCall,
  nowMs: number,
): Emit[] {
  if (accounts.length === 0) return [];
  const usd = costOf(outcome, expectedUsd) - (used ? costOf(used, expectedUsd) : 0);
  const [tokens, before] = [tokensOf(outcome), used && tokensOf(used)];
  const addedTokens = used ? (tokens ?? 0) - (before ?? tokens ?? 0) : tokens;
  if (used && usd === 0 && addedTokens === 0) return [];
  return accounts.map((account) =>
    emit(topics.budgetEvents, {
      account,
      requestId: outcome.decisionId,
      kind: 'SPENT',
      routingKey: outcome.routingKey ?? outcome.decisionId,
      terms: null,
      cheapestUsd: 0,
      dearestUsd: 0,
      usd,
      tokens: addedTokens,
      reportId,
      atMs: nowMs,
    }),
  );
}

/** A call that was answered, or may have been, costs what was expected where nobody says what it cost. */
function costOf({ costUsd, status }: RouteOutcome, expectedUsd: number): number {
  if (costUsd !== null) return costUsd;
  return status === 'FAILURE' || status === 'RATE_LIMITED' ? 0 : expectedUsd;
}

/** Null where nobody says: what was reserved then counts, unless the call failed. */
function tokensOf({ inputTokens, outputTokens, status }: RouteOutcome): number | null {
  if (inputTokens === null && outputTokens === null)
    return status === 'FAILURE' || status === 'RATE_LIMITED' ? 0 : null;
  return (inputTokens ?? 0) + (outputTokens ?? 0);
}
