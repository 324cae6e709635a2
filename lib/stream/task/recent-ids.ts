/** The newest ids a task has written: what tells a second decision for the same request from the first (idea 2 of the design). */
import { createKeySlots, type KeySlots } from './key-slots';

export interface RecentIds {
  has(id: string): boolean;
  /** Whether any id of the same family is known. */
  hasAlike(id: string): boolean;
  /** Remembers an id, forgetting the oldest when full. False when it was there already. */
  add(id: string): boolean;
}

/**
 * Knows the newest `maxIds` ids. Ids for which `familyOf` says the same are of one family; without it each id is a family of
 * its own.
 */
export function createRecentIds(maxIds: number, familyOf?: (id: string) => string): RecentIds {
  const ids = createKeySlots();
  const families = familyOf ? createFamilies(familyOf) : null;
  /** Slots come in order from 0 and, once all are given, an id gets the slot of the one that it drives out: this one is the oldest then. */
  let next = 0;
  return {
    has: (id) => ids.slotOf(id) >= 0,
    hasAlike: (id) => (families ? families.has(id) : ids.slotOf(id) >= 0),
    add(id) {
      if (ids.slotOf(id) >= 0) return false;
      if (ids.size === maxIds) {
        families?.leave(ids.keyAt(next));
        ids.remove(next);
      }
      ids.add(id);
      families?.join(id);
      next = (next + 1) % maxIds;
      return true;
    },
  };
}

/** How many of the known ids are of a family, for those that have any. */
function createFamilies(familyOf: (id: string) => string) {
  const families: KeySlots = createKeySlots();
  /** By slot. */
  const members: number[] = [];
  return {
    has: (id: string): boolean => families.slotOf(familyOf(id)) >= 0,
    join(id: string): void {
      const slot = families.add(familyOf(id));
      members[slot] = (members[slot] ?? 0) + 1;
    },
    leave(id: string): void {
      const slot = families.slotOf(familyOf(id));
      if (--members[slot]! === 0) families.remove(slot);
    },
  };
}
