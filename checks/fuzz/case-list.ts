/**
 * One surface (a body, a topic, a file) as a numbered list of cases without end: first every field with every hostile
 * value alone, then pairs of them at random. A seed and a number always name the same case.
 */
import { seededRandom } from '../../lib/random/seeded';

export interface CaseList<Part> {
  readonly name: string;
  /** Cases before the first pair. */
  readonly singles: number;
  /** The parts of case `index`, one or two. */
  partsOf(seed: number, index: number): readonly Part[];
  /** The case in words. */
  whatIs(seed: number, index: number): string;
}

/** `parts` are made when asked for: a list of all would take gigabytes. */
export function caseList<Part extends { readonly how: string }>(name: string, parts: readonly Part[]): CaseList<Part> {
  // A run that is shorter than the list should not only see its beginning.
  const order = (seed: number): number[] => {
    const random = seededRandom(seed, 'fuzz', name, 'order');
    const indices = parts.map((_, index) => index);
    for (let i = indices.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [indices[i], indices[j]] = [indices[j]!, indices[i]!];
    }
    return indices;
  };
  let shuffled: { readonly seed: number; readonly indices: readonly number[] } | null = null;
  const partsOf = (seed: number, index: number): readonly Part[] => {
    if (shuffled?.seed !== seed) shuffled = { seed, indices: order(seed) };
    if (index < parts.length) return [parts[shuffled.indices[index]!]!];
    const random = seededRandom(seed, 'fuzz', name, index);
    return [parts[random.integer(parts.length)]!, parts[random.integer(parts.length)]!];
  };
  return {
    name,
    singles: parts.length,
    partsOf,
    whatIs: (seed, index) =>
      `${name} ${partsOf(seed, index)
        .map(({ how }) => how)
        .join(' & ')}`,
  };
}
