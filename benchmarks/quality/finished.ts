/**
 * Measurements that were finished before, one JSON object a line, so that a run that was broken off goes on where it
 * stopped. A measurement counts as finished only for the same seeds, rows and path; whoever changes the code deletes the file.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Line } from './bench';

export interface Settings {
  readonly measurement: string;
  readonly path: string;
  readonly seeds: number;
  readonly mostRows: number | null;
}

export interface Finished {
  /** Null: not measured with these settings. */
  linesOf(settings: Settings): readonly Line[] | null;
  add(settings: Settings, lines: readonly Line[]): void;
}

/** Reads and appends to `file`; null remembers nothing. Throws SyntaxError for a file that is not of this kind. */
export function finishedIn(file: string | null): Finished {
  const found = new Map<string, readonly Line[]>();
  if (file !== null && existsSync(file)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line === '') continue;
      const { settings, lines } = JSON.parse(line) as { settings: Settings; lines: Line[] };
      found.set(keyOf(settings), lines);
    }
  }
  return {
    linesOf: (settings) => found.get(keyOf(settings)) ?? null,
    add(settings, lines) {
      found.set(keyOf(settings), lines);
      if (file !== null) appendFileSync(file, `${JSON.stringify({ settings, lines })}\n`);
    },
  };
}

function keyOf({ measurement, path, seeds, mostRows }: Settings): string {
  return JSON.stringify([measurement, path, seeds, mostRows]);
}
