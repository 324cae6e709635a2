import { createPrioritizedReplay } from '../../../../lib/learning/rl/prioritized-replay';
import { createFifoReplay, type Replay } from '../../../../lib/learning/rl/replay';
import type { Transition } from '../../../../lib/learning/rl/transition';
import { seededRandom } from '../../../../lib/random/seeded';

const transition = (number: number): Transition => ({
  features: Float32Array.of(number),
  action: 0,
  reward: 0,
  rewardWeight: 1,
  next: null,
  nextAllowed: null,
  discount: 0,
  number,
});
const filled = (replay: Replay, count: number): Replay => {
  for (let i = 0; i < count; i++) replay.add(transition(i));
  return replay;
};
const numbers = (transitions: readonly Transition[]): number[] => transitions.map(({ number }) => number);
/** How often each transition is drawn in many batches. */
function counts(replay: Replay, correction = 1): Map<number, number> {
  const random = seededRandom(3, 'draw');
  const seen = new Map<number, number>();
  for (let i = 0; i < 1000; i++)
    for (const { number } of replay.sample(8, random, correction).transitions)
      seen.set(number, (seen.get(number) ?? 0) + 1);
  return seen;
}

describe.each([
  ['fifo', createFifoReplay],
  ['prioritised', createPrioritizedReplay],
] as const)('%s replay', (_, create) => {
  test('holds the newest rows, oldest out first', () => {
    const replay = filled(create(5), 3);
    expect([replay.size, numbers(replay.transitions())]).toEqual([3, [0, 1, 2]]);
    filled(replay, 9);
    expect([replay.size, numbers(replay.transitions())]).toEqual([5, [4, 5, 6, 7, 8]]);
  });

  test('draws from what is there, however little that is', () => {
    const { transitions, slots, weights } = filled(create(100), 2).sample(6, seededRandom(1), 1);
    expect(new Set(numbers(transitions))).toEqual(new Set([0, 1]));
    expect(slots).toHaveLength(6);
    expect(weights).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('the same seed draws the same rows', () => {
    const draw = () => filled(create(50), 60).sample(20, seededRandom(4), 1).slots;
    expect(draw()).toEqual(draw());
  });

  test('can be refilled, with what is new going last', () => {
    const replay = filled(create(4), 6);
    const again = replay.refilled(replay.transitions().filter(({ number }) => number % 2 === 0));
    again.add(transition(99));
    expect(numbers(again.transitions())).toEqual([2, 4, 99]);
  });

  test('refuses to remember nothing', () => {
    expect(() => create(0)).toThrow('replay capacity must be a positive integer, got 0');
  });
});

test('the fifo replay draws all rows alike, whatever their errors', () => {
  const replay = filled(createFifoReplay(4), 4);
  replay.update([0, 1, 2, 3], [100, 0, 0, 0]);
  for (const count of counts(replay).values()) expect(count / 8000).toBeCloseTo(0.25, 1);
});

describe('priorities', () => {
  test('rows are drawn in proportion to |error|^.6, and weights make up for it', () => {
    const replay = filled(createPrioritizedReplay(3), 3);
    replay.update([0, 1, 2], [1, 8, 0]);
    const total = 1 + 8 ** 0.6 + 0.001 ** 0.6;
    const seen = counts(replay);
    expect(seen.get(0)! / 8000).toBeCloseTo(1 / total, 2);
    expect(seen.get(1)! / 8000).toBeCloseTo(8 ** 0.6 / total, 2);
    expect(seen.get(2)! / 8000).toBeCloseTo(0.001 ** 0.6 / total, 2);
    const { slots, weights } = replay.sample(200, seededRandom(1), 1);
    const weightOf = (slot: number): number => weights[slots.indexOf(slot)]!;
    expect(weightOf(1) / weightOf(0)).toBeCloseTo(1 / 8 ** 0.6, 2);
    expect(Math.max(...weights)).toBe(1);
  });

  test('half a correction takes the root of the weights, none leaves all alike', () => {
    const replay = filled(createPrioritizedReplay(2), 2);
    replay.update([0, 1], [1, 16]);
    const ratio = (correction: number): number => {
      const { slots, weights } = replay.sample(50, seededRandom(1), correction);
      return weights[slots.indexOf(1)]! / weights[slots.indexOf(0)]!;
    };
    expect(ratio(0.5)).toBeCloseTo(ratio(1) ** 0.5, 6);
    expect(ratio(0)).toBe(1);
  });

  test('a new row has the highest priority so far', () => {
    const replay = filled(createPrioritizedReplay(10), 9);
    replay.update([0, 1, 2, 3, 4, 5, 6, 7, 8], [50, 0, 0, 0, 0, 0, 0, 0, 0]);
    replay.add(transition(9));
    const seen = counts(replay);
    expect(seen.get(9)! / seen.get(0)!).toBeCloseTo(1, 1);
  });
});
