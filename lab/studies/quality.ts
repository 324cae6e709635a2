/**
 * Learning on recorded data against its bars, JSON lines: defaults only, publishing as in production, chosen feedback
 * unless the row says otherwise.
 *
 *     node dist/lab/studies/quality.js [--data ../shared/data] [--only ulab9,budget] [--seeds 5] [--path engine|learner]
 *       [--resume FILE] [--rows N] [--list]
 *
 * `--only` takes beginnings of the names that `--list` prints. `--path` plays everything on one path instead of the one each
 * row says: `engine` is the whole engine on a virtual clock, as `quantum-router evaluate`; `learner` the learner alone.
 * `--resume` keeps what is finished in a file and does not measure it again. `--rows` plays only so many random rows of each
 * data set: for trying things out, the bars mean nothing then.
 */

import { report, reportBar, runCheck } from '../report/report-line';
import { readBenchOptions } from './bench-options';
import { keptResults } from './kept-results';
import type { Line } from './quality/bench';
import { measurements } from './quality/measurements';

function print({ name, value, unit, bar, details }: Line): void {
  if (bar) reportBar(name, value, unit, bar.relation, bar.at, details);
  else report(name, value, unit, details);
}

async function main(): Promise<void> {
  const options = readBenchOptions(measurements, { seeds: 5 });
  if (options === null) return;
  const { folder, seeds, mostRows } = options;
  const kept = keptResults<readonly Line[]>(options.resume);
  const startedMs = performance.now();
  const progress = (text: string): void => {
    process.stderr.write(`${Math.round((performance.now() - startedMs) / 1000)} s  ${text}\n`);
  };
  for (const measurement of options.chosen) {
    const path = options.path ?? measurement.path;
    // What was measured with other seeds, on another path or on other rows is no result of this run.
    const key = [measurement.name, path, seeds.length, mostRows];
    const lines = kept.of(key) ?? (await measurement.measure({ folder, seeds, path, mostRows, progress }));
    kept.add(key, lines);
    lines.forEach(print);
  }
}

runCheck(main);
