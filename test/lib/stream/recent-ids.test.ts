import fc from 'fast-check';
import { createRecentIds } from '../../../lib/stream/recent-ids';

test('law: knows exactly the newest maxIds distinct ids', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.constantFrom(...'abcdefgh')), (maxIds, ids) => {
      const recent = createRecentIds(maxIds);
      let model: string[] = [];
      for (const id of ids) {
        expect(recent.add(id)).toBe(!model.includes(id));
        if (!model.includes(id)) model = [...model, id].slice(-maxIds);
        for (const candidate of 'abcdefgh') expect(recent.has(candidate)).toBe(model.includes(candidate));
      }
    }),
  );
});
