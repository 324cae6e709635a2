/** The few most recently used entries of something that can be made again. */
export interface Lru<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

export function createLru<T>(maxEntries: number): Lru<T> {
  // A Map keeps insertion order: the first entry is the one used longest ago.
  const entries = new Map<string, T>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= maxEntries) return;
      const [oldest] = entries.keys();
      entries.delete(oldest!);
    },
    delete(key) {
      entries.delete(key);
    },
  };
}
