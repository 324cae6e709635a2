/** /v1/weights with somebody in the trainer's place. */

import { createKeyDesk } from '../../../lib/access/key-desk';
import { readAudit } from '../../../lib/audit/audit-trail';
import type {
  EngineVitals,
  WeightsAnswer,
  WeightsCommand,
  WeightsVersion,
} from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { startGateway } from './start-gateway';

function versionOf(policySha256: string, change: Partial<WeightsVersion> = {}): WeightsVersion {
  return {
    weights: {
      sequence: 1,
      policySha256,
      basisSha256: 'basis',
      parentSha256: null,
      learnedRewards: 24,
      fromOffset: 0,
      toOffset: 24,
      encoderVersion: 'test',
      backend: 'wasm',
      seed: 1,
      lineage: 'abc',
      reason: 'FIRST',
      models: ['large', 'small'],
      metrics: { loss: 0.5 },
      publishedAtMs: 5,
    },
    state: 'PUBLISHED',
    why: '',
    configVersion: 1,
    evidence: {},
    tuning: null,
    checkpointSha256: null,
    forgot: null,
    changedAtMs: 5,
    ...change,
  };
}

async function start(answer: (command: WeightsCommand) => Partial<WeightsAnswer> | null) {
  const started = await startGateway();
  const { broker } = started;
  const producer = broker.producer('trainer');
  const commands: WeightsCommand[] = [];
  const trainer = await broker.follow({
    topic: topics.weightsCommands.name,
    startAt: 'latest',
    onFailed: (error) => {
      throw error;
    },
    async onRecords(records) {
      for (const { value } of records) {
        const command = topics.weightsCommands.codec.decode(value!);
        commands.push(command);
        const given = answer(command);
        if (!given) continue;
        const { commandId } = command;
        const base = {
          commandId,
          status: 'DONE',
          why: '',
          policySha256: 'new',
          sequence: 9,
          evidence: {},
          answeredAtMs: 1,
        };
        const whole = { ...base, ...given } as WeightsAnswer;
        const topic = topics.weightsAnswers.name;
        // Somebody else's answer comes in between.
        const other = { ...whole, commandId: 'other', sequence: 1 };
        for (const one of [other, whole])
          await producer.send([{ topic, key: one.commandId, value: topics.weightsAnswers.codec.encode(one) }]);
      }
    },
  });
  const put = async (versions: readonly WeightsVersion[]): Promise<void> => {
    for (const version of versions) {
      const { policySha256 } = version.weights;
      await producer.send([
        { topic: topics.weightsVersions.name, key: policySha256, value: topics.weightsVersions.codec.encode(version) },
        {
          topic: topics.weightsPublished.name,
          key: 'current',
          value: topics.weightsPublished.codec.encode(version.weights),
        },
      ]);
    }
  };
  return {
    ...started,
    commands,
    put,
    async stop() {
      await trainer.stop();
      await started.stop();
    },
  };
}

test('lists versions and shows one by the beginning of its hash', async () => {
  const world = await start(() => null);
  expect((await world.call('GET', '/v1/weights')).body).toEqual({ inForce: null, learning: null, versions: [] });
  await world.put([versionOf('aaaa1111'), versionOf('aaaa2222', { changedAtMs: 6 })]);
  const { status, body } = await world.call('GET', '/v1/weights');
  expect(status).toBe(200);
  expect(body.inForce).toBe('aaaa2222');
  expect(body.versions.map(({ weights }: WeightsVersion) => weights.policySha256)).toEqual(['aaaa2222', 'aaaa1111']);
  expect((await world.call('GET', '/v1/weights/aaaa2')).body).toEqual(versionOf('aaaa2222', { changedAtMs: 6 }));
  const unknown = await world.call('GET', '/v1/weights/bbbb');
  expect([unknown.status, unknown.body.error]).toEqual([
    404,
    { code: 'not_found', message: 'no version begins with bbbb', field: null },
  ]);
  expect((await world.call('GET', '/v1/weights/aaaa')).body.error.message).toContain('2 versions begin with aaaa');
  await world.stop();
});

test('passes commands on and returns the answer to each', async () => {
  const world = await start(({ kind }) => ({ why: `did ${kind}` }));
  const promoted = await world.call('POST', '/v1/weights/promote', {
    policySha256: 'abcd',
    force: true,
    requestedBy: 'me',
  });
  expect([promoted.status, promoted.body]).toEqual([
    200,
    expect.objectContaining({ status: 'DONE', sequence: 9, why: 'did PROMOTE' }),
  ]);
  const back = await world.call('POST', '/v1/weights/rollback');
  expect(back.body).toMatchObject({ why: 'did ROLLBACK' });
  const nowMs = world.clock.nowMs();
  expect(world.commands).toMatchObject([
    { kind: 'PROMOTE', policySha256: 'abcd', force: true, requestedBy: 'me', requestedAtMs: nowMs },
    { kind: 'ROLLBACK', policySha256: null, force: false, requestedBy: 'http' },
  ]);
  expect(new Set(world.commands.map(({ commandId }) => commandId)).size).toBe(2);
  await world.stop();
});

