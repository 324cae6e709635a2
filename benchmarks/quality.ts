/**
 * Learning on recorded data, through the same intake, strategies, collapse, feedback and trainer as in production (on a
 * virtual clock, publishing in steps): `node dist/benchmarks/quality.js [--data ../shared/data] [--seeds 3]`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type EvaluateOptions, type EvaluationReport, evaluate } from '../bin/drive/evaluate';
import { workloadConfig } from '../bin/drive/workload-config';
import { readRecordedData } from '../lib/evaluation/recorded-data';
import type { Workload } from '../lib/evaluation/workload';
import { createLog } from '../lib/telemetry/log';
import { report, reportBar, runCheck } from './report-line';

const log = createLog({ level: 'warn' });

type Protocol = Pick<EvaluateOptions, 'warm' | 'testSplit' | 'feedback' | 'order'>;

async function evaluateSeeds(workload: Workload, protocol: Protocol, seeds: number): Promise<EvaluationReport[]> {
  const reports: EvaluationReport[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await evaluate({
      workload,
      config: workloadConfig(workload, { seed }),
      ...protocol,
      feedbackDelay: 0,
      seed,
      log,
      onDecision: () => {},
      onTiming: () => {},
      onProgress: (done, total) => {
        if (done % 1_000 === 0) process.stderr.write(`${workload.name} seed ${seed}: ${done}/${total}\n`);
      },
      wallMs: () => performance.now(),
    });
    reports.push(result);
  }
  return reports;
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: '../shared/data' }, seeds: { type: 'string', default: '3' } },
  });
  const seeds = Number(values.seeds);
  const file = (name: string): string => join(values.data, name);
  if (!existsSync(file('ulab9.jsonl.gz'))) {
    process.stderr.write(`no recorded data in ${values.data}: nothing to measure\n`);
    return;
  }
  const ulab = await readRecordedData(file('ulab9.jsonl.gz'));
  const chosen = await evaluateSeeds(
    ulab,
    { warm: { split: 'train', feedback: 'chosen' }, testSplit: 'test', feedback: 'chosen', order: 'file' },
    seeds,
  );
  reportBar('ulab9.trainChosenTestChosen', meanOf(chosen.map((run) => run.meanScore)), 'score', '>=', 0.55);
  report('ulab9.bestSingle', chosen[0]!.baselines['bestSingle']!.meanScore, 'score');
  report('ulab9.thompsonTable', meanOf(chosen.map((run) => run.baselines['thompsonTable']!.meanScore)), 'score');

  const arena = await readRecordedData(file('routerarena2.jsonl.gz'));
  const cold = await evaluateSeeds(arena, { warm: null, testSplit: null, feedback: 'chosen', order: 'shuffle' }, seeds);
  report('routerarena2.cold', meanOf(cold.map((run) => run.meanScore)), 'score');

  const pareto = await readRecordedData(file('paretobandit-val.jsonl.gz'), {
    excludeModels: ['google/gemini-2.5-flash'],
  });
  const regrets = await evaluateSeeds(
    pareto,
    { warm: null, testSplit: null, feedback: 'chosen', order: 'shuffle' },
    seeds,
  );
  report(
    'paretobandit.coldRegretOfRandom',
    meanOf(regrets.map((run) => run.regret / run.baselines['random']!.regret)),
    'share',
  );
}

runCheck(main);
