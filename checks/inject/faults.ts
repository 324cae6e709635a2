/**
 * What can go wrong with learning, on purpose: damage to the learner's memory, and sources of judgements that lie or shout.
 * Each fault begins after a third of the requests; what a source does ends after two thirds.
 */
import type { LearnerState } from '../../lib/learning/fold/learner-state';
import { restoreNeuralHalf } from '../../lib/learning/value/neural-half';

export const faultNames = ['nan', 'scale', 'flip', 'liar', 'flood-of-zeros', 'flood-of-ones'] as const;
export type FaultName = (typeof faultNames)[number];

/** Names on the command line and the faults they stand for. */
export const faultGroups: Readonly<Record<string, readonly FaultName[]>> = {
  nan: ['nan'],
  scale: ['scale'],
  flip: ['flip', 'liar'],
  flood: ['flood-of-zeros', 'flood-of-ones'],
  all: faultNames,
};

/** A source that sends many judgements of one model, all alike. */
export interface Flood {
  readonly source: string;
  readonly quality: number;
  /** Of which model: the one chosen most before the flood, or the one chosen least. */
  readonly target: 'most' | 'least';
  /** Requests of its own for every ordinary one. */
  readonly perRequest: number;
}

export interface Fault {
  /** Damages the learner's memory, once. */
  readonly tamper: ((state: LearnerState) => void) | null;
  /** One of the ordinary sources that reports 1 - quality. */
  readonly liar: string | null;
  readonly flood: Flood | null;
}

/** Ordinary judgements come from these in turn. */
export const ordinarySources = ['editors', 'graders', 'support', 'users'] as const;

const quiet: Fault = { tamper: null, liar: null, flood: null };
const floodPerRequest = 20;

export const faults: Readonly<Record<FaultName, Fault>> = {
  nan: { ...quiet, tamper: (state) => rewrite(state, () => Number.NaN) },
  scale: { ...quiet, tamper: (state) => rewrite(state, (value) => 1_000 * value) },
  flip: { ...quiet, tamper: (state) => rewrite(state, (value) => -value) },
  liar: { ...quiet, liar: ordinarySources[0] },
  'flood-of-zeros': {
    ...quiet,
    flood: { source: 'shouter', quality: 0, target: 'most', perRequest: floodPerRequest },
  },
  'flood-of-ones': { ...quiet, flood: { source: 'shouter', quality: 1, target: 'least', perRequest: floodPerRequest } },
};

/** Every weight of both halves, in the tensors as well as in their mirror. */
function rewrite(state: LearnerState, change: (value: number) => number): void {
  const { linear, neural } = state;
  if (linear) for (const { weights } of [linear.shared, ...linear.arms]) weights.set(weights.map(change));
  if (!neural) return;
  state.neural = restoreNeuralHalf(neural.shape, {
    parameters: neural.parameters.map(change),
    target: neural.target.map(change),
    optimizer: neural.optimizer(),
  });
  neural.dispose();
}
