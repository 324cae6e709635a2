import { fasterBackend } from '../../../../lib/adapters/tensor/choose-backend';

test('takes wasm for small networks, native TensorFlow for large ones where it is installed, and says why', () => {
  const small = { weights: 17_000, rows: 64 };
  const large = { weights: 119_000, rows: 128 };
  for (const installed of [true, false]) {
    expect(fasterBackend(small, installed)).toEqual({
      name: 'wasm',
      reason: '17000 weights x 64 rows: wasm is the fastest',
    });
  }
  expect(fasterBackend(large, true)).toMatchObject({
    name: 'node',
    reason: expect.stringContaining('faster than wasm'),
  });
  expect(fasterBackend(large, false)).toMatchObject({
    name: 'wasm',
    reason: expect.stringContaining('make tensorflow'),
  });
});
