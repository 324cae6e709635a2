/**
 * The learned state space: from stateless features to the vectors both halves of the value function see. X is a short
 * description of the request (principal components of the sketch and scaled hand-made features, or the caller's own
 * vector, standardised), and of those circumstances that differ between requests; phi adds a soft assignment to clusters.
 * Refitted off the hot path, immutable once published.
 */
import type { Random } from '../../ports/random';
import { arrayOf, type Blob, readBlob, writeBlob } from '../fold/blob';
import { addressesAt, bytesAt, doublesAt, floatsAt, kernels, layOut, projectSketch } from '../kernels/kernels';
import { addScaled, dot, dot32, nearestRotation, symmetricEigen } from '../value/linear-algebra';
import type { Rows, RowsShape } from '../value/products';
import { contextSize, contextVersion } from './context';
import { handSize, sketchSize } from './encode';
import { type PackedSketch, packInScratch, unpackInto } from './packed-sketch';
import { taskSlots } from './task-slot';

/** What the stateless encoder (or the caller) says about one request. */
export interface Features {
  /** int8 count sketch, `sketchSize` values, or the same without its zeros; empty when the caller gave features. */
  readonly sketch: Int8Array | PackedSketch;
  readonly sketchScale: number;
  readonly hand: Float32Array;
  readonly caller: Float32Array | null;
  /** Circumstances, `contextSize` values; null when unknown. */
  readonly context: Float32Array | null;
  /** Slot of the task type. */
  readonly task: number;
}

export interface Basis {
  readonly kind: 'text' | 'caller';
  readonly encoderVersion: string;
  /** Length of X: the description of the request, the task, the circumstances. */
  readonly xSize: number;
  /** Clusters in use, at most `maxClusters`; phi has room for all. */
  readonly clusters: number;
  /** text: componentCount x sketchSize, row-major, scaled and rotated. */
  readonly projection: Float32Array;
  /** text: what to subtract after projecting (the projected mean). */
  readonly projectedMean: Float32Array;
  /** Mean and reciprocal scale of the hand-made features or the caller's vector. */
  readonly mean: Float32Array;
  readonly inverseScale: Float32Array;
  /** Share of each task slot in the rows. */
  readonly taskShares: Float32Array;
  /** clusters x (xSize without circumstances), unit length. */
  readonly centroids: Float32Array;
  /** Factor that brings X to unit root mean square, for the network. */
  readonly networkScale: number;
  /** Of which list of circumstances the columns below are. */
  readonly contextVersion: number;
  /** Circumstances in X, as positions in a context, ascending: those that have ever differed between requests. */
  readonly contextColumns: Int32Array;
  /** Mean and reciprocal scale of each of them. */
  readonly contextMean: Float32Array;
  readonly contextInverseScale: Float32Array;
}

/** Principal components of the sketch. */
export const componentCount = 32;
export const maxClusters = 32;
/** Prompts a refit looks at; more change the components little and cost time (2,000: the same quality at twice the time). */
export const maxFitRows = 1000;
/** Rows a cluster should have. */
const rowsPerCluster = 8;
const leastClusters = 4;
const clusterIterations = 12;
/** Softmax temperature of cosine similarities: below it clusters are hard, above it they blur. */
const clusterTemperature = 0.07;
/** Subspace iterations of the principal components: from nothing, and from axes that were fitted before. */
const coldIterations = 4;
const warmIterations = 2;
/** Random part of an axis at the start of them, where an axis of a previous basis has a length of about 1. */
const leastAxis = 1e-4;
/** An even draw between this and its negative has that standard deviation. */
const leastDraw = Math.sqrt(3) * leastAxis;
/** Directions with less than this share of the largest eigenvalue are noise and are not blown up. */
const leastEigenvalueShare = 1e-3;
/** How much phi lets X say beside the clusters. Text only: a caller's vector is meant to be used in full. */
const textFactor = 0.2;
/** Weight of the task in X, where components and hand-made features have about 1 each. In phi it counts in full. */
const taskWeight = 0.7;
/** What a standardised circumstance weighs in phi, where the bias and a certain cluster weigh 1: some of them may be decisive, most say nothing. */
const contextFactor = 0.1;
/** What it weighs at the network's input, where everything else has about 1. */
const contextNetworkWeight = 0.5;
/** Circumstances lie within -1 .. 1: one that varies less than this is constant... */
const leastContextDeviation = 0.005;
/** ...and one that varies less than this is not blown up to full size. */
const fullContextDeviation = 0.05;
// Bound once: see encode.ts.
const { max, min } = Math;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/** Standardised values beyond this many deviations are cut. */
const clip = 4;

