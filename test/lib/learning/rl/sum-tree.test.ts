import fc from 'fast-check';
import { createSumTree } from '../../../../lib/learning/rl/sum-tree';

test('finds the slot a mass falls in, for any number of slots', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (list, share) => {
      const tree = createSumTree(list.length);
      list.forEach((weight, slot) => {
        tree.set(slot, weight);
      });
      const total = list.reduce((sum, weight) => sum + weight, 0);
      expect(tree.total).toBe(total);
      if (total === 0) return;
      const mass = share * total;
      let slot = 0;
      for (let before = 0; before + list[slot]! <= mass; slot++) before += list[slot]!;
      expect(tree.find(mass)).toBe(slot);
    }),
  );
});

test('a changed weight is all that changes', () => {
  const tree = createSumTree(3);
  [1, 2, 3].forEach((weight, slot) => {
    tree.set(slot, weight);
  });
  tree.set(1, 0);
  expect([0, 1, 2].map(tree.weightOf)).toEqual([1, 0, 3]);
  expect([0, 0.999, 1, 3.999, 4].map(tree.find)).toEqual([0, 0, 2, 2, 2]);
});
