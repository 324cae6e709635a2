import { setFlagsFromString } from 'node:v8';
import { codecOf } from '../../lib/avro/codec';
import { zeros } from '../../lib/doubles';
import { certain, normalised, softmax, uniform } from '../../lib/routing/judge/distribution';
import { strategies } from '../../lib/routing/judge/strategies/strategies';
import type { ThreadScore } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { openedOf, threadOf } from './routing/fixtures';

/** Asks V8 how it keeps a list. */
function isOfDoubles(list: readonly number[]): boolean {
  setFlagsFromString('--allow-natives-syntax');
  return new Function('list', 'return %HasDoubleElements(list) && !%HasHoleyElements(list)')(list) as boolean;
}

test.each([0, 1, 7, 256, 257, 1_000])('%d zeros are the own of whoever asks for them', (count) => {
  const one = zeros(count);
  const other = zeros(count);
  one.fill(3);
  expect(other).toEqual(Array.from({ length: count }, () => 0));
  expect(zeros(count)).toEqual(other);
});

test('a list made of zeros has neither holes nor small integers, whatever is put into it', () => {
  const list = zeros(3);
  expect(isOfDoubles(list)).toBe(true);
  list[1] = 1;
  expect(isOfDoubles(list)).toBe(true);
  // What a list is otherwise; without this the expectation above would prove nothing.
  expect(isOfDoubles(new Array<number>(3).fill(0))).toBe(false);
});

test('distributions, judgements and what is read of them are such lists', () => {
  const opened = openedOf();
  const { candidates } = opened;
  for (const list of [uniform(candidates), certain(3, 1), normalised([1, 2]), softmax(candidates, [1, 2, 3], 1)])
    expect(isOfDoubles(list)).toBe(true);
  const areOfDoubles = ({
    probabilities,
    utilities,
    qualities,
  }: Pick<ThreadScore, 'probabilities' | 'utilities' | 'qualities'>) =>
    [probabilities, utilities, qualities].every(isOfDoubles);
  for (const strategy of [strategies.BALANCED, strategies.COST_EFFICIENT, strategies.RANDOM]) {
    const { probabilities, utilities, qualities } = strategy(opened, null);
    for (const list of [probabilities, utilities, qualities]) expect(isOfDoubles(list)).toBe(true);
  }
  const scored = {
    requestId: 'r',
    routingKey: 'r',
    group: 'strategy-threads',
    threads: [threadOf('BALANCED', [0, 1, 0])],
    scoredAtMs: 0,
  };
  const { codec } = topics.strategyScored;
  expect(codec.decode(codec.encode(scored)).threads.every(areOfDoubles)).toBe(true);
  const lists = codecOf<typeof scored>('StrategyScored');
  expect(lists.decode(lists.encode({ ...scored, columns: null } as typeof scored)).threads.every(areOfDoubles)).toBe(
    true,
  );
});