export function phiSize(basis: Basis): number {
  return 1 + maxClusters + basis.xSize;
}

/** Length of the part of X that says what the request is; the circumstances follow it. */
function requestSizeOf(basis: Basis): number {
  return basis.xSize - basis.contextColumns.length;
}

/** The basis's matrices for whoever describes one request after the other with them. */
export interface DescribingProducts {
  /** projection . sketch; of no rows where the caller's vector is the description. */
  readonly projection: Rows;
  /** centroids . X, as far as it is of the request. */
  readonly centroids: Rows;
}

/** Shapes of `DescribingProducts`, in their order. */
export function describingShapes(basis: Basis): [RowsShape, RowsShape] {
  return [
    { matrix: basis.projection, rows: basis.projection.length / sketchSize, size: sketchSize },
    { matrix: basis.centroids, rows: basis.clusters, size: requestSizeOf(basis) },
  ];
}

/**
 * Writes X (xSize) and phi (phiSize) of one request. A request of another kind than the basis is a stranger: bias only.
 * Whoever describes many requests with one basis hands in its `products`.
 */
export function describe(
  basis: Basis,
  features: Features,
  x: Float32Array,
  phi: Float32Array,
  products: DescribingProducts | null = null,
): void {
  describePhi(basis, describeX(basis, features, x, products) ? x : null, phi, products);
}

/** Writes X of one request. False for a stranger: X is then 0. */
export function describeX(
  basis: Basis,
  features: Features,
  x: Float32Array,
  products: DescribingProducts | null = null,
): boolean {
  const isKnown = project(basis, features, x, products);
  if (!isKnown) x.fill(0);
  return isKnown;
}

/** Writes phi of a request whose X is known; null: of a stranger. */
export function describePhi(
  basis: Basis,
  x: Float32Array | null,
  phi: Float32Array,
  products: DescribingProducts | null = null,
): void {
  phi.fill(0);
  phi[0] = 1;
  if (x === null) return;
  const size = requestSizeOf(basis);
  const norm = Math.sqrt(dot32(x, 0, x, 0, size)) || 1;
  const cosines = products ? cosinesBy(products.centroids, x, size) : cosinesOf(basis, x, size);
  let top = -Infinity;
  for (let k = 0; k < basis.clusters; k++) {
    const logit = cosines[k]! / norm / clusterTemperature;
    phi[1 + k] = logit;
    if (logit > top) top = logit;
  }
  let total = 0;
  for (let k = 1; k <= basis.clusters; k++) total += phi[k] = Math.exp(phi[k]! - top);
  for (let k = 1; k <= basis.clusters; k++) phi[k] = phi[k]! / total;
  const factor = basis.kind === 'text' ? textFactor : 1;
  const described = size - taskSlots;
  for (let i = 0; i < described; i++) phi[1 + maxClusters + i] = factor * x[i]!;
  for (let i = described; i < size; i++) phi[1 + maxClusters + i] = x[i]! / taskWeight;
  const contextShare = (contextFactor / contextNetworkWeight) * basis.networkScale;
  for (let i = size; i < basis.xSize; i++) phi[1 + maxClusters + i] = contextShare * x[i]!;
}

function cosinesBy(centroids: Rows, x: Float32Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) centroids.vector[i] = x[i]!;
  centroids.multiply();
  return centroids.products;
}

