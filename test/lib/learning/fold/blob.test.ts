import { arrayOf, readBlob, sha256Of, writeBlob } from '../../../../lib/learning/fold/blob';

const blob = {
  kind: 'policy',
  meta: { b: 1 / 3, a: ['x'] },
  arrays: { f: Float32Array.of(1, 2, 3), d: Float64Array.of(0.1), i: Int32Array.of(-5, 6) },
};

test('what is written is read; the same content gives the same bytes', () => {
  const bytes = writeBlob(blob);
  expect(readBlob(bytes, 'policy')).toEqual(blob);
  expect(sha256Of(writeBlob(structuredClone(blob)))).toBe(sha256Of(bytes));
  expect(bytes.length % 8).toBe(0);
});

test.each([
  ['other bytes', Buffer.from('not a blob at all'), 'does not start with QRB1'],
  ['too few bytes', Buffer.alloc(3), 'does not start with QRB1'],
  ['another kind', writeBlob({ ...blob, kind: 'basis' }), 'expected a policy blob, got a basis'],
  ['a header cut off', writeBlob(blob).subarray(0, 20), 'header is cut off'],
  ['an array cut off', writeBlob(blob).subarray(0, -8), 'array i is cut off'],
])('refuses %s', (_name, bytes, message) => {
  expect(() => readBlob(bytes, 'policy')).toThrow(message);
});

test('refuses a header that is not JSON', () => {
  const bytes = writeBlob(blob);
  bytes[9] = 0;
  expect(() => readBlob(bytes, 'policy')).toThrow('header is not JSON');
});

test('an array must be there, of its type and length, and finite', () => {
  const bad = { ...blob, arrays: { ...blob.arrays, n: Float32Array.of(0, Number.NaN) } };
  expect(arrayOf(bad, 'f', Float32Array, 3)).toBe(bad.arrays.f);
  expect(() => arrayOf(bad, 'f', Float64Array, 3)).toThrow('array f is missing or of another type');
  expect(() => arrayOf(bad, 'f', Float32Array, 4)).toThrow('array f has 3 values, not 4');
  expect(() => arrayOf(bad, 'n', Float32Array, 2)).toThrow('n[1] is NaN');
});
