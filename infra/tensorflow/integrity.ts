/** That what was fetched is what was looked at when its version was pinned. */
import { createHash } from 'node:crypto';

/** `integrity` as npm writes it: the algorithm, a dash, the digest in base64. Throws, naming both, for other bytes. */
export function checkIntegrity(what: string, bytes: Buffer, integrity: string): void {
  const [algorithm] = integrity.split('-', 1);
  const actual = `${algorithm}-${createHash(algorithm!).update(bytes).digest('base64')}`;
  if (actual !== integrity) throw new Error(`${what} is not what it was: its hash is ${actual}, not ${integrity}`);
}
