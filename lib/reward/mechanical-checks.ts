/**
 * Checks of an answer that need no judgement, each a reward part of its own with a weight of its own: what they say differs in
 * worth, and an operator may think otherwise than we do.
 */

/**
 * The weight of each unless `reward.weights` says otherwise. A refusal may be right, and an answer that was cut off was often cut
 * by its caller's own limit, so these two are for the record until somebody gives them a weight.
 */
export const mechanicalWeights = {
  'mechanical:structured': 1,
  'mechanical:tools': 1,
  'mechanical:empty': 1,
  'mechanical:finish': 0,
  'mechanical:refusal': 0,
} as const;

export type MechanicalCheck = keyof typeof mechanicalWeights;
