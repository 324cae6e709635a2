/** Answers that are kept: who may read them, for how long, and with which keys. */
import { until } from '../../../../checks/chaos/until';
import { createKeyDesk } from '../../../../lib/access/key-desk';
import type { AnswersConfig } from '../../../../lib/config/answers-config';
import { createConfigWriter } from '../../../../lib/config/apply-config';
import { createLog } from '../../../../lib/telemetry/log';
import { topics } from '../../../../lib/topics/topics';
import { patienceMs } from '../../../patience';
import { orderedConfig, startDoors } from '../doors/start-doors';

const models = [{ name: 'demo-large', provider: 'demo' }];
const environment = {
  OLD_KEY: Buffer.alloc(32, 1).toString('base64'),
  NEW_KEY: Buffer.alloc(32, 2).toString('base64'),
  NO_KEY: 'far too short',
};
const oldKey = { id: 'old', keyEnv: 'OLD_KEY' };
const newKey = { id: 'new', keyEnv: 'NEW_KEY' };
const configWith = (answers: Partial<AnswersConfig>) =>
  orderedConfig(
    models,
    { demo: { kind: 'demo' } },
    { answers: { share: 1, retentionMs: 3_600_000, keys: [oldKey], ...answers } },
  );

async function start(answers: Partial<AnswersConfig>) {
  const doors = await startDoors(configWith(answers), environment);
  const { broker, clock, topicPrefix } = doors.home;
  const desk = createKeyDesk({ broker, clock, topicPrefix, name: 'test' });
  const log = createLog({ level: 'silent' });
  const writer = createConfigWriter({ broker, clock, name: 'test', topicPrefix, log });
  const kept = async (): Promise<number> => {
    let count = 0;
    for (let partition = 0; partition < 2; partition++)
      count += (await broker.offsets({ topic: topics.keptAnswers.name, partition })).end;
    return count;
  };
  return {
    doors,
    kept,
    async untilKept(count: number) {
      await until(clock, `${count} answers are kept`, async () => (await kept()) === count, patienceMs, 5);
    },
    async key(wish: object): Promise<Record<string, string>> {
      const { secret } = await desk.create({ name: 'k', ...wish }, 'test');
      while ((await doors.get('/health', { 'x-api-key': secret })).status === 401);
      const headers = { 'x-api-key': secret };
      await until(
        clock,
        'the key is known',
        async () => (await doors.get('/v1/models', headers)).status !== 401,
        patienceMs,
        5,
      );
      return headers;
    },
    async ask(headers: Record<string, string> = {}, more: object = {}): Promise<string> {
      const body = { model: 'auto', messages: [{ role: 'user', content: 'Say good morning.' }], ...more };
      const response = await doors.post('/v1/chat/completions', body, headers);
      expect(response.status).toBe(200);
      await response.text();
      return response.headers.get('x-quantum-decision-id')!;
    },
    read: (id: string, headers: Record<string, string> = {}) => doors.get(`/v1/decisions/${id}/answer`, headers),
    async change(to: Partial<AnswersConfig>) {
      const { version } = (await (await doors.get('/v1/config')).json()) as { version: number };
      expect((await writer.apply(configWith(to), version, 'test')).ok).toBe(true);
      await until(
        clock,
        'the change is in force',
        async () => ((await (await doors.get('/v1/config')).json()) as { version: number }).version > version,
        patienceMs,
        5,
      );
    },
    async stop() {
      await desk.close();
      await writer.close();
      await doors.stop();
    },
  };
}

test('an answer, whole or streamed, is read by viewers of its tenant and by nobody else', async () => {
  const started = await start({});
  const caller = await started.key({ role: 'caller', tenantId: 'acme' });
  const viewer = await started.key({ role: 'viewer', tenantId: 'acme' });
  const others = [await started.key({ role: 'viewer', tenantId: 'other' }), await started.key({ role: 'admin' })];
  const ids = [await started.ask(caller), await started.ask(caller, { stream: true })];
  await started.untilKept(2);
  for (const id of ids) {
    const read = await started.read(id, viewer);
    expect(read.status).toBe(200);
    expect(await read.json()).toMatchObject({
      ...{ decisionId: id, model: 'demo-large', keyId: 'old' },
      answer: { text: expect.stringContaining('no language model'), isCut: false },
    });
    for (const other of others)
      for (const written of [id, `@acme/${id}`]) expect((await started.read(written, other)).status).toBe(404);
    expect((await started.read(id, caller)).status).toBe(403);
    expect((await started.read(id)).status).toBe(401);
  }
  expect(started.doors.logged.join('\n')).toMatch(/"who":"key .*"msg":"a kept answer was read"/);
  await started.stop();
});

test('keys rotate: what the old one has sealed opens while it is there, and nothing of it afterwards', async () => {
  const started = await start({});
  const first = await started.ask();
  await started.untilKept(1);
  await started.change({ keys: [newKey, oldKey] });
  const second = await started.ask();
  await started.untilKept(2);
  expect(await (await started.read(first)).json()).toMatchObject({ keyId: 'old' });
  expect(await (await started.read(second)).json()).toMatchObject({ keyId: 'new' });
  await started.change({ keys: [newKey] });
  const gone = await started.read(first);
  expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining('sealed with the key old')]);
  expect((await started.read(second)).status).toBe(200);
  await started.stop();
});

test('nothing is kept by default, without a usable key, or longer than was said', async () => {
  const started = await start({ share: 0 });
  const unkept = await started.ask();
  expect((await started.read(unkept)).status).toBe(404);
  await started.change({ keys: [{ id: 'none', keyEnv: 'NO_KEY' }] });
  await started.ask();
  expect(await started.doors.metrics.value('quantum_router_answers_kept_total', { result: 'no-key' })).toBe(1);
  await started.change({ retentionMs: 1_000 });
  const short = await started.ask();
  await started.untilKept(1);
  await until(
    started.doors.clock,
    'the answer is no longer shown',
    async () => (await (await started.read(short)).text()).includes('kept no longer'),
    patienceMs,
    50,
  );
  await started.stop();
});

test('whoever changes the configuration over HTTP cannot name a key of his own, and a share needs one', async () => {
  const started = await start({});
  const put = (answers: object) =>
    started.doors.get('/v1/config').then(async (response) => {
      const { version, config } = (await response.json()) as { version: number; config: object };
      return fetch(`${started.doors.url}/v1/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ version, config: { ...config, answers } }),
      });
    });
  const other = await put({ share: 1, keys: [{ id: 'mine', keyEnv: 'HOME' }] });
  expect(await other.json()).toMatchObject({ error: { field: 'answers.keys' } });
  const without = await put({ share: 1, keys: [] });
  expect(await without.json()).toMatchObject({ error: { field: 'config.answers.keys' } });
  expect((await put({ share: 0.5, keys: [oldKey] })).status).toBe(200);
  await started.stop();
});
