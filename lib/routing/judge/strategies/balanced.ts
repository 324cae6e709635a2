/**
 * BALANCED maximises expected utility: quality, less cost and latency as the request weighs them, by what profiles say of them.
 * Candidates that are nearly as good get nearly as much: a difference of .02 is e-fold.
 */
import { softmax } from '../distribution';
import type { Strategy } from '../strategy';
import { expectedQualities, expectedUtilities, staticJudgement } from './expectations';

/** Candidates whose utility differs by this much differ e-fold in probability. */
const temperature = 0.02;

export const balanced: Strategy = (opened) => {
  const qualities = expectedQualities(opened);
  const utilities = expectedUtilities(opened, qualities);
  return staticJudgement(opened, qualities, softmax(opened.candidates, utilities, temperature));
};
