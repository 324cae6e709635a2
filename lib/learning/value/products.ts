/**
 * Products of fixed matrices with ever new vectors, the bulk of what a learned decision costs: by the SIMD code where the
 * machine has it, else by the loops it copies, with the same result to the last bit. The matrices are copied once to where
 * that code can reach them.
 */
import { dot32 } from './linear-algebra';
import { simdModuleBytes } from './simd-code';

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

/** What takes room in the memory of the SIMD code. */
export interface Products {
  readonly rows: readonly Rows[];
  readonly layers: readonly Layer[];
}

interface SimdCode {
  dots(weights: number, rows: number, size: number, vector: number, out: number): void;
  layer(weights: number, stride: number, input: number, inputEnd: number, out: number, outEnd: number): void;
}

/** What is used of the global of this name: its declarations come with those of browsers, which this program has not. */
interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyGlobal };

const alignment = 16;
const pageBytes = 65_536;
/** The code works on four numbers at a time and reads and writes a few beyond the end. */
const slackBytes = 32;

let compiled: object | null | undefined;

/** Null where the machine cannot run it. */
function simdModule(): object | null {
  if (compiled === undefined) {
    const bytes = simdModuleBytes();
    compiled = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  }
  return compiled;
}

/** By whatever this machine can do. Memory is taken at once, and given back with the last reference to the result. */
export function createProducts(rows: readonly RowsShape[], layers: readonly LayerShape[]): Products {
  const module = simdModule();
  return module ? simdProducts(module, rows, layers) : plainProducts(rows, layers);
}

/** The reference: what the SIMD code has to come to. */
export function plainProducts(rows: readonly RowsShape[], layers: readonly LayerShape[]): Products {
  return {
    rows: rows.map((shape) => {
      const vector = new Float64Array(shape.size);
      const vector32 = new Float32Array(shape.size);
      const products = new Float64Array(shape.rows);
      return {
        vector,
        products,
        multiply() {
          vector32.set(vector);
          for (let row = 0; row < products.length; row++)
            products[row] = dot32(shape.matrix, row * shape.size, vector32, 0, shape.size);
        },
      };
    }),
    layers: layers.map((shape) => {
      const input = new Float64Array(shape.inputs);
      const out = new Float32Array(shape.width);
      return {
        input,
        out,
        run() {
          const whole = shape.inputs & ~3;
          startFromBias(shape, out);
          for (let i = 0; i < whole; i += 4) addFour(shape, input, i, out);
          addRest(shape, input, whole, out);
        },
      };
    }),
  };
}

function startFromBias({ parameters, biasAt, width }: LayerShape, out: Float32Array): void {
  for (let j = 0; j < width; j++) out[j] = parameters[biasAt + j]!;
}

function addFour(
  { parameters, weightsAt, width }: LayerShape,
  input: Float64Array,
  i: number,
  out: Float32Array,
): void {
  const a = input[i]!;
  const b = input[i + 1]!;
  const c = input[i + 2]!;
  const d = input[i + 3]!;
  if (a === 0 && b === 0 && c === 0 && d === 0) return;
  const first = weightsAt + i * width;
  const second = first + width;
  const third = second + width;
  const fourth = third + width;
  for (let j = 0; j < width; j++) {
    out[j] =
      out[j]! +
      a * parameters[first + j]! +
      b * parameters[second + j]! +
      (c * parameters[third + j]! + d * parameters[fourth + j]!);
  }
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

function simdProducts(module: object, rows: readonly RowsShape[], layers: readonly LayerShape[]): Products {
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
  const memory = new WebAssembly.Memory({ initial: Math.ceil(used / pageBytes) });
  const { buffer } = memory;
  const code = new WebAssembly.Instance(module, { env: { memory } }).exports as SimdCode;
  return {
    rows: rows.map((shape, i) => {
      const place = rowPlaces[i]!;
      new Float32Array(buffer, place.matrix, shape.rows * shape.size).set(
        shape.matrix.subarray(0, shape.rows * shape.size),
      );
      return {
        vector: new Float64Array(buffer, place.vector, shape.size),
        products: new Float64Array(buffer, place.products, shape.rows),
        multiply: () => code.dots(place.matrix, place.even, shape.size, place.vector, place.products),
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
          code.layer(place.weights, stride, place.input, inputEnd, place.out, place.out + stride);
          addRest(shape, input, whole, out);
        },
      };
    }),
  };
}
