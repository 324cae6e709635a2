/**
 * Keys of callers: how they are made, told apart and compared. The secret has 256 random bits, so one round of SHA-256 is
 * slow enough: at 10^12 guesses a second it would take 10^57 years. What makes passwords slow to try (scrypt, argon2) would
 * gain nothing here and let anybody spend a tenth of a second of this process with every wrong key.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const prefix = 'qr_';
const idBytes = 6;
const secretBytes = 32;
const form = /^qr_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
/** Of the id of a key alone. */
export const keyIdPattern = /^[0-9a-f]{12}$/;
const hashBytes = 32;

export interface MadeKey {
  readonly keyId: string;
  /** Shown once, to whoever asked for it. */
  readonly secret: string;
  readonly hash: Buffer;
}

/** `random` must be fit for secrets; that of the system by default. */
export function makeKey(random: (bytes: number) => Buffer = randomBytes): MadeKey {
  const keyId = random(idBytes).toString('hex');
  const secret = `${prefix}${keyId}_${random(secretBytes).toString('base64url')}`;
  return { keyId, secret, hash: hashOf(secret) };
}

/** Whether a text claims to be such a key: it is one or is refused, and never taken for something else. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(prefix);
}

/** The id of a key; null for what is none. */
export function keyIdOf(secret: string): string | null {
  return form.exec(secret)?.[1] ?? null;
}

/** Takes as long for a wrong key as for the right one. */
export function isKey(secret: string, hash: Uint8Array): boolean {
  return hash.length === hashBytes && timingSafeEqual(hashOf(secret), hash);
}

export function isHash(hash: Uint8Array): boolean {
  return hash.length === hashBytes;
}

/** The whole key with its id goes in, so that equal secrets (which there are none) would not look equal. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(`quantum-router key\n${secret}`).digest();
}
