import { bytesOf, encodeText, handSize } from '../../../../lib/learning/features/encode';
import { describeContext, mostCallerFeatures, shrunkSize } from '../../../../lib/learning/ope/describe-context';

const describeText = (text: string): Float32Array => {
  const { sketch, sketchScale, handFeatures } = encodeText(text);
  return describeContext({
    sketch: bytesOf(sketch),
    sketchScale,
    handFeatures: bytesOf(handFeatures),
    callerFeatures: null,
  });
};

test('a text is its hand-made features and a smaller sketch that keeps likeness', () => {
  const code = describeText('write a function that sorts an array in place');
  expect(code).toHaveLength(handSize + shrunkSize);
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const [x, y] = [a.subarray(handSize), b.subarray(handSize)];
    const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
    return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  };
  const alike = cosine(code, describeText('write a function that sorts an array'));
  expect(alike).toBeGreaterThan(0.7);
  expect(alike).toBeGreaterThan(cosine(code, describeText('dear mother, winter has come to the river')));
});

test("the caller's own vector is kept, or folded when long", () => {
  const of = (values: Float32Array) =>
    describeContext({
      sketch: Buffer.alloc(0),
      sketchScale: 0,
      handFeatures: Buffer.alloc(0),
      callerFeatures: bytesOf(values),
    });
  expect(of(Float32Array.of(1, -2))).toEqual(Float32Array.of(1, -2));
  const long = new Float32Array(mostCallerFeatures + 2).fill(1);
  const folded = of(long);
  expect(folded).toHaveLength(mostCallerFeatures);
  expect(Array.from(folded.subarray(0, 3))).toEqual([2, 2, 1]);
});
