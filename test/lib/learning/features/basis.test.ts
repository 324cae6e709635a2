import {
  type Basis,
  describe as describeRow,
  type Features,
  fitBasis,
  inputsSince,
  maxClusters,
  phiSize,
  readBasis,
  writeBasis,
} from '../../../../lib/learning/features/basis';
import { contextSize, contextVersion } from '../../../../lib/learning/features/context';
import { encodeText, sketchSize } from '../../../../lib/learning/features/encode';
import { taskSlots } from '../../../../lib/learning/features/task-slot';
import { readBlob, writeBlob } from '../../../../lib/learning/fold/blob';
import { dot, orthonormalize, symmetricEigen } from '../../../../lib/learning/value/linear-algebra';
import { seededRandom } from '../../../../lib/random/seeded';
import { toyPrompt } from '../toy-world';

const textFeatures = (text: string): Features => {
  const { sketch, sketchScale, handFeatures } = encodeText(text);
  return { sketch, sketchScale, hand: handFeatures, caller: null, context: null, task: 0 };
};
const callerFeatures = (values: readonly number[]): Features => ({
  sketch: new Int8Array(0),
  sketchScale: 0,
  hand: new Float32Array(0),
  caller: Float32Array.from(values),
  context: null,
  task: 0,
});
const random = seededRandom(5, 'basis');
const rows = Array.from({ length: 200 }, (_, i) => textFeatures(toyPrompt(i % 2 === 0 ? 'code' : 'prose', random)));
const basisOf = (some: readonly Features[], previous: Basis | null = null): Basis =>
  fitBasis(some, 'v', previous, seededRandom(1, 'fit'));
const seen = (basis: Basis, features: Features): { x: Float32Array; phi: Float32Array } => {
  const x = new Float32Array(basis.xSize);
  const phi = new Float32Array(phiSize(basis));
  describeRow(basis, features, x, phi);
  return { x, phi };
};
/** A context whose columns are all 0 but for these, counted from 0. */
const contextWith = (columns: Readonly<Record<number, number>>): Float32Array => {
  const context = new Float32Array(contextSize);
  context[0] = contextVersion;
  for (const [column, value] of Object.entries(columns)) context[1 + Number(column)] = value;
  return context;
};
const distance = (a: Float32Array, b: Float32Array): number => Math.hypot(...a.map((value, i) => value - b[i]!));

