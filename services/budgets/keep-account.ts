/** Folds one event, or the passing of time, into an account, and says what its owner answers and shows. */
import {
  atTime,
  dueAtMs,
  isForgettable,
  release,
  reserve,
  settle,
  stateOf,
  take,
  wantsPublishing,
} from '../../lib/budgets/account';
import { type Emit, emit, type Result, tombstone } from '../../lib/stream/define-service';
import type { BudgetAccount, BudgetEvent } from '../../lib/topics/generated/messages';
import { maxIdChars } from '../../lib/topics/identifiers';
import { topics } from '../../lib/topics/topics';
import { userKeyGrowth } from '../../lib/topics/user-key';

/** A budget's name, a slash, a tenant and a user of his. A character of an id may be two units of a string. */
const maxAccountChars = 100 + 1 + 2 * userKeyGrowth * maxIdChars + 1;

export function keepAccount(
  before: BudgetAccount | undefined,
  event: BudgetEvent,
  nowMs: number,
): Result<BudgetAccount> {
  const fault = faultOf(event);
  if (fault) return { kind: 'deadLetter', reason: `${fault.field} ${fault.reason}`, field: fault.field };
  if (event.kind === 'ASKED') {
    const { account, grant } = reserve(before, event, event.terms!);
    return shown(before, account, nowMs, grant ? [emit(topics.budgetGrants, grant)] : []);
  }
  // It was forgotten, with a period that is over: there is nothing left that it could change.
  if (!before) return { kind: 'drop', reason: 'unknown-account' };
  const steps = { TAKEN: take, SPENT: settle, RELEASED: release } as const;
  const after = steps[event.kind](before, event);
  return after ? shown(before, after, nowMs, []) : { kind: 'drop', reason: 'no-change' };
}

/** Called when a row is due, or before that when the table is full. */
export function passTime(before: BudgetAccount, nowMs: number): Result<BudgetAccount> {
  const after = atTime(before, nowMs);
  const isEarly = nowMs < (dueAtMs(before) ?? Number.POSITIVE_INFINITY);
  if (isEarly || isForgettable(after, nowMs)) {
    return { kind: 'done', state: null, emit: [tombstone(topics.budgetStates, before.account)] };
  }
  return shown(before, after, nowMs, []);
}

function shown(
  before: BudgetAccount | undefined,
  after: BudgetAccount,
  nowMs: number,
  emits: readonly Emit[],
): Result<BudgetAccount> {
  if (!wantsPublishing(before, after, nowMs)) return { kind: 'done', state: after, emit: emits };
  const published = { ...after, isPublished: true, publishedAtMs: nowMs };
  return { kind: 'done', state: published, emit: [...emits, emit(topics.budgetStates, stateOf(published, nowMs))] };
}

interface Fault {
  readonly field: string;
  readonly reason: string;
}

/** What a row is to keep must have a largest size, whoever wrote the record. */
function faultOf({ account, kind, terms }: BudgetEvent): Fault | null {
  if (account.length === 0 || account.length > maxAccountChars)
    return { field: 'account', reason: `has ${account.length} characters, not 1 to ${maxAccountChars}` };
  if (kind !== 'ASKED') return null;
  if (!terms) return { field: 'terms', reason: 'are missing' };
  if (terms.account !== account) return { field: 'terms.account', reason: 'is another account' };
  for (const field of ['budget', 'scope', 'owner', 'atSoft', 'atLimit'] as const)
    if (terms[field].length > maxAccountChars) return { field: `terms.${field}`, reason: 'is too long' };
  return null;
}
