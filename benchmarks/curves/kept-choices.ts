/**
 * The router's choices of earlier runs, one JSON object a line, so that a run that was broken off goes on where it stopped
 * and figures can be made anew without playing. Whoever changes the learner deletes the file.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Choices, Path } from '../quality/play';

/** Which run the choices belong to. */
export interface RunKey {
  readonly curve: string;
  readonly seed: number;
  readonly path: Path;
  readonly mostRows: number | null;
}

export interface KeptChoices {
  /** Null: not played. */
  of(key: RunKey): Choices | null;
  add(key: RunKey, choices: Choices): void;
}

/** Reads and appends to `file`; null remembers nothing. Throws SyntaxError for a file that is not of this kind. */
export function keptChoices(file: string | null): KeptChoices {
  const found = new Map<string, Choices>();
  if (file !== null && existsSync(file)) {
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { choices, ...key } = JSON.parse(line) as RunKey & { readonly choices: Choices };
      found.set(textOf(key), choices);
    }
  }
  return {
    of: (key) => found.get(textOf(key)) ?? null,
    add(key, choices) {
      found.set(textOf(key), choices);
      if (file !== null) appendFileSync(file, `${JSON.stringify({ ...key, choices })}\n`);
    },
  };
}

function textOf({ curve, seed, path, mostRows }: RunKey): string {
  return JSON.stringify([curve, seed, path, mostRows]);
}
