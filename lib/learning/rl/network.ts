/** The Q-network on plain Float32Arrays: what acts and serves decisions. One row there is faster than on any tensor backend. */
import type { Random } from '../../ports/random';
import type { Layer, LayerShape } from '../value/products';

export interface NetworkShape {
  /** Length of the features. */
  readonly inputs: number;
  /** Units of each of the two hidden layers. */
  readonly hidden: number;
  readonly actions: number;
  /** Values per action: one, or several that disagree where little is known (bootstrap heads). */
  readonly heads: number;
}

/** Values the network gives: head m of action a at a * heads + m. */
export const outputsOf = (s: NetworkShape): number => s.actions * s.heads;

/** All parameters in one vector: w1 (inputs x hidden), b1, w2 (hidden x hidden), b2, w3 (hidden x outputs), b3. */
export function parameterCount(shape: NetworkShape): number {
  return outputBiasAt(shape) + outputsOf(shape);
}
export const hiddenBiasAt = (s: NetworkShape): number => s.inputs * s.hidden;
export const secondLayerAt = (s: NetworkShape): number => hiddenBiasAt(s) + s.hidden;
export const secondBiasAt = (s: NetworkShape): number => secondLayerAt(s) + s.hidden * s.hidden;
export const outputLayerAt = (s: NetworkShape): number => secondBiasAt(s) + s.hidden;
export const outputBiasAt = (s: NetworkShape): number => outputLayerAt(s) + s.hidden * outputsOf(s);

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

/**
 * out += factor * input . weights (input length x width, from `at`). Four rows at a time, so that out is read
 * and written a quarter as often.
 */
function addProduct(
  out: Float32Array,
  input: Float32Array,
  factor: number,
  weights: Float32Array,
  at: number,
  width: number,
): void {
  const whole = input.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const a = input[i]! * factor;
    const b = input[i + 1]! * factor;
    const c = input[i + 2]! * factor;
    const d = input[i + 3]! * factor;
    if (a === 0 && b === 0 && c === 0 && d === 0) continue;
    const first = at + i * width;
    const second = first + width;
    const third = second + width;
    const fourth = third + width;
    for (let j = 0; j < width; j++) {
      out[j] =
        out[j]! +
        a * weights[first + j]! +
        b * weights[second + j]! +
        (c * weights[third + j]! + d * weights[fourth + j]!);
    }
  }
  for (let i = whole; i < input.length; i++) {
    const value = input[i]! * factor;
    for (let j = 0, k = at + i * width; j < width; j++, k++) out[j] = out[j]! + value * weights[k]!;
  }
}

/** Sets out to the bias at `at`, over `width` values. */
function startFrom(out: Float32Array, parameters: Float32Array, at: number, width: number): void {
  for (let j = 0; j < width; j++) out[j] = parameters[at + j]!;
}

function rectify(values: Float32Array): void {
  for (let j = 0; j < values.length; j++) if (values[j]! < 0) values[j] = 0;
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
  const { hidden } = shape;
  startFrom(first, parameters, hiddenBiasAt(shape), hidden);
  addProduct(first, x, inputScale, parameters, 0, hidden);
  rectify(first);
  startFrom(second, parameters, secondBiasAt(shape), hidden);
  addProduct(second, first, 1, parameters, secondLayerAt(shape), hidden);
  rectify(second);
}

/** Writes the values (actions x heads) from the last hidden layer. */
export function outputLayer(
  shape: NetworkShape,
  parameters: Float32Array,
  hidden: Float32Array,
  out: Float32Array,
): void {
  const outputs = outputsOf(shape);
  startFrom(out, parameters, outputBiasAt(shape), outputs);
  addProduct(out, hidden, 1, parameters, outputLayerAt(shape), outputs);
}

/** The three layers, for whoever runs the same parameters again and again. */
export function layerShapes(shape: NetworkShape, parameters: Float32Array): LayerShape[] {
  const { inputs, hidden } = shape;
  const outputs = outputsOf(shape);
  const layer = (weightsAt: number, biasAt: number, from: number, width: number): LayerShape => ({
    parameters,
    weightsAt,
    biasAt,
    inputs: from,
    width,
  });
  return [
    layer(0, hiddenBiasAt(shape), inputs, hidden),
    layer(secondLayerAt(shape), secondBiasAt(shape), hidden, hidden),
    layer(outputLayerAt(shape), outputBiasAt(shape), hidden, outputs),
  ];
}

/** Runs them on x * inputScale; the values are then in the last layer's `out`. The same as `hiddenLayer` and `outputLayer`. */
export function runLayers(layers: readonly Layer[], x: Float32Array, inputScale: number): void {
  const [first, second, last] = layers as readonly [Layer, Layer, Layer];
  const scaled = first.input;
  for (let i = 0; i < scaled.length; i++) scaled[i] = x[i]! * inputScale;
  first.run();
  rectifyInto(second.input, first.out);
  second.run();
  rectifyInto(last.input, second.out);
  last.run();
}

function rectifyInto(input: Float64Array, out: Float32Array): void {
  for (let j = 0; j < input.length; j++) {
    if (out[j]! < 0) input[j] = 0;
    else input[j] = out[j]!;
  }
}
