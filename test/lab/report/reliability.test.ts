import { expectedCalibrationError, reliabilityTable } from '../../../lab/report/reliability';

test('bins of equal width with the means of both, empty ones left out', () => {
  expect(reliabilityTable([0.05, 0.15, 0.1, 1], [0, 1, 0, 1])).toEqual([
    { from: 0, to: 0.1, count: 1, predicted: 0.05, observed: 0 },
    { from: 0.1, to: 0.2, count: 2, predicted: 0.125, observed: 0.5 },
    { from: 0.9, to: 1, count: 1, predicted: 1, observed: 1 },
  ]);
  expect(() => reliabilityTable([1], [])).toThrow('cannot pair 1 predictions with 0');
});

test('the error is the mean distance, by how many predictions there are', () => {
  const table = reliabilityTable([0.9, 0.9, 0.9, 0.1], [1, 1, 1, 0.5]);
  expect(expectedCalibrationError(table)).toBeCloseTo((3 * 0.1 + 0.4) / 4, 12);
  expect(expectedCalibrationError([])).toBe(0);
});
