/**
 * WEIGHTED maximises agreement: distributions are multiplied, each raised to the operator's weight of its strategy, as experience
 * with the task type corrects it (their geometric mean). For a compromise: what one strategy all but rules out hardly wins, and everybody's second choice can, unlike in a mixture.
 */
import { softmax } from '../../judge/distribution';
import { type Collapse, mixture } from './collapsed';
import { weightsOf } from './combined';

/** A probability of less counts as this much: no strategy can veto a candidate altogether. */
const leastProbability = 0.01;

export const weighted: Collapse = (opened, threads) => {
  const mean = mixture(threads, weightsOf(opened, threads));
  const logs = opened.candidates.map((_, i) =>
    threads.reduce(
      (sum, thread, t) => sum + mean.weights[t]! * Math.log(Math.max(thread.probabilities[i]!, leastProbability)),
      0,
    ),
  );
  return { ...mean, probabilities: softmax(opened.candidates, logs, 1) };
};
