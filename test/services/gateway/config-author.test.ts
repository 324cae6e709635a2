// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that in a configuration.
/** PUT /v1/config leaves a trace of who changed what, and reads nobody's environment. */
import type { RouterConfig } from '../../../lib/config/router-config';
import { createLog, type Log } from '../../../lib/telemetry/log';
import { topics } from '../../../lib/topics/topics';
import { startGateway, testConfig } from './start-gateway';
import { bearer, startKeyedGateway } from './start-keyed-gateway';

test('a change is logged, and recorded with the address it came from', async () => {
  const lines: unknown[] = [];
  const log: Log = {
    ...createLog({ level: 'silent' }),
    info: (message, fields) => void lines.push({ message, fields }),
  };
  const started = await startGateway({ log });
  const wanted = { version: 1, config: { ...testConfig, seed: 77 } };
  const answer = started.call('PUT', '/v1/config?acceptRestart=true', wanted);
  await started.until(() => started.broker.records(topics.config.name).length === 2);
  await started.clock.advanceBy(10);
  expect(await answer).toMatchObject({
    status: 200,
    body: { needsRestart: ['seed: needs a restart of every service'] },
  });
  const by = `PUT from 127.0.0.1 through ${started.gateway.id}`;
  const record = started.broker.records(topics.config.name).at(-1)!;
  expect(topics.config.codec.decode(record.value!)).toMatchObject({ version: 2, appliedBy: by });
  expect(lines).toContainEqual({
    message: 'configuration changed',
    fields: { by, fromVersion: 1, toVersion: 2, changes: [`seed: ${testConfig.seed} → 77`] },
  });
  await started.stop();
});

test.each([
  ['JSON', { version: 1, config: { ...testConfig, models: [{ name: '${HOME}', provider: 'p' }] } }, {}],
  ['YAML', 'models: [{ name: "${HOME}", provider: p }]', { 'content-type': 'application/yaml', 'if-match': '"1"' }],
])('a reference to the environment in %s is refused with its field', async (_name, body, headers) => {
  const started = await startGateway();
  const { status, body: answer } = await started.call('PUT', '/v1/config', body, headers as Record<string, string>);
  expect(status).toBe(400);
  expect(answer.error.field).toMatch(/models\.0\.name$/);
  expect(answer.error.message).toContain('must not refer to the environment');
  expect(started.broker.records(topics.config.name)).toHaveLength(1);
  await started.stop();
});

test('what is read only at a start is refused, naming it and who reads it, unless the restart is accepted', async () => {
  const started = await startGateway();
  const { limits, feedback } = testConfig;
  const config = {
    ...testConfig,
    limits: { ...limits, maxSessions: limits.maxSessions + 1 },
    feedback: { ...feedback, windowMs: feedback.windowMs + 1 },
  };
  const refused = await started.call('PUT', '/v1/config', { version: 1, config });
  expect([refused.status, refused.body.error.code, refused.body.error.field]).toEqual([
    409,
    'refused',
    'limits.maxSessions',
  ]);
  expect(refused.body.error.message).toContain(
    'limits.maxSessions: needs a restart of route-intake; feedback.windowMs: needs a restart of reward-feedback',
  );
  const odd = await started.call('PUT', '/v1/config?acceptRestart=perhaps', { version: 1, config });
  expect([odd.status, odd.body.error.field]).toEqual([400, 'acceptRestart']);
  expect(started.broker.records(topics.config.name)).toHaveLength(1);
  await started.stop();
});

test('who may use the gateway is not changed over HTTP', async () => {
  const started = await startGateway();
  const access = { issuers: { own: { issuer: 'https://own.example.com', audience: 'x', defaultRole: 'admin' } } };
  const refused = await started.call('PUT', '/v1/config', { version: 1, config: { ...testConfig, access } });
  expect([refused.status, refused.body.error.field]).toEqual([409, 'access']);
  expect(started.broker.records(topics.config.name)).toHaveLength(1);
  await started.stop();
});

test('a change by a key is recorded under its name', async () => {
  const started = await startKeyedGateway();
  const { secret, key } = await started.key({ name: 'ops', role: 'operator' });
  const body = { version: 1, config: { ...testConfig, seed: 77 } };
  expect((await started.callLater('PUT', '/v1/config?acceptRestart=true', body, bearer(secret))).status).toBe(200);
  const { body: audit } = await started.call('GET', '/v1/audit?limit=1', undefined, bearer(started.admin.secret));
  expect(audit.records).toMatchObject([
    { action: 'config.apply', before: { seed: testConfig.seed }, after: { seed: 77 } },
  ]);
  expect(audit.records[0].who).toContain(`PUT by key ${key.keyId} (ops) from 127.0.0.1`);
  await started.stop();
});

test('what services of this very process could not run under is refused; what is so already is for who changes it', async () => {
  const faultsHere = ({ learning }: RouterConfig) =>
    learning.backend === 'node' ? [{ field: 'learning.backend', message: 'is not installed' }] : [];
  const { call, stop } = await startGateway({ faultsHere });
  const { version, config } = (await call('GET', '/v1/config')).body;
  const put = (version: number, backend: string) =>
    call('PUT', '/v1/config', { version, config: { ...config, learning: { ...config.learning, backend } } });
  const refused = await put(version, 'node');
  expect([refused.status, refused.body.error.field]).toEqual([400, 'learning.backend']);
  expect((await put(version, 'auto')).status).toBe(200);
  await stop();

  const already = await startGateway({
    faultsHere,
    config: { ...testConfig, learning: { ...testConfig.learning, backend: 'node' } },
  });
  const inForce = (await already.call('GET', '/v1/config')).body;
  const changed = await already.call('PUT', '/v1/config', { version: inForce.version, config: inForce.config });
  expect(changed.status).toBe(200);
  await already.stop();
});
