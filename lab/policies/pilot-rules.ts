/**
 * Static rules where nobody has declared what models are good at: a team tries all of them on a few requests, writes
 * down the best one per task, and leaves it at that.
 */
import {
  argmax,
  candidatesIn,
  choose,
  columnMean,
  judgeChoices,
  type OutcomeMatrix,
  type PolicyResult,
} from './baselines';

export interface PilotOptions {
  /** Rows of the matrix that were tried with every model. They are judged, too: a little in the rules' favour. */
  readonly pilotRows: readonly number[];
  /** What intake infers of each row of the matrix. */
  readonly taskTypes: readonly string[];
  /** Models that cost more than this on average in the pilot are not in the table; null: all are. USD per request. */
  readonly budgetUsd: number | null;
}

/** A task needs this many pilot rows for a rule of its own; others follow the rule for everything. */
const leastRowsPerTask = 5;

/** The table, applied to every row. A model that is no candidate is passed over. Throws RangeError without pilot rows. */
export function pilotRules(matrix: OutcomeMatrix, { pilotRows, taskTypes, budgetUsd }: PilotOptions): PolicyResult {
  if (pilotRows.length === 0) throw new RangeError('a pilot needs at least one row');
  const costs = matrix.models.map((_, m) => columnMean(matrix, matrix.costsUsd, m, pilotRows));
  const cheapest = Math.min(...costs.filter((cost) => !Number.isNaN(cost)));
  const fits = costs.map((cost) => budgetUsd === null || cost <= Math.max(budgetUsd, cheapest));
  const rule = (rows: readonly number[]): number[] =>
    matrix.models.map((_, m) => {
      const mean = columnMean(matrix, matrix.utilities, m, rows);
      return Number.isNaN(mean) ? Number.NEGATIVE_INFINITY : mean;
    });
  const general = rule(pilotRows);
  const table = new Map<string, number[]>();
  for (const task of new Set(taskTypes)) {
    const rows = pilotRows.filter((row) => taskTypes[row] === task);
    if (rows.length >= leastRowsPerTask) table.set(task, rule(rows));
  }
  const choices = choose(matrix, (r) => {
    const candidates = candidatesIn(matrix, r);
    const affordable = candidates.filter((m) => fits[m] === true);
    const worth = table.get(taskTypes[r] ?? '') ?? general;
    return argmax(affordable.length > 0 ? affordable : candidates, (m) => worth[m]!);
  });
  return judgeChoices('static rules', matrix, choices);
}
