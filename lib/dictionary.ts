/**
 * Tables keyed by words from outside: names of models, sources, task types, ids. An ordinary object inherits `constructor`,
 * `toString` and more, and takes `__proto__` for its prototype, so as a table it finds what nobody put there. In memory such a
 * table is a Map; where it has to be an object (a message, JSON), it is made by `dictionaryOf` and read by `ownEntry`.
 */

/** The entries as an object that inherits nothing; of several with the same key the last one counts. */
export function dictionaryOf<K extends string, T>(entries: Iterable<readonly [K, T]> = []): Record<K, T> {
  const dictionary: Record<K, T> = Object.create(null);
  for (const [key, value] of entries) dictionary[key] = value;
  return dictionary;
}

/** What the table itself has under the key: a key such as "constructor" must not find what every object inherits. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
