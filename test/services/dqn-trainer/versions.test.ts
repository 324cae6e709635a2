import { createVersions, isRefusedCandidate } from '../../../services/dqn-trainer/versions';
import { type VersionChange, versionOf } from './versions-table';

const many = (count: number, name: string, change: VersionChange) =>
  Array.from({ length: count }, (_, i) => versionOf(`${name}${i}`, change));

test('the newest fifty increments of each lineage and twenty refused ones are kept, and all that was decided about', () => {
  const versions = createVersions([
    versionOf('first', { weights: { reason: 'FIRST' } }),
    ...many(60, 'here', {}),
    ...many(55, 'there', { weights: { lineage: 'there' } }),
    ...many(25, 'refused', { state: 'REJECTED' }),
    ...many(70, 'promoted', { weights: { reason: 'PROMOTION' } }),
    ...many(70, 'left', { state: 'ROLLED_BACK' }),
    ...many(70, 'waiting', { state: 'CANDIDATE' }),
  ]);
  const { records, refused } = versions.prune();
  const gone = [...many(5, 'refused', {}), ...many(10, 'here', {}), ...many(5, 'there', {})];
  expect(records.map(({ key, value }) => [key, value])).toEqual(
    gone.map(({ weights }) => [weights.policySha256, null]),
  );
  expect(refused.map(({ weights }) => weights.policySha256)).toEqual(
    gone.slice(0, 5).map((v) => v.weights.policySha256),
  );
  expect(versions.prune()).toEqual({ records: [], refused: [] });
  expect(versions.get('here0')).toBeUndefined();
  expect(versions.all()).toHaveLength(1 + 50 + 50 + 20 + 3 * 70);
});

test('a changed version moves to the end and is written again; one that is unknown is not removed', () => {
  const versions = createVersions([versionOf('a'), versionOf('b')]);
  const changed = versionOf('a', { why: 'because' });
  expect(versions.put(changed)).toMatchObject([{ value: changed }]);
  expect(versions.all().map(({ weights }) => weights.policySha256)).toEqual(['b', 'a']);
  expect(versions.remove('c')).toEqual([]);
});

test('a refused candidate is not a refused increment', () => {
  expect(isRefusedCandidate(versionOf('a', { state: 'REJECTED', weights: { reason: 'PROMOTION' } }))).toBe(true);
  expect(isRefusedCandidate(versionOf('a', { state: 'REJECTED' }))).toBe(false);
  expect(isRefusedCandidate(versionOf('a', { weights: { reason: 'PROMOTION' } }))).toBe(false);
});
