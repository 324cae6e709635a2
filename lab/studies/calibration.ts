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
import { createLog } from '../../lib/telemetry/log';
import { expectedCalibrationError, type ReliabilityBin, reliabilityTable } from '../report/reliability';
import { report, reportBar, runCheck } from '../report/report-line';
import { evaluate } from '../runs/evaluate';
import { workloadConfig } from '../runs/workload-config';
import { readRecordedData } from '../workloads/recorded-data';
import type { Workload } from '../workloads/workload';
import { part } from './quality/protocol';

/** Data sets, and models that are left out because rows lack them. */
const dataSets = [
  { name: 'routerarena2', without: [] },
  { name: 'paretobandit-val', without: ['google/gemini-2.5-flash'] },
  { name: 'ulab9', without: [] },
];
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
    report(`${name}.reliability`, observed, 'observed', { from, to, predicted: round(predicted), decisions: count });
  const decisions = table.reduce((sum, { count }) => sum + count, 0);
  reportBar(`${name}.error`, expectedCalibrationError(table), 'expected calibration error', '<=', mostError, {
    decisions,
    seeds,
  });
}

function round(value: number): number {
  return Number(value.toPrecision(3));
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
  const only = values.only?.split(',') ?? dataSets.map(({ name }) => name);
  const unknown = only.find((name) => !dataSets.some((dataSet) => dataSet.name === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: ${dataSets.map(({ name }) => name).join(', ')}`);
  for (const { name, without } of dataSets.filter((dataSet) => only.includes(dataSet.name))) {
    const path = join(values.data, `${name}.jsonl.gz`);
    if (!existsSync(path)) {
      process.stderr.write(`${path} is not there: how calibrated decisions on it are is left out\n`);
      continue;
    }
    const data = await readRecordedData(path, { excludeModels: without });
    const workload = rows === null ? data : part(data, rows);
    const stated: Stated[] = [];
    for (let seed = 1; seed <= seeds; seed++) stated.push(...(await statedBy(workload, seed)));
    const scores = stated.map(({ score }) => score);
    const good = stated.map(({ isGoodEnough }) => (isGoodEnough ? 1 : 0));
    print(
      `calibration.${name}.quality`,
      reliabilityTable(
        stated.map(({ quality }) => quality),
        scores,
      ),
      seeds,
    );
    print(
      `calibration.${name}.confidence`,
      reliabilityTable(
        stated.map(({ confidence }) => confidence),
        good,
      ),
      seeds,
    );
  }
}

runCheck(main);
