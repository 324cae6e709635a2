/**
 * Whether decisions state as much as comes about: their predicted quality and their confidence against what recorded answers were
 * worth, for the whole engine from a cold start that learns from chosen outcomes alone, JSON lines with the reliability tables:
 *
 *     node dist/lab/studies/calibration.js [--data ../shared/data] [--seeds 1] [--rows N] [--only ulab9]
 *
 * Every decision counts, the first ones included; `--rows` plays only so many random rows of each data set.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rounded } from '../../lib/figures/figures';
import { createLog } from '../../lib/telemetry/log';
import { expectedCalibrationError, type ReliabilityBin, reliabilityTable } from '../report/reliability';
import { report, reportBar, runCheck } from '../report/report-line';
import { evaluate } from '../runs/evaluate';
import { workloadConfig } from '../runs/workload-config';
import { incompleteModels } from '../workloads/incomplete-models';
import { readRecordedData } from '../workloads/recorded-data';
import type { Workload } from '../workloads/workload';
import { part } from './quality/protocol';

const dataSets = ['routerarena2', 'paretobandit-val', 'ulab9'];
const mostError = 0.05;

/** One decision: what it said, and what came of it. */
interface Stated {
  readonly quality: number;
  readonly confidence: number;
  readonly score: number;
  /** Whether the answer was as good as the best candidate was expected to be. */
  readonly isGoodEnough: boolean;
}

async function statedBy(workload: Workload, seed: number): Promise<Stated[]> {
  const rows = new Map(Array.from({ length: workload.rows }, (_, i) => [workload.row(i).id, workload.row(i)]));
  const stated: Stated[] = [];
  await evaluate({
    workload,
    config: workloadConfig(workload, { seed }),
    warm: null,
    testSplit: null,
    feedback: 'chosen',
    order: 'shuffle',
    feedbackAfter: () => 0,
    seed,
    log: createLog({ level: 'error' }),
    onDecision: ({ id, model, confidence, values }) => {
      const { outcomes } = rows.get(id)!;
      const { score } = outcomes.get(model)!;
      const best = Math.max(...Object.keys(values).flatMap((name) => (outcomes.get(name) ? [values[name]!] : [])));
      stated.push({ quality: values[model]!, confidence, score, isGoodEnough: score >= best });
    },
    onTiming: () => {},
    onProgress: (done, total) => {
      if (done % 500 === 0) process.stderr.write(`${workload.name} seed ${seed}: ${done}/${total}\n`);
    },
    wallMs: () => performance.now(),
  });
  return stated;
}

function print(name: string, table: readonly ReliabilityBin[], seeds: number): void {
  for (const { from, to, count, predicted, observed } of table)
    report(`${name}.reliability`, observed, 'observed', {
      from,
      to,
      predicted: rounded(predicted, 3),
      decisions: count,
    });
  const decisions = table.reduce((sum, { count }) => sum + count, 0);
  reportBar(`${name}.error`, expectedCalibrationError(table), 'expected calibration error', '<=', mostError, {
    decisions,
    seeds,
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '../shared/data' },
      seeds: { type: 'string', default: '1' },
      rows: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const [seeds, rows] = [Number(values.seeds), values.rows === undefined ? null : Number(values.rows)];
  if (!Number.isInteger(seeds) || seeds < 1) throw new Error('--seeds must be a positive whole number');
  if (rows !== null && !(Number.isInteger(rows) && rows >= 1))
    throw new Error('--rows must be a positive whole number');
  const only = values.only?.split(',') ?? dataSets;
  const unknown = only.find((name) => !dataSets.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: ${dataSets.join(', ')}`);
  for (const name of dataSets.filter((dataSet) => only.includes(dataSet))) {
    const path = join(values.data, `${name}.jsonl.gz`);
    if (!existsSync(path)) {
      process.stderr.write(`${path} is not there: how calibrated decisions on it are is left out\n`);
      continue;
    }
    const data = await readRecordedData(path, { excludeModels: incompleteModels(name) });
    const workload = rows === null ? data : part(data, rows);
    const stated: Stated[] = [];
    for (let seed = 1; seed <= seeds; seed++) stated.push(...(await statedBy(workload, seed)));
    const table = (predicted: (one: Stated) => number, observed: (one: Stated) => number): ReliabilityBin[] =>
      reliabilityTable(stated.map(predicted), stated.map(observed));
    const ofQuality = table(
      ({ quality }) => quality,
      ({ score }) => score,
    );
    const ofConfidence = table(
      ({ confidence }) => confidence,
      ({ isGoodEnough }) => (isGoodEnough ? 1 : 0),
    );
    print(`calibration.${name}.quality`, ofQuality, seeds);
    print(`calibration.${name}.confidence`, ofConfidence, seeds);
  }
}

runCheck(main);
