import { createMix, neuralWeightOf, observeErrors } from '../../../lib/learning/mix';

test('half and half before anything is known', () => {
  expect(neuralWeightOf(createMix())).toBe(0.5);
});

test.each([
  ['the network is always right', 1, 0, 1],
  ['the linear half is always right', 0, 1, 0],
  ['they are the same', 1, 1, 0],
])('%s', (_name, linear, neural, weight) => {
  const mix = createMix();
  for (let i = 0; i < 50; i++) observeErrors(mix, linear, neural);
  expect(neuralWeightOf(mix)).toBeCloseTo(weight);
});

test('independent errors of equal size: half and half', () => {
  const mix = createMix();
  for (let i = 0; i < 400; i++) observeErrors(mix, i % 2 ? 1 : -1, i % 4 < 2 ? 1 : -1);
  expect(neuralWeightOf(mix)).toBeCloseTo(0.5, 1);
});
