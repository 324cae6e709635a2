import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import type { WeightsVersion } from '../../../lib/topics/generated/messages';
import { readTable } from '../../../lib/topics/read-table';
import { topics } from '../../../lib/topics/topics';
import { findVersion, newestFirst, readWeights } from '../../../lib/weights/read-weights';
import { versionOf } from '../../services/dqn-trainer/versions-table';

async function brokerWith(records: readonly (WeightsVersion | { readonly removed: string })[]) {
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  const prefix = 'team.';
  for (const topic of [topics.weightsVersions, topics.weightsPublished])
    await ensureSinglePartitionTopic<never>(broker, topic as never, prefix);
  const producer = broker.producer('test');
  const topic = prefix + topics.weightsVersions.name;
  for (const record of records) {
    const removed = 'removed' in record;
    const key = removed ? record.removed : record.weights.policySha256;
    await producer.send([{ topic, key, value: removed ? null : topics.weightsVersions.codec.encode(record) }]);
  }
  return broker;
}

test('a table is what its last records say, without what was removed', async () => {
  const broker = await brokerWith([
    versionOf('a'),
    versionOf('b'),
    { removed: 'b' },
    versionOf('c'),
    versionOf('a', { why: 'again' }),
  ]);
  const rows = await readTable(broker, topics.weightsVersions, 'team.');
  expect([...rows].map(([key, { why }]) => [key, why])).toEqual([
    ['c', ''],
    ['a', 'again'],
  ]);
  const { inForce, versions } = await readWeights(broker, 'team.');
  expect(inForce).toBeNull();
  expect(versions).toHaveLength(2);
});

test('versions come newest first: by their last change, then by number', () => {
  const all = [
    versionOf('a', { changedAtMs: 1, weights: { sequence: 9 } }),
    versionOf('b', { changedAtMs: 2, weights: { sequence: 1 } }),
    versionOf('c', { changedAtMs: 2, weights: { sequence: 2 } }),
  ];
  expect(newestFirst(all).map(({ weights }) => weights.policySha256)).toEqual(['c', 'b', 'a']);
});

test('a version is found by the beginning of its hash, if there is one such and enough of it', () => {
  const versions = [versionOf('aaaa11'), versionOf('aaaa22')];
  expect(findVersion(versions, 'aaaa2')).toEqual({ version: versions[1] });
  expect(findVersion(versions, 'aaaa')).toEqual({
    version: null,
    why: '2 versions begin with aaaa: give more characters',
  });
  expect(findVersion(versions, 'bbbb')).toEqual({ version: null, why: 'no version begins with bbbb' });
  expect(findVersion(versions, 'aaa')).toEqual({ version: null, why: 'aaa: give at least 4 characters' });
});
