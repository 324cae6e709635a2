import { createNewestKeys } from '../../lib/newest-keys';

test('knows the newest, each under one number, and tells of those it forgets', () => {
  const forgotten: string[] = [];
  const keys = createNewestKeys(3, (key) => forgotten.push(key));
  expect(['a', 'b', 'b', 'c'].map((key) => keys.add(key))).toEqual([0, 1, -1, 2]);
  expect(forgotten).toEqual([]);
  expect(['d', 'b', 'e'].map((key) => keys.add(key))).toEqual([0, -1, 1]);
  expect(forgotten).toEqual(['a', 'b']);
  expect(['a', 'b', 'c', 'd', 'e'].map((key) => keys.slotOf(key))).toEqual([-1, -1, 2, 0, 1]);
});

test('keeps at least one', () => {
  expect(() => createNewestKeys(0)).toThrow('0 texts are none');
});
