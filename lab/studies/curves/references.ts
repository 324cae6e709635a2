/** Every policy the router is compared with, on the rows it played, in the order it played them. */

import { seededRandom } from '../../../lib/random/seeded';
import type { UtilityWeights } from '../../../lib/routing/judge/utility';
import { inferTask } from '../../../lib/routing/open/infer-task';
import {
  bestSingle,
  judgeChoices,
  type OutcomeMatrix,
  oracle,
  outcomeMatrix,
  type PolicyResult,
  staticRules,
  thompsonTable,
  uniformRandom,
} from '../../policies/baselines';
import { bestCostPrice, fixedShares } from '../../policies/cost-price';
import { linUcb } from '../../policies/lin-ucb';
import { pilotRules } from '../../policies/pilot-rules';
import { type SingleModel, singleModels, staticMix } from '../../policies/static-mix';
import { shuffled } from '../../workloads/draw';
import type { Workload } from '../../workloads/workload';
import type { Part } from './figure-lines';
import { type PolicyName, policyNames } from './policies';
import { requestContexts } from './request-contexts';

/** Rows a team tries by hand before it writes its rules down. */
const pilotRows = 100;

export interface PlayedRows {
  readonly workload: Workload;
  readonly weights: UtilityWeights;
  readonly seed: number;
  readonly budgetUsd: number | null;
  /** What is judged; whoever knows the future knows it of these rows. */
  readonly parts: readonly Part[];
}

/** The router's result first, then the others under the names of `policyNames`; a static mix only under a budget. */
export function references(played: PlayedRows, choices: readonly string[]): Map<PolicyName, PolicyResult> {
  const { workload, weights, seed, budgetUsd } = played;
  const matrix = outcomeMatrix(workload, weights);
  const indexOf = new Map(workload.models.map(({ name }, m) => [name, m]));
  const chosen = choices.map((model) => indexOf.get(model) ?? -1);
  const contexts = requestContexts(workload, seed);
  const random = uniformRandom(matrix);
  const results = new Map<PolicyName, PolicyResult>([[policyNames.router, judgeChoices('router', matrix, chosen)]]);
  const thompson = (rows: OutcomeMatrix) => thompsonTable(rows, { seed });
  const linear = (rows: OutcomeMatrix) => linUcb(rows, { contexts });
  if (budgetUsd === null) {
    return results
      .set(policyNames.oracle, oracle(matrix))
      .set(policyNames.bestSingle, bestSingle(matrix))
      .set(policyNames.linUcb, linear(matrix))
      .set(policyNames.thompson, thompson(matrix))
      .set(policyNames.staticRules, rulesFor(played, matrix))
      .set(policyNames.random, random);
  }
  const from = played.parts[0]!.from;
  const singles = (part: Part): SingleModel[] => singleModels(matrixOf(played, part));
  return results
    .set(policyNames.oracle, bestCostPrice(matrix, budgetUsd, oracle, from))
    .set(
      policyNames.staticMix,
      inParts(played, matrix, (part) => staticMix(singles(part), budgetUsd).shares),
    )
    .set(
      policyNames.bestSingle,
      inParts(played, matrix, (part) => ({ [affordable(singles(part), budgetUsd)]: 1 })),
    )
    .set(policyNames.linUcb, bestCostPrice(matrix, budgetUsd, linear, from))
    .set(policyNames.thompson, bestCostPrice(matrix, budgetUsd, thompson, from))
    .set(policyNames.staticRules, rulesFor(played, matrix))
    .set(policyNames.random, random);
}

/** As the operator declared; where the data says nothing of its models, from a pilot. */
function rulesFor(played: PlayedRows, matrix: OutcomeMatrix): PolicyResult {
  const { workload, weights, seed, budgetUsd } = played;
  const taskTypes = Array.from({ length: workload.rows }, (_, index) => {
    const row = workload.row(index);
    return inferTask(row.taskHint, row.prompt);
  });
  if (workload.models.some((model) => Object.keys(model.taskQuality).length > 0)) {
    return staticRules(matrix, { weights, taskTypes });
  }
  const pilot = shuffled(matrix.rows, seededRandom(seed, 'pilot')).slice(0, pilotRows);
  return pilotRules(matrix, { pilotRows: pilot, taskTypes, budgetUsd });
}

function matrixOf({ workload, weights }: PlayedRows, { from, to }: Part): OutcomeMatrix {
  return outcomeMatrix(
    workload,
    weights,
    Array.from({ length: to - from }, (_, i) => from + i),
  );
}

function affordable(models: readonly SingleModel[], budgetUsd: number): string {
  const fitting = models.filter((model) => model.meanCostUsd <= budgetUsd);
  if (fitting.length === 0) return models.reduce((a, b) => (b.meanCostUsd < a.meanCostUsd ? b : a)).model;
  return fitting.reduce((a, b) => (b.meanScore > a.meanScore ? b : a)).model;
}

/** Fixed shares in each part; rows before the first part follow its shares. */
function inParts(
  { parts }: PlayedRows,
  matrix: OutcomeMatrix,
  sharesIn: (part: Part) => Readonly<Record<string, number>>,
): PolicyResult {
  const plays = parts.map((part) => fixedShares('static', matrix, sharesIn(part)));
  const playAt = (r: number): PolicyResult =>
    plays[
      Math.max(
        0,
        parts.findLastIndex(({ from }) => r >= from),
      )
    ]!;
  const pick = (column: 'utilities' | 'scores' | 'costsUsd') =>
    Float64Array.from({ length: matrix.rows }, (_, r) => playAt(r)[column][r]!);
  return { ...plays[0]!, utilities: pick('utilities'), scores: pick('scores'), costsUsd: pick('costsUsd') };
}