test('phi is a bias, a distribution over clusters and X; components have mean length 1', () => {
  const basis = basisOf(rows);
  let length = 0;
  for (const row of rows) {
    const { x, phi } = seen(basis, row);
    length += Math.hypot(...x.subarray(0, 32)) / rows.length;
    expect(phi[0]).toBe(1);
    expect(phi.subarray(1, 1 + maxClusters).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
    expect(phi[1 + maxClusters]).toBeCloseTo(0.2 * x[0]!, 5);
  }
  expect(length).toBeCloseTo(1, 2);
  expect(basis.clusters).toBe(25);
});

test('prompts of one kind are nearer to one another than to the other kind', () => {
  const basis = basisOf(rows);
  const xs = rows.slice(0, 40).map((row) => seen(basis, row).x);
  let same = 0;
  let other = 0;
  for (let i = 2; i < xs.length; i += 2) {
    same += distance(xs[0]!, xs[i]!);
    other += distance(xs[0]!, xs[i + 1]!);
  }
  expect(same).toBeLessThan(other);
});

test('a refit on more rows keeps the axes turned as they were', () => {
  const basis = basisOf(rows.slice(0, 120));
  const kept = basisOf(rows, basis);
  const fresh = fitBasis(rows, 'v', null, seededRandom(99, 'other'));
  let movedKept = 0;
  let movedFresh = 0;
  for (const row of rows) {
    movedKept += distance(seen(basis, row).x.subarray(0, 32), seen(kept, row).x.subarray(0, 32)) / rows.length;
    movedFresh += distance(seen(basis, row).x.subarray(0, 32), seen(fresh, row).x.subarray(0, 32)) / rows.length;
  }
  expect(movedKept).toBeLessThan(0.6 * movedFresh);
});

test('a first fit to few rows does not leave components empty for good', () => {
  const spread = (basis: Basis): number => {
    const squares = Array.from({ length: 32 }, () => 0);
    for (const row of rows) {
      const { x } = seen(basis, row);
      for (let c = 0; c < squares.length; c++) squares[c]! += x[c]! ** 2;
    }
    const total = squares.reduce((sum, square) => sum + square, 0);
    return total ** 2 / squares.reduce((sum, square) => sum + square ** 2, 0);
  };
  // Eight rows span seven directions.
  const grown = basisOf(rows, basisOf(rows.slice(0, 8)));
  expect(spread(grown)).toBeGreaterThan(0.8 * spread(basisOf(rows)));
});

test('components catch about as much of what differs between sketches as any so many directions can', () => {
  const some = rows.slice(0, 48);
  const size = sketchSize;
  const values = some.map(({ sketch, sketchScale }) =>
    Float64Array.from(sketch as Int8Array, (value) => value * sketchScale),
  );
  const mean = Float64Array.from({ length: size }, (_, i) => values.reduce((sum, row) => sum + row[i]! / 48, 0));
  const centred = values.map((row) => row.map((value, i) => value - mean[i]!));
  const gram = Float64Array.from({ length: 48 * 48 }, (_, i) =>
    dot(centred[Math.floor(i / 48)]!, 0, centred[i % 48]!, 0, size),
  );
  const best = symmetricEigen(gram, 48).values.slice(0, 32);
  const { projection, projectedMean } = basisOf(some);
  const directions = Float64Array.from(projection);
  // What is taken off is where the mean lies.
  for (let c = 0; c < 32; c++) expect(dot(directions, c * size, mean, 0, size)).toBeCloseTo(projectedMean[c]!, 4);
  orthonormalize(directions, 32, size);
  let caught = 0;
  for (const row of centred) for (let c = 0; c < 32; c++) caught += dot(directions, c * size, row, 0, size) ** 2;
  const most = best.reduce((sum, value) => sum + value, 0);
  expect(caught / most).toBeGreaterThan(0.99);
  expect(caught / most).toBeLessThan(1.0001);
});

test("a caller's vector is standardised and used in full", () => {
  const vectors = Array.from({ length: 100 }, () => callerFeatures([10 + 5 * random.normal(), random.normal(), 3]));
  const basis = basisOf(vectors);
  const { x, phi } = seen(basis, callerFeatures([10, 0, 3]));
  expect(Math.abs(x[0]!)).toBeLessThan(0.4);
  expect(x[2]).toBe(0); // a constant says nothing
  expect(phi[1 + maxClusters]).toBe(x[0]);
  expect(seen(basis, callerFeatures([1e9, 0, 3])).x[0]).toBe(4);
  const previous = basisOf(rows);
  expect(basisOf(vectors, previous)).toEqual(basis);
});

test('the task counts in full in phi, less in X, and not at all where all requests are of one task', () => {
  expect(seen(basisOf(rows), rows[0]!).x.subarray(-taskSlots)).toEqual(new Float32Array(taskSlots));
  for (const some of [rows, Array.from({ length: 100 }, () => callerFeatures([random.normal()]))]) {
    const mixed = some.map((row, i) => ({ ...row, task: i % 4 === 0 ? 3 : 5 }));
    const { x, phi } = seen(basisOf(mixed), mixed[0]!);
    expect(phi.at(-taskSlots + 3)).toBeCloseTo(0.75, 5);
    expect(phi.at(-taskSlots + 5)).toBeCloseTo(-0.75, 5);
    expect(x.at(-taskSlots + 3)).toBeCloseTo(0.7 * 0.75, 5);
  }
});

test('a request of another kind is a stranger: nothing but the bias', () => {
  const basis = basisOf(rows);
  for (const stranger of [callerFeatures([1, 2]), { ...rows[0]!, sketch: new Int8Array(5) }]) {
    const { x, phi } = seen(basis, stranger);
    expect(x.every((value) => value === 0)).toBe(true);
    expect([...phi].filter((value) => value !== 0)).toEqual([1]);
  }
});

test('few or equal rows do not break the fit', () => {
  for (const some of [rows.slice(0, 1), Array.from({ length: 30 }, () => rows[0]!), [textFeatures('')]]) {
    const basis = basisOf(some);
    const { phi } = seen(basis, rows[1]!);
    expect(phi.every((value) => Number.isFinite(value))).toBe(true);
  }
  expect(() => basisOf([])).toThrow('no rows');
});

test('bytes: read as written, refused when wrong', () => {
  const basis = basisOf(rows);
  const bytes = writeBasis(basis);
  expect(readBasis(bytes)).toEqual(basis);
  const blob = readBlob(bytes, 'basis');
  const withMeta = (meta: object): Buffer => writeBlob({ ...blob, meta: { ...(blob.meta as object), ...meta } });
  expect(() => readBasis(withMeta({ xSize: 0 }))).toThrow('xSize is 0');
  expect(() => readBasis(withMeta({ xSize: 8 }))).toThrow('xSize is 8');
  expect(() => readBasis(withMeta({ clusters: 99 }))).toThrow('clusters is 99');
  expect(() => readBasis(withMeta({ networkScale: null }))).toThrow('networkScale is null');
  (blob.arrays['mean'] as Float32Array)[3] = Number.POSITIVE_INFINITY;
  expect(() => readBasis(withMeta({}))).toThrow('mean[3] is Infinity');
});

test('without circumstances that differ nothing changes, to the byte', () => {
  const bytes = writeBasis(basisOf(rows));
  const equal = rows.map((row) => ({ ...row, context: contextWith({ 2: 0.5, 7: -1 }) }));
  expect(writeBasis(basisOf(equal))).toEqual(bytes);
  const hardly = rows.map((row, i) => ({ ...row, context: contextWith({ 2: 0.5 + 0.001 * (i % 2) }) }));
  expect(writeBasis(basisOf(hardly))).toEqual(bytes);
  expect(seen(basisOf(rows), equal[0]!)).toEqual(seen(basisOf(rows), rows[0]!));
});

test('circumstances that differ follow X and phi, bounded, and leave the rest alone', () => {
  const plain = basisOf(rows);
  const mixed = rows.map((row, i) => ({
    ...row,
    context: contextWith({ 3: i % 2, 9: i % 4 === 0 ? 1 : -1, 11: 0.7 }),
  }));
  const basis = basisOf(mixed);
  expect([...basis.contextColumns]).toEqual([4, 10]);
  expect(basis.xSize).toBe(plain.xSize + 2);
  expect(basis.centroids).toEqual(plain.centroids);
  const { x, phi } = seen(basis, mixed[0]!);
  const before = seen(plain, rows[0]!);
  expect(x.subarray(0, plain.xSize)).toEqual(before.x);
  expect(phi.subarray(0, phiSize(plain))).toEqual(before.phi);
  expect(phi.at(-2)).toBeCloseTo(-0.1, 5); // one deviation below the mean
  expect(x.at(-2)! * basis.networkScale).toBeCloseTo(-0.5, 5);
  const extreme = seen(basis, { ...rows[0]!, context: contextWith({ 3: 1, 9: 1000 }) });
  expect(extreme.phi.at(-1)).toBeCloseTo(0.4, 5); // cut at four deviations
  for (const unknown of [null, new Float32Array(3)])
    expect([...seen(basis, { ...rows[0]!, context: unknown }).x.subarray(-2)]).toEqual([0, 0]);
});

test("circumstances go with a caller's vector as well; what is unknown reads as the mean", () => {
  const vectors = Array.from({ length: 100 }, (_, i) => ({
    ...callerFeatures([random.normal(), random.normal()]),
    context: i < 50 ? null : contextWith({ 0: i % 2 === 0 ? 0.2 : 0.6 }),
  }));
  const basis = basisOf(vectors);
  expect(basis.xSize).toBe(2 + taskSlots + 1);
  expect(basis.contextMean[0]).toBeCloseTo(0.4, 5);
  expect(seen(basis, vectors[51]!).phi.at(-1)).toBeCloseTo(0.1, 5);
  expect(seen(basis, vectors[0]!).phi.at(-1)).toBe(0);
});

test('a circumstance once used stays, and networks find their inputs again', () => {
  const some = rows.map((row, i) => ({ ...row, context: contextWith({ 5: i % 2 }) }));
  const first = basisOf(some);
  const others = rows.map((row, i) => ({ ...row, context: contextWith({ 3: i % 2, 5: 1 }) }));
  const second = basisOf(others, first);
  expect([...second.contextColumns]).toEqual([4, 6]);
  expect(seen(second, { ...rows[0]!, context: contextWith({ 5: 0 }) }).x.at(-1)).toBeCloseTo(0, 9); // no longer known to matter
  const inputs = inputsSince(first, second)!;
  const size = basisOf(rows).xSize;
  expect(inputs.slice(0, size)).toEqual(Array.from({ length: size }, (_, i) => i));
  expect(inputs.slice(size)).toEqual([-1, size]);
  const third = basisOf(rows, second);
  expect([...third.contextColumns]).toEqual([4, 6]);
  expect(inputsSince(second, third)).toEqual(Array.from({ length: size + 2 }, (_, i) => i));
  expect(inputsSince(first, basisOf([callerFeatures([1])]))).toBeNull();
});

test('circumstances in bytes: read as written; those of another version keep their place and read as unknown', () => {
  const some = rows.map((row, i) => ({ ...row, context: contextWith({ 5: i % 2 }) }));
  const basis = basisOf(some);
  const bytes = writeBasis(basis);
  expect(readBasis(bytes)).toEqual(basis);
  const blob = readBlob(bytes, 'basis');
  const foreign = readBasis(writeBlob({ ...blob, meta: { ...(blob.meta as object), contextVersion: 99 } }));
  expect(foreign.xSize).toBe(basis.xSize);
  expect(seen(foreign, some[1]!).x.at(-1)).toBe(0);
  expect(seen(foreign, some[1]!).x.subarray(0, -1)).toEqual(seen(basis, some[1]!).x.subarray(0, -1));
  expect([...basisOf(rows, foreign).contextColumns]).toEqual([]);
  const cut = { ...blob, arrays: { ...blob.arrays, contextMean: new Float32Array(0) } };
  expect(() => readBasis(writeBlob(cut))).toThrow('contextMean has 0 values, not 1');
});
