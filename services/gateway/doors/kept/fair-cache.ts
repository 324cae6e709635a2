/**
 * What tenants have in memory for a while, within one bound for all: where it is reached, whoever holds the most gives way with what he
 * has had longest, so nobody loses anything by what another keeps as long as he holds less.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../../lib/ports/clock';

export interface FairCache<V> {
  /** Null where it is not there, or not any more. */
  get(tenant: string, key: string): V | null;
  /** `bytes` of the value; the key and what holding it costs are added. What is larger than all may be is not kept. */
  set(tenant: string, key: string, value: V, bytes: number): void;
  delete(tenant: string, key: string): void;
}

export interface FairCacheOptions {
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Of all tenants together. */
  readonly maxBytes: number;
}

/** What an entry costs beside its content: objects, the slot of a map, a row of a table. */
export const entryOverheadBytes = 512;

/** Room is made a little below the bound, so that not everybody has to be looked at for every entry. */
const lowWater = 31 / 32;

interface Held<V> {
  readonly value: V;
  readonly bytes: number;
  readonly untilMs: number;
}

export function createFairCache<V>({ clock, ttlMs, maxBytes }: FairCacheOptions): FairCache<V> {
  // Nothing is moved by being read, so the first of each is the oldest, and the next to expire.
  const tenants = new Map<string, LRUCache<string, Held<V>>>();
  let heldBytes = 0;
  const isLive = (held: Held<V> | undefined): held is Held<V> =>
    held !== undefined && held.untilMs > clock.monotonicMs();
  /** The sum stays right, whatever is done to one of them. */
  const change = (tenant: string, act: (entries: LRUCache<string, Held<V>>) => unknown): void => {
    const entries =
      tenants.get(tenant) ??
      new LRUCache<string, Held<V>>({ maxSize: maxBytes, sizeCalculation: ({ bytes }) => bytes });
    const before = entries.calculatedSize;
    act(entries);
    heldBytes += entries.calculatedSize - before;
    if (entries.size > 0) tenants.set(tenant, entries);
    else tenants.delete(tenant);
  };
  const dropExpired = (entries: LRUCache<string, Held<V>>): void => {
    for (;;) {
      const { value: oldest } = entries.rkeys().next();
      if (oldest === undefined || isLive(entries.peek(oldest))) return;
      entries.delete(oldest);
    }
  };
  const makeRoom = (): void => {
    for (const tenant of [...tenants.keys()]) change(tenant, dropExpired);
    const sizes = [...tenants.values()].map(({ calculatedSize }) => calculatedSize);
    const mostBytes = levelOf(sizes, maxBytes * lowWater);
    for (const tenant of [...tenants.keys()])
      change(tenant, (entries) => {
        while (entries.calculatedSize > mostBytes) entries.pop();
      });
  };

  return {
    get(tenant, key) {
      const held = tenants.get(tenant)?.peek(key);
      return isLive(held) ? held.value : null;
    },
    set(tenant, key, value, valueBytes) {
      const bytes = valueBytes + Buffer.byteLength(key) + entryOverheadBytes;
      change(tenant, (entries) => {
        dropExpired(entries);
        entries.set(key, { value, bytes, untilMs: clock.monotonicMs() + ttlMs });
      });
      if (heldBytes > maxBytes) makeRoom();
    },
    delete(tenant, key) {
      change(tenant, (entries) => entries.delete(key));
    },
  };
}

/** How much each may have at most, so that all of these sizes together come to no more than `total`. */
function levelOf(sizes: readonly number[], total: number): number {
  const ascending = [...sizes].sort((one, other) => one - other);
  let left = total;
  for (const [index, size] of ascending.entries()) {
    const level = left / (ascending.length - index);
    if (size > level) return level;
    left -= size;
  }
  return total;
}
