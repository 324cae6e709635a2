import { describeShape } from '../../../../lib/learning/features/describe-shape';
import { encodeText, handSize } from '../../../../lib/learning/features/encode';

/** Of one text beside others, in deviations of one each. */
function besides(text: string, others: readonly string[]): string[] {
  const mean = new Float64Array(handSize);
  const square = new Float64Array(handSize);
  for (const other of others)
    encodeText(other).handFeatures.forEach((value, i) => {
      mean[i]! += value / others.length;
      square[i]! += value ** 2 / others.length;
    });
  return describeShape(
    Array.from(encodeText(text).handFeatures, (value, i) => {
      const deviation = Math.sqrt(Math.max(0, square[i]! - mean[i]! ** 2));
      return deviation > 1e-6 ? (value - mean[i]!) / deviation : 0;
    }),
  );
}

const texts = [
  'Write a letter to my aunt about the garden and the weather of last week.',
  'for (const x of xs) { total += x[i]; }\n  if (total > 3) { return total; }\n',
  'What is the capital of France?',
  'Напиши короткое стихотворение о зиме.',
  '请把这句话翻译成英文。',
];

test('words fit what texts look like, and stand for nothing that they say', () => {
  expect(besides(texts[1]!, texts)).toContain('many semicolons');
  expect(besides(texts[2]!, texts)).toContain('ends with a question mark');
  expect(besides(texts[3]!, texts)).toContain('Cyrillic letters');
  expect(besides(texts[4]!, texts)).toContain('Chinese or Japanese characters');
  for (const text of texts) {
    const said = besides(text, texts);
    expect(said.length).toBeLessThanOrEqual(4);
    for (const word of said.join(' ').split(' ')) if (word.length > 4) expect(text).not.toContain(word);
  }
});

test('of what is like all others nothing is said', () => {
  expect(describeShape(new Array(handSize).fill(0.5))).toEqual([]);
  expect(describeShape([])).toEqual([]);
});
