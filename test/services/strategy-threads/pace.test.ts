import { createPace } from '../../../services/strategy-threads/pace';

test('a strategy is asked until it has been too slow for the deadline several times, and tried again later', () => {
  const pace = createPace();
  for (let i = 0; i < 3; i++) {
    expect(pace.mayAsk('SLOW', 10, i)).toBe(true);
    pace.took('SLOW', 50, i);
  }
  expect(pace.mayAsk('SLOW', 10, 100)).toBe(false);
  // A deadline that it keeps.
  expect(pace.mayAsk('SLOW', 60, 100)).toBe(true);
  expect(pace.mayAsk('SLOW', 10, 1_100)).toBe(true);
  pace.took('SLOW', 2, 1_100);
  expect(pace.mayAsk('SLOW', 10, 1_101)).toBe(true);
  expect(pace.mayAsk('OTHER', 0, 1_101)).toBe(true);
});

test('one pause of the process says nothing of a strategy, and a quick one is asked even when nothing is left', () => {
  const pace = createPace();
  for (const durationMs of [0.1, 80, 0.1]) pace.took('QUICK', durationMs, 0);
  expect(pace.mayAsk('QUICK', -5, 1)).toBe(true);
});
