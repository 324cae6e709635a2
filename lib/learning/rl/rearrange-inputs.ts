/** Features come and go while the network stays: what it has learned of the others is kept. */
import { hiddenBiasAt, type NetworkShape } from './network';
import { restoreTrainer, type Trainer } from './trainer';

/**
 * The same trainer with other inputs: `from[i]` is the old number of input i, -1 for a new one. A new input starts without
 * weight, so that values are the same until it has been learned. Disposes the old trainer.
 */
export function rearrangeInputs(trainer: Trainer, from: readonly number[]): Trainer {
  const { shape: old, settings } = trainer;
  const shape = { ...old, inputs: from.length };
  const { first, second, steps } = trainer.optimizer();
  const moved = restoreTrainer(shape, settings, {
    parameters: move(old, trainer.parameters, from),
    target: move(old, trainer.target, from),
    optimizer: { first: move(old, first, from), second: move(old, second, from), steps },
  });
  trainer.dispose();
  return moved;
}

/** The first layer's rows in their new order; everything after it as it was. */
function move(shape: NetworkShape, old: Float32Array, from: readonly number[]): Float32Array {
  const { hidden } = shape;
  const rest = hiddenBiasAt(shape);
  const moved = new Float32Array(from.length * hidden + old.length - rest);
  from.forEach((input, i) => {
    if (input >= 0) moved.set(old.subarray(input * hidden, (input + 1) * hidden), i * hidden);
  });
  moved.set(old.subarray(rest), from.length * hidden);
  return moved;
}
