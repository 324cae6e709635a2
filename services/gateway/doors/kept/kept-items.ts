/**
 * What responses have said, kept for whoever goes on from it by its name: client libraries refer to items, and to whole responses,
 * where they believe that their provider keeps them, and the next turn may be another provider's. In memory, and in the store that all
 * gateways share, there sealed under a key that is made of the name: only who has been told the name can open it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import type { Clock } from '../../../../lib/ports/clock';
import type { KeyValueEntry, KeyValueShare } from '../../../../lib/ports/key-value';
import { isJson, type Json, parsedJson } from '../../../../lib/providers/any-json';
import type { Log } from '../../../../lib/telemetry/log';
import { nonceBytes, seal, unseal } from '../../answers/seal';
import { createFairCache, entryOverheadBytes } from './fair-cache';
import { createHourlyBudget } from './hourly-budget';

/** One item that was said, or a whole response: what was asked and said in it. */
export interface KeptEntry {
  /** Who keeps it under this name as well; null where nobody does. */
  readonly provider: string | null;
  /** The response that it went on from; null where it stands for itself. */
  readonly previous: string | null;
  /** In the words of the Responses API: one item without its name, or what a whole response was asked with. */
  readonly items: readonly Json[];
  /** A whole response as it was answered; null for one item. */
  readonly response: Json | null;
}

export interface FoundEntry extends KeptEntry {
  /** As JSON, in bytes. */
  readonly size: number;
}

export interface KeptItems {
  /** Nobody waits for it. What is too large is not kept. */
  keep(tenantId: string | null, entries: ReadonlyMap<string, KeptEntry>): void;
  /**
   * Those that are there; null where they have more than `maxSize` bytes together, of which no more than that is read. Other work
   * goes on meanwhile. Never rejects: `onAway` is told where the store could not be asked, so that those not found may be there.
   */
  find(
    tenantId: string | null,
    names: readonly string[],
    maxSize: number,
    onAway?: () => void,
  ): Promise<ReadonlyMap<string, FoundEntry> | null>;
  /**
   * They are no more, for any gateway. Rejects where the store that others share cannot be told: they may have them still, and so has
   * this one, so that it can be asked for again.
   */
  forget(tenantId: string | null, names: readonly string[]): Promise<void>;
  /**
   * Of names that providers know as well and that are not found for this tenant: one that was said to another. All callers share the
   * keys at a provider, which would give it to anybody. Null where nobody here knows of one; never rejects.
   */
  nameOfOthers(tenantId: string | null, names: readonly string[]): Promise<string | null>;
}

export interface KeptItemsParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug' | 'warn'>;
  /** Shared with other gateways, or there after a restart; null: in memory alone. */
  readonly share: KeyValueShare | null;
  /** In memory. */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 67_108_864;
const maxEntryBytes = 524_288;
const ttlMs = 24 * 3_600_000;
/** What lies in the store at once was written in so many hours, of which the first and the last are not whole. */
const hoursKept = 25;
/** Asked of the store at once: values may be as large as `maxEntryBytes`. */
const namesPerPortion = 32;
/** So much is read before others have their turn, some milliseconds; the hashes of a name are worth about a kilobyte. */
const bytesPerTurn = 262_144;
const bytesPerName = 1_024;
/** What was said, and signs that it was: about as many fit into both, so that a sign is there as long as what it stands for. */
const signsPart = 1 / 3;

