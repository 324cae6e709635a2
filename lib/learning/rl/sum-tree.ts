/** Draws slots in proportion to their weights, and changes one weight, in log2(slots) steps. */

export interface SumTree {
  /** Sum of all weights. */
  readonly total: number;
  weightOf(slot: number): number;
  /** `weight` at least 0. */
  set(slot: number, weight: number): void;
  /** The slot in which `mass`, 0 <= mass < total, falls when the weights lie side by side. */
  find(mass: number): number;
}

export function createSumTree(slots: number): SumTree {
  let leaves = 1;
  while (leaves < slots) leaves *= 2;
  // nodes[1] is the root, the children of i are 2i and 2i + 1, slot s is nodes[leaves + s].
  const nodes = new Float64Array(2 * leaves);
  return {
    get total() {
      return nodes[1]!;
    },
    weightOf: (slot) => nodes[leaves + slot]!,
    set(slot, weight) {
      let node = leaves + slot;
      nodes[node] = weight;
      // Sums are made anew, not adjusted by differences: rounding errors would add up.
      for (node >>= 1; node >= 1; node >>= 1) nodes[node] = nodes[2 * node]! + nodes[2 * node + 1]!;
    },
    find(mass) {
      let node = 1;
      while (node < leaves) {
        const left = nodes[2 * node]!;
        node *= 2;
        // An empty right side is never entered, even when rounding has left a little mass over.
        if (mass >= left && nodes[node + 1]! > 0) {
          mass -= left;
          node++;
        }
      }
      return node - leaves;
    },
  };
}
