/** Figures made from what was chosen: scores, spending, regret, and gains with their intervals. Pure. */

import { studentQuantile } from '../../../lib/learning/ope/student';
import { utilityWeights } from '../../../lib/routing/judge/utility';
import { judgeChoices, type OutcomeMatrix, outcomeMatrix, type PolicyResult } from '../../policies/baselines';
import { type PairedDifference, pairedDifference } from '../../report/paired-difference';
import type { Workload } from '../../workloads/workload';
import type { Choices } from './play';

/** Quality alone counts: utility is the score. */
export const quality = utilityWeights({ quality: 1, cost: 0, latency: 0 }, { costUsd: 1, latencyMs: 1 }, 0);

/** The judged rows of one run, or a part of them, and what the router made of them. */
export interface Judged {
  readonly ids: readonly string[];
  readonly matrix: OutcomeMatrix;
  readonly router: PolicyResult;
}

/**
 * Judges the choices from position `from` up to, not including, `to` (all by default); the rows of the workload before
 * the first choice are warm. Throws RangeError when a choice was no candidate for its row.
 */
export function judge(workload: Workload, choices: Choices, from = 0, to = choices.length): Judged {
  const warmRows = workload.rows - choices.length;
  const rows = Array.from({ length: to - from }, (_, i) => warmRows + from + i);
  const matrix = outcomeMatrix(workload, quality, rows);
  const indexOf = new Map(workload.models.map(({ name }, m) => [name, m]));
  const chosen = choices.slice(from, to).map((model) => indexOf.get(model) ?? -1);
  return { ids: rows.map((row) => workload.row(row).id), matrix, router: judgeChoices('router', matrix, chosen) };
}

/** The model of highest mean score over the rows where it was measured. */
export function bestModel(matrix: OutcomeMatrix): string {
  const count = matrix.models.length;
  let best = '';
  let bestMean = Number.NEGATIVE_INFINITY;
  matrix.models.forEach(({ name }, m) => {
    let sum = 0;
    let measured = 0;
    for (let r = 0; r < matrix.rows; r++) {
      const score = matrix.scores[r * count + m]!;
      if (Number.isNaN(score)) continue;
      sum += score;
      measured++;
    }
    if (measured > 0 && sum / measured > bestMean) {
      best = name;
      bestMean = sum / measured;
    }
  });
  return best;
}

/** One policy against another on the same rows. */
export interface Comparison {
  readonly ids: readonly string[];
  readonly ours: Float64Array;
  readonly theirs: Float64Array;
}

/**
 * Mean gain per row with its 95 % interval over several runs (seeds, folds) on the same rows: a row's gains are averaged
 * over the runs first, so that a row counts once however often it was played.
 */
export function pairedGain(comparisons: readonly Comparison[]): PairedDifference {
  const gains = new Map<string, { sum: number; count: number }>();
  for (const { ids, ours, theirs } of comparisons) {
    ids.forEach((id, i) => {
      const gain = gains.get(id) ?? { sum: 0, count: 0 };
      gain.sum += ours[i]! - theirs[i]!;
      gain.count++;
      gains.set(id, gain);
    });
  }
  const means = [...gains.values()].map(({ sum, count }) => sum / count);
  return pairedDifference(means, new Float64Array(means.length));
}

/** Mean over seeds and half the width of its 95 % interval (Student); null for one seed. */
export function overSeeds(values: readonly number[]): { readonly mean: number; readonly plusMinus: number | null } {
  const mean = meanOf(values);
  if (values.length < 2) return { mean, plusMinus: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, plusMinus: studentQuantile(0.975, values.length - 1) * Math.sqrt(variance / values.length) };
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
