/** The newest ids a task has written: what tells a second decision for the same request from the first (idea 2 of the design). */
export interface RecentIds {
  has(id: string): boolean;
  /** Whether any id of the same family is known. */
  hasAlike(id: string): boolean;
  /** Remembers an id, forgetting the oldest when full. False when it was there already. */
  add(id: string): boolean;
}

/**
 * Knows the newest `maxIds` ids. Ids for which `familyOf` says the same are of one family; by default each id is a family of
 * its own. The ring beside the map says which id is the oldest: a Map or Set that drops its first entry over and over gets
 * slow, since V8 walks its holes.
 */
export function createRecentIds(maxIds: number, familyOf: (id: string) => string = (id) => id): RecentIds {
  /** Ids by family: an id alone, or several in a list. */
  const known = new Map<string, string | readonly string[]>();
  const ring: string[] = [];
  let next = 0;
  const isAmong = (ids: string | readonly string[] | undefined, id: string): boolean =>
    ids === id || (Array.isArray(ids) && ids.includes(id));
  const forget = (id: string): void => {
    const family = familyOf(id);
    const ids = known.get(family);
    if (!Array.isArray(ids)) known.delete(family);
    else known.set(family, ids.length === 2 ? ids.find((other) => other !== id) : ids.filter((other) => other !== id));
  };
  return {
    has: (id) => isAmong(known.get(familyOf(id)), id),
    hasAlike: (id) => known.has(familyOf(id)),
    add(id) {
      const family = familyOf(id);
      if (isAmong(known.get(family), id)) return false;
      if (ring.length === maxIds) forget(ring[next]!);
      ring[next] = id;
      const others = known.get(family);
      known.set(family, others === undefined ? id : [...(typeof others === 'string' ? [others] : others), id]);
      next = (next + 1) % maxIds;
      return true;
    },
  };
}
