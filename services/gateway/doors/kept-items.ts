/**
 * What responses have said, kept for whoever goes on from it by its name: client libraries refer to items, and to whole responses,
 * where they believe that their provider keeps them, and the next turn may be another provider's. In memory, and in the store that all
 * gateways share, there sealed under a key that is made of the name: only who has been told the name can open it.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../../lib/ports/clock';
import type { KeyValue } from '../../../lib/ports/key-value';
import { isJson, type Json, parsedJson } from '../../../lib/providers/any-json';
import type { Log } from '../../../lib/telemetry/log';

/** One item that was said, or a whole response: what was asked and said in it. */
export interface KeptEntry {
  /** Who keeps it under this name as well; null where nobody does. */
  readonly provider: string | null;
  /** The response that it went on from; null where it stands for itself. */
  readonly previous: string | null;
  /** In the words of the Responses API, without names. */
  readonly items: readonly Json[];
}

export interface FoundEntry extends KeptEntry {
  /** As JSON, in UTF-16 units. */
  readonly size: number;
}

export interface KeptItems {
  /** Nobody waits for it. What is too large is not kept. */
  keep(tenantId: string | null, entries: ReadonlyMap<string, KeptEntry>): void;
  /** Those that are there; never rejects. */
  find(tenantId: string | null, names: readonly string[]): Promise<ReadonlyMap<string, FoundEntry>>;
  /**
   * Of names that providers know as well and that are not found for this tenant: one that was said to another. All callers share the
   * keys at a provider, which would give it to anybody. Null where nobody here knows of one; never rejects.
   */
  nameOfOthers(names: readonly string[]): Promise<string | null>;
}

export interface KeptItemsParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug'>;
  /** Shared with other gateways; null: in memory alone. */
  readonly store: KeyValue | null;
  readonly maxBytes?: number;
}

const defaultMaxBytes = 67_108_864;
const maxEntryBytes = 524_288;
const ttlMs = 24 * 3_600_000;
const nonceBytes = 12;
const tagBytes = 16;

interface Held {
  readonly text: string;
  readonly untilMs: number;
}

export function createKeptItems({ clock, log, store, maxBytes = defaultMaxBytes }: KeptItemsParts): KeptItems {
  // Maps iterate in order of insertion, so the first key is the oldest.
  const held = new Map<string, Held>();
  let heldBytes = 0;
  const drop = (place: string): void => {
    heldBytes -= held.get(place)?.text.length ?? 0;
    held.delete(place);
  };
  const hold = (place: string, text: string): void => {
    drop(place);
    held.set(place, { text, untilMs: clock.nowMs() + ttlMs });
    heldBytes += text.length;
    for (const [oldest] of held) {
      if (heldBytes <= maxBytes) break;
      drop(oldest);
    }
  };

  const lookUp = async (places: readonly string[]): Promise<readonly (Buffer | null)[]> => {
    if (store === null || places.length === 0) return places.map(() => null);
    try {
      return await store.getMany(places);
    } catch (error) {
      log.debug('what was said elsewhere could not be looked up', { error: error as Error });
      return places.map(() => null);
    }
  };
  const isHeld = (place: string): boolean => (held.get(place)?.untilMs ?? 0) > clock.nowMs();

  return {
    keep(tenantId, entries) {
      const written: { key: string; value: Buffer; ttlMs: number }[] = [];
      for (const [name, entry] of entries) {
        const text = JSON.stringify(entry);
        if (text.length > maxEntryBytes) continue;
        const { place, key } = secretsOf(tenantId, name);
        hold(place, text);
        if (store !== null) written.push({ key: place, value: sealed(text, key), ttlMs });
        if (entry.provider === null) continue;
        const sign = signOf(name);
        hold(sign, said);
        if (store !== null) written.push({ key: sign, value: Buffer.from(said), ttlMs });
      }
      if (written.length > 0)
        void store!.putMany(written).catch((error: Error) => log.debug('what was said is kept here alone', { error }));
    },
    async find(tenantId, names) {
      const found = new Map<string, FoundEntry>();
      const note = (name: string, text: string | null): void => {
        const entry = text === null ? null : entryIn(text);
        if (entry !== null) found.set(name, entry);
      };
      const missing: { readonly name: string; readonly place: string; readonly key: Buffer }[] = [];
      for (const name of new Set(names)) {
        const { place, key } = secretsOf(tenantId, name);
        if (isHeld(place)) note(name, held.get(place)!.text);
        else missing.push({ name, place, key });
      }
      const values = await lookUp(missing.map(({ place }) => place));
      for (const [index, { name, key }] of missing.entries()) {
        const value = values[index];
        if (value) note(name, opened(value, key));
      }
      return found;
    },
    async nameOfOthers(names) {
      const here = names.find((name) => isHeld(signOf(name)));
      if (here !== undefined) return here;
      const values = await lookUp(names.map(signOf));
      return names.find((_name, index) => values[index]) ?? null;
    },
  };
}

/** Where it lies, and what opens it: neither says anything of the name, and one nothing of the other. */
function secretsOf(tenantId: string | null, name: string): { readonly place: string; readonly key: Buffer } {
  const hash = (use: string): Buffer =>
    createHash('sha256')
      .update(JSON.stringify([use, tenantId, name]))
      .digest();
  return { place: `said/${hash('place').toString('base64url')}`, key: hash('key') };
}

/** That something of this name was said to somebody. */
const said = '1';
function signOf(name: string): string {
  return `said-to-somebody/${createHash('sha256').update(name).digest('base64url')}`;
}

function sealed(text: string, key: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** Null for what was not sealed with this key, whatever it is. */
function opened(value: Buffer, key: Buffer): string | null {
  if (value.length < nonceBytes + tagBytes) return null;
  try {
    const nonce = value.subarray(0, nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(value.subarray(-tagBytes));
    return decipher.update(value.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}

function entryIn(text: string): FoundEntry | null {
  const entry = parsedJson(text);
  if (!isJson(entry) || !Array.isArray(entry['items'])) return null;
  return { ...(entry as unknown as KeptEntry), size: text.length };
}
