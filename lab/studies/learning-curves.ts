/**
 * Learning curves of the router and of every policy it is compared with, on the same rows in the same order. Defaults
 * only, production publishing rule, chosen feedback.
 *
 *     node dist/lab/studies/learning-curves.js [--data ../shared/data] [--seeds 3] [--only ulab9,world] [--out docs/figures]
 *       [--path engine|learner] [--resume FILE] [--rows N] [--list]
 *
 * Prints JSON lines and writes those of each curve to a file of its own in `--out`; `make figures` draws from these.
 * `--only` takes beginnings of names. `--path` plays the recorded data and the bandits on one path instead of the one each
 * curve says. `--resume` keeps the router's choices, curve by curve and seed by seed: delete the file when the learner has
 * changed. `--rows` plays only so many rows: for trying things out, together with another `--out`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCheck } from '../report/report-line';
import { readBenchOptions } from './bench-options';
import { curves } from './curves/curves';
import { figureLines } from './curves/figure-lines';
import { playCurve } from './curves/play-curve';
import { keptResults } from './kept-results';
import type { Choices } from './quality/play';

const startedMs = performance.now();
function progress(text: string): void {
  process.stderr.write(`${Math.round((performance.now() - startedMs) / 1000)} s  ${text}\n`);
}

async function main(): Promise<void> {
  const options = readBenchOptions(curves, {
    seeds: 3,
    more: { out: { type: 'string', default: 'docs/figures' } },
    describe: ({ title }) => `  ${title}`,
  });
  if (options === null) return;
  const { folder, chosen, seeds, path, mostRows } = options;
  const out = options.more['out'] as string;
  const play = { source: { folder, mostRows }, seeds, path, kept: keptResults<Choices>(options.resume), progress };
  mkdirSync(out, { recursive: true });
  for (const curve of chosen) {
    const { about, runs } = await playCurve(curve, play);
    const text = figureLines(about, runs).map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(join(out, `${curve.name}.jsonl`), text.join(''));
    process.stdout.write(text.join(''));
  }
}

runCheck(main);
