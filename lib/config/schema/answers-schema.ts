/** What a configuration file may say of keeping answers. */
import { z } from 'zod';
import { type AnswersConfig, maxAnswerRetentionMs } from '../answers-config';
import { variable } from './provider-schema';

const keySchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.-]{1,50}$/, { error: 'must be up to 50 letters, digits, dots, hyphens and underscores' })
    .describe('stands in every answer that was sealed with it; another key needs another id'),
  keyEnv: variable.describe('variable of the environment that has the key: 32 bytes as base64'),
});

export const answersSchema = z
  .strictObject({
    share: z.number().min(0).max(1).default(0).describe('of the answers at the door that are kept; 0 keeps none'),
    retentionMs: z
      .int()
      .min(1_000)
      .max(maxAnswerRetentionMs)
      .default(7 * 24 * 3_600_000)
      .describe('how long an answer is shown to those who may see it'),
    keys: z
      .array(keySchema)
      .max(16)
      .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
        error: 'must have an id each of their own',
      })
      .default([])
      .describe('the first seals answers, all of them open what they have sealed; without any, none is kept'),
  })
  .refine(({ share, keys }) => share === 0 || keys.length > 0, {
    error: 'must have a key where answers are kept: they are kept encrypted or not at all',
    path: ['keys'],
  })
  .prefault({})
  .describe('whether answers are kept, encrypted') satisfies z.ZodType<AnswersConfig>;
