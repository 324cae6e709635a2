/** The newest ids a task has written: what tells a second decision for the same request from the first (idea 2 of the design). */
import { createKeySlots } from '../../key-slots';
import { createNewestKeys } from '../../newest-keys';

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
  const families = familyOf ? createFamilies(familyOf) : null;
  const ids = createNewestKeys(maxIds, families?.leave);
  const has = (id: string): boolean => ids.slotOf(id) >= 0;
  return {
    has,
    hasAlike: families?.has ?? has,
    add(id) {
      if (ids.add(id) < 0) return false;
      families?.join(id);
      return true;
    },
  };
}

/** The families that the known ids are of. */
function createFamilies(familyOf: (id: string) => string) {
  const families = createKeySlots();
  /** By slot, how many ids are known of it. */
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