function projectedBy(projection: Rows, sketch: Features['sketch']): Float64Array {
  if (sketch instanceof Int8Array) projection.vector.set(sketch);
  else unpackInto(projection.vector, sketch);
  projection.multiply();
  return projection.products;
}

/** Inner products of X with every centroid; to be used before anything else is laid out. */
function cosinesOf({ centroids, clusters }: Basis, x: Float32Array, size: number): Float32Array {
  const [matrix, vector, out] = layOut([clusters * size, size, clusters]);
  floatsAt(matrix, clusters * size).set(centroids);
  floatsAt(vector, size).set(x.length === size ? x : x.subarray(0, size));
  kernels.dots(matrix, vector, out, clusters, size);
  return floatsAt(out, clusters);
}

/** Writes X; false when these features are not of the basis's kind and size. */
function project(
  basis: Basis,
  features: Features,
  x: Float32Array,
  products: DescribingProducts | null = null,
): boolean {
  const described = requestSizeOf(basis) - taskSlots;
  writeContext(basis, features.context, x);
  if (basis.kind === 'caller') {
    const caller = features.caller;
    if (!caller || caller.length !== described) return false;
    standardize(caller, basis, x, 0, 1);
    writeTask(basis, features.task, x, described);
    return true;
  }
  const { sketch, hand } = features;
  const hasSketch = !(sketch instanceof Int8Array) || sketch.length === sketchSize;
  if (features.caller || !hasSketch || hand.length !== handSize) return false;
  const projected = products
    ? projectedBy(products.projection, sketch)
    : projectSketch(basis.projection, packedOf(sketch));
  for (let c = 0; c < componentCount; c++) x[c] = projected[c]! * features.sketchScale - basis.projectedMean[c]!;
  standardize(hand, basis, x, componentCount, 1 / Math.sqrt(handSize));
  writeTask(basis, features.task, x, described);
  return true;
}

/** To be read before the next call. */
function packedOf(sketch: Features['sketch']): Uint8Array {
  return sketch instanceof Int8Array ? packInScratch(sketch) : sketch.packed;
}

/** One of the slots, centred: where all requests are of one task it says nothing. */
function writeTask(basis: Basis, task: number, x: Float32Array, at: number): void {
  for (let slot = 0; slot < taskSlots; slot++)
    x[at + slot] = taskWeight * ((slot === task ? 1 : 0) - basis.taskShares[slot]!);
}

/** Unknown circumstances, and those of another version of the list, read as the mean of all requests. */
function writeContext(basis: Basis, context: Float32Array | null, x: Float32Array): void {
  const { contextColumns, contextMean, contextInverseScale } = basis;
  const at = requestSizeOf(basis);
  const known = context !== null && context.length === contextSize && basis.contextVersion === contextVersion;
  const weight = contextNetworkWeight / basis.networkScale;
  for (let i = 0; i < contextColumns.length; i++) {
    const standard = known ? (context[contextColumns[i]!]! - contextMean[i]!) * contextInverseScale[i]! : 0;
    x[at + i] = weight * max(-clip, min(clip, standard));
  }
}

function standardize(values: Float32Array, basis: Basis, x: Float32Array, at: number, factor: number): void {
  for (let i = 0; i < values.length; i++) {
    const standard = (values[i]! - basis.mean[i]!) * basis.inverseScale[i]!;
    x[at + i] = factor * max(-clip, min(clip, standard));
  }
}

