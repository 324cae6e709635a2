import fc from 'fast-check';
import { describeX, type Features, fitBasis } from '../../../../lib/learning/features/basis';
import { encodeText, sketchSize } from '../../../../lib/learning/features/encode';
import { keepFeatures } from '../../../../lib/learning/features/kept-features';
import { unpackInto } from '../../../../lib/learning/features/packed-sketch';
import { seededRandom } from '../../../../lib/random/seeded';

const featuresOf = (text: string): Features => {
  const { sketch, sketchScale, handFeatures } = encodeText(text);
  return { sketch, sketchScale, hand: handFeatures, caller: null, context: Float32Array.of(1, 0.5, -2), task: 3 };
};
const texts = Array.from({ length: 24 }, (_, i) => `prompt ${i} about ${'topic '.repeat(i % 5)}and number ${i * 7}`);

test('a sketch that was kept is the same again, whatever is in it', () => {
  fc.assert(
    fc.property(
      fc.int8Array({ minLength: sketchSize, maxLength: sketchSize }),
      fc.integer({ min: 0, max: 8 }),
      (drawn, kept) => {
        const sketch = drawn.map((value, i) => (i % 8 < kept ? value : 0));
        const { sketch: packed } = keepFeatures({ ...featuresOf('x'), sketch });
        const again = new Float64Array(sketchSize).fill(7);
        if (packed instanceof Int8Array) throw new Error('the sketch was not packed');
        unpackInto(again, packed);
        expect([...again]).toEqual([...sketch]);
      },
    ),
  );
});

test('what was kept says the same to the bit: the same fit, the same description', () => {
  const rows = texts.map(featuresOf);
  const kept = rows.map(keepFeatures);
  const basis = fitBasis(rows, 'v', null, seededRandom(1, 'kept'));
  expect(fitBasis(kept, 'v', null, seededRandom(1, 'kept'))).toEqual(basis);
  const describe = (features: Features): Float32Array => {
    const x = new Float32Array(basis.xSize);
    expect(describeX(basis, features, x)).toBe(true);
    return x;
  };
  kept.forEach((features, i) => {
    expect(describe(features)).toEqual(describe(rows[i]!));
  });
});

test('what was kept is a copy, of a caller’s vector, too', () => {
  const row = featuresOf('some text');
  const kept = keepFeatures(row);
  const before = { hand: kept.hand.slice(), context: kept.context!.slice() };
  row.hand.fill(9);
  row.context!.fill(9);
  expect(kept.hand).toEqual(before.hand);
  expect(kept.context).toEqual(before.context);
  const given = { ...row, sketch: new Int8Array(0), caller: Float32Array.of(1, 2), context: null };
  const keptVector = keepFeatures(given);
  given.caller.fill(9);
  expect(keptVector.caller).toEqual(Float32Array.of(1, 2));
  expect(keptVector.context).toBeNull();
});
