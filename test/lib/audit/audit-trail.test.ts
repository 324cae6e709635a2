import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { createAuditTrail, readAudit, writeAudit } from '../../../lib/audit/audit-trail';
import { createConfigWriter } from '../../../lib/config/apply-config';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import { topics } from '../../../lib/topics/topics';

const config = defaultRouterConfig([
  { name: 'small', provider: 'p', expectedQuality: 0.4 },
  { name: 'large', provider: 'p' },
]);

function start() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  return { clock, broker, trail: createAuditTrail({ broker, clock, topicPrefix: '' }), producer: broker.producer('p') };
}

test('a configuration that is put in force leaves who, what, before and after', async () => {
  const { clock, broker } = start();
  await ensureSinglePartitionTopic(broker, topics.config, '');
  const writer = createConfigWriter({ broker, clock, name: 'w' });
  await writer.apply(config, 0, 'ann');
  const models = config.models.map((model) => (model.name === 'small' ? { ...model, expectedQuality: 0.6 } : model));
  await writer.apply({ ...config, models, seed: 7 }, 1, 'bob');
  const [second, first] = await readAudit(broker, '', 10);
  expect(first).toMatchObject({ who: 'ann', action: 'config.apply', target: 'version 1', before: null });
  expect(second).toMatchObject({ who: 'bob', action: 'config.apply', target: 'version 2' });
  // What is the same on both sides is left out.
  expect(JSON.parse(second!.before!)).toEqual({ models: [config.models[0]], seed: config.seed });
  expect(JSON.parse(second!.after!)).toEqual({ models: [models[0]], seed: 7 });
});

test('a configuration that is refused changes nothing, and nothing is recorded', async () => {
  const { clock, broker } = start();
  await ensureSinglePartitionTopic(broker, topics.config, '');
  const writer = createConfigWriter({ broker, clock, name: 'w' });
  await writer.apply(config, 0, 'ann');
  expect((await writer.apply({ ...config, seed: 9 }, 5, 'bob')).ok).toBe(false);
  expect(await readAudit(broker, '', 10)).toHaveLength(1);
});

test('the newest come first, and no more than asked for, over many records and foreign ones', async () => {
  const { broker, trail, producer } = start();
  const change = (target: string) => ({ who: 'w', action: 'a', target, before: null, after: { x: target } });
  for (let i = 0; i < 2_500; i++) await writeAudit(producer, trail, change(String(i)));
  await producer.send([{ topic: topics.audit.name, key: 'foreign', value: Buffer.from('none of ours') }]);
  expect((await readAudit(broker, '', 3)).map(({ target }) => target)).toEqual(['2499', '2498', '2497']);
  expect(await readAudit(broker, '', 1_500)).toHaveLength(1_500);
});

test('nothing was ever changed: no record, and no topic is needed', async () => {
  expect(await readAudit(start().broker, '', 10)).toEqual([]);
});

test('a value that is too long for a record is named as such, and the change is recorded all the same', async () => {
  const { broker, trail, producer } = start();
  await writeAudit(producer, trail, { who: 'w', action: 'a', target: 't', before: 'x'.repeat(2_000_000), after: 1 });
  const [record] = await readAudit(broker, '', 1);
  expect(record).toMatchObject({ after: '1' });
  expect(record!.before).toMatch(/^\{"tooLong":/);
});
