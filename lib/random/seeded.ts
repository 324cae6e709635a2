/**
 * Seeded randomness: xoshiro128** (Blackman and Vigna 2018), its state filled by splitmix32 from a hash of the seed and
 * labels. Pure: the same seed gives the same stream on every machine, and a state resumes it exactly.
 */
import type { Random } from '../ports/random';

// Bound once: a look-up of a global costs much where globals are intercepted (under jest).
const { imul } = Math;
const stateWords = 4;
const twoTo21 = 2_097_152;
const twoTo53 = 9_007_199_254_740_992;

/**
 * A stream of its own for each combination of seed and labels, so that adding a consumer of randomness in one place
 * does not shift the numbers drawn in another.
 */
export function seededRandom(seed: number | string, ...labels: readonly (number | string)[]): Random {
  const text = String(seed);
  let hash = fnv1a(text, fnv1a(typeof seed === 'number' ? 'number:' : 'string:', 0x811c9dc5));
  for (const label of labels) hash = fnv1a(String(label), fnv1a('\u0000', hash));
  // Two hashes with different bases give 64 bits of seed: 32 alone would let two labels collide too often.
  let second = fnv1a(text, hash ^ 0x9e3779b9);
  for (const label of labels) second = fnv1a(String(label), fnv1a('\u0001', second));
  return new Stream(
    splitmix32(hash),
    splitmix32(second),
    splitmix32((hash + 0x9e3779b9) | 0),
    splitmix32((second + 0x9e3779b9) | 0),
    null,
  );
}

/** Resumes a stream from what `state()` returned. Throws when it is not such a state. */
export function restoreRandom(state: readonly number[]): Random {
  const words = Uint32Array.from(state.slice(0, stateWords));
  const wellFormed = state.length === stateWords || state.length === stateWords + 1;
  if (!wellFormed || words.some((word, i) => word !== state[i]) || words.every((word) => word === 0)) {
    throw new Error(
      `a random state is ${stateWords} unsigned 32-bit integers, not all 0, and at most one spare deviate`,
    );
  }
  return new Stream(words[0]!, words[1]!, words[2]!, words[3]!, state[stateWords] ?? null);
}

/** Many live for one draw, so a stream is one small object: its words are fields, signed so that no number has to be boxed. */
class Stream implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(
    a: number,
    b: number,
    c: number,
    d: number,
    private spare: number | null,
  ) {
    this.a = (a | b | c | d) === 0 ? 1 : a | 0;
    this.b = b | 0;
    this.c = c | 0;
    this.d = d | 0;
  }

  private next32(): number {
    const { a, b } = this;
    const scaled = imul(b, 5);
    const result = imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const c = this.c ^ a;
    const d = this.d ^ b;
    this.b = b ^ c;
    this.a = a ^ d;
    this.c = c ^ (b << 9);
    this.d = (d << 11) | (d >>> 21);
    return result;
  }

  next(): number {
    return (this.next32() * twoTo21 + (this.next32() >>> 11)) / twoTo53;
  }

  integer(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) throw new Error(`bound must be a positive integer, got ${bound}`);
    return Math.floor(this.next() * bound);
  }

  normal(): number {
    if (this.spare !== null) {
      const deviate = this.spare;
      this.spare = null;
      return deviate;
    }
    // Marsaglia's polar method makes two deviates at a time.
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const square = u * u + v * v;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        this.spare = v * factor;
        return u * factor;
      }
    }
  }

  state(): readonly number[] {
    const words = [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.d >>> 0];
    return this.spare === null ? words : [...words, this.spare];
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function splitmix32(seed: number): number {
  let z = (seed + 0x9e3779b9) | 0;
  z = imul(z ^ (z >>> 16), 0x21f0aaad);
  z = imul(z ^ (z >>> 15), 0x735a2d97);
  // Signed: beyond 31 bits a number would be an object of its own.
  return z ^ (z >>> 15);
}
