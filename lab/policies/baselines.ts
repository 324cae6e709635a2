/**
 * The policies the engine is compared with, all judged on the same rows and the same luck, serially. A policy that learns
 * sees only the outcomes of its own choices; "hindsight" ones say so.
 */

import type { ModelConfig } from '../../lib/config/router-config';
import { ownEntry } from '../../lib/dictionary';
import { seededRandom } from '../../lib/random/seeded';
import { type UtilityWeights, utilityOf } from '../../lib/routing/judge/utility';
import type { Price, Workload } from '../workloads/workload';

/** What every model would have been worth on every judged row. Row-major, rows x models; NaN: no candidate, or unknown cost. */
export interface OutcomeMatrix {
  readonly models: readonly ModelConfig[];
  readonly rows: number;
  readonly scores: Float64Array;
  readonly costsUsd: Float64Array;
  readonly utilities: Float64Array;
  /** 1 where the call failed. */
  readonly failed: Uint8Array;
  /** Catalogue cost in force when the row was requested; 0 where prices are unknown. */
  readonly listCostsUsd: Float64Array;
  /** True task or data set of each row. */
  readonly groups: readonly (string | null)[];
}

/** How well a policy did. Means are per request. */
export interface PolicyResult {
  readonly name: string;
  readonly requests: number;
  readonly meanUtility: number;
  /** Mean quality of what the caller got; a failed call is 0. */
  readonly meanQuality: number;
  /** The same under the name that recorded data uses. */
  readonly meanScore: number;
  /** Over rows whose cost is known; null where none is. */
  readonly meanCostUsd: number | null;
  readonly costUsdPer1000: number | null;
  /** Mean utility below the oracle's. */
  readonly regret: number;
  /** Share of calls that failed. */
  readonly failureRate: number;
  /** Utility of each row, in order, for paired comparison. */
  readonly utilities: Float64Array;
  /** Quality of each row, in order. */
  readonly scores: Float64Array;
  /** USD of each row, in order; NaN where unknown. */
  readonly costsUsd: Float64Array;
  /** Share of requests per model, in the matrix's order. */
  readonly shares: readonly number[];
}

/**
 * Reads the given rows (all, in order, by default) of a workload. A failed call is worth quality 0, minus the cost and
 * latency that happened; an unknown cost counts 0 in utility. Throws RangeError for a row without any candidate.
 */
export function outcomeMatrix(workload: Workload, weights: UtilityWeights, indices?: ArrayLike<number>): OutcomeMatrix {
  const rows = indices?.length ?? workload.rows;
  const { models } = workload;
  const count = models.length;
  const scores = new Float64Array(rows * count).fill(Number.NaN);
  const costsUsd = new Float64Array(rows * count).fill(Number.NaN);
  const utilities = new Float64Array(rows * count).fill(Number.NaN);
  const listCostsUsd = new Float64Array(rows * count);
  const failed = new Uint8Array(rows * count);
  const groups: (string | null)[] = [];
  for (let r = 0; r < rows; r++) {
    const index = indices?.[r] ?? r;
    const row = workload.row(index);
    groups.push(row.group);
    const prices = pricesAt(workload, index);
    const inputTokens = (row.prompt?.length ?? 0) / 4;
    let candidates = 0;
    for (let m = 0; m < count; m++) {
      const at = r * count + m;
      listCostsUsd[at] = listCostUsd(prices[m]!, inputTokens, models[m]!.expectedOutputTokens);
      const outcome = row.outcomes.get(models[m]!.name) ?? null;
      if (outcome === null) continue;
      candidates++;
      scores[at] = outcome.status === 'SUCCESS' ? outcome.score : 0;
      failed[at] = outcome.status === 'SUCCESS' ? 0 : 1;
      costsUsd[at] = outcome.costUsd ?? Number.NaN;
      utilities[at] = utilityOf(weights, scores[at]!, outcome.costUsd ?? 0, outcome.latencyMs);
    }
    if (candidates === 0) throw new RangeError(`row ${index} (${row.id}) has no candidate with a score`);
  }
  return { models, rows, scores, costsUsd, utilities, failed, listCostsUsd, groups };
}

function pricesAt(workload: Workload, index: number): Price[] {
  return workload.models.map((model) => {
    let price = model.price;
    for (const event of workload.events) {
      if (event.kind === 'priceChanged' && event.model === model.name && event.atIndex <= index) price = event.price;
    }
    return price;
  });
}

function listCostUsd(price: Price, inputTokens: number, outputTokens: number): number {
  return (
    price.perRequestUsd + (inputTokens * price.inputPerMillionUsd + outputTokens * price.outputPerMillionUsd) / 1e6
  );
}

/**
 * Judges choices made elsewhere, for instance by the engine: the index of a model for every row of the matrix. Throws
 * RangeError for a wrong number of choices or a model that is no candidate for its row.
 */