export function createKeptItems({ clock, log, share, maxBytes = defaultMaxBytes }: KeptItemsParts): KeptItems {
  const signsBytes = Math.floor(maxBytes * signsPart);
  const held = createFairCache<Buffer>({ clock, ttlMs, maxBytes: maxBytes - signsBytes });
  const signs = createFairCache<string>({ clock, ttlMs, maxBytes: signsBytes });
  const shared = share && {
    store: share.store,
    budget: createHourlyBudget({
      ...{ clock, store: share.store, keyPrefix: 'said-bytes/' },
      maxBytesPerHour: Math.floor(share.maxBytes / hoursKept),
      onSpent: () =>
        log.warn(
          'what responses say is kept in the memory of each gateway alone until the next hour: its part of the store is full',
          { maxBytes: share.maxBytes },
        ),
    }),
  };
  const write = async (entries: readonly KeyValueEntry[]): Promise<void> => {
    if (!shared || entries.length === 0) return;
    const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length + entryOverheadBytes, 0);
    if (await shared.budget.take(bytes)) await shared.store.putMany(entries);
  };
  const lookUp = async (places: readonly string[], onAway = (): void => {}): Promise<readonly (Buffer | null)[]> => {
    if (!shared || places.length === 0) return places.map(() => null);
    try {
      return await shared.store.getMany(places);
    } catch (error) {
      log.debug('what was said elsewhere could not be looked up', { error: error as Error });
      onAway();
      return places.map(() => null);
    }
  };
  let readBytes = 0;
  /** Lets others have their turn where much was read since they had one. */
  const read = async (bytes: number): Promise<void> => {
    readBytes += bytes;
    if (readBytes < bytesPerTurn) return;
    readBytes = 0;
    await turnOfOthers();
  };

  return {
    keep(tenantId, entries) {
      const written: KeyValueEntry[] = [];
      for (const [name, entry] of entries) {
        const content = Buffer.from(JSON.stringify(entry));
        if (content.length > maxEntryBytes) continue;
        const { place, key } = secretsOf(tenantId, name);
        held.set(tenantId ?? '', place, content, content.length);
        if (shared) written.push({ key: place, value: sealed(content, key), ttlMs });
        if (entry.provider === null) continue;
        const sign = signOf(name);
        const owner = ownerOf(tenantId, name);
        signs.set('', sign, owner, owner.length);
        if (shared) written.push({ key: sign, value: Buffer.from(owner), ttlMs });
      }
      void write(written).catch((error: Error) => log.debug('what was said is kept here alone', { error }));
    },
    async find(tenantId, names, maxSize, onAway) {
      const found = new Map<string, FoundEntry>();
      let size = 0;
      for (const portion of portionsOf([...new Set(names)])) {
        const sought = portion.map((name) => {
          const secrets = secretsOf(tenantId, name);
          return { name, ...secrets, content: held.get(tenantId ?? '', secrets.place) };
        });
        const missing = sought.filter(({ content }) => content === null);
        // Another gateway may have been told to forget what is held here, or what was still being written then.
        const values = await lookUp(
          [...missing.map(({ place }) => place), ...sought.map(({ place }) => goneOf(place))],
          onAway,
        );
        const elsewhere = new Map(missing.map(({ name }, index) => [name, values[index] ?? null]));
        for (const [index, { name, key, content }] of sought.entries()) {
          if (values[missing.length + index]) continue;
          const value = content ?? elsewhere.get(name) ?? null;
          // Before it is opened or read: its length says enough, and what seals it is next to nothing.
          const length = value?.length ?? 0;
          size += length;
          if (size > maxSize) return null;
          await read(bytesPerName + length);
          const opening = content ?? (value && opened(value, key));
          const entry = opening && entryIn(opening);
          if (entry) found.set(name, entry);
        }
      }
      return found;
    },
    async forget(tenantId, names) {
      for (const portion of portionsOf(names)) {
        const places = portion.map((name) => secretsOf(tenantId, name).place);
        try {
          await shared?.store.putMany(places.map((place) => ({ key: goneOf(place), value: forgotten, ttlMs })));
          await shared?.store.deleteMany(places);
        } catch (error) {
          log.warn('what was said could not be forgotten', { error: error as Error });
          throw error;
        }
        for (const place of places) held.delete(tenantId ?? '', place);
      }
    },
    async nameOfOthers(tenantId, names) {
      for (const portion of portionsOf(names)) {
        const here = portion.map((name) => signs.get('', signOf(name)));
        const unknown = portion.filter((_name, index) => here[index] === null);
        const values = await lookUp(unknown.map(signOf));
        const elsewhere = new Map(unknown.map((name, index) => [name, values[index]?.toString()]));
        for (const [index, name] of portion.entries()) {
          await read(bytesPerName);
          const owner = here[index] ?? elsewhere.get(name);
          if (owner !== undefined && owner !== ownerOf(tenantId, name)) return name;
        }
      }
      return null;
    },
  };
}

function* portionsOf(names: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < names.length; from += namesPerPortion) yield names.slice(from, from + namesPerPortion);
}

/** Where it lies, and what opens it: neither says anything of the name, and one nothing of the other. */
function secretsOf(tenantId: string | null, name: string): { readonly place: string; readonly key: Buffer } {
  const place = hashOf('place', tenantId, name).toString('base64url');
  return { place: `said/${place}`, key: hashOf('key', tenantId, name) };
}

/** Where it stands that something was forgotten, for as long as anybody may hold it. */
function goneOf(place: string): string {
  return `gone-${place}`;
}

const forgotten = Buffer.from('1');

function hashOf(use: string, tenantId: string | null, name: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([use, tenantId, name]))
    .digest();
}

/** Stands for whoever something of this name was said to: the same for nobody else, and for no other name. */
function ownerOf(tenantId: string | null, name: string): string {
  return hashOf('owner', tenantId, name).toString('base64url');
}

/** Where that lies: whoever has been told the name finds it. */
function signOf(name: string): string {
  return `said-to/${createHash('sha256').update(name).digest('base64url')}`;
}

/** The nonce, and what is sealed with it. */
function sealed(content: Buffer, key: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  return Buffer.concat([nonce, seal(content, key, nonce)]);
}

/** Null for what was not sealed with this key, whatever it is. */
function opened(value: Buffer, key: Buffer): Buffer | null {
  return unseal(value.subarray(nonceBytes), key, value.subarray(0, nonceBytes));
}

function entryIn(content: Buffer): FoundEntry | null {
  const entry = parsedJson(content.toString());
  if (!isJson(entry) || !Array.isArray(entry['items'])) return null;
  const kept = entry as unknown as KeptEntry;
  return { ...kept, response: kept.response ?? null, size: content.length };
}
