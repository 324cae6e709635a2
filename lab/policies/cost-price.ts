/**
 * Lets policies that know no budget take part under one: cost counts at a fixed price per USD, and the price is the best
 * one in hindsight. Whoever must find the price while playing has to be measured against that.
 */
import { ownEntry } from '../../lib/dictionary';
import { candidatesIn, judgeDistributions, type OutcomeMatrix, type PolicyResult } from './baselines';

/** Utility lost per USD that is tried: from a dollar for all of the quality to a thousandth of a cent. */
const lowestPrice = 1;
const highestPrice = 1e5;
const pricesPerDecade = 8;

/** The same rows with utility = score - price x cost; an unknown cost counts 0. */
export function priced(matrix: OutcomeMatrix, pricePerUsd: number): OutcomeMatrix {
  const utilities = matrix.scores.map((score, at) => {
    const costUsd = matrix.costsUsd[at]!;
    return Number.isNaN(costUsd) ? score : score - pricePerUsd * costUsd;
  });
  return { ...matrix, utilities };
}

/**
 * Plays at every price of a grid, 0 included, and returns the play of highest mean score that spends at most `budgetUsd`
 * per request, both over the rows from `from` on; the one that spends least where none does. Utilities of the result are
 * scores again.
 */
export function bestCostPrice(
  matrix: OutcomeMatrix,
  budgetUsd: number,
  play: (matrix: OutcomeMatrix) => PolicyResult,
  from = 0,
): PolicyResult {
  let best: { result: PolicyResult; score: number; spend: number } | null = null;
  const steps = Math.round(pricesPerDecade * Math.log10(highestPrice / lowestPrice));
  for (let step = -1; step <= steps; step++) {
    const price = step < 0 ? 0 : lowestPrice * 10 ** (step / pricesPerDecade);
    const result = play(priced(matrix, price));
    const score = meanFrom(result.scores, from);
    const spend = meanFrom(result.costsUsd, from);
    const fits = spend <= budgetUsd;
    const bestFits = best !== null && best.spend <= budgetUsd;
    const better =
      best === null || (fits && !bestFits) || (fits ? score > best.score : !bestFits && spend < best.spend);
    if (better) best = { result, score, spend };
  }
  return { ...best!.result, utilities: best!.result.scores };
}

/**
 * The share-weighted play of fixed shares per model, for instance a static mix: what it is expected to do on every row.
 * Throws RangeError where a model with a share is no candidate.
 */
export function fixedShares(
  name: string,
  matrix: OutcomeMatrix,
  shares: Readonly<Record<string, number>>,
): PolicyResult {
  const count = matrix.models.length;
  const wanted = matrix.models.map((model) => ownEntry(shares, model.name) ?? 0);
  const probabilities = new Float64Array(matrix.rows * count);
  for (let r = 0; r < matrix.rows; r++) {
    const candidates = candidatesIn(matrix, r);
    wanted.forEach((share, m) => {
      if (share > 0 && !candidates.includes(m)) {
        throw new RangeError(`${name}: row ${r} has no candidate ${matrix.models[m]!.name}`);
      }
      probabilities[r * count + m] = share;
    });
  }
  return judgeDistributions(name, matrix, probabilities);
}

function meanFrom(values: Float64Array, from: number): number {
  let sum = 0;
  for (let r = from; r < values.length; r++) sum += values[r]!;
  return sum / (values.length - from);
}