export function judgeChoices(name: string, matrix: OutcomeMatrix, choices: ArrayLike<number>): PolicyResult {
  const { rows, models } = matrix;
  if (choices.length !== rows) throw new RangeError(`${name}: ${choices.length} choices for ${rows} rows`);
  const shares = new Float64Array(rows * models.length);
  for (let r = 0; r < rows; r++) {
    const choice = choices[r]!;
    if (!(choice >= 0 && choice < models.length) || Number.isNaN(matrix.utilities[r * models.length + choice])) {
      throw new RangeError(`${name}: row ${r} has no candidate ${models[choice]?.name ?? choice}`);
    }
    shares[r * models.length + choice] = 1;
  }
  return judgeDistributions(name, matrix, shares);
}

/** Expected results of a policy given as probabilities, rows x models. Non-candidates must have probability 0. */
export function judgeDistributions(name: string, matrix: OutcomeMatrix, probabilities: Float64Array): PolicyResult {
  const count = matrix.models.length;
  const { rows } = matrix;
  const utilities = new Float64Array(rows);
  const scores = new Float64Array(rows);
  const costsUsd = new Float64Array(rows);
  const shares = new Float64Array(count);
  let failures = 0;
  let cost = 0;
  let costKnown = 0;
  let oracle = 0;
  for (let r = 0; r < rows; r++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let m = 0; m < count; m++) {
      const at = r * count + m;
      const utility = matrix.utilities[at]!;
      if (Number.isNaN(utility)) continue;
      best = Math.max(best, utility);
      const p = probabilities[at]!;
      if (p === 0) continue;
      utilities[r]! += p * utility;
      scores[r]! += p * matrix.scores[at]!;
      failures += p * matrix.failed[at]!;
      shares[m]! += p;
      const costUsd = matrix.costsUsd[at]!;
      costsUsd[r]! += p * costUsd;
      if (!Number.isNaN(costUsd)) {
        cost += p * costUsd;
        costKnown += p;
      }
    }
    oracle += best;
  }
  const meanUtility = sumOf(utilities) / rows;
  const meanScore = sumOf(scores) / rows;
  const meanCostUsd = costKnown > 0 ? cost / costKnown : null;
  return {
    name,
    requests: rows,
    meanUtility,
    meanQuality: meanScore,
    meanScore,
    meanCostUsd,
    costUsdPer1000: meanCostUsd === null ? null : 1000 * meanCostUsd,
    regret: oracle / rows - meanUtility,
    failureRate: failures / rows,
    utilities,
    scores,
    costsUsd,
    shares: Array.from(shares, (share) => share / rows),
  };
}

/** Uniform over the row's candidates; its expectation, exactly. */
export function uniformRandom(matrix: OutcomeMatrix): PolicyResult {
  const count = matrix.models.length;
  const probabilities = new Float64Array(matrix.rows * count);
  for (let r = 0; r < matrix.rows; r++) {
    const candidates = candidatesIn(matrix, r);
    for (const m of candidates) probabilities[r * count + m] = 1 / candidates.length;
  }
  return judgeDistributions('uniform random', matrix, probabilities);
}

/** The models in turn; a model that is no candidate for the row is passed over. */
export function roundRobin(matrix: OutcomeMatrix): PolicyResult {
  let turn = 0;
  const choices = choose(matrix, (r) => {
    while (!isCandidate(matrix, r, turn % matrix.models.length)) turn++;
    return turn++ % matrix.models.length;
  });
  return judgeChoices('round-robin', matrix, choices);
}

/**
 * The model with the lowest catalogue cost in force. Where the catalogue knows no prices: the lowest mean cost in
 * hindsight; where costs are unknown too: the first model.
 */
export function cheapest(matrix: OutcomeMatrix): PolicyResult {
  const count = matrix.models.length;
  if (matrix.listCostsUsd.some((cost) => cost > 0)) {
    const choices = choose(matrix, (r) => argmax(candidatesIn(matrix, r), (m) => -matrix.listCostsUsd[r * count + m]!));
    return judgeChoices('cheapest', matrix, choices);
  }
  const means = matrix.models.map((_, m) => columnMean(matrix, matrix.costsUsd, m));
  const worth = (m: number) => (Number.isNaN(means[m]!) ? Number.MAX_VALUE : means[m]!);
  return judgeChoices(
    'cheapest',
    matrix,
    choose(matrix, (r) => argmax(candidatesIn(matrix, r), (m) => -worth(m))),
  );
}

export interface StaticRulesOptions {
  readonly weights: UtilityWeights;
  /** What the rules believe a row's task is, per row of the matrix: a hint, or what the engine's own intake infers. */
  readonly taskTypes: readonly (string | null)[];
}

const failoverAfter = 3;
const failoverRequests = 100;

