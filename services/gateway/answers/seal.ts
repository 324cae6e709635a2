/** Seals bytes with AES-256-GCM: what is sealed is its ciphertext and the tag behind it. */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const nonceBytes = 12;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';
const nothing = Buffer.alloc(0);

/** `key`: 32 bytes. `nonce`: 12 bytes, never the same twice under one key. `label` stays in the clear and is proven by the same tag. */
export function seal(content: Buffer, key: Buffer, nonce: Buffer, label: Buffer = nothing): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(label);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** Null where it was sealed with another key, nonce or label, was changed since, or is no such thing. */
export function unseal(sealed: Buffer, key: Buffer, nonce: Buffer, label: Buffer = nothing): Buffer | null {
  if (nonce.length !== nonceBytes || sealed.length < tagBytes) return null;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(label).setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}
