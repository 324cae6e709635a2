import { encodeText, sketchSize } from '../../../../lib/learning/features/encode';
import { seededRandom } from '../../../../lib/random/seeded';
import { areNear, bucketsOf, normOf } from '../../../../lib/routing/open/sketch-hash';

const random = seededRandom(1, 'near texts');
const words = Array.from({ length: 400 }, (_, i) => `word${(i * 7919).toString(36)}`);
const wordsOf = (count: number): string[] => Array.from({ length: count }, () => words[random.integer(words.length)]!);
const isNear = (one: Int8Array, other: Int8Array, least: number): boolean =>
  areNear(one, other, normOf(one) * normOf(other), least);
const sketchOf = (text: readonly string[]): Int8Array => encodeText(text.join(' ')).sketch;

test('a text with a word replaced is found beside the other, and is near; another text is neither', () => {
  let found = 0;
  let mistaken = 0;
  for (let i = 0; i < 200; i++) {
    const text = wordsOf(120);
    const near = text.with(random.integer(text.length), 'replaced');
    const other = wordsOf(120);
    if (bucketsOf(sketchOf(near)).includes(bucketsOf(sketchOf(text))[0]!)) found++;
    if (bucketsOf(sketchOf(other)).includes(bucketsOf(sketchOf(text))[0]!)) mistaken++;
    expect(isNear(sketchOf(text), sketchOf(near), 0.95)).toBe(true);
    expect(isNear(sketchOf(text), sketchOf(other), 0.9)).toBe(false);
  }
  expect(found).toBeGreaterThan(180);
  expect(mistaken).toBeLessThan(100);
});

test('eight buckets, each once, the own one first; the same for the same sketch', () => {
  const sketch = sketchOf(wordsOf(50));
  const buckets = bucketsOf(sketch);
  expect(new Set(buckets).size).toBe(8);
  expect(bucketsOf(Int8Array.from(sketch))).toEqual(buckets);
  for (const bucket of buckets) expect(bucket).toBeLessThan(4_096);
});

test('a sketch that is none has a place, too, and is near to nothing but its like', () => {
  expect(bucketsOf(new Int8Array(0))).toEqual([0]);
  const [none, zeros, ones] = [new Int8Array(0), new Int8Array(sketchSize), new Int8Array(sketchSize).fill(1)];
  expect(isNear(none, none, 0.95)).toBe(true);
  expect(isNear(none, zeros, 0.95)).toBe(false);
  expect(isNear(zeros, ones, 0.95)).toBe(false);
  expect(isNear(ones, ones, 0.95)).toBe(true);
  expect(
    isNear(
      ones,
      Int8Array.from(ones, (_, i) => (i % 2 === 0 ? 1 : -1)),
      0.95,
    ),
  ).toBe(false);
});
