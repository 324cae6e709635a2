import avro from 'avsc';
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { learnSchema, UndecodableError } from '../../../lib/avro/codec';
import { createLog } from '../../../lib/telemetry/log';
import { schemaVersions } from '../../../lib/topics/generated/schemas';
import { shareSchemas } from '../../../lib/topics/share-schemas';
import { topics } from '../../../lib/topics/topics';

const log = createLog({ level: 'silent' });
const { codec } = topics.config;
type Schema = { fields: unknown[] };
const current = schemaVersions['ConfigApplied']!.at(-1)!.schema as Schema;
/** What a later release may do: one more field. */
const newer = { ...current, fields: [...current.fields, { name: 'by', type: 'string', default: '' }] };
const recordOf = (id: number, schema: unknown, value: unknown): Buffer => {
  const framing = Buffer.alloc(5);
  framing.writeInt32BE(id, 1);
  return Buffer.concat([framing, avro.Type.forSchema(schema as avro.Schema).toBuffer(value)]);
};
const value = { version: 3, json: '{}', appliedAtMs: 5, appliedBy: '', fileSha256: null };
const open = () => createMemoryBroker({ clock: createVirtualClock() });
const sharedIds = async (broker: ReturnType<typeof open>): Promise<string[]> => {
  const ids: string[] = [];
  const { end } = await broker.offsets({ topic: 'p.schemas', partition: 0 });
  for await (const records of broker.read({ topic: 'p.schemas', partition: 0 }, { from: 0, to: end })) {
    ids.push(...records.map(({ key }) => key!));
  }
  return ids;
};

test('every version is shared once, however many processes start', async () => {
  const broker = open();
  const first = await shareSchemas({ broker, topicPrefix: 'p.', log });
  const second = await shareSchemas({ broker, topicPrefix: 'p.', log });
  const all = Object.values(schemaVersions).flatMap((versions) => versions.map(({ id }) => String(id)));
  expect((await sharedIds(broker)).sort()).toEqual(all.sort());
  await first.stop();
  await second.stop();
});

test('a record of a newer, compatible version is read once its schema was shared', async () => {
  const broker = open();
  const sharing = await shareSchemas({ broker, topicPrefix: 'p.', log });
  const bytes = recordOf(900_001, newer, { ...value, by: 'somebody' });
  expect(() => codec.decode(bytes)).toThrow(UndecodableError);
  await broker.producer('newer').send([
    { topic: 'p.schemas', key: 'junk', value: Buffer.from('junk') },
    { topic: 'p.schemas', key: 'nothing', value: null },
    {
      topic: 'p.schemas',
      key: '900001',
      value: topics.schemas.codec.encode({ id: 900_001, name: 'ConfigApplied', json: JSON.stringify(newer) }),
    },
  ]);
  while (true) {
    try {
      expect(codec.decode(bytes)).toEqual(value);
      break;
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error;
      await new Promise(setImmediate);
    }
  }
  await sharing.stop();
});

test('who only reads learns, and makes and writes nothing', async () => {
  const broker = open();
  const nothing = await shareSchemas({ broker, topicPrefix: 'p.', log, readOnly: true });
  expect(await broker.listTopics()).toEqual([]);
  await nothing.stop();
  const sharing = await shareSchemas({ broker, topicPrefix: 'p.', log });
  const before = await sharedIds(broker);
  const reader = await shareSchemas({ broker, topicPrefix: 'p.', log, readOnly: true });
  expect(await sharedIds(broker)).toEqual(before);
  await reader.stop();
  await sharing.stop();
});

test('an incompatible version stays undecodable, with a reason', () => {
  const other = { ...current, fields: [{ name: 'somethingElse', type: 'int' }] };
  expect(learnSchema({ id: 900_002, name: 'ConfigApplied', schema: other })).toBe(true);
  expect(() => codec.decode(recordOf(900_002, other, { somethingElse: 1 }))).toThrow(
    /ConfigApplied of schema id 900002/,
  );
});

test('an id stands for one schema only', () => {
  const { id } = schemaVersions['ConfigApplied']!.at(-1)!;
  expect(learnSchema({ id, name: 'ConfigApplied', schema: current })).toBe(true);
  expect(learnSchema({ id, name: 'ConfigApplied', schema: newer })).toBe(false);
  expect(learnSchema({ id, name: 'Tuning', schema: newer })).toBe(false);
  expect(learnSchema({ id: 900_003, name: 'NotOfThisEngine', schema: newer })).toBe(false);
});
