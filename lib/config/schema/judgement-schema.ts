/** What a configuration file may say of who judges answers, beside the users themselves. */
import { z } from 'zod';
import { id } from '../../topics/identifier-schemas';
import { defaultRubric, type JudgementsConfig } from '../judgements-config';

const share = z.number().min(0).max(1);

const judgeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,50}$/, { error: 'must be up to 50 letters, digits, dots, hyphens and underscores' })
    .describe('its grades have the source, and are the reward part, judge:<name>'),
  model: id.describe('the configured model that grades; it should be none of those it grades'),
  share: share.default(0.02).describe('of the answers at the door that it grades'),
  pairShare: share
    .default(0)
    .describe('of those, how many are graded beside the answer of the first fallback, which is then called as well'),
  maxUsdPerDay: z.number().min(0).max(1e9).default(1).describe('spends no more than this in 24 hours, pairs included'),
  maxPerHour: z.int().min(1).max(1_000_000).default(100).describe('grades no more than this, whatever it costs'),
  rubric: z.string().min(1).max(8_000).default(defaultRubric).describe('what makes an answer good'),
});

export const judgementsSchema = z
  .strictObject({
    nextTurn: z
      .boolean()
      .default(true)
      .describe('whether what a user says next in a conversation counts as weak evidence of the answer before'),
    judges: z
      .array(judgeSchema)
      .max(8)
      .refine((judges) => new Set(judges.map(({ name }) => name)).size === judges.length, {
        error: 'must have a name each of their own',
      })
      .default([])
      .describe('models that grade some of the answers'),
  })
  .prefault({})
  .describe('who judges answers, beside the users themselves') satisfies z.ZodType<JudgementsConfig>;
