/** The lines of the session benchmark: what each seed reached, and the gains with their intervals over all of them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fourDigits, report, reportBar } from '../../report/report-line';
import { overSeeds, pairedGain } from '../quality/figures';
import { byBudget, bySession, measureSessions, type SessionFigures } from './measure-sessions';
import { readSessionData } from './session-rows';

/** Steps each of the two agents learns from. */
const trainingSteps = 20_000;
/** How much of a score counts as level. */
const levelTolerance = 0.005;

export interface SessionRun {
  /** Where the recorded data lies. */
  readonly folder: string;
  readonly seeds: readonly number[];
}

/** Prints a line per seed and the bars; says so where the data is missing. */
export async function reportSessions({ folder, seeds }: SessionRun): Promise<void> {
  const path = join(folder, 'paretobandit-val.jsonl.gz');
  if (!existsSync(path)) {
    process.stderr.write(`no recorded data in ${folder}: sessions are skipped\n`);
    return;
  }
  const workload = await readSessionData(path);
  const all: SessionFigures[] = [];
  for (const seed of seeds) {
    const started = performance.now();
    const figures = measureSessions(workload, seed, trainingSteps);
    all.push(figures);
    report(`rl.sessions.${seed}.score`, meanOf(figures.dqn), 'score', {
      oneStep: fourDigits(meanOf(figures.oneStep)),
      fixedPrice: fourDigits(meanOf(figures.fixedPrice)),
      pricePerUsd: fourDigits(figures.pricePerUsd),
      priceOfBudget: fourDigits(meanOf(figures.priceOfBudget)),
      evenShare: fourDigits(meanOf(figures.evenShare)),
      seconds: Math.round((performance.now() - started) / 1000),
    });
  }
  reportGains(all);
}

type Rival = 'oneStep' | 'fixedPrice' | 'priceOfBudget' | 'evenShare';

function reportGains(all: readonly SessionFigures[]): void {
  const gainOver = (rival: Rival) =>
    pairedGain(all.map((one) => ({ ids: one.ids, ours: bySession(one.dqn), theirs: bySession(one[rival]) })));
  const details = (rival: Rival) => {
    const { mean, low, high, rows } = gainOver(rival);
    const overAll = overSeeds(all.map((one) => meanOf(one.dqn) - meanOf(one[rival])));
    return { mean: fourDigits(mean), low: fourDigits(low), high: fourDigits(high), sessions: rows, overSeeds: overAll };
  };
  const oneStep = gainOver('oneStep');
  reportBar('rl.sessions.gainOverOneStep.low', oneStep.low, 'score', '>=', 0, details('oneStep'));
  const price = gainOver('fixedPrice');
  reportBar('rl.sessions.gainOverFixedPrice', price.mean, 'score', '>=', -levelTolerance, details('fixedPrice'));
  reportBar('rl.sessions.gainOverFixedPrice.high', price.high, 'score', '>=', 0);
  for (const rival of ['priceOfBudget', 'evenShare'] as const) {
    report(`rl.sessions.gainOver.${rival}`, gainOver(rival).mean, 'score', details(rival));
  }
  for (const who of ['dqn', 'oneStep', 'fixedPrice', 'priceOfBudget', 'evenShare'] as const) {
    const budgets = all.map((one) => byBudget(one[who]));
    const means = budgets[0]!.map((_, b) =>
      fourDigits(budgets.reduce((sum, one) => sum + one[b]! / budgets.length, 0)),
    );
    report(`rl.sessions.byBudget.${who}`, means.reduce((sum, mean) => sum + mean, 0) / means.length, 'score', {
      means,
    });
  }
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