/** Fits a basis to rows of one kind (see `kindOf`). `previous` keeps the axes turned as they were, so that networks carry over. */
export function fitBasis(
  rows: readonly Features[],
  encoderVersion: string,
  previous: Basis | null,
  random: Random,
): Basis {
  const first = rows[0];
  if (!first) throw new Error('cannot fit a basis to no rows');
  const kind = kindOf(first);
  const xSize = (kind === 'text' ? componentCount + handSize : first.caller!.length) + taskSlots;
  const kept = previous && previous.kind === kind && requestSizeOf(previous) === xSize ? previous : null;
  const projected =
    kind === 'text'
      ? fitProjection(rows, kept, random)
      : { projection: new Float32Array(0), projectedMean: new Float32Array(0) };
  const unclustered: Basis = {
    kind,
    encoderVersion,
    xSize,
    clusters: 0,
    ...projected,
    ...fitScale(rows.map((row) => (kind === 'text' ? row.hand : row.caller!))),
    taskShares: taskSharesOf(rows),
    centroids: new Float32Array(0),
    networkScale: 1,
    ...noContext,
  };
  const n = rows.length;
  const xs = new Float32Array(n * xSize);
  rows.forEach((row, i) => {
    project(unclustered, row, xs.subarray(i * xSize, (i + 1) * xSize));
  });
  const squares = dot32(xs, 0, xs, 0, n * xSize);
  const networkScale = squares > 0 ? 1 / Math.sqrt(squares / (n * xSize)) : 1;
  for (let i = 0; i < n; i++) normalize(xs, i * xSize, xSize);
  const clusters = Math.max(leastClusters, Math.min(maxClusters, Math.floor(n / rowsPerCluster)));
  const centroids = sphericalMeans(xs, n, xSize, clusters, random);
  const context = fitContext(rows, previous);
  return {
    ...unclustered,
    clusters,
    centroids,
    networkScale,
    ...context,
    xSize: xSize + context.contextColumns.length,
  };
}

type ContextScale = Pick<Basis, 'contextVersion' | 'contextColumns' | 'contextMean' | 'contextInverseScale'>;

const noContext: ContextScale = {
  contextVersion,
  contextColumns: new Int32Array(0),
  contextMean: new Float32Array(0),
  contextInverseScale: new Float32Array(0),
};

/**
 * The circumstances that differ between the rows, and those that did before: a network that has learned to use one keeps
 * it. Where nothing differs X stays as it is without them.
 */
function fitContext(rows: readonly Features[], previous: Basis | null): ContextScale {
  const contexts: Float32Array[] = [];
  for (const { context } of rows) if (context?.length === contextSize) contexts.push(context);
  const before = previous?.contextVersion === contextVersion ? previous : noContext;
  if (contexts.length === 0) {
    const { contextColumns, contextMean, contextInverseScale } = before;
    return { contextVersion, contextColumns, contextMean, contextInverseScale };
  }
  const { mean, inverseScale } = fitScale(contexts);
  const differs = (column: number): boolean =>
    inverseScale[column]! > 0 && inverseScale[column]! < 1 / leastContextDeviation;
  const used = Int32Array.from(mean.keys()).filter(
    (column) => differs(column) || before.contextColumns.includes(column),
  );
  return {
    contextVersion,
    contextColumns: used,
    contextMean: Float32Array.from(used, (column) => mean[column]!),
    contextInverseScale: Float32Array.from(used, (column) =>
      differs(column) ? Math.min(1 / fullContextDeviation, inverseScale[column]!) : 0,
    ),
  };
}

/**
 * Where each value of X was in the X of an earlier basis, -1 where it was not: networks carry over along it. Null when the
 * two describe requests in different ways.
 */
export function inputsSince(previous: Basis, basis: Basis): number[] | null {
  const size = requestSizeOf(basis);
  if (previous.kind !== basis.kind || requestSizeOf(previous) !== size) return null;
  const same = previous.contextVersion === basis.contextVersion;
  return Array.from({ length: basis.xSize }, (_, i) => {
    if (i < size) return i;
    const before = same ? previous.contextColumns.indexOf(basis.contextColumns[i - size]!) : -1;
    return before < 0 ? -1 : size + before;
  });
}

/** Rows of different kinds cannot share a basis. */
export function kindOf(features: Features): Basis['kind'] {
  return features.caller ? 'caller' : 'text';
}

function taskSharesOf(rows: readonly Features[]): Float32Array {
  const shares = new Float32Array(taskSlots);
  for (const { task } of rows) shares[task] = shares[task]! + 1;
  return shares.map((count) => count / rows.length);
}