/**
 * What a sensible team writes by hand: a table task -> model of highest *declared* utility (the operator's quality belief
 * for the task, catalogue cost in force, expected latency), and a simple failover: a model that failed three times in a row
 * is passed over for the next 100 requests. Nothing is learned. Ties: the first model.
 */
export function staticRules(matrix: OutcomeMatrix, options: StaticRulesOptions): PolicyResult {
  const chooseByRules = createStaticRules(matrix.models, options.weights);
  return judgeChoices(
    'static rules',
    matrix,
    choose(matrix, (r) => chooseByRules(matrix, r, options.taskTypes[r] ?? null)),
  );
}

/** The choice of such rules for one row after another: they remember only who has just failed. */
export type ChooseByRules = (matrix: OutcomeMatrix, r: number, task: string | null) => number;

/** Rows may come from any matrix of these models. */
export function createStaticRules(models: readonly ModelConfig[], weights: UtilityWeights): ChooseByRules {
  const count = models.length;
  const inARow = new Int32Array(count);
  const backAt = new Int32Array(count);
  let asked = 0;
  return (matrix, r, task) => {
    const declared = (m: number): number => {
      const model = models[m]!;
      const quality = (task === null ? undefined : ownEntry(model.taskQuality, task)) ?? model.expectedQuality;
      return utilityOf(weights, quality, matrix.listCostsUsd[r * count + m]!, model.expectedLatencyMs);
    };
    const candidates = candidatesIn(matrix, r);
    const up = candidates.filter((m) => backAt[m]! <= asked);
    const choice = argmax(up.length > 0 ? up : candidates, declared);
    asked += 1;
    inARow[choice] = matrix.failed[r * count + choice] === 1 ? inARow[choice]! + 1 : 0;
    if (inARow[choice]! >= failoverAfter) {
      backAt[choice] = asked + failoverRequests;
      inARow[choice] = 0;
    }
    return choice;
  };
}

export interface ThompsonOptions {
  readonly seed: number;
  /** Played before the judged rows: `full` shows every model's outcome, `chosen` only that of its own choice. */
  readonly warm?: { readonly matrix: OutcomeMatrix; readonly feedback: 'full' | 'chosen' };
  /** False: it plays the judged rows with what it knew before. Default true. */
  readonly learn?: boolean;
  /** One table per group instead of one for all; a yardstick for what knowing the true task is worth. */
  readonly perGroup?: boolean;
}

/**
 * Context-free Thompson sampling on utility: each model once, in order; then for each model a draw from
 * N(mean, s^2 / n), with s^2 the pooled within-model variance (at least 1e-4), and the highest draw is played.
 */
export function thompsonTable(matrix: OutcomeMatrix, options: ThompsonOptions): PolicyResult {
  const random = seededRandom(options.seed, 'thompson table');
  const tables = new Map<string, GaussianTable>();
  const tableFor = (played: OutcomeMatrix, r: number): GaussianTable => {
    const key = options.perGroup === true ? (played.groups[r] ?? '') : '';
    let table = tables.get(key);
    if (table === undefined) {
      table = gaussianTable(matrix.models.length, () => random.normal());
      tables.set(key, table);
    }
    return table;
  };
  const play = (played: OutcomeMatrix, feedback: 'full' | 'chosen' | 'none'): Int32Array =>
    choose(played, (r) => {
      const table = tableFor(played, r);
      const candidates = candidatesIn(played, r);
      const choice = table.draw(candidates);
      const seen = feedback === 'full' ? candidates : feedback === 'chosen' ? [choice] : [];
      for (const m of seen) table.learn(m, played.utilities[r * played.models.length + m]!);
      return choice;
    });
  if (options.warm !== undefined) play(options.warm.matrix, options.warm.feedback);
  const choices = play(matrix, options.learn === false ? 'none' : 'chosen');
  return judgeChoices(options.perGroup === true ? 'Thompson per true task' : 'Thompson table', matrix, choices);
}

interface GaussianTable {
  draw(candidates: readonly number[]): number;
  learn(model: number, utility: number): void;
}

function gaussianTable(count: number, normal: () => number): GaussianTable {
  const pulls = new Float64Array(count);
  const means = new Float64Array(count);
  let squares = 0;
  let total = 0;
  return {
    draw(candidates) {
      const untried = candidates.find((m) => pulls[m] === 0);
      if (untried !== undefined) return untried;
      const freedom = total - count;
      // Before there are repeats the spread is unknown; 1 is the range of utility.
      const variance = freedom > 0 ? Math.max(squares / freedom, 1e-4) : 1;
      return argmax(candidates, (m) => means[m]! + normal() * Math.sqrt(variance / pulls[m]!));
    },
    learn(m, utility) {
      // Welford, pooled over models.
      pulls[m]! += 1;
      total += 1;
      const before = utility - means[m]!;
      means[m]! += before / pulls[m]!;
      squares += before * (utility - means[m]!);
    },
  };
}

