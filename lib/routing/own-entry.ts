/**
 * Reads maps whose keys come from outside (task types, model names): a key such as "constructor" must not find what every
 * object inherits.
 */
export function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