function fitScale(vectors: readonly Float32Array[]): { mean: Float32Array; inverseScale: Float32Array } {
  const size = vectors[0]!.length;
  const mean = new Float64Array(size);
  const square = new Float64Array(size);
  for (const vector of vectors) {
    for (let i = 0; i < size; i++) {
      mean[i] = mean[i]! + vector[i]! / vectors.length;
      square[i] = square[i]! + vector[i]! ** 2 / vectors.length;
    }
  }
  const inverseScale = Float32Array.from(square, (value, i) => {
    const variance = value - mean[i]! ** 2;
    return variance > 1e-9 ? 1 / Math.sqrt(variance) : 0;
  });
  return { mean: Float32Array.from(mean), inverseScale };
}

function normalize(values: Float32Array, at: number, size: number): void {
  const norm = Math.sqrt(dot32(values, at, values, at, size)) || 1;
  for (let i = 0; i < size; i++) values[at + i] = values[at + i]! / norm;
}

/** Principal components by subspace iteration, coordinates divided by eigenvalue^.25, mean length 1, turned to the old axes. */
function fitProjection(
  rows: readonly Features[],
  previous: Basis | null,
  random: Random,
): Pick<Basis, 'projection' | 'projectedMean'> {
  const space = new FitSpace(rows);
  space.startFrom(previous, random);
  const iterations = previous ? warmIterations : coldIterations;
  // On their way the axes only have to stay apart; that costs half.
  for (let i = 1; i <= iterations; i++) space.iterate(i < iterations ? 1 : 2);
  space.project();
  const covariance = space.covariance();
  const { values, vectors } = symmetricEigen(covariance, componentCount);
  const turn = new Float64Array(componentCount * componentCount); // coordinates -> scaled principal coordinates
  for (let c = 0; c < componentCount; c++) {
    const factor = Math.max(values[c]!, values[0]! * leastEigenvalueShare, 1e-12) ** -0.25;
    for (let j = 0; j < componentCount; j++) turn[c * componentCount + j] = vectors[c * componentCount + j]! * factor;
  }
  const scale = 1 / (space.meanNorm(turn) || 1);
  for (let i = 0; i < turn.length; i++) turn[i] = turn[i]! * scale;
  const aligned = previous ? multiply(rotationTo(space.overlap(previous), covariance, turn), turn) : turn;
  return space.projection(aligned);
}

/**
 * The rows' sketches less their mean, axes and the rows' coordinates on them, all on the kernels' memory: to be used before anything else
 * is laid out there. Sketches are mostly zeros, so they stay as they are and the mean is taken off their coordinates instead.
 */
class FitSpace {
  private readonly rows: number;
  /** Where each row's packed sketch begins. */
  private readonly starts: number;
  private readonly scales: number;
  private readonly mean: number;
  /** The mean's coordinates. */
  private readonly shift: number;
  /** componentCount x sketchSize, float64. */
  private readonly exact: number;
  /** componentCount x sketchSize. */
  private readonly axes: number;
  /** sketchSize x componentCount. */
  private readonly turned: number;
  /** rows x componentCount. */
  private readonly coordinates: number;
  /** Room for a matrix of axes, or for coordinates in float64. */
  private readonly scratch: number;
  /** componentCount x componentCount, float64. */
  private readonly square: number;

