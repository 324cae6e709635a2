import { diffConfig, formatDiff } from '../../../lib/config/diff-config';
import { defaultRouterConfig } from '../../../lib/config/parse-config';

test('fields by path, models by name, one line for a model that only one side has', () => {
  const before = defaultRouterConfig([
    { name: 'small', provider: 'p', taskQuality: { code: 0.5 } },
    { name: 'old', provider: 'p' },
  ]);
  const after = defaultRouterConfig(
    [
      { name: 'new', provider: 'q' },
      { name: 'small', provider: 'p', contextTokens: 9_000 },
    ],
    { budgetUsdPerRequest: 0.5, cache: { ...before.cache, ttlMs: 1 } },
  );
  expect(diffConfig(before, after)).toEqual([
    'models.old: removed',
    'models.new: added',
    'models.small.contextTokens: 128000 → 9000',
    'models.small.taskQuality.code: 0.5 → nothing',
    'budgetUsdPerRequest: null → 0.5',
    'cache.ttlMs: 60000 → 1',
  ]);
  expect(diffConfig(after, after)).toEqual([]);
});

test('a list that is reordered is a change', () => {
  const models = [
    { name: 'a', provider: 'p' },
    { name: 'b', provider: 'p' },
  ];
  expect(diffConfig(defaultRouterConfig(models), defaultRouterConfig([...models].reverse()))).toEqual([
    'models: ["a","b"] → ["b","a"]',
  ]);
});

test('a long difference is cut, and says by how much', () => {
  expect(formatDiff(['a', 'b', 'c'], 2)).toBe('  a\n  b\n  and 1 more');
  expect(formatDiff(['a'])).toBe('  a');
});
