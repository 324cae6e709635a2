/**
 * Disjoint LinUCB (Li, Chu, Langford and Schapire 2010): a ridge regression per model and the upper end of its confidence
 * interval. The plainest learner that reads the request; what the engine adds must be worth more than this.
 */
import { argmax, candidatesIn, choose, judgeChoices, type OutcomeMatrix, type PolicyResult } from './baselines';

export interface LinUcbOptions {
  /** One vector for each row of the matrix, all of one length; a bias is added here. */
  readonly contexts: readonly Float32Array[];
  /** Width of the confidence interval in standard deviations of unit noise. Default `linUcbAlpha`. */
  readonly alpha?: number;
  /** What it is shown of a call, rows x models, where that differs from the utilities it is judged by. */
  readonly shown?: Float64Array;
  /** Rows after which it is shown the outcome of one; null: never. By default at once. */
  readonly feedbackAfter?: (row: number) => number | null;
}

/** Scores are 0..1 with deviations of .3 to .5: narrower than the unit noise that alpha = 1 stands for. */
const linUcbAlpha = 0.3;
/** Precision of the prior, as in the paper. */
const ridge = 1;

/** Learns from the utilities of its own choices, serially, from nothing. Ties: the first model. Throws RangeError for a wrong number or length of contexts. */
export function linUcb(
  matrix: OutcomeMatrix,
  { contexts, alpha = linUcbAlpha, shown = matrix.utilities, feedbackAfter = () => 0 }: LinUcbOptions,
): PolicyResult {
  if (contexts.length !== matrix.rows) {
    throw new RangeError(`LinUCB needs a context for each of ${matrix.rows} rows, not ${contexts.length}`);
  }
  const size = contexts[0]!.length + 1;
  const arms = matrix.models.map(() => ridgeRegression(size));
  const x = new Float64Array(size);
  const read = (r: number): void => {
    if (contexts[r]!.length !== size - 1) throw new RangeError(`context ${r} has another length than the first`);
    x[0] = 1;
    x.set(contexts[r]!, 1);
  };
  let waiting: { readonly row: number; readonly choice: number; readonly dueAt: number }[] = [];
  const choices = choose(matrix, (r) => {
    read(r);
    const choice = argmax(candidatesIn(matrix, r), (m) => {
      const { mean, variance } = arms[m]!.predict(x);
      return mean + alpha * Math.sqrt(variance);
    });
    const after = feedbackAfter(r);
    if (after !== null) waiting.push({ row: r, choice, dueAt: r + after });
    const due = waiting.filter(({ dueAt }) => dueAt <= r);
    if (due.length > 0) waiting = waiting.filter(({ dueAt }) => dueAt > r);
    for (const one of due) {
      read(one.row);
      arms[one.choice]!.learn(x, shown[one.row * matrix.models.length + one.choice]!);
    }
    return choice;
  });
  return judgeChoices('LinUCB', matrix, choices);
}

/** Weights w = P b and their covariance P = (ridge I + sum x x')^-1, kept up to date by Sherman and Morrison's formula. */
function ridgeRegression(size: number) {
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) covariance[i * size + i] = 1 / ridge;
  const weights = new Float64Array(size);
  const direction = new Float64Array(size);
  const predict = (x: Float64Array): { mean: number; variance: number } => {
    let mean = 0;
    let variance = 0;
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += covariance[i * size + j]! * x[j]!;
      direction[i] = sum;
      variance += sum * x[i]!;
      mean += weights[i]! * x[i]!;
    }
    return { mean, variance: Math.max(0, variance) };
  };
  return {
    predict,
    learn(x: Float64Array, value: number): void {
      const { mean, variance } = predict(x);
      const gain = 1 / (1 + variance);
      for (let i = 0; i < size; i++) {
        const step = direction[i]! * gain;
        weights[i] = weights[i]! + step * (value - mean);
        for (let j = 0; j < size; j++) covariance[i * size + j] = covariance[i * size + j]! - step * direction[j]!;
      }
    },
  };
}
