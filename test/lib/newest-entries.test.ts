import { newestEntries } from '../../lib/newest-entries';

test('the entry that was used the longest ago goes first', () => {
  const entries = newestEntries<string, number>(3);
  for (const [place, key] of ['a', 'b', 'c'].entries()) entries.set(key, place);
  entries.get('a');
  entries.peek('b');
  entries.set('d', 3);
  entries.set('d', 4);
  expect([...entries.keys()]).toEqual(['d', 'a', 'c']);
  entries.delete('a');
  entries.set('e', 5);
  expect([...entries.keys()]).toEqual(['e', 'd', 'c']);
});

test('many that may come take no room before they do', () => {
  const before = process.memoryUsage();
  // 32 of them, of a million entries each, would be 800 MB.
  const kept = Array.from({ length: 32 }, () => newestEntries<string, number>(1_000_000));
  const after = process.memoryUsage();
  expect(after.heapTotal + after.external - before.heapTotal - before.external).toBeLessThan(100_000_000);
  expect(kept).toHaveLength(32);
});
