/** What a configuration file may say of budgets, with limits, defaults and one line for people each. */
import { z } from 'zod';
import type { Issue } from '../describe-issues';

const maxBudgets = 32;
/** Part of an account's name, with a slash behind it. */
const name = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^/\p{Cc}\p{Cs}]+$/u, { error: 'must have no slash and no control character in it' });
const owner = z.string().min(1).max(256);
const wholeLimit = z.int().min(0).max(1_000_000_000_000).nullable().default(null);

export const budgetsSchema = z
  .array(
    z.strictObject({
      name: name.describe('unique; what decisions, metrics and GET /v1/budgets call it'),
      scope: z
        .enum(['tenant', 'user', 'session'])
        .default('tenant')
        .describe('who has one: each tenant, user of a tenant, or session; requests without one are not limited'),
      of: owner.optional().describe('only this tenant, user or session; each where left out'),
      period: z
        .enum(['hour', 'day', 'month', 'none'])
        .default('month')
        .describe('of the calendar in UTC, after which spending starts anew; none: the limit is for good'),
      limitUsd: z.number().min(0).max(1e9).nullable().default(null).describe('hard limit in USD; null for none'),
      limitTokens: wholeLimit.describe('hard limit in tokens read and written; null for none'),
      limitCalls: wholeLimit.describe('hard limit in decisions; null for none'),
      softShare: z.number().min(0).max(1).default(0.8).describe('share of a limit from which atSoft counts'),
      atSoft: z
        .enum(['warn', 'cheapest'])
        .default('warn')
        .describe('from there on: warn says SOFT in decisions and metrics, cheapest chooses the cheapest model only'),
      atLimit: z
        .enum(['refuse', 'cheapest', 'ask'])
        .default('refuse')
        .describe(
          'at the limit: refuse; cheapest goes on beyond it with the cheapest model; ask refuses until a request says budgetApproved',
        ),
      pace: z
        .enum(['none', 'even'])
        .default('none')
        .describe(
          'even: whoever has spent more USD than the part of the period that is over allows gets cheaper models, until the two agree again',
        ),
      holdMs: z
        .int()
        .min(1_000)
        .max(86_400_000)
        .default(600_000)
        .describe('a reservation is released this long after it was made when nothing is reported'),
    }),
  )
  .max(maxBudgets)
  .default([])
  .describe('what tenants, users and sessions may spend: reserved before a decision, settled by its outcome');

/** Rules over several fields, of the raw value. */
export function budgetIssues(budgets: unknown): Issue[] {
  if (!Array.isArray(budgets) || budgets.length > maxBudgets) return [];
  const names = new Set<unknown>();
  return budgets.flatMap((budget: unknown, at): Issue[] => {
    if (typeof budget !== 'object' || budget === null) return [];
    const issues: Issue[] = [];
    const issueAt = (field: string, message: string) =>
      issues.push({ path: ['budgets', at, field], message, at: 'value' });
    const given = budget as Partial<
      Record<'name' | 'limitUsd' | 'limitTokens' | 'limitCalls' | 'pace' | 'period', unknown>
    >;
    if (names.has(given.name)) issueAt('name', `${JSON.stringify(given.name)} is the name of another budget`);
    if (given.name !== undefined) names.add(given.name);
    const limits = [given.limitUsd, given.limitTokens, given.limitCalls];
    if (limits.every((limit) => limit === undefined || limit === null))
      issueAt('limitUsd', 'needs a limit: limitUsd, limitTokens or limitCalls');
    if (given.pace === 'even' && given.period === 'none')
      issueAt('pace', 'even needs a period to spread spending over; period is none');
    if (given.pace === 'even' && (given.limitUsd === undefined || given.limitUsd === null))
      issueAt('pace', 'even needs limitUsd: it is spending that is spread');
    return issues;
  });
}
