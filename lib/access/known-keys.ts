/** Keys as their changes tell: a key is what was created, and ends at the earliest end that any change gives it. */
import type { AccessKey, AccessKeyChange } from '../topics/generated/messages';
import { isHash, keyIdPattern } from './key-secret';

export interface KnownKey extends AccessKey {
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** Not taken from then on; null: for good. */
  readonly endsAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** Another was made in its place. */
  readonly isReplaced: boolean;
}

export type KeyState = 'valid' | 'expired' | 'revoked';

/** Rows of the topic by their keys, as a view has them. */
export interface KeyRows {
  get(rowKey: string): AccessKeyChange | undefined;
}

/** Null where there is none. */
export function knownKey(rows: KeyRows, keyId: string): KnownKey | null {
  const created = rows.get(`${keyId}/CREATED`);
  if (!created?.key) return null;
  const replaced = rows.get(`${keyId}/REPLACED`);
  const revoked = rows.get(`${keyId}/REVOKED`);
  const ends = [created.endsAtMs, replaced?.endsAtMs ?? null, revoked?.endsAtMs ?? null].filter((end) => end !== null);
  return {
    ...created.key,
    keyId,
    createdAtMs: created.atMs,
    createdBy: created.by,
    endsAtMs: ends.length === 0 ? null : Math.min(...ends),
    revokedAtMs: revoked?.atMs ?? null,
    isReplaced: replaced !== undefined,
  };
}

/** All keys, those that are over too, in order of creation. */
export function allKeys(changes: Iterable<AccessKeyChange>, rows: KeyRows): KnownKey[] {
  const keys: KnownKey[] = [];
  for (const { change, keyId } of changes) {
    const key = change === 'CREATED' ? knownKey(rows, keyId) : null;
    if (key) keys.push(key);
  }
  return keys.sort((a, b) => a.createdAtMs - b.createdAtMs);
}

export function stateOf({ revokedAtMs, endsAtMs }: KnownKey, nowMs: number): KeyState {
  // Whatever a clock says: who is revoked does not come back.
  if (revokedAtMs !== null) return 'revoked';
  return endsAtMs !== null && nowMs >= endsAtMs ? 'expired' : 'valid';
}

/** Throws for a row that could not be a key's: whoever follows the topic passes it over. */
export function checkKeyChange({ keyId, change, key, endsAtMs }: AccessKeyChange): void {
  if (!keyIdPattern.test(keyId)) throw new Error('it has no id of a key');
  if (change === 'CREATED' && (!key || !isHash(key.hash))) throw new Error('it creates a key without its hash');
  if (change !== 'CREATED' && endsAtMs === null) throw new Error('it ends a key and does not say when');
}
