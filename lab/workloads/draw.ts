/** Draws that several workloads need, on top of the injected randomness. */
import type { Random } from '../../lib/ports/random';

/** A random order of 0 .. n - 1. */
export function shuffled(n: number, random: Random): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** One of the items, each equally likely. Throws RangeError for an empty list. */
export function pick<T>(items: readonly T[], random: Random): T {
  if (items.length === 0) throw new RangeError('cannot pick from an empty list');
  return items[random.integer(items.length)]!;
}