  constructor(rows: readonly Features[]) {
    const n = rows.length;
    const size = componentCount * sketchSize;
    this.rows = n;
    const sketches = rows.map(({ sketch }) => packedOf(sketch).slice());
    const used = sketches.reduce((sum, { length }) => sum + length, 0);
    let place: number;
    [
      place,
      this.starts,
      this.scales,
      this.mean,
      this.shift,
      this.exact,
      this.axes,
      this.turned,
      this.coordinates,
      this.scratch,
      this.square,
    ] = layOut([
      Math.ceil(used / floatBytes),
      n,
      n,
      sketchSize,
      componentCount,
      2 * size,
      size,
      size,
      n * componentCount,
      Math.max(size, 2 * n * componentCount),
      2 * componentCount * componentCount,
    ]);
    const starts = addressesAt(this.starts, n);
    const scales = floatsAt(this.scales, n);
    sketches.forEach((sketch, i) => {
      bytesAt(place, sketch.length).set(sketch);
      starts[i] = place;
      scales[i] = rows[i]!.sketchScale;
      place += sketch.length;
    });
    const mean = floatsAt(this.mean, sketchSize).fill(0);
    kernels.sumSketches(this.starts, this.scales, n, this.mean, sketchSize);
    for (let j = 0; j < sketchSize; j++) mean[j] = mean[j]! / n;
  }

  /** The old axes, and a little of everything: fitted to few rows, some of them are empty and would stay so for good. */
  startFrom(previous: Basis | null, random: Random): void {
    const axes = doublesAt(this.exact, componentCount * sketchSize).fill(0);
    if (previous) axes.set(previous.projection);
    // A draw has 53 bits, which is enough for six of these; as even draws they reach as far as normal ones on average.
    let bits = 0;
    for (let i = 0; i < axes.length; i++) {
      bits = i % 6 === 0 ? 256 * random.next() : 256 * (bits - Math.floor(bits));
      axes[i] = axes[i]! + leastDraw * (Math.floor(bits) / 127.5 - 1);
    }
    this.straighten(1);
  }

  /** axes <- (S^T S) axes, for the centred rows S, made orthonormal. */
  iterate(passes: number): void {
    this.project();
    const size = componentCount * sketchSize;
    // Coordinates are centred, so what the mean would take off is 0.
    floatsAt(this.scratch, size).fill(0);
    kernels.addSketchProducts(this.starts, this.scales, this.rows, this.coordinates, this.scratch, sketchSize);
    kernels.transpose(this.scratch, this.axes, sketchSize, componentCount);
    doublesAt(this.exact, size).set(floatsAt(this.axes, size));
    this.straighten(passes);
  }

  /** Makes the exact axes orthonormal, and the others the same. */
  private straighten(passes: number): void {
    const size = componentCount * sketchSize;
    kernels.orthonormalize(this.exact, componentCount, sketchSize, passes);
    floatsAt(this.axes, size).set(doublesAt(this.exact, size));
    kernels.transpose(this.axes, this.turned, componentCount, sketchSize);
  }

  /** The rows' coordinates on the axes. */
  project(): void {
    const { rows, mean, turned, shift } = this;
    kernels.multiply(mean, sketchSize, 1, turned, shift, 1, sketchSize, componentCount, 0);
    kernels.projectSketches(this.starts, this.scales, rows, turned, shift, this.coordinates, sketchSize);
  }

  /** Of the coordinates: componentCount x componentCount. */
  covariance(): Float64Array {
    const size = componentCount * componentCount;
    const coordinates = this.rows * componentCount;
    doublesAt(this.scratch, coordinates).set(floatsAt(this.coordinates, coordinates));
    const square = doublesAt(this.square, size).fill(0);
    kernels.addOuterProducts(this.square, this.scratch, this.rows, componentCount);
    const covariance = new Float64Array(size);
    for (let i = 0; i < componentCount; i++) {
      for (let j = i; j < componentCount; j++) {
        const value = square[i * componentCount + j]! / this.rows;
        covariance[i * componentCount + j] = value;
        covariance[j * componentCount + i] = value;
      }
    }
    return covariance;
  }

  /** Mean length of turn . coordinates. */
  meanNorm(turn: Float64Array): number {
    const { rows, coordinates, scratch, square } = this;
    const values = floatsAt(square, componentCount * componentCount);
    for (let i = 0; i < componentCount; i++)
      for (let j = 0; j < componentCount; j++) values[j * componentCount + i] = turn[i * componentCount + j]!;
    kernels.multiply(coordinates, componentCount, 1, square, scratch, rows, componentCount, componentCount, 0);
    let total = 0;
    for (let i = 0; i < rows; i++)
      total += kernels.norm(scratch + floatBytes * i * componentCount, componentCount) / rows;
    return total;
  }

