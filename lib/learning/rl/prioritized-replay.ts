/**
 * Prioritised replay, proportional variant (Schaul et al. 2016): rows that surprised the network are drawn more often,
 * and importance weights take back the bias that brings.
 */
import { createRing, type Replay, refill } from './replay';
import { createSumTree } from './sum-tree';

/** Priority is |error| to this power: 0 draws all alike, 1 in full proportion. The paper's value. */
const sharpness = 0.6;
/** Added to |error|, in units of the value, so that a row without error is still drawn now and then. */
const leastError = 1e-3;

export function createPrioritizedReplay(capacity: number): Replay {
  const ring = createRing(capacity);
  const tree = createSumTree(capacity);
  /** New rows get the highest priority so far: each is to be seen at least once. */
  let highest = 1;
  return {
    get size() {
      return ring.rows.length;
    },
    add(transition) {
      tree.set(ring.add(transition), highest);
    },
    sample(rows, random, correction) {
      // One draw from each of `rows` equal parts of the total: less spread than independent draws.
      const slots = Array.from({ length: rows }, (_, i) => tree.find(((i + random.next()) / rows) * tree.total));
      const raw = slots.map((slot) => (tree.weightOf(slot) * ring.rows.length) ** -correction);
      const largest = Math.max(...raw);
      return {
        slots,
        transitions: slots.map((slot) => ring.rows[slot]!),
        weights: raw.map((weight) => weight / largest),
      };
    },
    update(slots, errors) {
      slots.forEach((slot, i) => {
        const priority = (errors[i]! + leastError) ** sharpness;
        highest = Math.max(highest, priority);
        tree.set(slot, priority);
      });
    },
    transitions: ring.inOrder,
    refilled: (transitions) => refill(createPrioritizedReplay(capacity), transitions),
  };
}
