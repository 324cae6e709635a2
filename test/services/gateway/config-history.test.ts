import { configToJson } from '../../../lib/config/parse-config';
import { topics } from '../../../lib/topics/topics';
import { configOf } from '../../lib/routing/fixtures';
import { startGateway } from './start-gateway';

const first = configOf({ collapse: 'BEST_SCORE' });

async function changed() {
  const started = await startGateway({ config: first });
  const put = await started.call('PUT', '/v1/config', {
    version: 1,
    config: { ...JSON.parse(configToJson(first)), collapse: 'WEIGHTED' },
    reason: 'weights are known now',
  });
  expect(put.status).toBe(200);
  return started;
}

test('every version is kept, with who put it in force, when and why', async () => {
  const started = await changed();
  const { body } = await started.call('GET', '/v1/config/history');
  expect(body).toMatchObject({
    inForce: 2,
    versions: [
      { version: 2, appliedBy: expect.stringMatching(/^PUT from /), reason: 'weights are known now' },
      { version: 1, appliedBy: 'test', reason: '' },
    ],
  });
  const shown = await started.call('GET', '/v1/config/history/1');
  expect(shown.body.config).toEqual(JSON.parse(configToJson(first)));
});

test('what changed between two versions is said field by field', async () => {
  const started = await changed();
  const { body } = await started.call('GET', '/v1/config/diff?from=1');
  expect(body).toEqual({
    from: 1,
    to: 2,
    changes: [expect.stringMatching(/^collapse.*BEST_SCORE.*WEIGHTED/)],
    omitted: 0,
  });
});

test('the way back to a version is a new one, which says so', async () => {
  const started = await changed();
  const { status, body } = await started.call('POST', '/v1/config/rollback', { version: 1, reason: 'it was better' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    inForce: 3,
    versions: [{ version: 3, reason: 'back to version 1: it was better' }, {}, {}],
  });
  expect((await started.call('GET', '/v1/config')).body.config.collapse).toBe('BEST_SCORE');
});

test('the way back is not shut by what is read only at a start: it is told', async () => {
  const started = await startGateway();
  const { config } = (await started.call('GET', '/v1/config')).body;
  const limits = { ...config.limits, maxSessions: config.limits.maxSessions + 1 };
  const put = { version: 1, config: { ...config, limits } };
  expect((await started.call('PUT', '/v1/config?acceptRestart=true', put)).status).toBe(200);
  const { status, body } = await started.call('POST', '/v1/config/rollback', { version: 1 });
  expect([status, body.needsRestart]).toEqual([200, ['limits.maxSessions: needs a restart of route-intake']]);
  await started.stop();
});

test.each([
  ['/v1/config/rollback', { version: 1 }],
  [
    '/v1/experiments',
    {
      action: 'start',
      experiment: { name: 'a', arms: [{ name: 'c' }, { name: 'b', set: { explorationFloor: 0.1 } }] },
    },
  ],
  ['/v1/shadows', { action: 'start', shadow: { name: 'rules', strategy: 'TASK_OPTIMIZED' } }],
  ['/v1/weights/forget', { source: 'spam' }],
] as const)('%s changes the version that If-Match says, and no other', async (path, body) => {
  const started = await changed();
  const stale = await started.call('POST', path, body, { 'if-match': '"1"' });
  expect(stale).toMatchObject({ status: 409, body: { error: { code: 'version_conflict', field: 'version' } } });
  expect(stale.body.error.message).toContain('it is 2 now');
  const wrong = await started.call('POST', path, body, { 'if-match': 'newest' });
  expect(wrong).toMatchObject({ status: 400, body: { error: { field: 'If-Match' } } });
  expect((await started.call('POST', path, body, { 'if-match': '"2"' })).status).toBe(200);
});

test.each(['\u001b[2J', 'a\u0000b', '\ud800', 'x'.repeat(1_001)])(
  'a reason is text for people: %j is refused',
  async (reason) => {
    const started = await changed();
    const config = JSON.parse(configToJson(first));
    const answers = [
      await started.call('POST', '/v1/config/rollback', { version: 1, reason }),
      await started.call('PUT', '/v1/config', { version: 2, config, reason }),
      await started.call('POST', '/v1/weights/forget', { source: 'spam', reason }),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ status: 400, body: { error: { field: 'reason' } } });
  },
);

test('a reason may have the line breaks of any editor', async () => {
  const started = await changed();
  const reason = 'first\r\n\tsecond\nthird';
  const { status, body } = await started.call('POST', '/v1/config/rollback', { version: 1, reason });
  expect([status, body.versions[0].reason]).toEqual([200, `back to version 1: ${reason}`]);
  expect((await started.call('POST', '/v1/weights/forget', { source: 'spam', reason })).status).toBe(200);
});

test.each([
  ['GET', '/v1/config/history/9', undefined, 404, 'version'],
  ['GET', '/v1/config/history/first', undefined, 400, 'version'],
  ['GET', '/v1/config/diff', undefined, 400, 'from'],
  ['GET', '/v1/config/diff?from=1&to=2&to=1', undefined, 400, 'to'],
  ['POST', '/v1/config/rollback', { version: 9 }, 404, 'version'],
  ['POST', '/v1/config/rollback', { version: 0 }, 400, 'version'],
] as const)('%s %s says which field is at fault', async (method, path, body, status, field) => {
  const started = await changed();
  const answer = await started.call(method, path, body);
  expect(answer.status).toBe(status);
  expect(answer.body.error.field).toBe(field);
});

test('a record that is no configuration is passed over', async () => {
  const started = await changed();
  const producer = started.broker.producer('stranger');
  const { codec, name } = topics.configHistory;
  const foreign = { version: 7, json: '{"models":[]}', appliedAtMs: 1, appliedBy: 'me', reason: '' };
  await producer.send([
    { topic: name, key: '7', value: codec.encode(foreign) },
    { topic: name, key: 'x', value: Buffer.from('no record') },
    { topic: name, key: 'x', value: null },
  ]);
  const { body } = await started.call('GET', '/v1/config/history');
  expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
});

test('a version under which others had access is not brought back here', async () => {
  const started = await changed();
  const access = { issuers: { own: { issuer: 'https://own.example.com', audience: 'x', defaultRole: 'admin' } } };
  const { codec, keyOf, name } = topics.configHistory;
  const json = configToJson(configOf({ access }));
  const entry = { version: 7, json, appliedAtMs: 1, appliedBy: 'a file', reason: '' };
  await started.broker.producer('file').send([{ topic: name, key: keyOf(entry), value: codec.encode(entry) }]);
  const { status, body } = await started.call('POST', '/v1/config/rollback', { version: 7 });
  expect([status, body.error.field]).toEqual([409, 'access']);
  expect((await started.call('GET', '/v1/config')).body.version).toBe(2);
});
