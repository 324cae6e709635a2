/** The Q-network on plain Float32Arrays: what serves decisions, and what the learner's own predictions come from. */
import type { Random } from '../ports/random';
import { headCount } from './linear-half';

export interface NetworkShape {
  /** Length of X. */
  readonly inputs: number;
  readonly hidden: number;
  readonly arms: number;
}

/** All parameters in one vector: w1 (inputs x hidden), b1, w2 (hidden x hidden), b2, w3 (hidden x arms*heads), b3. */
export function parameterCount(shape: NetworkShape): number {
  return outputBiasAt(shape) + shape.arms * headCount;
}
export const hiddenBiasAt = (s: NetworkShape): number => s.inputs * s.hidden;
export const secondLayerAt = (s: NetworkShape): number => hiddenBiasAt(s) + s.hidden;
export const secondBiasAt = (s: NetworkShape): number => secondLayerAt(s) + s.hidden * s.hidden;
export const outputLayerAt = (s: NetworkShape): number => secondBiasAt(s) + s.hidden;
export const outputBiasAt = (s: NetworkShape): number => outputLayerAt(s) + s.hidden * s.arms * headCount;

/** He initialisation; the output layer a tenth of it, so that a fresh network says "average" and not noise. */
export function initialParameters(shape: NetworkShape, random: Random): Float32Array {
  const parameters = new Float32Array(parameterCount(shape));
  const fill = (from: number, to: number, deviation: number): void => {
    for (let i = from; i < to; i++) parameters[i] = deviation * random.normal();
  };
  fill(0, hiddenBiasAt(shape), Math.sqrt(2 / shape.inputs));
  fill(secondLayerAt(shape), secondBiasAt(shape), Math.sqrt(2 / shape.hidden));
  fill(outputLayerAt(shape), outputBiasAt(shape), 0.1 * Math.sqrt(2 / shape.hidden));
  return parameters;
}

/** Writes the last hidden layer for input x * inputScale. */
export function hiddenLayer(
  shape: NetworkShape,
  parameters: Float32Array,
  x: Float32Array,
  inputScale: number,
  first: Float32Array,
  second: Float32Array,
): void {
  const { inputs, hidden } = shape;
  const b1 = hiddenBiasAt(shape);
  for (let j = 0; j < hidden; j++) first[j] = parameters[b1 + j]!;
  for (let i = 0; i < inputs; i++) {
    const value = x[i]! * inputScale;
    if (value !== 0)
      for (let j = 0, at = i * hidden; j < hidden; j++, at++) first[j] = first[j]! + value * parameters[at]!;
  }
  const w2 = secondLayerAt(shape);
  const b2 = secondBiasAt(shape);
  for (let j = 0; j < hidden; j++) second[j] = parameters[b2 + j]!;
  for (let i = 0; i < hidden; i++) {
    const value = first[i]!;
    if (value > 0)
      for (let j = 0, at = w2 + i * hidden; j < hidden; j++, at++) second[j] = second[j]! + value * parameters[at]!;
  }
  for (let j = 0; j < hidden; j++) if (second[j]! < 0) second[j] = 0;
}

/** Writes the heads of all arms (arms x headCount) from the last hidden layer. */
export function outputLayer(
  shape: NetworkShape,
  parameters: Float32Array,
  hidden: Float32Array,
  out: Float32Array,
): void {
  const outputs = shape.arms * headCount;
  const w3 = outputLayerAt(shape);
  const b3 = outputBiasAt(shape);
  for (let j = 0; j < outputs; j++) out[j] = parameters[b3 + j]!;
  for (let i = 0; i < shape.hidden; i++) {
    const value = hidden[i]!;
    if (value > 0)
      for (let j = 0, at = w3 + i * outputs; j < outputs; j++, at++) out[j] = out[j]! + value * parameters[at]!;
  }
}
