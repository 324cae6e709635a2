/**
 * The two inner loops of the value function as WebAssembly with SIMD, assembled here byte by byte since they are so few. They
 * sum in exactly the order of the loops in `linear-algebra.ts` and `network.ts`, lane by lane, so their results are the same
 * to the last bit: a decision does not depend on whether a machine has SIMD.
 */

/** Numbers of the WebAssembly binary format, by their names in its specification. */
const op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  f32Load: 0x2a,
  f64Load: 0x2b,
  f64Store: 0x39,
  i32Const: 0x41,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32LtU: 0x49,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Shl: 0x74,
  f64Eq: 0x61,
  f64Add: 0xa0,
  f64Mul: 0xa2,
  f64PromoteF32: 0xbb,
} as const;
const simd = {
  load: 0,
  store: 11,
  shuffle: 13,
  f64x2Splat: 20,
  f64x2ExtractLane: 33,
  f64x2ReplaceLane: 34,
  demote: 94,
  promoteLow: 95,
  f64x2Add: 240,
  f64x2Mul: 242,
} as const;
const i32 = 0x7f;
const v128 = 0x7b;
const empty = 0x40;

type Code = readonly number[];

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return bytes;
  }
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

const get = (local: number): Code => [op.localGet, ...unsigned(local)];
const set = (local: number, value: Code): Code => [...value, op.localSet, ...unsigned(local)];
const constant = (value: number): Code => [op.i32Const, ...leb(value)];
const add = (a: Code, b: Code): Code => [...a, ...b, op.i32Add];
const advance = (local: number, by: number): Code => set(local, add(get(local), constant(by)));
const vector = (code: number): Code => [0xfd, ...unsigned(code)];
const at = (offset: number): Code => [0, ...unsigned(offset)];
const loadVector = (address: Code, offset = 0): Code => [...address, ...vector(simd.load), ...at(offset)];
const addVectors = (a: Code, b: Code): Code => [...a, ...b, ...vector(simd.f64x2Add)];
const multiplyVectors = (a: Code, b: Code): Code => [...a, ...b, ...vector(simd.f64x2Mul)];
/** The first two, and the last two, of four float32 as float64. */
const low = (a: Code): Code => [...a, ...vector(simd.promoteLow)];
const high = (a: Code): Code =>
  low([...a, ...a, ...vector(simd.shuffle), 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
const lane = (a: Code, index: number): Code => [...a, ...vector(simd.f64x2ExtractLane), index];
const addNumbers = (a: Code, b: Code): Code => [...a, ...b, op.f64Add];
/** Runs `body` as long as `address` is below `end`. */
const whileBelow = (address: number, end: number, body: Code): Code => [
  ...[op.block, empty, op.loop, empty],
  ...[...get(address), ...get(end), op.i32GeU, op.brIf, 1],
  ...body,
  ...[op.br, 0, op.end, op.end],
];

/**
 * `dots(weights, rows, size, vector, out)`: products of the rows of a float32 matrix with a float64 vector, as `dot32` sums
 * them. `rows` is even: two are summed at a time, so that additions overlap.
 */
function dotsBody(): { locals: Code; code: Code } {
  const [weights, rows, size, x, out] = [0, 1, 2, 3, 4] as const;
  const [wholeEnd, end, p, q, v, stride] = [5, 6, 7, 8, 9, 10] as const;
  const [a0, a1, b0, b1, x0, x1, row] = [11, 12, 13, 14, 15, 16, 17] as const;
  const fourOf = (pointer: number, first: number, second: number): Code => [
    ...set(row, loadVector(get(pointer))),
    ...set(first, addVectors(get(first), multiplyVectors(low(get(row)), get(x0)))),
    ...set(second, addVectors(get(second), multiplyVectors(high(get(row)), get(x1)))),
  ];
  const oneOf = (pointer: number, first: number): Code => {
    const product: Code = [
      ...[...get(pointer), op.f32Load, ...at(0), op.f64PromoteF32],
      ...[...get(v), op.f64Load, ...at(0), op.f64Mul],
    ];
    return set(first, [
      ...get(first),
      ...addNumbers(lane(get(first), 0), product),
      ...vector(simd.f64x2ReplaceLane),
      0,
    ]);
  };
  const total = (first: number, second: number): Code =>
    addNumbers(
      addNumbers(lane(get(first), 0), lane(get(first), 1)),
      addNumbers(lane(get(second), 0), lane(get(second), 1)),
    );
  const zero: Code = [op.f64Const, 0, 0, 0, 0, 0, 0, 0, 0, ...vector(simd.f64x2Splat)];
  const code: Code = [
    ...set(stride, [...get(size), ...constant(2), op.i32Shl]),
    ...set(wholeEnd, add(get(x), [...get(size), ...constant(-4), op.i32And, ...constant(3), op.i32Shl])),
    ...set(end, add(get(x), [...get(size), ...constant(3), op.i32Shl])),
    ...[op.block, empty, op.loop, empty],
    ...[...get(rows), op.i32Eqz, op.brIf, 1],
    ...set(p, get(weights)),
    ...set(q, add(get(weights), get(stride))),
    ...set(weights, add(get(q), get(stride))),
    ...set(v, get(x)),
    ...[a0, a1, b0, b1].flatMap((sum) => set(sum, zero)),
    ...whileBelow(v, wholeEnd, [
      ...set(x0, loadVector(get(v))),
      ...set(x1, loadVector(get(v), 16)),
      ...fourOf(p, a0, a1),
      ...fourOf(q, b0, b1),
      ...advance(p, 16),
      ...advance(q, 16),
      ...advance(v, 32),
    ]),
    ...whileBelow(v, end, [...oneOf(p, a0), ...oneOf(q, b0), ...advance(p, 4), ...advance(q, 4), ...advance(v, 8)]),
    ...[...get(out), ...total(a0, a1), op.f64Store, ...at(0)],
    ...[...get(out), ...total(b0, b1), op.f64Store, ...at(8)],
    ...advance(out, 16),
    ...advance(rows, -2),
    ...[op.br, 0, op.end, op.end],
  ];
  return { locals: [2, 6, i32, 7, v128], code };
}

/**
 * `layer(weights, stride, input, inputEnd, out, outEnd)`: out += input . weights, as `network.ts` does it: four rows at a time,
 * rounded to float32 after them. `input` is float64, a multiple of four; `stride` is in bytes. Works on four outputs at a
 * time, so up to three numbers behind `out` are written, and as many behind the weights read.
 */
function layerBody(): { locals: Code; code: Code } {
  const [weights, stride, input, inputEnd, out, outEnd] = [0, 1, 2, 3, 4, 5] as const;
  const pointers = [6, 7, 8, 9] as const;
  const [o] = [10] as const;
  const factors = [11, 12, 13, 14] as const;
  const rows = [15, 16, 17, 18] as const;
  const [sum, sumLow] = [19, 20] as const;
  const numberAt = (i: number): Code => [...get(input), op.f64Load, ...at(8 * i)];
  const isZero = (i: number): Code => [...numberAt(i), op.f64Const, 0, 0, 0, 0, 0, 0, 0, 0, op.f64Eq];
  const half = (part: (a: Code) => Code): Code => {
    const product = (i: 0 | 1 | 2 | 3): Code => multiplyVectors(get(factors[i]), part(get(rows[i])));
    return addVectors(
      addVectors(addVectors(part(get(sum)), product(0)), product(1)),
      addVectors(product(2), product(3)),
    );
  };
  const demoted = (a: Code): Code => [...a, ...vector(simd.demote)];
  const firstHalves: Code = [...vector(simd.shuffle), 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const code: Code = whileBelow(input, inputEnd, [
    ...set(pointers[0], get(weights)),
    ...set(pointers[1], add(get(pointers[0]), get(stride))),
    ...set(pointers[2], add(get(pointers[1]), get(stride))),
    ...set(pointers[3], add(get(pointers[2]), get(stride))),
    ...set(weights, add(get(pointers[3]), get(stride))),
    ...[op.block, empty],
    ...[...isZero(0), ...isZero(1), op.i32And, ...isZero(2), op.i32And, ...isZero(3), op.i32And, op.brIf, 0],
    ...factors.flatMap((factor, i) => set(factor, [...numberAt(i), ...vector(simd.f64x2Splat)])),
    ...set(o, get(out)),
    ...whileBelow(o, outEnd, [
      ...rows.flatMap((row, i) => set(row, loadVector(get(pointers[i]!)))),
      ...set(sum, loadVector(get(o))),
      ...set(sumLow, demoted(half(low))),
      ...get(o),
      ...get(sumLow),
      ...demoted(half(high)),
      ...firstHalves,
      ...[...vector(simd.store), ...at(0)],
      ...pointers.flatMap((pointer) => advance(pointer, 16)),
      ...advance(o, 16),
    ]),
    op.end,
    ...advance(input, 32),
  ]);
  return { locals: [2, 5, i32, 10, v128], code };
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function functionOf({ locals, code }: { locals: Code; code: Code }): Code {
  const body = [...locals, ...code, op.end];
  return [...unsigned(body.length), ...body];
}

function named(name: string): Code {
  return [name.length, ...Buffer.from(name, 'latin1')];
}

/** A module that imports `env.memory` and exports `dots` and `layer`. */
export function simdModuleBytes(): Uint8Array {
  const signature = (parameters: number): Code => [0x60, parameters, ...new Array<number>(parameters).fill(i32), 0];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [2, ...signature(5), ...signature(6)]),
    ...section(2, [1, ...named('env'), ...named('memory'), 0x02, 0x00, 0x00]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...named('dots'), 0x00, 0, ...named('layer'), 0x00, 1]),
    ...section(10, [2, ...functionOf(dotsBody()), ...functionOf(layerBody())]),
  ]);
}
