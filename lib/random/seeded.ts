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
  let hash = fnv1a(`${typeof seed}:${seed}`, 0x811c9dc5);
  for (const label of labels) hash = fnv1a(`\u0000${label}`, hash);
  // Two hashes with different bases give 64 bits of seed: 32 alone would let two labels collide too often.
  let second = fnv1a(`${seed}`, hash ^ 0x9e3779b9);
  for (const label of labels) second = fnv1a(`\u0001${label}`, second);
  const words = new Uint32Array(stateWords);
  words[0] = splitmix32(hash);
  words[1] = splitmix32(second);
  words[2] = splitmix32((hash + 0x9e3779b9) | 0);
  words[3] = splitmix32((second + 0x9e3779b9) | 0);
  return streamFrom(words, null);
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
  return streamFrom(words, state[stateWords] ?? null);
}

function streamFrom(s: Uint32Array, spareDeviate: number | null): Random {
  let spare = spareDeviate;
  if (s.every((word) => word === 0)) s[0] = 1;

  const next32 = (): number => {
    const s1 = s[1]!;
    const scaled = imul(s1, 5);
    const result = imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  };
  const next = (): number => ((next32() >>> 0) * twoTo21 + (next32() >>> 11)) / twoTo53;

  return {
    next,
    integer(bound) {
      if (!Number.isSafeInteger(bound) || bound < 1) throw new Error(`bound must be a positive integer, got ${bound}`);
      return Math.floor(next() * bound);
    },
    normal() {
      if (spare !== null) {
        const deviate = spare;
        spare = null;
        return deviate;
      }
      // Marsaglia's polar method makes two deviates at a time.
      for (;;) {
        const u = 2 * next() - 1;
        const v = 2 * next() - 1;
        const square = u * u + v * v;
        if (square > 0 && square < 1) {
          const factor = Math.sqrt((-2 * Math.log(square)) / square);
          spare = v * factor;
          return u * factor;
        }
      }
    },
    state: () => (spare === null ? [...s] : [...s, spare]),
  };
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
  return (z ^ (z >>> 15)) >>> 0;
}
