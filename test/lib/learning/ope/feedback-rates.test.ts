import { feedbackRates } from '../../../../lib/learning/ope/feedback-rates';
import { decision } from './toy-log';

const draws = (count: number, judged: number, chosen: number, task: string) =>
  Array.from({ length: count }, (_, i) => decision({ chosen, task, reward: i < judged ? 1 : null }));

test('exactly 1 where everything is judged', () => {
  expect(feedbackRates(draws(3, 3, 0, 't'))('a', 't')).toBe(1);
  expect(feedbackRates([])('a', 't')).toBe(1);
});

test('per model, pulled to a task by what was seen of it', () => {
  const rateOf = feedbackRates(
    [
      ...draws(100, 90, 0, 'code'),
      ...draws(100, 30, 0, 'chat'),
      ...draws(50, 50, 1, 'chat'),
      ...draws(5, 0, 2, 'chat'),
    ].map((one) => ({ ...one, models: ['a', 'b', 'c'] })),
  );
  expect(rateOf('a', 'code')).toBeCloseTo((90 + 20 * 0.6) / 120);
  expect(rateOf('a', 'chat')).toBeCloseTo((30 + 20 * 0.6) / 120);
  expect(rateOf('a', 'new')).toBeCloseTo(0.6);
  expect(rateOf('b', 'chat')).toBe(1);
  expect(rateOf('c', 'chat')).toBe(0);
  expect(rateOf('never drawn', 'chat')).toBeCloseTo(170 / 255);
});
