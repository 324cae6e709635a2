/**
 * The learner's inner loops as WebAssembly, four float32 values at a time (`kernels/kernels.ts` is their source), and the
 * memory they work in. A kernel sees only that memory, so every operation lays its arrays out there, computes, and copies
 * out what it keeps: nothing stays behind, and nobody has to free anything. One set for each thread.
 */
import { kernelModule } from './generated/module';

/** The part of WebAssembly's interface that is used here; the types of Node.js lack it. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => KernelMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** Addresses are in bytes; see the source for what each kernel does. */
export interface Kernels {
  multiply(
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    c: number,
    m: number,
    k: number,
    n: number,
    accumulate: number,
  ): void;
  addBiasAndRectify(matrix: number, bias: number, m: number, n: number): void;
  maskRectified(gradient: number, values: number, n: number): void;
  sumRows(matrix: number, sums: number, m: number, n: number): void;
  transpose(matrix: number, to: number, m: number, n: number): void;
  outputLayer(
    h: number,
    w: number,
    bias: number,
    targets: number,
    weights: number,
    rows: number,
    hidden: number,
    outputs: number,
    delta: number,
    values: number,
    gH: number,
    gW: number,
    gBias: number,
  ): number;
  dots(matrix: number, vector: number, out: number, m: number, n: number): void;
  norm(values: number, n: number): number;
  adam(
    theta: number,
    first: number,
    second: number,
    gradient: number,
    n: number,
    shorten: number,
    beta1: number,
    beta2: number,
    rate: number,
    secondCorrection: number,
    kept: number,
    epsilon: number,
  ): void;
  sumSketches(starts: number, scales: number, rows: number, sums: number, n: number): void;
  projectSketches(
    starts: number,
    scales: number,
    rows: number,
    matrix: number,
    shift: number,
    out: number,
    n: number,
  ): void;
  addSketchProducts(starts: number, scales: number, rows: number, coordinates: number, matrix: number, n: number): void;
  sumNearest(cosines: number, from: number, sums: number, rows: number, clusters: number, n: number): void;
  project(sketch: number, matrix: number, out: number, n: number): void;
  regress(
    covariance: number,
    phi32: number,
    gain32: number,
    phi: number,
    gain: number,
    weights: number,
    wanted: number,
    rows: number,
    n: number,
    noise: number,
  ): number;
  factorize(matrix: number, n: number): number;
  invertFactor(factor: number, scratch: number, inverse: number, n: number): void;
  addOuterProducts(gram: number, rows: number, count: number, n: number): void;
  orthonormalize(matrix: number, rows: number, n: number, passes: number): void;
  addMoments(moments: number, factors: number, rows: number, count: number, wide: number, n: number): void;
  solveLower(factor: number, vector: number, n: number): void;
  solve(factor: number, vectors: number, count: number, n: number): void;
  scale(values: number, n: number, factor: number): void;
  addResiduals(moment: number, weights: number, targets: number, rows: number, count: number, n: number): void;
  addTo(to: number, from: number, n: number): void;
  lowerOf(matrix: number, gram: number, n: number, noise: number): void;
  diagonalize(matrix: number, vectors: number, n: number): void;
  exactDots(matrix: number, rows: number, size: number, vector: number, out: number): void;
  exactLayer(weights: number, stride: number, input: number, inputEnd: number, out: number, outEnd: number): void;
}

export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const pageBytes = 65_536;
const floatBytes = 4;
/** The widest projection that can be kept at hand, and the vectors it is applied to and makes. */
const keptRows = 1024;
const keptColumns = 32;
const vectorAt = 16;
/** A packed sketch of that many values, none of them 0. */
const keptSketchBytes = keptRows / 8 + keptRows;
const projectedAt = vectorAt + keptSketchBytes;
const projectionAt = projectedAt + floatBytes * keptColumns;
/** Where the first array that is laid out lies. */
const base = projectionAt + floatBytes * keptRows * keptColumns;

const compiled = new WebAssembly.Module(Buffer.from(kernelModule, 'base64'));

/** A memory of at least so many bytes. */
export function memoryOf(bytes: number): KernelMemory {
  try {
    return new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / pageBytes)) });
  } catch (cause) {
    // V8 reserves 8 GB of addresses around each memory, to leave out the checks of bounds. They take no room.
    throw new Error(
      `a memory of WebAssembly cannot be had (${(cause as Error).message}): lift the limit on address space (ulimit -v), or set NODE_OPTIONS=--disable-wasm-trap-handler`,
      { cause },
    );
  }
}

/** The kernels on a memory of the caller's, for whoever keeps arrays there for longer than one operation. */
export function instantiateKernels(memory: KernelMemory): Kernels {
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernels;
}

const memory = memoryOf(16 * pageBytes);
export const kernels = instantiateKernels(memory);

/**
 * Addresses for arrays of so many float32 values each, one behind the other, each with room for one vector more than it
 * needs. Overwrites whatever an earlier call has laid out.
 */
export function layOut<T extends readonly number[]>(lengths: readonly [...T]): { [K in keyof T]: number } {
  const { addresses, end } = placesFrom(base, lengths);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return addresses;
}

/** The same in whatever memory, from an address on that is a multiple of 16; `end` is one past the last byte. */
export function placesFrom<T extends readonly number[]>(
  start: number,
  lengths: readonly [...T],
): { readonly addresses: { [K in keyof T]: number }; readonly end: number } {
  let end = start;
  const addresses = lengths.map((length) => {
    const at = end;
    end += floatBytes * ((length + 7) & ~3);
    return at;
  });
  return { addresses: addresses as { [K in keyof T]: number }, end };
}

/** `length` float32 values at an address. To be used before the next `layOut`, which may move the memory. */
export function floatsAt(address: number, length: number): Float32Array {
  return new Float32Array(memory.buffer, address, length);
}

/** The same for float64 values, for which two float32 values are laid out each. */
export function doublesAt(address: number, length: number): Float64Array {
  return new Float64Array(memory.buffer, address, length);
}

/** The same for bytes, and for addresses. */
export function bytesAt(address: number, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, address, length);
}

export function addressesAt(address: number, length: number): Int32Array {
  return new Int32Array(memory.buffer, address, length);
}

let kept: Float32Array | null = null;

/**
 * A packed sketch of 1,024 values times a projection (32 x 1,024, immutable), 32 values; to be used before the next call. The
 * projection applied last is at hand: whoever describes many requests under one basis should not mix it with others.
 */
export function projectSketch(projection: Float32Array, sketch: Uint8Array): Float32Array {
  if (kept !== projection) {
    const turned = floatsAt(projectionAt, keptRows * keptColumns);
    for (let c = 0; c < keptColumns; c++)
      for (let i = 0; i < keptRows; i++) turned[i * keptColumns + c] = projection[c * keptRows + i]!;
    kept = projection;
  }
  viewsOfMemory();
  views.sketch.set(sketch);
  kernels.project(vectorAt, projectionAt, projectedAt, keptRows);
  return views.projected;
}

/** Made anew when the memory has grown, which leaves the old ones empty. */
let views = {
  buffer: memory.buffer,
  sketch: bytesAt(vectorAt, keptSketchBytes),
  projected: floatsAt(projectedAt, keptColumns),
};

function viewsOfMemory(): void {
  if (views.buffer === memory.buffer) return;
  views = {
    buffer: memory.buffer,
    sketch: bytesAt(vectorAt, keptSketchBytes),
    projected: floatsAt(projectedAt, keptColumns),
  };
}
