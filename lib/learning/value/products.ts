/**
 * Products of fixed matrices with ever new vectors, the bulk of what a learned decision costs: by kernels that sum as plain
 * loops do, to the last bit. The matrices are copied once into a memory of their own, where the kernels reach them.
 */
import { instantiateKernels, type Kernels, memoryOf } from '../kernels/kernels';

/** A float32 matrix and where its products go. */
export interface Rows {
  /** To be filled before `multiply`; float32 values. */
  readonly vector: Float64Array;
  /** One product a row, as `dot32` sums it; valid until the next `multiply`. */
  readonly products: Float64Array;
  multiply(): void;
}

/** A fully connected layer without its activation. */
export interface Layer {
  /** To be filled before `run`. */
  readonly input: Float64Array;
  /** Biases plus input . weights, as `network.ts` sums it. */
  readonly out: Float32Array;
  run(): void;
}

export interface RowsShape {
  /** Row-major, rows x size. */
  readonly matrix: Float32Array;
  readonly rows: number;
  readonly size: number;
}

export interface LayerShape {
  /** inputs x width at `weightsAt`, then or elsewhere the biases. */
  readonly parameters: Float32Array;
  readonly weightsAt: number;
  readonly biasAt: number;
  readonly inputs: number;
  readonly width: number;
}

/** What takes room in the memory of the kernels. */
export interface Products {
  readonly rows: readonly Rows[];
  readonly layers: readonly Layer[];
}

const alignment = 16;
/** The code works on four numbers at a time and reads and writes a few beyond the end. */
const slackBytes = 32;

function startFromBias({ parameters, biasAt, width }: LayerShape, out: Float32Array): void {
  for (let j = 0; j < width; j++) out[j] = parameters[biasAt + j]!;
}

/** What is left of inputs that are no multiple of four. */
function addRest(
  { parameters, weightsAt, inputs, width }: LayerShape,
  input: Float64Array,
  whole: number,
  out: Float32Array,
): void {
  for (let i = whole; i < inputs; i++) {
    const value = input[i]!;
    for (let j = 0, k = weightsAt + i * width; j < width; j++, k++) out[j] = out[j]! + value * parameters[k]!;
  }
}

/** Memory is taken at once, and given back with the last reference to the result. */
export function createProducts(rows: readonly RowsShape[], layers: readonly LayerShape[]): Products {
  let used = 0;
  const reserve = (bytes: number): number => {
    const at = used;
    used += Math.ceil((bytes + slackBytes) / alignment) * alignment;
    return at;
  };
  const rowPlaces = rows.map((shape) => {
    // Rows are taken two at a time: a last one without a partner gets a row of zeros.
    const even = shape.rows + (shape.rows & 1);
    return {
      even,
      matrix: reserve(even * shape.size * Float32Array.BYTES_PER_ELEMENT),
      vector: reserve(shape.size * Float64Array.BYTES_PER_ELEMENT),
      products: reserve(even * Float64Array.BYTES_PER_ELEMENT),
    };
  });
  const layerPlaces = layers.map(({ inputs, width }) => ({
    weights: reserve(inputs * width * Float32Array.BYTES_PER_ELEMENT),
    input: reserve(inputs * Float64Array.BYTES_PER_ELEMENT),
    out: reserve(width * Float32Array.BYTES_PER_ELEMENT),
  }));
  const memory = memoryOf(used);
  const { buffer } = memory;
  const code: Kernels = instantiateKernels(memory);
  return {
    rows: rows.map((shape, i) => {
      const place = rowPlaces[i]!;
      new Float32Array(buffer, place.matrix, shape.rows * shape.size).set(
        shape.matrix.subarray(0, shape.rows * shape.size),
      );
      return {
        vector: new Float64Array(buffer, place.vector, shape.size),
        products: new Float64Array(buffer, place.products, shape.rows),
        multiply: () => code.exactDots(place.matrix, place.even, shape.size, place.vector, place.products),
      };
    }),
    layers: layers.map((shape, i) => {
      const { parameters, weightsAt, inputs, width } = shape;
      const place = layerPlaces[i]!;
      new Float32Array(buffer, place.weights, inputs * width).set(
        parameters.subarray(weightsAt, weightsAt + inputs * width),
      );
      const input = new Float64Array(buffer, place.input, inputs);
      const out = new Float32Array(buffer, place.out, width);
      const whole = inputs & ~3;
      const stride = width * Float32Array.BYTES_PER_ELEMENT;
      const inputEnd = place.input + whole * Float64Array.BYTES_PER_ELEMENT;
      return {
        input,
        out,
        run() {
          startFromBias(shape, out);
          code.exactLayer(place.weights, stride, place.input, inputEnd, place.out, place.out + stride);
          addRest(shape, input, whole, out);
        },
      };
    }),
  };
}
