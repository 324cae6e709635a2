/** What every benchmark on the recorded data takes from its command line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Path, paths } from './quality/play';

/** Something to measure that can be asked for by the beginning of its name. */
interface Named {
  readonly name: string;
  readonly path: Path;
  /** True for what makes its own data. */
  readonly isMade?: boolean;
}

export interface BenchOptions<T> {
  /** Of the recorded data. */
  readonly folder: string;
  readonly chosen: readonly T[];
  readonly seeds: readonly number[];
  /** Null: the one that each measurement says. */
  readonly path: Path | null;
  readonly resume: string | null;
  /** Null: all. */
  readonly mostRows: number | null;
  /** Of the options that only one benchmark knows. */
  readonly more: Readonly<Record<string, unknown>>;
}

/**
 * Reads `--data`, `--only`, `--seeds`, `--path`, `--resume`, `--rows`, `--list` and the options in `more`. Null when there is
 * nothing to measure: with `--list`, which prints what `--only` may name, and where the data is absent, which it says.
 */
export function readBenchOptions<T extends Named>(
  known: readonly T[],
  defaults: {
    readonly seeds: number;
    readonly more?: ParseArgsConfig['options'];
    readonly describe?: (one: T) => string;
  },
): BenchOptions<T> | null {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '../shared/data' },
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: String(defaults.seeds) },
      path: { type: 'string' },
      resume: { type: 'string' },
      rows: { type: 'string' },
      list: { type: 'boolean', default: false },
      ...defaults.more,
    },
  });
  const { data: folder, only, seeds, rows, list, ...more } = values;
  const chosen = chosenOf(known, only);
  if (list) {
    for (const one of chosen) process.stdout.write(`${one.name}  (${one.path})${defaults.describe?.(one) ?? ''}\n`);
    return null;
  }
  const path = paths.find((one) => one === values.path) ?? null;
  if (values.path !== undefined && path === null) throw new Error(`--path: one of ${paths.join(', ')}`);
  const measurable = existsSync(join(folder, 'ulab9.jsonl.gz')) ? chosen : chosen.filter(({ isMade }) => isMade);
  if (measurable.length < chosen.length) {
    const left = measurable.length === 0 ? 'nothing to measure' : 'only what makes its own data is measured';
    process.stderr.write(`no recorded data in ${folder}: ${left}\n`);
  }
  if (measurable.length === 0) return null;
  return {
    folder,
    chosen: measurable,
    seeds: Array.from({ length: wholeNumber('--seeds', seeds) }, (_, i) => i + 1),
    path,
    resume: values.resume ?? null,
    mostRows: rows === undefined ? null : wholeNumber('--rows', rows),
    more,
  };
}

function chosenOf<T extends Named>(known: readonly T[], only: string): T[] {
  const wanted = only.split(',').filter(Boolean);
  for (const start of wanted) {
    if (!known.some(({ name }) => name.startsWith(start))) throw new Error(`--only ${start}: see --list`);
  }
  return known.filter(({ name }) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)));
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a positive whole number, not ${text}`);
  return value;
}
