/**
 * The declaration of budgets: the one writer of every account. What is asked of an account comes keyed by it, so all of it
 * passes through one task, in one order; the answers go back to the partition of the request.
 */
import { dueAtMs } from '../../lib/budgets/account';
import { defineService, due, on, type ServiceDefinition, whenWritten } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { BudgetAccount, BudgetEvent } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { createGrantCounter, withCharges } from './count-budgets';
import { keepAccount, passTime } from './keep-account';

/** Accounts per task. Beyond it those that time changes next are forgotten: sessions and users of short periods. */
const maxAccounts = 100_000;

export function createBudgets({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  return defineService({
    group: 'budgets',
    inputs: [
      on<BudgetEvent, BudgetAccount>(
        topics.budgetEvents,
        (account, event, context) => withCharges(account, keepAccount(account, event, context.nowMs)),
        { stateKey: (event) => event.account },
      ),
      due<BudgetAccount>((account, context) => withCharges(account, passTime(account, context.nowMs))),
    ],
    outputs: [topics.budgetGrants, topics.budgetStates],
    whenWritten: [whenWritten(topics.budgetGrants, createGrantCounter(metrics))],
    table: {
      topic: topics.budgetAccounts,
      dueAtMs,
      maxRows: maxAccounts,
      closeEarlyWhenFull: true,
    },
  });
}
