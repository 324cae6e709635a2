/**
 * Learning curves of the router and of every policy it is compared with, on the same rows in the same order. Defaults
 * only, production publishing rule, chosen feedback.
 *
 *     node dist/benchmarks/learning-curves.js [--data ../shared/data] [--seeds 3] [--only ulab9,world] [--out docs/figures]
 *       [--path engine|learner] [--resume FILE] [--rows N] [--list]
 *
 * Prints JSON lines and writes those of each curve to a file of its own in `--out`; `make figures` draws from these. `--only` takes beginnings
 * of names. `--path` plays the recorded data and the bandits on one path instead of the one each curve says. `--resume` keeps the router's choices, curve by curve and seed by seed: delete the file when the learner has
 * changed. `--rows` plays only so many rows: for trying things out, together with another `--out`.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curves } from './curves/curves';
import { figureLines } from './curves/figure-lines';
import { keptChoices } from './curves/kept-choices';
import { playCurve } from './curves/play-curve';
import { paths } from './quality/play';
import { runCheck } from './report-line';

const startedMs = performance.now();
function progress(text: string): void {
  process.stderr.write(`${Math.round((performance.now() - startedMs) / 1000)} s  ${text}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '../shared/data' },
      seeds: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
      out: { type: 'string', default: 'docs/figures' },
      path: { type: 'string' },
      resume: { type: 'string' },
      rows: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  const wanted = values.only.split(',').filter(Boolean);
  for (const start of wanted) {
    if (!curves.some(({ name }) => name.startsWith(start))) throw new Error(`--only ${start}: see --list`);
  }
  const chosen = curves.filter(({ name }) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)));
  if (values.list) {
    for (const { name, path, title } of chosen) process.stdout.write(`${name}  (${path})  ${title}\n`);
    return;
  }
  if (!existsSync(join(values.data, 'ulab9.jsonl.gz'))) {
    process.stderr.write(`no recorded data in ${values.data}: nothing to measure\n`);
    return;
  }
  const path = paths.find((known) => known === values.path) ?? null;
  if (values.path !== undefined && path === null) throw new Error(`--path: one of ${paths.join(', ')}`);
  const mostRows = values.rows === undefined ? null : wholeNumber('--rows', values.rows);
  const play = {
    source: { folder: values.data, mostRows },
    seeds: Array.from({ length: wholeNumber('--seeds', values.seeds) }, (_, i) => i + 1),
    path,
    kept: keptChoices(values.resume ?? null),
    progress,
  };
  mkdirSync(values.out, { recursive: true });
  for (const curve of chosen) {
    const { about, runs } = await playCurve(curve, play);
    const text = figureLines(about, runs).map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(join(values.out, `${curve.name}.jsonl`), text.join(''));
    process.stdout.write(text.join(''));
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a positive whole number, not ${text}`);
  return value;
}

runCheck(main);
