/**
 * Actions come and go (models are added and retired) while the rest of the network stays: the hidden layers keep what
 * they know about states, every remaining action keeps its outputs, and a newcomer gets a start of its own.
 */
import type { Random } from '../../ports/random';
import { initialParameters, type NetworkShape, outputLayerAt } from './network';
import { restoreTrainer, type Trainer } from './trainer';

/**
 * What a newcomer starts from. `mean`: it is expected to be like the mean of the actions there were, head by head, so
 * that heads go on to disagree; plus `optimism`, in units of value, so that it is tried. `random`: fresh weights near 0,
 * right where 0 already means "like the others" (targets centred per action).
 */
export type Newcomer =
  | { readonly kind: 'mean'; readonly optimism: number }
  | { readonly kind: 'random'; readonly random: Random };

/** The same trainer with other actions: `from[i]` is the old number of action i, -1 for a newcomer. Disposes the old one. */
export function rearrangeActions(trainer: Trainer, from: readonly number[], newcomer: Newcomer): Trainer {
  const { shape: old, settings } = trainer;
  const shape = { ...old, actions: from.length };
  const { first, second, steps } = trainer.optimizer();
  const fresh = newcomer.kind === 'random' ? initialParameters(shape, newcomer.random) : null;
  const start = (parameters: Float32Array): Start =>
    fresh
      ? (row, head, action) => fresh[columnAt(shape, row, action) + head]!
      : meanStart(old, parameters, newcomer.kind === 'mean' ? newcomer.optimism : 0);
  const blank: Start = () => 0;
  const moved = restoreTrainer(shape, settings, {
    parameters: move(old, trainer.parameters, shape, from, start(trainer.parameters)),
    target: move(old, trainer.target, shape, from, start(trainer.target)),
    optimizer: {
      first: move(old, first, shape, from, blank),
      second: move(old, second, shape, from, blank),
      steps,
    },
  });
  trainer.dispose();
  return moved;
}

/** Weight of a newcomer's head from hidden unit `row`; row `hidden` is the bias. */
type Start = (row: number, head: number, action: number) => number;

/** Where the heads of an action start in row `row` of the last layer; its bias follows its weights. */
function columnAt(shape: NetworkShape, row: number, action: number): number {
  return outputLayerAt(shape) + (row * shape.actions + action) * shape.heads;
}

function meanStart(shape: NetworkShape, parameters: Float32Array, optimism: number): Start {
  return (row, head) => {
    let sum = 0;
    for (let action = 0; action < shape.actions; action++) sum += parameters[columnAt(shape, row, action) + head]!;
    return sum / shape.actions + (row === shape.hidden ? optimism : 0);
  };
}

function move(
  oldShape: NetworkShape,
  old: Float32Array,
  shape: NetworkShape,
  from: readonly number[],
  start: Start,
): Float32Array {
  const hiddenLayers = outputLayerAt(shape);
  const moved = new Float32Array(hiddenLayers + (shape.hidden + 1) * shape.actions * shape.heads);
  moved.set(old.subarray(0, hiddenLayers));
  from.forEach((oldAction, action) => {
    for (let row = 0; row <= shape.hidden; row++) {
      const to = columnAt(shape, row, action);
      for (let head = 0; head < shape.heads; head++)
        moved[to + head] = oldAction < 0 ? start(row, head, action) : old[columnAt(oldShape, row, oldAction) + head]!;
    }
  });
  return moved;
}
