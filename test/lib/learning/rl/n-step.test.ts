import { createNStep } from '../../../../lib/learning/rl/n-step';
import type { EpisodeEnd, Experience, Transition } from '../../../../lib/learning/rl/transition';

/** Step i sees feature i, pays 10^i and leads to feature i + 1. */
const step = (i: number, end: EpisodeEnd = 'none'): Experience => ({
  features: Float32Array.of(i),
  action: i % 2,
  reward: 10 ** i,
  next: Float32Array.of(i + 1),
  nextAllowed: Uint8Array.of(1, i % 2),
  end,
});
const brief = ({ features, action, reward, rewardWeight, next, discount }: Transition) => ({
  from: features[0],
  action,
  reward,
  rewardWeight,
  to: next === null ? null : next[0],
  discount,
});

test('single steps pass as they are', () => {
  const returns = createNStep(1, 0.9);
  expect(returns.add(step(0)).map(brief)).toEqual([
    { from: 0, action: 0, reward: 1, rewardWeight: 1, to: 1, discount: 0.9 },
  ]);
  expect(returns.add(step(1, 'terminal')).map(brief)).toEqual([
    { from: 1, action: 1, reward: 10, rewardWeight: 1, to: null, discount: 0 },
  ]);
});

test('three steps, then the rest of an episode that is over: shorter sums, no next value', () => {
  const returns = createNStep(3, 0.5);
  expect([0, 1].flatMap((i) => returns.add(step(i)))).toEqual([]);
  expect(returns.add(step(2)).map(brief)).toEqual([
    { from: 0, action: 0, reward: 1 + 5 + 25, rewardWeight: 1.75, to: 3, discount: 0.125 },
  ]);
  expect(returns.add(step(3, 'terminal')).map(brief)).toEqual([
    { from: 1, action: 1, reward: 10 + 50 + 250, rewardWeight: 1.75, to: null, discount: 0 },
    { from: 2, action: 0, reward: 100 + 500, rewardWeight: 1.5, to: null, discount: 0 },
    { from: 3, action: 1, reward: 1000, rewardWeight: 1, to: null, discount: 0 },
  ]);
  // The next episode starts afresh.
  expect(returns.add(step(0))).toEqual([]);
});

test('an episode that was only cut off keeps the value of where it stood', () => {
  const returns = createNStep(3, 0.5);
  returns.add(step(0));
  const transitions = returns.add(step(1, 'truncated'));
  expect(transitions.map(brief)).toEqual([
    { from: 0, action: 0, reward: 6, rewardWeight: 1.5, to: 2, discount: 0.25 },
    { from: 1, action: 1, reward: 10, rewardWeight: 1, to: 2, discount: 0.5 },
  ]);
  expect(transitions.map(({ number }) => number)).toEqual([0, 1]);
  expect([...transitions[0]!.nextAllowed!]).toEqual([1, 1]);
});

test('a forgotten episode leaves nothing behind', () => {
  const returns = createNStep(2, 1);
  returns.add(step(0));
  returns.clear();
  expect(returns.add(step(5))).toEqual([]);
});
