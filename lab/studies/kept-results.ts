/**
 * Results of earlier runs, one JSON object a line, so that a run that was broken off goes on where it stopped. Whoever
 * changes the code that they come from deletes the file.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What was measured, and how. */
type Key = readonly (string | number | null)[];

export interface KeptResults<T> {
  /** Null: not measured so. */
  of(key: Key): T | null;
  /** Does nothing for what is kept already. */
  add(key: Key, result: T): void;
}

/** Reads and appends to `file`; null remembers nothing. Throws SyntaxError for a file that is not of this kind. */
export function keptResults<T>(file: string | null): KeptResults<T> {
  const found = new Map<string, T>();
  if (file !== null && existsSync(file)) {
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { key, result } = JSON.parse(line) as { readonly key: Key; readonly result: T };
      found.set(JSON.stringify(key), result);
    }
  }
  return {
    of: (key) => found.get(JSON.stringify(key)) ?? null,
    add(key, result) {
      const text = JSON.stringify(key);
      if (found.has(text)) return;
      found.set(text, result);
      if (file !== null) appendFileSync(file, `${JSON.stringify({ key, result })}\n`);
    },
  };
}
