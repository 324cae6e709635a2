/**
 * WEIGHTED: utilities are averaged by the operator's weights, and the candidate with the best mean is taken, nearly greedily.
 * For a compromise: a candidate that is everybody's second choice can win, which no mixture of distributions allows.
 */
import { softmax } from '../distribution';
import { type Collapse, mixture } from './collapsed';
import { weightsOf } from './combined';

/** Candidates whose mean utility differs by this much differ e-fold in probability. */
const temperature = 0.02;

export const weighted: Collapse = (opened, threads) => {
  const mean = mixture(threads, weightsOf(opened, threads));
  return { ...mean, probabilities: softmax(opened.candidates, mean.utilities, temperature) };
};
