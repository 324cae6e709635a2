/**
 * Seals and opens answers. What stands beside an answer in the clear (whose it is, until when it may be shown) is
 * proven by the same tag, so a record that somebody has changed does not open.
 */
import { z } from 'zod';
import type { KeptAnswer } from '../../../lib/topics/generated/messages';
import { seal, unseal } from './seal';

export const answerSchema = z.strictObject({
  text: z.string().describe('of the first choice'),
  toolCalls: z.array(z.strictObject({ name: z.string(), arguments: z.unknown() })),
  isCut: z.boolean().describe('it was longer'),
});
export type SealedContent = z.output<typeof answerSchema>;

export type AnswerLabel = Omit<KeptAnswer, 'nonce' | 'sealed'>;

const keyBytes = 32;

/** Null where it is no base64 of 32 bytes. */
export function answerKeyOf(text: string): Buffer | null {
  const key = Buffer.from(text.trim(), 'base64');
  return key.length === keyBytes ? key : null;
}

/** `nonce`: 12 random bytes, never the same twice under one key. */
export function sealAnswer(content: SealedContent, label: AnswerLabel, key: Buffer, nonce: Buffer): KeptAnswer {
  return { ...label, nonce, sealed: seal(Buffer.from(JSON.stringify(content)), key, nonce, bytesOf(label)) };
}

/** Null where it was sealed with another key, or was changed since. */
export function openAnswer({ nonce, sealed, ...label }: KeptAnswer, key: Buffer): SealedContent | null {
  const content = unseal(sealed, key, nonce, bytesOf(label));
  if (content === null) return null;
  try {
    return answerSchema.parse(JSON.parse(content.toString()));
  } catch {
    return null;
  }
}

function bytesOf({ decisionId, routingKey, tenantId, model, keptAtMs, expiresAtMs, keyId }: AnswerLabel): Buffer {
  return Buffer.from(JSON.stringify([decisionId, routingKey, tenantId, model, keptAtMs, expiresAtMs, keyId]));
}
