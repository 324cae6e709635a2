/** The newest ids a task has written: what tells a second decision for the same request from the first (idea 2 of the design). */
export interface RecentIds {
  has(id: string): boolean;
  /** Remembers an id, forgetting the oldest when full. False when it was there already. */
  add(id: string): boolean;
}

/** A ring beside the set: a Set that drops its first entry over and over gets slow, since V8 walks its holes. */
export function createRecentIds(maxIds: number): RecentIds {
  const known = new Set<string>();
  const ring: string[] = [];
  let next = 0;
  return {
    has: (id) => known.has(id),
    add(id) {
      if (known.has(id)) return false;
      if (ring.length === maxIds) known.delete(ring[next]!);
      ring[next] = id;
      known.add(id);
      next = (next + 1) % maxIds;
      return true;
    },
  };
}
