import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  bytesOf,
  encodeText,
  float32Of,
  handSize,
  int8Of,
  ngramWeights,
  sketchSize,
} from '../../../../lib/learning/features/encode';

const norm = (text: string): number => {
  const { sketch, sketchScale } = encodeText(text);
  return Math.sqrt(sketch.reduce((sum, value) => sum + (value * sketchScale) ** 2, 0));
};
const cosine = (a: string, b: string): number => {
  const x = encodeText(a);
  const y = encodeText(b);
  return x.sketch.reduce((sum, value, i) => sum + value * y.sketch[i]! * x.sketchScale * y.sketchScale, 0);
};
const digest = (text: string): string => {
  const { sketch, sketchScale, handFeatures } = encodeText(text);
  const hash = createHash('sha256').update(bytesOf(sketch)).update(bytesOf(handFeatures)).update(String(sketchScale));
  return hash.digest('hex').slice(0, 16);
};

test('golden vectors: a change here needs a new encoderVersion', () => {
  expect(
    [
      '',
      'Hello, world!',
      'Напиши письмо бабушке.',
      '用中文写一首关于秋天的诗。',
      'for (let i = 0; i < 10; i++) {\n  f(i);\n}',
      '👍🏽 ok',
    ].map(digest),
  ).toMatchInlineSnapshot(`
[
  "790d94aa1a7dd6a1",
  "a7c5c34b98587ae4",
  "0241720ac11f7f05",
  "6f9c446ba2c5859d",
  "567f47e097f8c262",
  "a5a308df355e95d2",
]
`);
});

test('every text gives finite values of the right sizes, the same each time, whatever was encoded between', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 50 }), (text, other) => {
      const first = encodeText(text);
      encodeText(other);
      const second = encodeText(text);
      expect(first.sketch.length).toBe(sketchSize);
      expect(first.handFeatures.length).toBe(handSize);
      expect(first.handFeatures.every((value) => Number.isFinite(value) && value >= 0 && value < 30)).toBe(true);
      expect(second).toEqual(first);
    }),
  );
});

test('the sketch has unit norm but for rounding, and none for an empty text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 3000 }), (text) => {
      fc.pre(text.trim() !== '');
      expect(norm(text)).toBeCloseTo(1, 1);
    }),
  );
  expect(norm('')).toBe(0);
});

test('case, digits and runs of blanks do not matter to the sketch, words do', () => {
  expect(cosine('Solve 12 + 7 NOW', 'solve   98 + 3\n\nnow')).toBeGreaterThan(0.95);
  expect(cosine('ПРИВЕТ мир', 'привет Мир')).toBeGreaterThan(0.99);
  expect(cosine('the cat sat on the mat', 'the cat lay on the mat')).toBeGreaterThan(0.5);
  expect(Math.abs(cosine('the cat sat on the mat', 'quarterly revenue grew by half'))).toBeLessThan(0.3);
  expect(cosine('写一首诗', '写一首歌')).toBeGreaterThan(0.3);
});

test('of a long text the beginning and the end are read', () => {
  const middle = 'x'.repeat(3000);
  const long = `${'a'.repeat(3000)}${middle}${'b'.repeat(1000)}`;
  const other = `${'a'.repeat(3000)}${'y '.repeat(1500)}${'b'.repeat(1000)}`;
  expect(encodeText(long).sketch).toEqual(encodeText(other).sketch);
  expect(encodeText(long).sketch).not.toEqual(encodeText(`${long}c`).sketch);
});

test('hand-made features see scripts, questions, code and choices', () => {
  const hand = (text: string): Float32Array => encodeText(text).handFeatures;
  expect(hand('почему небо голубое?')[8]).toBeGreaterThan(0.6); // Cyrillic
  expect(hand('天空为什么是蓝色的？')[7]).toBeGreaterThan(0.8); // ideographs
  expect(hand('why is it so?')[34]).toBe(1);
  expect(hand('Continue:')[35]).toBe(1);
  expect(hand('pick one: a) red b) blue (c) green')[30]).toBeCloseTo(Math.log(4), 5);
  expect(hand('if (x) {\n\treturn y;\n}')[31]).toBeGreaterThan(0); // indented
  expect(hand('ΑΒΓ δε')[9]).toBeGreaterThan(0.5); // another script
  expect(hand('x'.repeat(5000))[38]).toBe(1);
});

test('vectors survive the way through bytes, aligned or not', () => {
  const floats = Float32Array.of(1.5, -2, 3e-9);
  const unaligned = Buffer.concat([Buffer.alloc(1), bytesOf(floats)]).subarray(1);
  expect([...float32Of(bytesOf(floats))]).toEqual([...floats]);
  expect([...float32Of(unaligned)]).toEqual([...floats]);
  expect([...int8Of(bytesOf(Int8Array.of(-127, 5)))]).toEqual([-127, 5]);
  expect(() => float32Of(Buffer.alloc(6))).toThrow('6 bytes');
});

const texts = {
  english: 'Explain why the sky is blue in one paragraph.',
  chinese: '用一段话解释天空为什么是蓝色的。',
  russian: 'Объясни в одном абзаце, почему небо голубое.',
  greek: 'Εξήγησε σε μία παράγραφο γιατί ο ουρανός είναι μπλε.',
  arabic: 'اشرح في فقرة واحدة لماذا السماء زرقاء.',
  japanese: '空が青い理由を一段落で説明してください。',
  code: 'def blue(sky):\n    return [c for c in sky if c == "blue"]\n',
  emoji: '🌌🔵❓ 🧑‍🔬📖1️⃣',
  mixed: 'Переведи `sky.color = "blue"` на 中文, please 🙏',
};

test('scripts, code and emoji are told apart, and a text is nearest to its own kind', () => {
  const names = Object.keys(texts) as (keyof typeof texts)[];
  for (const a of names) {
    expect(norm(texts[a])).toBeCloseTo(1, 1);
    for (const b of names) if (a !== b) expect(cosine(texts[a], texts[b])).toBeLessThan(0.5);
  }
  const nearest = {
    chinese: '解释海水为什么是蓝色的。',
    russian: 'Объясни, почему море голубое.',
    code: 'def red(sea):\n    return [w for w in sea if w == "red"]\n',
    emoji: '🌌🔵❓',
  };
  for (const [kind, text] of Object.entries(nearest)) {
    const cosines = names.map((name) => cosine(text, texts[name]));
    expect(names[cosines.indexOf(Math.max(...cosines))]).toBe(kind);
  }
});

test('a text of megabytes costs no more than its beginning and its end', () => {
  const long = '天空 sky небо 🌌\n'.repeat(100_000);
  const { handFeatures } = encodeText(long);
  expect(norm(long)).toBeCloseTo(1, 1);
  expect(handFeatures.every((value) => value >= 0 && value < 30)).toBe(true);
  expect(handFeatures[38]).toBe(1);
});

test('nothing but blanks is no text; halves of emoji and control characters are some', () => {
  for (const blank of ['', ' \n\t', '\u3000\ufeff']) expect(encodeText(blank).handFeatures[1]).toBe(0);
  for (const odd of ['\ud83d', '\udc4d', '\u0000\u0001a']) expect(norm(odd)).toBeCloseTo(1, 1);
});

test('an n-gram kind without weight leaves no trace in the sketch', () => {
  const words = encodeText('blue sky', [1, 0, 0]);
  expect(words.sketch.filter((value) => value !== 0).length).toBe(2);
  expect(encodeText('blue sky', [0, 0, 0]).sketchScale).toBe(0);
  expect(encodeText('blue sky', ngramWeights)).toEqual(encodeText('blue sky'));
});
