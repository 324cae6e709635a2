/** What every row of the quality table is measured with: the data, the seeds, the path, and the lines it ends in. */

import { join } from 'node:path';
import type { ReportDetails } from '../../report/report-line';
import { fourDigits } from '../../report/report-line';
import { readRecordedData } from '../../workloads/recorded-data';
import type { Workload } from '../../workloads/workload';
import { type Judged, judge, meanOf, overSeeds } from './figures';
import { type Choices, type Path, play } from './play';
import { cold, inOrder, type Protocol, part, randomOrder } from './protocol';

/** One line of output before it is printed. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: { readonly relation: '<=' | '>='; readonly at: number };
  readonly details: ReportDetails;
}

/** One row of the table, or a part of it that can be measured alone. */
export interface Measurement {
  readonly name: string;
  readonly path: Path;
  /** Needs no recorded data. */
  readonly isMade?: boolean;
  measure(bench: Bench): Promise<Line[]>;
}

export interface Bench {
  /** Folder of the recorded data. */
  readonly folder: string;
  readonly seeds: readonly number[];
  /** Of the measurement at hand. */
  readonly path: Path;
  /** Play at most this many rows of each data set; null: all. For trying things out. */
  readonly mostRows: number | null;
  readonly progress: (text: string) => void;
}

const progressRows = 1_000;

/** Recorded data of the folder, cut to what the bench allows. */
export async function readData(bench: Bench, name: string, excludeModels: readonly string[] = []): Promise<Workload> {
  const data = await readRecordedData(join(bench.folder, `${name}.jsonl.gz`), { excludeModels });
  return bench.mostRows === null ? data : part(data, bench.mostRows);
}

/** Plays a protocol and judges every row that is not warm. */
export async function run(bench: Bench, protocol: Protocol, path = bench.path): Promise<Run> {
  const prefix = `${protocol.name} seed ${protocol.seed} (${path})`;
  bench.progress(prefix);
  const choices = await play(protocol, path, (done, total) => {
    if (done % progressRows === 0) bench.progress(`${prefix}: ${done}/${total}`);
  });
  return {
    seed: protocol.seed,
    workload: protocol.workload,
    choices,
    all: judge(protocol.workload, choices),
    between: (from, to) => judge(protocol.workload, choices, Math.floor(from), Math.floor(to)),
    rows: choices.length,
  };
}

export interface Run {
  readonly seed: number;
  /** What was played, warm rows first. */
  readonly workload: Workload;
  readonly choices: Choices;
  /** Judged rows. */
  readonly rows: number;
  /** All judged rows. */
  readonly all: Judged;
  /** Those from one position up to another. */
  between(from: number, to: number): Judged;
}

/** Plays the workload cold in a random order per seed, with changes to the protocol if any. */
export async function coldRuns(
  bench: Bench,
  name: string,
  workload: Workload,
  change: (shuffled: Workload) => Partial<Protocol> = () => ({}),
): Promise<Run[]> {
  const runs: Run[] = [];
  for (const seed of bench.seeds) {
    const shuffled = inOrder(workload, randomOrder(workload.rows, seed, 'order'));
    runs.push(await run(bench, { ...cold(name, shuffled, seed), ...change(shuffled) }));
  }
  return runs;
}

/** A line on the mean of one value per seed. */
export function seedLine(
  bench: Bench,
  line: Pick<Line, 'name' | 'unit' | 'bar'>,
  values: readonly number[],
  details: ReportDetails = {},
): Line {
  const { mean, plusMinus } = overSeeds(values);
  return {
    ...line,
    value: mean,
    details: {
      path: bench.path,
      seeds: values.length,
      plusMinus: plusMinus === null ? null : fourDigits(plusMinus),
      perSeed: values.map(fourDigits),
      ...roundedDetails(details),
    },
  };
}

/** A line on the worst value of one per seed: a promise for every run has to hold for that one. */
export function worstLine(
  bench: Bench,
  line: Pick<Line, 'name' | 'unit'> & { readonly bar: NonNullable<Line['bar']> },
  values: readonly number[],
): Line {
  const value = line.bar.relation === '>=' ? Math.min(...values) : Math.max(...values);
  return {
    ...line,
    value,
    details: { path: bench.path, seeds: values.length, worstSeed: bench.seeds[values.indexOf(value)] },
  };
}

/** Mean over runs of a figure of each. */
export function meanOver<T>(runs: readonly T[], figure: (run: T) => number): number {
  return meanOf(runs.map(figure));
}

export const atLeast = (at: number) => ({ relation: '>=' as const, at });
export const atMost = (at: number) => ({ relation: '<=' as const, at });

function roundedDetails(details: ReportDetails): ReportDetails {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, typeof value === 'number' ? fourDigits(value) : value]),
  );
}
