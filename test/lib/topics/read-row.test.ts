/** Tables are read past records that are none of theirs, by whichever reader. */
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { tableChecks } from '../../../lib/config/table-checks';
import { followView } from '../../../lib/stream/view';
import { createLog } from '../../../lib/telemetry/log';
import { createMetrics } from '../../../lib/telemetry/metrics';
import { settingsOf, type Topic } from '../../../lib/topics/define-topic';
import type { ConfigApplied, WeightsVersion } from '../../../lib/topics/generated/messages';
import { readLast } from '../../../lib/topics/read-last';
import { readRow } from '../../../lib/topics/read-row';
import { readTable } from '../../../lib/topics/read-table';
import { topics } from '../../../lib/topics/topics';

const configOf = (version: number): ConfigApplied => ({
  version,
  json: configToJson(defaultRouterConfig([{ name: 'a', provider: 'p' }], { seed: version })),
  appliedAtMs: version,
  appliedBy: '',
  fileSha256: null,
});

async function tableOf<T>(topic: Topic<T>, records: readonly (readonly [string, T | Buffer | null])[]) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([settingsOf(topic, 1)]);
  await broker.producer('test').send(
    records.map(([key, value]) => ({
      topic: topic.name,
      key,
      value: value === null || Buffer.isBuffer(value) ? (value as Buffer | null) : topic.codec.encode(value as T),
    })),
  );
  return { broker, clock };
}

const garbage = Buffer.from('{"not":"avro"}');

test.each<[string, Buffer | null]>([
  ['garbage', garbage],
  [
    'a configuration that is none',
    topics.config.codec.encode({ version: 9, json: '{"models":[]}', appliedAtMs: 0, appliedBy: '', fileSha256: null }),
  ],
  ['a record without a value', null],
  ['the record of another type', topics.schemas.codec.encode({ id: 1, name: 'x', json: '{}' })],
])(
  'after %s the last good configuration counts, for those who read it and those who follow it',
  async (_what, foreign) => {
    const { broker } = await tableOf(topics.config, [
      ['current', configOf(1)],
      ['current', foreign],
      ['current', configOf(2)],
      ['current', foreign],
    ]);
    const told: number[] = [];
    const onForeign = ({ offset }: { offset: number }): void => void told.push(offset);
    const accepts = tableChecks.get(topics.config.name)!;
    expect(await readLast(broker, topics.config, '', { onForeign, accepts })).toEqual(configOf(2));
    expect(told).toEqual([3]);
    expect([...(await readTable(broker, topics.config, '', { onForeign, accepts })).values()]).toEqual([configOf(2)]);
    expect(told).toEqual([3, 1, 3]);
    const metrics = createMetrics();
    const host = { broker, metrics, log: createLog({ level: 'silent' }), topicPrefix: '', tableChecks };
    const { view, stop } = await followView('me', topics.config, host, () => {});
    expect([view.get('current'), view.offset]).toEqual([configOf(2), 3]);
    expect(await metrics.value('quantum_router_view_undecodable_total', { service: 'me', topic: 'config' })).toBe(1);
    await stop();
  },
);

test('what is of the type and cannot be used is passed over as well, further back than one look', async () => {
  const nonsense: [string, ConfigApplied][] = Array.from({ length: 40 }, (_, i) => [
    'current',
    { ...configOf(i + 2), json: '[' },
  ]);
  const { broker } = await tableOf(topics.config, [['current', configOf(1)], ...nonsense]);
  const accepts = ({ json }: ConfigApplied): void => void JSON.parse(json);
  expect(await readLast(broker, topics.config, '', { accepts })).toEqual(configOf(1));
});

test('the last value is that of the key which everybody reads, however much else lies on top of it', async () => {
  const other: [string, ConfigApplied][] = Array.from({ length: 300 }, (_, i) => ['another', configOf(i + 2)]);
  const { broker } = await tableOf(topics.config, [['current', configOf(1)], ...other]);
  const told: number[] = [];
  const onForeign = ({ offset }: { offset: number }): void => void told.push(offset);
  expect(await readLast(broker, topics.config, '', { onForeign })).toEqual(configOf(1));
  expect(told).toEqual(other.map((_, i) => 300 - i));
});

test('where rows are deleted, a record without a value deletes its row, also one that is garbage by now', async () => {
  const { broker } = await tableOf<WeightsVersion>(topics.weightsVersions, [
    ['a', garbage],
    ['a', null],
    ['b', garbage],
  ]);
  expect([...(await readTable(broker, topics.weightsVersions, '')).keys()]).toEqual([]);
  const record = { topic: 't', partition: 0, offset: 0, timestampMs: 0, headers: {}, key: 'a', value: null };
  expect(readRow(topics.weightsVersions, record)).toEqual({ kind: 'deleted', key: 'a' });
  expect(readRow(topics.weightsVersions, { ...record, key: null })).toEqual({
    kind: 'foreign',
    reason: 'it has no key',
  });
});
