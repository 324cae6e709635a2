import { readFileSync } from 'node:fs';
import { encoderVersion, encodeText, sketchSize } from '../../../../lib/learning/features/encode';
import {
  assertKey,
  blindEncoder,
  commonEncoder,
  encoderOf,
  keyedEncoder,
} from '../../../../lib/learning/features/encoder-key';

const ours = keyedEncoder('an installation of somebody');
const theirs = keyedEncoder('another installation there');
const texts = [
  'Write a function that reverses a linked list in place.',
  'Schreibe eine Funktion, die eine Liste umkehrt.',
  '请用一句话总结这篇文章的主要观点。',
  readFileSync(__filename, 'utf8'),
];

function cosine(a: Int8Array, b: Int8Array): number {
  const dot = (x: Int8Array, y: Int8Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test('without a key every text has the bytes it always had', () => {
  for (const text of texts) {
    // A keyed text in between leaves nothing behind.
    ours.encode(text);
    expect(commonEncoder.encode(text)).toEqual(encodeText(text));
  }
  expect(commonEncoder.version).toBe(encoderVersion);
});

test('with two keys, or with one and without, a text has sketches that have nothing to do with each other', () => {
  for (const text of texts) {
    const sketches = [commonEncoder, ours, theirs].map((encoder) => encoder.encode(text).sketch);
    const likeness = [
      cosine(sketches[0]!, sketches[1]!),
      cosine(sketches[0]!, sketches[2]!),
      cosine(sketches[1]!, sketches[2]!),
    ];
    // Six standard deviations of what chance gives in so many dimensions.
    for (const one of likeness) expect(Math.abs(one)).toBeLessThan(6 / Math.sqrt(sketchSize));
  }
});

test('under one key likeness stays, and so does every byte', () => {
  const a = ours.encode('Write a function that reverses a linked list in place.').sketch;
  const b = ours.encode('Write a function which reverses a linked list in place!').sketch;
  const c = ours.encode('What did the ancient Romans eat for breakfast?').sketch;
  expect(cosine(a, b)).toBeGreaterThan(cosine(a, c) + 0.3);
  expect(keyedEncoder('an installation of somebody').encode(texts[0]!)).toEqual(ours.encode(texts[0]!));
});

test('the version tells keys apart and says nothing of them', () => {
  const versions = [encoderVersion, ours.version, theirs.version, blindEncoder.version];
  expect(new Set(versions).size).toBe(4);
  expect(ours.version).toMatch(new RegExp(`^${encoderVersion}-key-[0-9a-f]{8}$`));
});

test('a dictionary of guesses finds a text in the common hash, and not in a keyed one', () => {
  const guesses = Array.from({ length: 200 }, (_, i) => `Transfer ${i} thousand euros to account ${i * 7} of Mr Smith`);
  const names = guesses.map((text, i) => text.replace('Smith', `Smith-${String.fromCharCode(97 + (i % 26))}x${i % 7}`));
  const secret = names[123]!;
  const found = (sketch: Int8Array): string =>
    names.reduce((best, text) =>
      cosine(sketch, encodeText(text).sketch) > cosine(sketch, encodeText(best).sketch) ? text : best,
    );
  expect(encodeText(found(commonEncoder.encode(secret).sketch)).sketch).toEqual(encodeText(secret).sketch);
  const best = found(ours.encode(secret).sketch);
  expect(Math.abs(cosine(ours.encode(secret).sketch, encodeText(best).sketch))).toBeLessThan(0.25);
});

test('where the configuration asks for a key that is missing, a text says nothing, and a start is refused', () => {
  const keyed = { encoder: { keyed: true } };
  expect(encoderOf({ encoder: { keyed: false } }, ours)).toBe(commonEncoder);
  expect(encoderOf(keyed, ours)).toBe(ours);
  expect(encoderOf(keyed, null)).toBe(blindEncoder);
  expect(blindEncoder.encode('secret').sketch).toHaveLength(0);
  expect(() => assertKey(keyed, null)).toThrow('ENCODER_KEY_FILE');
  expect(() => assertKey(keyed, ours)).not.toThrow();
  expect(() => keyedEncoder('short')).toThrow('at least 16');
});
