/** What a configuration may say of judgements that must not be learned from: who made them, and when. */
import { z } from 'zod';
import { timeMsOf, timeSchema } from '../../topics/calendar-time';
import { id } from '../../topics/identifier-schemas';
import type { ForgetRule } from '../router-config';

const maxRules = 64;

/** Of one rule; `reason` is for people. */
export const forgetFields = {
  source: id.optional().describe('judgements of this source alone; of all where left out'),
  from: timeSchema.optional().describe('of outcomes from then on, inclusive; from the beginning where left out'),
  to: timeSchema.optional().describe('of outcomes before then; for good where left out'),
  reason: z.string().max(1_000).default('').describe('why, for who reads this'),
};

export const forgetSchema = z
  .array(
    z.strictObject(forgetFields).superRefine(({ source, from, to }, context) => {
      const issue = forgetFault({ source, from, to });
      if (issue !== null) context.addIssue({ code: 'custom', path: [issue.field], message: issue.message });
    }),
  )
  .max(maxRules)
  .default([])
  .describe('judgements that are not learned from, however they came: the log is folded anew without them');

/** Why a rule could mean nothing, or everything; null for a good one. */
export function forgetFault({
  source,
  from,
  to,
}: Pick<ForgetRule, 'source' | 'from' | 'to'>): { readonly field: 'source' | 'to'; readonly message: string } | null {
  if (source === undefined && from === undefined && to === undefined)
    return { field: 'source', message: 'is missing: say whose judgements, or from or to when' };
  if (from !== undefined && to !== undefined && timeMsOf(from) >= timeMsOf(to))
    return { field: 'to', message: 'must be later than from' };
  return null;
}
