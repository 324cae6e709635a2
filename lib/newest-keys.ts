/** The texts that came last. */
import { createKeySlots } from './key-slots';

export interface NewestKeys {
  /** The number of a text among those that are known, below `most`; -1 for another one. */
  slotOf(key: string): number;
  /** Remembers a text, and forgets the oldest where there are too many. Returns its number; -1 for one that is known, and stays as it is. */
  add(key: string): number;
}

/** A Map or Set that drops its first entry over and over gets slow, since V8 walks over the holes that this leaves. */
export function createNewestKeys(most: number, onForgotten?: (key: string) => void): NewestKeys {
  if (!(most >= 1)) throw new Error(`${most} texts are none`);
  const keys = createKeySlots();
  /** Slots come in order from 0 and, once all are given, each text has that of the one that it drives out: this one is the oldest then. */
  let next = 0;
  return {
    slotOf: keys.slotOf,
    add(key) {
      if (keys.slotOf(key) >= 0) return -1;
      if (keys.size === most) {
        onForgotten?.(keys.keyAt(next));
        keys.remove(next);
      }
      next = (next + 1) % most;
      return keys.add(key);
    },
  };
}
