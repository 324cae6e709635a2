import { createSuspects } from '../../../../lib/stream/task/suspects';

const batch = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ offset: from + i, timestampMs: 7 }));
const at = (offset: number, timestampMs = 7) => ({ offset, timestampMs });
const offsets = (portions: readonly (readonly { offset: number }[])[]) =>
  portions.map((portion) => portion.map(({ offset }) => offset));

test('batches stay whole where nothing failed', () => {
  const suspects = createSuspects(3);
  expect(offsets(suspects.portions('a[0]', batch(1, 3)))).toEqual([[1, 2, 3]]);
  expect(suspects.portions('a[0]', [])).toEqual([]);
});

test('records of a batch that failed come one by one, those around it together', () => {
  const suspects = createSuspects(3);
  suspects.failed('a[0]', batch(3, 5), new Error('no'));
  expect(offsets(suspects.portions('a[0]', batch(1, 8)))).toEqual([[1, 2], [3], [4], [5], [6, 7, 8]]);
  expect(offsets(suspects.portions('a[1]', batch(3, 5)))).toEqual([[3, 4, 5]]);
});

test('batches that fail before or after widen or move the suspicion', () => {
  const suspects = createSuspects(3);
  suspects.failed('a[0]', batch(3, 5), new Error('no'));
  suspects.failed('a[0]', batch(1, 2), new Error('no'));
  expect(offsets(suspects.portions('a[0]', batch(1, 5)))).toEqual([[1], [2], [3], [4], [5]]);
  suspects.failed('a[0]', batch(6, 7), new Error('no'));
  expect(offsets(suspects.portions('a[0]', batch(4, 8)))).toEqual([[4, 5], [6], [7], [8]]);
});

test('a record is condemned once it has failed alone often enough, with its last error', () => {
  const suspects = createSuspects(2);
  suspects.failed('a[0]', batch(1, 2), new Error('as one of two'));
  suspects.failed('a[0]', batch(1, 1), new Error('first'));
  expect(suspects.isCondemned('a[0]', at(1))).toBe(false);
  suspects.failed('a[0]', batch(1, 1), new Error('second'));
  expect(suspects.isCondemned('a[0]', at(1))).toBe(true);
  expect(suspects.reasonOf('a[0]', at(1))).toEqual(new Error('second'));
  expect([suspects.isCondemned('a[0]', at(2)), suspects.isCondemned('a[1]', at(1))]).toEqual([false, false]);
});

test('a record at the offset of a condemned one is another one where the topic was made anew', () => {
  const suspects = createSuspects(1);
  suspects.failed('a[0]', batch(1, 1), new Error('no'));
  expect([suspects.isCondemned('a[0]', at(1)), suspects.isCondemned('a[0]', at(1, 8))]).toEqual([true, false]);
});