/** The one model of highest mean utility over the rows where it is a candidate; where it is none, the next best. */
export function bestSingle(matrix: OutcomeMatrix): PolicyResult {
  const means = matrix.models.map((_, m) => columnMean(matrix, matrix.utilities, m));
  const worth = (m: number) => (Number.isNaN(means[m]!) ? Number.NEGATIVE_INFINITY : means[m]!);
  return judgeChoices(
    'best single (hindsight)',
    matrix,
    choose(matrix, (r) => argmax(candidatesIn(matrix, r), worth)),
  );
}

/** The best model of each true task in hindsight: what perfect task knowledge and nothing else is worth. */
export function bestPerGroup(matrix: OutcomeMatrix): PolicyResult {
  const rowsOf = new Map<string, number[]>();
  matrix.groups.forEach((group, r) => {
    const rows = rowsOf.get(group ?? '');
    if (rows === undefined) rowsOf.set(group ?? '', [r]);
    else rows.push(r);
  });
  const means = new Map<string, number[]>();
  for (const [group, rows] of rowsOf) {
    means.set(
      group,
      matrix.models.map((_, m) => columnMean(matrix, matrix.utilities, m, rows)),
    );
  }
  const choices = choose(matrix, (r) => {
    const worth = means.get(matrix.groups[r] ?? '')!;
    return argmax(candidatesIn(matrix, r), (m) => worth[m]!);
  });
  return judgeChoices('best per task (hindsight)', matrix, choices);
}

/** The model that was best on this very row, luck included: a bound, not a policy. */
export function oracle(matrix: OutcomeMatrix): PolicyResult {
  const count = matrix.models.length;
  const choices = choose(matrix, (r) => argmax(candidatesIn(matrix, r), (m) => matrix.utilities[r * count + m]!));
  return judgeChoices('oracle', matrix, choices);
}

export interface BaselineOptions {
  readonly weights: UtilityWeights;
  readonly seed: number;
  /** See `StaticRulesOptions`. */
  readonly taskTypes: readonly (string | null)[];
  readonly warm?: ThompsonOptions['warm'];
  readonly learn?: boolean;
}

export interface Baselines {
  readonly random: PolicyResult;
  readonly roundRobin: PolicyResult;
  readonly cheapest: PolicyResult;
  readonly staticRules: PolicyResult;
  readonly thompsonTable: PolicyResult;
  readonly bestSingle: PolicyResult;
  readonly oracle: PolicyResult;
}

/** All of them at once, in the order of the final table. */
export function allBaselines(matrix: OutcomeMatrix, options: BaselineOptions): Baselines {
  const { seed, warm, learn } = options;
  return {
    random: uniformRandom(matrix),
    roundRobin: roundRobin(matrix),
    cheapest: cheapest(matrix),
    staticRules: staticRules(matrix, options),
    thompsonTable: thompsonTable(matrix, {
      seed,
      ...(warm === undefined ? {} : { warm }),
      ...(learn === undefined ? {} : { learn }),
    }),
    bestSingle: bestSingle(matrix),
    oracle: oracle(matrix),
  };
}

/** The choice for every row, in order. */
export function choose(matrix: OutcomeMatrix, decide: (row: number) => number): Int32Array {
  const choices = new Int32Array(matrix.rows);
  for (let r = 0; r < matrix.rows; r++) choices[r] = decide(r);
  return choices;
}

function isCandidate(matrix: OutcomeMatrix, row: number, model: number): boolean {
  return !Number.isNaN(matrix.utilities[row * matrix.models.length + model]);
}

/** Indices of the models that are candidates for a row, in order. */
export function candidatesIn(matrix: OutcomeMatrix, row: number): number[] {
  const candidates: number[] = [];
  for (let m = 0; m < matrix.models.length; m++) if (isCandidate(matrix, row, m)) candidates.push(m);
  return candidates;
}

/** The first item of highest worth. */
export function argmax(items: readonly number[], worth: (item: number) => number): number {
  let best = items[0]!;
  let bestWorth = worth(best);
  for (let i = 1; i < items.length; i++) {
    const value = worth(items[i]!);
    if (value > bestWorth) {
      best = items[i]!;
      bestWorth = value;
    }
  }
  return best;
}

/** Mean over the rows where the value is known; NaN where it never is. */
export function columnMean(
  matrix: OutcomeMatrix,
  values: Float64Array,
  model: number,
  rows?: readonly number[],
): number {
  let sum = 0;
  let known = 0;
  const count = rows?.length ?? matrix.rows;
  for (let i = 0; i < count; i++) {
    const value = values[(rows?.[i] ?? i) * matrix.models.length + model]!;
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  return sum / known;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
