import fc from 'fast-check';
import { strategyNames } from '../../../lib/config/router-config';
import {
  allStrategyGroups,
  defaultStrategyGroup,
  InvalidStrategyGroupsError,
  parseStrategyGroups,
} from '../../../lib/config/strategy-groups';

test('a group has a name that is given, or that of its strategies', () => {
  expect(parseStrategyGroups('learning_optimized, RANDOM')).toEqual([
    { group: 'strategy-threads-learning-optimized-random', strategies: ['LEARNING_OPTIMIZED', 'RANDOM'] },
  ]);
  expect(parseStrategyGroups(' slow = learning-optimized ; other=random,balanced ;')).toEqual([
    { group: 'strategy-threads-slow', strategies: ['LEARNING_OPTIMIZED'] },
    { group: 'strategy-threads-other', strategies: ['RANDOM', 'BALANCED'] },
  ]);
  expect(parseStrategyGroups('')).toEqual([]);
});

test.each([
  ['learned', 'has no strategy "learned"; there are LEARNING_OPTIMIZED'],
  ['__proto__', 'has no strategy "__proto__"'],
  ['slow=', 'names no strategy in "slow="'],
  ['=random', 'names a group ""'],
  ['Slow=random', 'names a group "Slow", which is not 1 to 40 of a-z'],
  ['a=b=random', 'has more than one "="'],
  ['a=random;a=balanced', 'names the group strategy-threads-a more than once'],
  ['random;slow=RANDOM', 'gives the strategy RANDOM more than one group'],
  ['random,random', 'gives the strategy RANDOM more than one group'],
])('%s is refused', (text, reason) => {
  expect(() => parseStrategyGroups(text)).toThrow(InvalidStrategyGroupsError);
  expect(() => parseStrategyGroups(text)).toThrow(reason);
});

test('law: whatever is taken out, every strategy has exactly one group', () => {
  const parts = fc.shuffledSubarray([...strategyNames]).chain((names) =>
    fc.array(fc.nat(3), { minLength: names.length, maxLength: names.length }).map((groups) => {
      const members = new Map<number, string[]>();
      for (const [i, name] of names.entries()) {
        const of = groups[i]!;
        members.set(of, [...(members.get(of) ?? []), name]);
      }
      return [...members].map(([of, own]) => `g${of}=${own.join(',')}`).join(';');
    }),
  );
  fc.assert(
    fc.property(parts, (text) => {
      const all = allStrategyGroups(parseStrategyGroups(text));
      expect(all.flatMap(({ strategies }) => strategies).sort()).toEqual([...strategyNames].sort());
      expect(new Set(all.map(({ group }) => group)).size).toBe(all.length);
      expect(all.every(({ strategies }) => strategies.length > 0)).toBe(true);
    }),
  );
});

test('the default group has what is left, and is not there when nothing is', () => {
  const [first] = allStrategyGroups(parseStrategyGroups('random'));
  expect(first).toEqual({
    group: defaultStrategyGroup,
    strategies: strategyNames.filter((name) => name !== 'RANDOM'),
  });
  const all = allStrategyGroups(parseStrategyGroups(strategyNames.join(',')));
  expect(all.map(({ group }) => group)).not.toContain(defaultStrategyGroup);
});
