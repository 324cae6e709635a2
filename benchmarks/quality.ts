/**
 * Learning on recorded data against its bars, JSON lines: defaults only, publishing as in production, chosen feedback
 * unless the row says otherwise.
 *
 *     node dist/benchmarks/quality.js [--data ../shared/data] [--only ulab9,budget] [--seeds 5] [--path engine|learner]
 *       [--resume FILE] [--rows N] [--list]
 *
 * `--only` takes beginnings of the names that `--list` prints. `--path` plays everything on one path instead of the one each
 * row says: `engine` is the whole engine on a virtual clock, as `quantum-router evaluate`; `learner` the learner alone.
 * `--resume` keeps what is finished in a file and does not measure it again. `--rows` plays only so many random rows of each
 * data set: for trying things out, the bars mean nothing then.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Line, Measurement } from './quality/bench';
import { finishedIn } from './quality/finished';
import { measurements } from './quality/measurements';
import { type Path, paths } from './quality/play';
import { report, reportBar, runCheck } from './report-line';

interface Options {
  readonly folder: string;
  readonly chosen: readonly Measurement[];
  readonly seeds: number;
  readonly path: Path | null;
  readonly resume: string | null;
  readonly mostRows: number | null;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '../shared/data' },
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: '5' },
      path: { type: 'string' },
      resume: { type: 'string' },
      rows: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  const wanted = values.only.split(',').filter(Boolean);
  for (const start of wanted) {
    if (!measurements.some(({ name }) => name.startsWith(start))) throw new Error(`--only ${start}: see --list`);
  }
  const chosen = measurements.filter(
    ({ name }) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)),
  );
  if (values.list) {
    for (const { name, path } of chosen) process.stdout.write(`${name}  (${path})\n`);
    return null;
  }
  const path = paths.find((known) => known === values.path) ?? null;
  if (values.path !== undefined && path === null) throw new Error(`--path: one of ${paths.join(', ')}`);
  return {
    folder: values.data,
    chosen,
    seeds: wholeNumber('--seeds', values.seeds),
    path,
    resume: values.resume ?? null,
    mostRows: values.rows === undefined ? null : wholeNumber('--rows', values.rows),
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a positive whole number, not ${text}`);
  return value;
}

function print({ name, value, unit, bar, details }: Line): void {
  if (bar) reportBar(name, value, unit, bar.relation, bar.at, details);
  else report(name, value, unit, details);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return;
  if (!existsSync(join(options.folder, 'ulab9.jsonl.gz'))) {
    process.stderr.write(`no recorded data in ${options.folder}: nothing to measure\n`);
    return;
  }
  const finished = finishedIn(options.resume);
  const startedMs = performance.now();
  const progress = (text: string): void => {
    process.stderr.write(`${Math.round((performance.now() - startedMs) / 1000)} s  ${text}\n`);
  };
  for (const measurement of options.chosen) {
    const path = options.path ?? measurement.path;
    const { seeds, mostRows, folder } = options;
    const settings = { measurement: measurement.name, path, seeds, mostRows };
    let lines = finished.linesOf(settings);
    if (lines === null) {
      const seedNumbers = Array.from({ length: seeds }, (_, i) => i + 1);
      lines = await measurement.measure({ folder, seeds: seedNumbers, path, mostRows, progress });
      finished.add(settings, lines);
    }
    lines.forEach(print);
  }
}

runCheck(main);
