/**
 * Shared memory that may be lost at any time: the routing cache and fast reads of weights. The log is the truth. Every call
 * settles within a bounded time; while the store cannot be reached it rejects at once with a TransientError, and whoever
 * asked goes on without it instead of trying again.
 */
export interface KeyValue {
  /** Bulk get; null where missing or expired. */
  getMany(keys: readonly string[]): Promise<readonly (Buffer | null)[]>;
  /** Bulk put. `ttlMs: null` keeps the value until deleted. */
  putMany(entries: readonly KeyValueEntry[]): Promise<void>;
  deleteMany(keys: readonly string[]): Promise<void>;
  /** Adds to a counter and returns the new value; a new counter expires after `ttlMs`. */
  increment(key: string, by: number, ttlMs: number | null): Promise<number>;
  /** Keys with this prefix, in no order, at most `limit`. For maintenance, not for hot paths. */
  keys(prefix: string, limit: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface KeyValueEntry {
  readonly key: string;
  readonly value: Buffer;
  readonly ttlMs: number | null;
}

/** A part of a store that outlives this process, or that others share: whoever is given it bounds what lies there. */
export interface KeyValueShare {
  readonly store: KeyValue;
  /** Of all that lies there at once, written by all processes together. */
  readonly maxBytes: number;
}
