/**
 * Entries by key as two lists, in the order in which they first came. Rows of tables are never changed in place, and most
 * records add to a few entries that are there already: then the list of keys is shared with the row before, and the other
 * entries are not touched. A dictionary of a hundred entries would be copied whole.
 */
export interface KeyedList<T> {
  readonly keys: readonly string[];
  readonly values: readonly T[];
}

const none: KeyedList<never> = Object.freeze({ keys: [], values: [] });

export function emptyList<T>(): { keys: string[]; values: T[] } {
  return none as unknown as { keys: string[]; values: T[] };
}

/** Which place each key has, by the list of keys, which no two different rows share. */
const placesByKeys = new WeakMap<readonly string[], Map<string, number>>();

function placesOf(keys: readonly string[]): Map<string, number> {
  const known = placesByKeys.get(keys);
  if (known) return known;
  const places = new Map(keys.map((key, place) => [key, place] as const));
  placesByKeys.set(keys, places);
  return places;
}

/** A copy of a list on its way; what it is a copy of stays as it is. */
export class ListCopy<T> {
  private keys: string[];
  private readonly values: T[];
  private places: Map<string, number>;
  private ownsKeys = false;

  constructor({ keys, values }: KeyedList<T>) {
    // A row from outside may have keys without values: those are none.
    this.keys = keys.length === values.length ? (keys as string[]) : keys.slice(0, values.length);
    this.values = values.slice(0, this.keys.length);
    this.places = placesOf(this.keys);
  }

  get size(): number {
    return this.keys.length;
  }

  has(key: string): boolean {
    return this.places.has(key);
  }

  /** Replaces the entry of a key by what `next` makes of it. */
  update(key: string, next: (value: T | undefined) => T): void {
    const place = this.places.get(key);
    if (place !== undefined) {
      this.values[place] = next(this.values[place]);
      return;
    }
    if (!this.ownsKeys) {
      this.keys = [...this.keys];
      this.places = new Map(this.places);
      this.ownsKeys = true;
    }
    this.places.set(key, this.keys.length);
    this.keys.push(key);
    this.values.push(next(undefined));
  }

  /** The copy, as a row keeps it. */
  done(): { keys: string[]; values: T[] } {
    placesByKeys.set(this.keys, this.places);
    return { keys: this.keys, values: this.values };
  }
}

export function* entriesOf<T>({ keys, values }: KeyedList<T>): Iterable<readonly [string, T]> {
  const length = Math.min(keys.length, values.length);
  for (let i = 0; i < length; i++) yield [keys[i]!, values[i]!];
}