  /** old . axes^T. */
  overlap({ projection }: Basis): Float64Array {
    const size = componentCount * sketchSize;
    floatsAt(this.scratch, size).set(projection);
    kernels.multiply(
      this.scratch,
      sketchSize,
      1,
      this.turned,
      this.square,
      componentCount,
      sketchSize,
      componentCount,
      0,
    );
    return Float64Array.from(floatsAt(this.square, componentCount * componentCount));
  }

  /** turn . axes, and the mean's place on them. */
  projection(turn: Float64Array): Pick<Basis, 'projection' | 'projectedMean'> {
    const size = componentCount * sketchSize;
    floatsAt(this.square, componentCount * componentCount).set(turn);
    kernels.multiply(
      this.square,
      componentCount,
      1,
      this.axes,
      this.scratch,
      componentCount,
      componentCount,
      sketchSize,
      0,
    );
    kernels.dots(this.scratch, this.mean, this.shift, componentCount, sketchSize);
    return {
      projection: floatsAt(this.scratch, size).slice(),
      projectedMean: floatsAt(this.shift, componentCount).slice(),
    };
  }
}

/**
 * The rotation that brings the new coordinates as near to the previous basis's as a rotation can (Procrustes). The axes
 * span an invariant subspace of the rows' covariance, so old and new coordinates covary as overlap covariance turn^T.
 */
function rotationTo(overlap: Float64Array, covariance: Float64Array, turn: Float64Array): Float64Array {
  const turned = new Float64Array(componentCount * componentCount); // covariance turn^T
  for (let i = 0; i < componentCount; i++) {
    for (let j = 0; j < componentCount; j++)
      turned[i * componentCount + j] = dot(covariance, i * componentCount, turn, j * componentCount, componentCount);
  }
  return nearestRotation(multiply(overlap, turned), componentCount);
}

/** a times b, both componentCount x componentCount. */
function multiply(a: Float64Array, b: Float64Array): Float64Array {
  const product = new Float64Array(componentCount * componentCount);
  for (let i = 0; i < componentCount; i++) {
    for (let k = 0; k < componentCount; k++) {
      const factor = a[i * componentCount + k]!;
      addScaled(product, i * componentCount, factor, b, k * componentCount, componentCount);
    }
  }
  return product;
}

/** k-means on the unit sphere with k-means++ seeding. An empty cluster keeps its centroid. */
function sphericalMeans(xs: Float32Array, n: number, size: number, clusters: number, random: Random): Float32Array {
  const centroids = new Float32Array(clusters * size);
  const [rowsAt, turnedAt, centroidsAt, sumsAt, cosinesAt] = layOut([
    n * size,
    clusters * size,
    clusters * size,
    clusters * size,
    n * clusters,
  ]);
  floatsAt(rowsAt, n * size).set(xs);
  const placed = floatsAt(centroidsAt, clusters * size);
  const cosines = floatsAt(cosinesAt, n);
  const distance = new Float64Array(n).fill(2);
  for (let k = 0; k < clusters; k++) {
    let total = 0;
    for (let i = 0; i < n; i++) total += distance[i]!;
    let left = random.next() * total;
    let chosen = 0;
    for (let i = 0; i < n && left >= 0; i++) {
      left -= distance[i]!;
      chosen = i;
    }
    const centroid = xs.subarray(chosen * size, (chosen + 1) * size);
    centroids.set(centroid, k * size);
    placed.set(centroid);
    kernels.dots(rowsAt, centroidsAt, cosinesAt, n, size);
    for (let i = 0; i < n; i++) {
      const d = max(0, 1 - cosines[i]!);
      if (d < distance[i]!) distance[i] = d;
    }
  }
  const sums = floatsAt(sumsAt, clusters * size);
  for (let iteration = 0; iteration < clusterIterations; iteration++) {
    placed.set(centroids);
    kernels.transpose(centroidsAt, turnedAt, clusters, size);
    kernels.multiply(rowsAt, size, 1, turnedAt, cosinesAt, n, size, clusters, 0);
    sums.fill(0);
    kernels.sumNearest(cosinesAt, rowsAt, sumsAt, n, clusters, size);
    let moved = false;
    for (let k = 0; k < clusters; k++) {
      const norm = kernels.norm(sumsAt + floatBytes * k * size, size);
      if (norm === 0) continue;
      for (let i = k * size; i < (k + 1) * size; i++) {
        const value = Math.fround(sums[i]! / norm);
        if (value !== centroids[i]) moved = true;
        centroids[i] = value;
      }
    }
    // Whoever did not move now never will.
    if (!moved) break;
  }
  return centroids;
}

