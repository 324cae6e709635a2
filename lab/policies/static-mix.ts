/**
 * What a budget buys without looking at requests: the best mixture of two single models in hindsight. A router under a
 * budget must beat it, or its knowledge of the requests is worth nothing.
 */
import type { OutcomeMatrix } from './baselines';

/** A policy that sends every request to one model, judged on the rows at hand. */
export interface SingleModel {
  readonly model: string;
  /** Mean over the rows, 0..1. */
  readonly meanScore: number;
  /** USD per request. */
  readonly meanCostUsd: number;
}

export interface StaticMix {
  /** Expected score per request. */
  readonly meanScore: number;
  /** Expected USD per request; above the budget only when not even the cheapest model fits it. */
  readonly meanCostUsd: number;
  /** Share of requests per model; one or two of them, summing to 1. */
  readonly shares: Readonly<Record<string, number>>;
}

/**
 * The mixture of at most two of the models with the highest expected score at an expected cost of at most `budgetUsd`
 * (USD per request). Two are enough: the best mixture of any number is one of these. When no model fits the budget, the
 * cheapest alone. Throws RangeError without models or for a budget that is not positive.
 */
export function staticMix(models: readonly SingleModel[], budgetUsd: number): StaticMix {
  if (models.length === 0) throw new RangeError('a static mix needs at least one model with known scores and costs');
  if (!(budgetUsd > 0)) throw new RangeError(`budgetUsd must be positive, not ${budgetUsd}`);
  const affordable = models.filter((model) => model.meanCostUsd <= budgetUsd);
  if (affordable.length === 0) {
    return alone(models.reduce((best, model) => (model.meanCostUsd < best.meanCostUsd ? model : best)));
  }
  let best = alone(affordable.reduce((top, model) => (model.meanScore > top.meanScore ? model : top)));
  for (const cheap of affordable) {
    for (const dear of models) {
      if (dear.meanCostUsd <= budgetUsd || dear.meanScore <= cheap.meanScore) continue;
      const mix = mixed(cheap, dear, (budgetUsd - cheap.meanCostUsd) / (dear.meanCostUsd - cheap.meanCostUsd));
      if (mix.meanScore > best.meanScore) best = mix;
    }
  }
  return best;
}

/** The single models of a matrix: those measured, with a known cost, on every row. */
export function singleModels(matrix: OutcomeMatrix): SingleModel[] {
  const singles: SingleModel[] = [];
  matrix.models.forEach(({ name }, m) => {
    let score = 0;
    let costUsd = 0;
    for (let r = 0; r < matrix.rows; r++) {
      score += matrix.scores[r * matrix.models.length + m]!;
      costUsd += matrix.costsUsd[r * matrix.models.length + m]!;
    }
    // NaN: not measured, or at an unknown cost, on some row.
    if (Number.isNaN(score + costUsd)) return;
    singles.push({ model: name, meanScore: score / matrix.rows, meanCostUsd: costUsd / matrix.rows });
  });
  return singles;
}

function alone({ model, meanScore, meanCostUsd }: SingleModel): StaticMix {
  return { meanScore, meanCostUsd, shares: { [model]: 1 } };
}

function mixed(cheap: SingleModel, dear: SingleModel, dearShare: number): StaticMix {
  const between = (a: number, b: number): number => a + dearShare * (b - a);
  return {
    meanScore: between(cheap.meanScore, dear.meanScore),
    meanCostUsd: between(cheap.meanCostUsd, dear.meanCostUsd),
    shares: { [cheap.model]: 1 - dearShare, [dear.model]: dearShare },
  };
}
