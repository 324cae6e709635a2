/**
 * The neural half of the value function: the agent's Q-network with bootstrap heads, set up for the engine's rewards. A
 * one-shot request is an episode of one step: the target is the reward, and the target network idles.
 */
import type { Random } from '../../ports/random';
import type { TrainerState } from '../rl/engine';
import type { NetworkShape } from '../rl/network';
import { rearrangeActions } from '../rl/rearrange-actions';
import { createTrainer, restoreTrainer, type Trainer } from '../rl/trainer';
import type { TrainerSettings } from '../rl/training-step';
import { headCount } from './linear-half';

/** Units per hidden layer; wider ones win on control tasks and lose on a few thousand rewards. */
export const hiddenUnits = 64;
/** Rows of a batch. */
export const batchRows = 64;

/** Share of a weight lost per step and unit of learning rate: hardly any where the network proves right... */
const leastWeightDecay = 0.02;
/** ...and so much where it foretells nothing: there a network this eager learns rewards by heart that are mostly luck. */
const mostWeightDecay = 1;
/** From this share of what the models' means leave open the network has proven right. */
const provenShare = 0.3;

const settings: TrainerSettings = {
  // High, because the network must follow a stream, not converge.
  learningRate: 2e-3,
  weightDecay: leastWeightDecay,
  // In deviations of the reward: only absurd errors are cut.
  huberDelta: 5,
  // The usual 10 for each head, the loss being a sum over heads.
  gradientClip: 10 * Math.sqrt(headCount),
  targetUpdate: { kind: 'copy', everySteps: 100 },
};

export type NeuralHalf = Trainer;

/** The network of `models` models on `inputs` features. */
export function neuralShape(inputs: number, models: number): NetworkShape {
  return { inputs, hidden: hiddenUnits, actions: models, heads: headCount };
}

/** A fresh network. The backend must be ready. */
export function createNeuralHalf(shape: NetworkShape, random: Random): NeuralHalf {
  return createTrainer(shape, settings, random);
}

/** One that continues from a saved state. */
export function restoreNeuralHalf(shape: NetworkShape, state: TrainerState): NeuralHalf {
  return restoreTrainer(shape, settings, state);
}

/**
 * The same network with other models: `from[i]` is the old number of model i, -1 for a newcomer. Targets are centred per
 * model, so near 0, where fresh weights start, already says "as good as its own mean".
 */
export function rearrangeModels(neural: NeuralHalf, from: readonly number[], random: Random): NeuralHalf {
  return rearrangeActions(neural, from, { kind: 'random', random });
}

/**
 * Weight decay for a network that has foretold this share, 0..1, of what the models' means leave open: the prior's weight
 * comes from the evidence, as in the linear half.
 */
export function weightDecayOf(explained: number): number {
  return Math.max(leastWeightDecay, mostWeightDecay * (1 - explained / provenShare));
}
