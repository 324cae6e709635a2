/** Ids of callers are of any length, and a row must not be: what stands for them where they are only compared. */
import { hash } from 'node:crypto';

/** 16 hexadecimal digits of a SHA-256. */
export function hashId(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}

/** The same of a text that is there as UTF-8. */
export function hashIdOfBytes(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex').slice(0, 16);
}
