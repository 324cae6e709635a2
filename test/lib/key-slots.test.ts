import fc from 'fast-check';
import { createKeySlots } from '../../lib/key-slots';

const text = fc.oneof(
  { weight: 3, arbitrary: fc.nat(300).map((i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
  // As long as each other, the same bytes written in two ways, nothing, and halves of characters.
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '\0', '\0\0', 'a\0', 'a', '慡', 'aa', 'é', '\ud83d', '\ude00', '\ud83d\ude00'),
  },
);

/** By the length of a text, so that many begin at one place of the table, its last among them. */
const fewHashes = (length: number): number => [0, 1, 0xffff_ffff][length % 3]!;

test.each<[string, ((length: number) => number) | undefined]>([
  ['', undefined],
  [', also where many hash to the same', fewHashes],
])('law: finds what a map would, each under a slot of its own that stays%s', (_where, hash) => {
  const step = fc.record({ key: text, isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_000, size: 'max' }), (steps) => {
      const keys = createKeySlots(hash);
      const model = new Map<string, number>();
      for (const { key, isAdded } of steps) {
        expect(keys.slotOf(key)).toBe(model.get(key) ?? -1);
        const slot = model.get(key);
        if (isAdded) {
          const given = keys.add(key);
          if (slot !== undefined) expect(given).toBe(slot);
          model.set(key, given);
        } else if (slot !== undefined) {
          keys.remove(slot);
          model.delete(key);
        }
        expect(keys.size).toBe(model.size);
      }
      expect(new Set(model.values()).size).toBe(model.size);
      for (const [key, slot] of model) {
        expect([keys.slotOf(key), keys.keyAt(slot)]).toEqual([slot, key]);
        expect(slot).toBeLessThan(keys.room);
      }
    }),
    { numRuns: 50 },
  );
});

test('gives the slot that came free last, then those in order', () => {
  const keys = createKeySlots();
  expect(['a', 'b', 'c', 'a'].map((key) => keys.add(key))).toEqual([0, 1, 2, 0]);
  keys.remove(1);
  keys.remove(0);
  expect(['d', 'e', 'f'].map((key) => keys.add(key))).toEqual([0, 1, 3]);
});

test('takes no more room while as many come as go', () => {
  const keys = createKeySlots();
  for (let i = 0; i < 100; i++) keys.add(`row-${i}`);
  const { room } = keys;
  for (let i = 100; i < 20_000; i++) {
    keys.remove(keys.slotOf(`row-${i - 100}`));
    keys.add(`row-${i}`);
  }
  expect([keys.room, keys.size]).toEqual([room, 100]);
  for (let i = 19_900; i < 20_000; i++) expect(keys.keyAt(keys.slotOf(`row-${i}`))).toBe(`row-${i}`);
});
