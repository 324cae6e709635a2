/** The traces of rows, by row key: bounded, the oldest half is forgotten when it is full. */
export interface RecentTraces {
  /** Keys held, at most `maxKeys`. */
  readonly size: number;
  get(key: string): string | undefined;
  set(key: string, traceparent: string): void;
  delete(key: string): void;
}

/** Two generations instead of one Map that drops its first entry over and over, which gets slow. */
export function createRecentTraces(maxKeys: number): RecentTraces {
  const half = Math.max(1, Math.floor(maxKeys / 2));
  let young = new Map<string, string>();
  let old = new Map<string, string>();
  return {
    get size() {
      return young.size + old.size;
    },
    get: (key) => young.get(key) ?? old.get(key),
    set(key, traceparent) {
      old.delete(key);
      if (!young.has(key) && young.size >= half) {
        old = young;
        young = new Map();
      }
      young.set(key, traceparent);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
  };
}
