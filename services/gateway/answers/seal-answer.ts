/**
 * Seals and opens answers with AES-256-GCM. What stands beside an answer in the clear (whose it is, until when it may be shown) is
 * proven by the same tag, so a record that somebody has changed does not open.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import type { KeptAnswer } from '../../../lib/topics/generated/messages';

export const answerSchema = z.strictObject({
  text: z.string().describe('of the first choice'),
  toolCalls: z.array(z.strictObject({ name: z.string(), arguments: z.unknown() })),
  isCut: z.boolean().describe('it was longer'),
});
export type SealedContent = z.output<typeof answerSchema>;

export type AnswerLabel = Omit<KeptAnswer, 'nonce' | 'sealed'>;

const tagBytes = 16;
const nonceBytes = 12;
const keyBytes = 32;

/** Null where it is no base64 of 32 bytes. */
export function answerKeyOf(text: string): Buffer | null {
  const key = Buffer.from(text.trim(), 'base64');
  return key.length === keyBytes ? key : null;
}

/** `nonce`: 12 random bytes, never the same twice under one key. */
export function sealAnswer(content: SealedContent, label: AnswerLabel, key: Buffer, nonce: Buffer): KeptAnswer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(bytesOf(label));
  const sealed = [cipher.update(JSON.stringify(content), 'utf8'), cipher.final()];
  return { ...label, nonce, sealed: Buffer.concat([...sealed, cipher.getAuthTag()]) };
}

/** Null where it was sealed with another key, or was changed since. */
export function openAnswer({ nonce, sealed, ...label }: KeptAnswer, key: Buffer): SealedContent | null {
  if (nonce.length !== nonceBytes || sealed.length < tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(bytesOf(label)).setAuthTag(sealed.subarray(-tagBytes));
  try {
    const text = decipher.update(sealed.subarray(0, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
    return answerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function bytesOf({ decisionId, routingKey, tenantId, model, keptAtMs, expiresAtMs, keyId }: AnswerLabel): Buffer {
  return Buffer.from(JSON.stringify([decisionId, routingKey, tenantId, model, keptAtMs, expiresAtMs, keyId]));
}
