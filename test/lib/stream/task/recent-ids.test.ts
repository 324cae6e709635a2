import fc from 'fast-check';
import { createRecentIds } from '../../../../lib/stream/task/recent-ids';

test('law: knows exactly the newest maxIds distinct ids', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.constantFrom(...'abcdefgh')), (maxIds, ids) => {
      const recent = createRecentIds(maxIds);
      let model: string[] = [];
      for (const id of ids) {
        expect(recent.add(id)).toBe(!model.includes(id));
        if (!model.includes(id)) model = [...model, id].slice(-maxIds);
        for (const candidate of 'abcdefgh') {
          expect(recent.has(candidate)).toBe(model.includes(candidate));
          expect(recent.hasAlike(candidate)).toBe(model.includes(candidate));
        }
      }
    }),
  );
});

test('law: a family is known as long as one of its ids is among the newest', () => {
  const every = [...'abc'].flatMap((family) => [1, 2, 3].map((i) => `${family}/${i}`));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.constantFrom(...every)), (maxIds, ids) => {
      const recent = createRecentIds(maxIds, (id) => id.slice(0, 1));
      let model: string[] = [];
      for (const id of ids) {
        expect(recent.add(id)).toBe(!model.includes(id));
        if (!model.includes(id)) model = [...model, id].slice(-maxIds);
        for (const candidate of every) {
          expect(recent.has(candidate)).toBe(model.includes(candidate));
          expect(recent.hasAlike(candidate)).toBe(model.some((other) => other[0] === candidate[0]));
        }
      }
    }),
  );
});
