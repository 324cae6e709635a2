/** When two scores are the same: sums over the threads in another order differ by rounding alone. */

const tolerance = 1e-9;

export function isTied(a: number, b: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Positions of all that tie with the largest, in order. */
export function allLargest(values: readonly number[]): number[] {
  const largest = Math.max(...values);
  return values.flatMap((value, i) => (isTied(value, largest) ? [i] : []));
}