type BasisMeta = Pick<Basis, 'kind' | 'encoderVersion' | 'xSize' | 'clusters' | 'networkScale'> &
  Partial<Pick<Basis, 'contextVersion'>>;

/** Without circumstances in use nothing is said of them. */
export function writeBasis(basis: Basis): Buffer {
  const { kind, encoderVersion, xSize, clusters, networkScale, contextVersion: version, ...all } = basis;
  const { contextColumns, contextMean, contextInverseScale, ...arrays } = all;
  const meta: BasisMeta = { kind, encoderVersion, xSize, clusters, networkScale };
  if (contextColumns.length === 0) return writeBlob({ kind: 'basis', meta, arrays });
  return writeBlob({ kind: 'basis', meta: { ...meta, contextVersion: version }, arrays: all });
}

/** Throws, saying what is wrong, for bytes that are not a usable basis. */
export function readBasis(bytes: Buffer): Basis {
  const blob: Blob = readBlob(bytes, 'basis');
  const meta = blob.meta as BasisMeta;
  if (!Number.isInteger(meta.xSize) || meta.xSize < 1) throw new Error(`basis blob: xSize is ${meta.xSize}`);
  if (!Number.isInteger(meta.clusters) || meta.clusters < 1 || meta.clusters > maxClusters)
    throw new Error(`basis blob: clusters is ${meta.clusters}`);
  if (!Number.isFinite(meta.networkScale)) throw new Error(`basis blob: networkScale is ${meta.networkScale}`);
  const text = meta.kind === 'text';
  const context = readContext(blob, meta);
  const requestSize = meta.xSize - context.contextColumns.length;
  const scaled = text ? handSize : requestSize - taskSlots;
  if (text && requestSize !== componentCount + handSize + taskSlots)
    throw new Error(`basis blob: xSize is ${meta.xSize}`);
  return {
    ...meta,
    projection: arrayOf(blob, 'projection', Float32Array, text ? componentCount * sketchSize : 0),
    projectedMean: arrayOf(blob, 'projectedMean', Float32Array, text ? componentCount : 0),
    mean: arrayOf(blob, 'mean', Float32Array, scaled),
    inverseScale: arrayOf(blob, 'inverseScale', Float32Array, scaled),
    taskShares: arrayOf(blob, 'taskShares', Float32Array, taskSlots),
    centroids: arrayOf(blob, 'centroids', Float32Array, meta.clusters * requestSize),
    ...context,
  };
}

/** A list of another version keeps its place in X, so that policies fit; its values read as unknown. */
function readContext(blob: Blob, meta: BasisMeta): ContextScale {
  if (meta.contextVersion === undefined) return noContext;
  const columns = blob.arrays['contextColumns']?.length ?? 0;
  return {
    contextVersion: meta.contextVersion,
    contextColumns: arrayOf(blob, 'contextColumns', Int32Array, columns),
    contextMean: arrayOf(blob, 'contextMean', Float32Array, columns),
    contextInverseScale: arrayOf(blob, 'contextInverseScale', Float32Array, columns),
  };
}