test('a refusal, a trainer that is away and a wrong body each have their code', async () => {
  const world = await start(({ kind }) => (kind === 'PROMOTE' ? { status: 'REFUSED', why: 'nothing waits' } : null));
  const refused = await world.call('POST', '/v1/weights/promote', {});
  expect([refused.status, refused.body.error.code, refused.body.error.message]).toEqual([
    409,
    'refused',
    'nothing waits',
  ]);
  const waiting = world.call('POST', '/v1/weights/rollback', {});
  await world.until(() => world.commands.length === 2);
  await world.clock.advanceBy(30_000);
  const late = await waiting;
  expect([late.status, late.body.error.code]).toEqual([504, 'trainer_timeout']);
  const wrong = await world.call('POST', '/v1/weights/rollback', { force: true });
  expect([wrong.status, wrong.body.error.field]).toEqual([400, 'force']);
  await world.stop();
});

test('whoever has a key asks under its name, and the audit trail has it', async () => {
  const world = await start(({ kind }) => ({ why: `did ${kind}`, policySha256: 'aaaa2222' }));
  const { broker, clock } = world;
  await world.put([versionOf('aaaa1111')]);
  const desk = createKeyDesk({ broker, clock, topicPrefix: '', name: 'test' });
  const { secret, key } = await desk.create({ name: 'ops', role: 'operator' }, 'test');
  await clock.advanceBy(50);
  const wish = { policySha256: 'aaaa2222', requestedBy: 'somebody else' };
  const answer = await world.call('POST', '/v1/weights/promote', wish, { 'x-api-key': secret });
  expect(answer.status).toBe(200);
  const who = `key ${key.keyId} (ops)`;
  expect(world.commands).toMatchObject([{ requestedBy: who }]);
  expect(await readAudit(broker, '', 1)).toMatchObject([
    {
      ...{ who, action: 'weights.promote', target: 'aaaa2222', note: 'DONE: did PROMOTE' },
      before: '{"policySha256":"aaaa1111"}',
      after: '{"policySha256":"aaaa2222"}',
    },
  ]);
  await world.stop();
});

test('a rule of what is to be forgotten becomes part of the configuration, and its faults name the field', async () => {
  const started = await startGateway();
  const forget = (body: unknown) => started.call('POST', '/v1/weights/forget', body);
  expect(await forget({ source: 'judge:small', to: '2026-11-28T12:00Z', reason: 'it was bribed' })).toMatchObject({
    status: 200,
    body: { configVersion: 2, forget: [{ source: 'judge:small', to: '2026-11-28T12:00Z', reason: 'it was bribed' }] },
  });
  const { body } = await started.call('GET', '/v1/config');
  expect(body.config.learning.forget).toHaveLength(1);
  for (const [wrong, field] of [
    [{}, 'source'],
    [{ from: '2026-11-28', to: '2026-11-28' }, 'to'],
    [{ from: 'yesterday' }, 'from'],
    [{ source: '' }, 'source'],
  ] as const)
    expect(await forget(wrong)).toMatchObject({ status: 400, body: { error: { code: 'invalid_field', field } } });
  expect((await forget({ source: 'other' })).body.forget).toHaveLength(2);
});

test('how learning is comes from the newest reports of the processes, and is not known where none has come', async () => {
  const started = await startGateway();
  const { broker, clock } = started;
  const learning = async () => (await started.call('GET', '/v1/weights')).body.learning;
  expect(await learning()).toBeNull();
  const producer = broker.producer('process');
  const report = async (process: string, change: Partial<EngineVitals>): Promise<void> => {
    const vitals = { process, atMs: clock.nowMs(), services: [], learningLagMs: 0, weightsHeld: false, disk: null };
    const value = topics.engineVitals.codec.encode({ ...vitals, ...change });
    await producer.send([{ topic: topics.engineVitals.name, partition: 0, key: process, value }]);
  };
  await producer.send([
    { topic: topics.engineVitals.name, partition: 0, key: 'x', value: Buffer.from('none of ours') },
  ]);
  await report('gateway', {});
  await report('trainer', { learningLagMs: 9_000, weightsHeld: true });
  expect(await learning()).toEqual({ lagMs: 9_000, weightsHeld: true, atMs: clock.nowMs() });
  await clock.advanceBy(15_000);
  await report('trainer', { learningLagMs: 2_500 });
  expect(await learning()).toEqual({ lagMs: 2_500, weightsHeld: false, atMs: clock.nowMs() });
  await clock.advanceBy(120_000);
  expect(await learning()).toBeNull();
  await started.stop();
});
