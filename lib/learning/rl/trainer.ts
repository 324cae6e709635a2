/**
 * Trains a Q-network: one gradient step on a batch of targets, with a target network that follows. It does not know where targets
 * come from: one-shot requests, sessions and control tasks all end here.
 */

import type { Random } from '../../ports/random';
import { type Engine, engineInUse, type OptimizerState, type TrainerState } from './engine';
import { hiddenLayer, initialParameters, type NetworkShape, outputLayer, outputsOf, parameterCount } from './network';
import type { Batch, TargetUpdate, TrainerSettings, TrainingStep } from './training-step';

/** What one step does otherwise than the settings say. */
export interface StepRates {
  /** Times the learning rate; 1 by default. */
  readonly rateFactor?: number;
  /** Instead of that of the settings. */
  readonly weightDecay?: number;
}

export type WhichNetwork = 'online' | 'target';

export interface Trainer {
  readonly shape: NetworkShape;
  readonly settings: TrainerSettings;
  /** On plain memory: what acts, is published and saved. */
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  /** One gradient step. */
  train(batch: Batch, rates?: StepRates): TrainingStep;
  /** Values of all actions (actions x heads) for one input, on plain memory, by one of both networks or by other weights; reused by the next call. */
  predict(x: Float32Array, inputScale: number, which?: WhichNetwork | Float32Array): Float32Array;
  /** Values of many inputs (rows x inputs) at once, on whatever trains. */
  predictBatch(x: Float32Array, rows: number, which: WhichNetwork): Float32Array;
  /** Adam's moments, for checkpoints. */
  optimizer(): OptimizerState;
  dispose(): void;
}

/** A network with random weights. The backend must be ready. */
export function createTrainer(shape: NetworkShape, settings: TrainerSettings, random: Random): Trainer {
  const parameters = initialParameters(shape, random);
  const zeros = new Float32Array(parameterCount(shape));
  return restoreTrainer(shape, settings, {
    parameters,
    target: parameters,
    optimizer: { first: zeros, second: zeros, steps: 0 },
  });
}

/** A network that continues where a saved one stopped, to the bit, on the tensor backend in use. Copies the state. */
export function restoreTrainer(shape: NetworkShape, settings: TrainerSettings, state: TrainerState): Trainer {
  const engine = engineInUse()(shape, settings, state);
  const parameters = Float32Array.from(state.parameters);
  const target = Float32Array.from(state.target);
  let { steps } = state.optimizer;
  return {
    shape,
    settings,
    parameters,
    target,
    train(batch, { rateFactor = 1, weightDecay = settings.weightDecay } = {}) {
      steps++;
      const rates = { learningRate: settings.learningRate * rateFactor, weightDecay };
      const stepped = engine.step(batch, steps, rates);
      parameters.set(stepped.parameters);
      follow(target, parameters, steps, settings.targetUpdate);
      return stepped.report;
    },
    predict: predictor(shape, engine, parameters, target),
    predictBatch: (x, rows, which) => engine.valuesOf(x, rows, which === 'online' ? null : target),
    optimizer: () => ({ ...engine.moments(), steps }),
    dispose: () => engine.dispose(),
  };
}

/** Values of one input: where the engine has nothing better on plain memory, which is faster for one row than a tensor backend. */
function predictor(
  shape: NetworkShape,
  engine: Engine,
  parameters: Float32Array,
  target: Float32Array,
): Trainer['predict'] {
  const hidden = new Float32Array(shape.hidden);
  const lastHidden = new Float32Array(shape.hidden);
  const out = new Float32Array(outputsOf(shape));
  return (x, inputScale, which = 'online') => {
    if (which === 'online' && engine.predict) return engine.predict(x, inputScale);
    const from = which === 'online' ? parameters : which === 'target' ? target : which;
    hiddenLayer(shape, from, x, inputScale, hidden, lastHidden);
    outputLayer(shape, from, lastHidden, out);
    return out;
  };
}

/** Moves the target network after the `steps`-th step. */
function follow(target: Float32Array, online: Float32Array, steps: number, update: TargetUpdate): void {
  if (update.kind === 'polyak') {
    const { share } = update;
    for (let i = 0; i < target.length; i++) target[i] = target[i]! + share * (online[i]! - target[i]!);
  } else if (steps % update.everySteps === 0) {
    target.set(online);
  }
}
