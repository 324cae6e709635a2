/** Gateways that start while the log is away: what they answer, to whom, and what the engine is told of it afterwards. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../../checks/chaos/until';
import { systemClock, systemIds } from '../../../../lib/adapters/system';
import { configToJson, defaultRouterConfig } from '../../../../lib/config/parse-config';
import { processSettings } from '../../../../lib/config/process-settings';
import type { RouterConfig } from '../../../../lib/config/router-config';
import { TransientError } from '../../../../lib/ports/broker';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { openDoor } from '../../../../services/gateway/http/open-door';
import { awaitLog } from '../../../../services/gateway/standby/stand-in';
import { startProcess } from '../../../../services/process';
import { patienceMs } from '../../../patience';
import { atEnd } from '../../../started';
import { callHttp, decisionOf, startGateway } from '../start-gateway';
import { bearer, startKeyedGateway } from '../start-keyed-gateway';

const clock = systemClock();
const providers = { north: { kind: 'demo' }, south: { kind: 'demo' } } as unknown as RouterConfig['providers'];
const config = defaultRouterConfig(
  [
    { name: 'large', provider: 'north' },
    { name: 'small', provider: 'south' },
  ],
  { providers },
);
const chat = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };
const message = { model: 'auto', max_tokens: 10, messages: chat.messages };

const folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fileWith = (text: string | null): string => {
  const file = join(folder, `file-${++files}`);
  if (text !== null) writeFileSync(file, text);
  return file;
};
const configFile = fileWith(configToJson(config));

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The gateway as its own process starts it, on a Kafka that is not there. */
async function startWithoutKafka(environment: Readonly<Record<string, string>>) {
  const [kafka, port] = [await freePort(), await freePort()];
  const given = { KAFKA_BROKERS: `127.0.0.1:${kafka}`, HTTP_PORT: String(port), ...environment };
  const stop = new AbortController();
  const started = startProcess('gateway', processSettings(given), {
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
    environment: given,
    onFatal: () => {},
    stopSignal: stop.signal,
  });
  const ended = expect(started).rejects.toThrow(/stopped while waiting for Kafka at 127/);
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  atEnd(end);
  const url = `http://127.0.0.1:${port}`;
  const call = (...args: [string, string, unknown?, Record<string, string>?]) => callHttp(url, ...args);
  const answers = () =>
    call('GET', '/health').then(
      () => true,
      () => false,
    );
  await until(clock, 'the port is open', answers, patienceMs, 5);
  return { call, end };
}

/** Resolves with the first answer that is not that of a start. */
async function onceReady(call: () => ReturnType<typeof callHttp>): ReturnType<typeof callHttp> {
  for (;;) {
    const answer = await call();
    if (!JSON.stringify(answer.body).includes('services are starting')) return answer;
  }
}

test('Kafka is away, a configuration is given: calls are answered in its order, and all else says what is awaited', async () => {
  const { call, end } = await startWithoutKafka({ CONFIG_FILE: configFile, HTTP_ANONYMOUS: 'admin' });
  const answered = await onceReady(() => call('POST', '/v1/chat/completions', chat));
  expect(answered).toMatchObject({
    status: 200,
    body: { quantum_router: { model: 'large', degraded: 'not-ready' } },
  });
  expect(answered.headers.get('x-quantum-degraded')).toBe('not-ready');
  expect((await call('POST', '/v1/messages', message)).body).toMatchObject({ type: 'message' });
  expect((await call('GET', '/v1/models')).body.data.map(({ id }: { id: string }) => id)).toContain('small');
  for (const [method, path, body] of [
    ['GET', '/v1/config'],
    ['GET', '/v1/keys'],
    ['POST', '/v1/route', { prompt: 'hello' }],
    ['POST', '/v1/feedback', { decisionId: answered.body.id, quality: 1 }],
  ] as const) {
    const refused = await call(method, path, body);
    expect(refused).toMatchObject({
      status: 503,
      body: { error: { code: 'not_ready', message: expect.stringMatching(/waiting for Kafka at 127\.0\.0\.1:\d+/) } },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
  }
  // While Kafka has not been tried it may be there; afterwards it is known to be away, and whoever sends calls may send them here.
  await until(clock, 'it is ready to stand in', async () => (await call('GET', '/ready')).status === 200, patienceMs);
  expect((await call('GET', '/ready')).body).toMatchObject({
    ready: true,
    standsIn: true,
    waitingFor: [expect.stringMatching(/Kafka/)],
  });
  expect((await call('GET', '/metrics')).body).toMatch(/^quantum_router_calls_untold 2$/m);
  await end();
});

test('Kafka is away and nothing is known: every call hears so at once, in the form of its API', async () => {
  const { call, end } = await startWithoutKafka({ STANDBY_FILE: fileWith('no copy') });
  const ours = await onceReady(() => call('POST', '/v1/chat/completions', chat));
  expect(ours).toMatchObject({
    status: 503,
    body: { error: { type: 'server_error', message: expect.stringMatching(/waiting for Kafka at .*STANDBY_FILE/) } },
  });
  expect(ours.headers.get('retry-after')).toBe('1');
  expect((await call('POST', '/v1/messages', message)).body).toMatchObject({
    type: 'error',
    error: { type: 'overloaded_error' },
  });
  expect(await call('GET', '/ready')).toMatchObject({ status: 503, body: { ready: false } });
  await end();
});

test('keys: those of the copy are good, those of nobody are not, and without a copy nobody is let in', async () => {
  const file = fileWith(null);
  const keyed = await startKeyedGateway({ config, standbyFile: file });
  const { secret } = await keyed.key({ role: 'caller' });
  const gone = await keyed.key({ role: 'caller' });
  await keyed.desk.revoke(gone.key.keyId, 'test');
  await keyed.seen();
  await keyed.stop();
  // Nobody but its owner reads it, and no secret stands in it.
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(secret);

  const known = await startWithoutKafka({ STANDBY_FILE: file });
  const ask = (key: string) => known.call('POST', '/v1/chat/completions', chat, bearer(key));
  expect((await onceReady(() => ask(secret))).status).toBe(200);
  expect(await ask(gone.secret)).toMatchObject({ status: 401, body: { error: { message: 'the key is revoked' } } });
  // There are keys, so the port of this machine is open to nobody.
  expect((await known.call('POST', '/v1/chat/completions', chat)).status).toBe(401);
  await known.end();

  const unknown = await startWithoutKafka({ CONFIG_FILE: configFile });
  const refused = await onceReady(() => unknown.call('POST', '/v1/chat/completions', chat));
  expect(refused).toMatchObject({ status: 503, body: { error: { message: expect.stringMatching(/which keys/) } } });
  const withKey = await unknown.call('POST', '/v1/chat/completions', chat, bearer(secret));
  expect([withKey.status, withKey.headers.get('retry-after')]).toEqual([503, '1']);
  await unknown.end();
});

test('a copy whose keys cannot be read opens no port, and the given configuration stands in for one that cannot be used', async () => {
  const file = fileWith(null);
  const keyed = await startKeyedGateway({ config, standbyFile: file });
  await keyed.key({ role: 'caller' });
  await keyed.seen();
  await keyed.stop();
  const damaged = (table: string): string => {
    const copy = JSON.parse(readFileSync(file, 'utf8'));
    for (const row of copy.tables[table]) row.value = `AAAA${row.value}`;
    return JSON.stringify(copy);
  };
  const named = { CONFIG_FILE: configFile, HTTP_ANONYMOUS: 'loopback' };
  const alone = await startWithoutKafka({ STANDBY_FILE: fileWith(damaged('access.keys')), ...named });
  const refused = await onceReady(() => alone.call('POST', '/v1/chat/completions', chat));
  expect(refused).toMatchObject({ status: 503, body: { error: { message: expect.stringMatching(/which keys/) } } });
  await alone.end();
  const given = { STANDBY_FILE: fileWith(damaged('config')), CONFIG_FILE: configFile, HTTP_ANONYMOUS: 'caller' };
  const beside = await startWithoutKafka(given);
  expect((await onceReady(() => beside.call('POST', '/v1/chat/completions', chat))).status).toBe(200);
  await beside.end();
});

test('the log comes: the door changes hands, and the engine is told of every call that was made without it', async () => {
  const metrics = createMetrics();
  const door = await openDoor({ port: 0 }, metrics);
  let isThere = false;
  const parts = { clock, createId: systemIds(), metrics, log: createLog({ level: 'silent' }), door };
  const awaited = awaitLog(
    async () => {
      if (!isThere) throw new TransientError('away');
      return 'home';
    },
    {
      ...parts,
      ...{ requestPathPartitions: 4, standbyFile: null, givenConfig: async () => config, logName: 'the log' },
      ...{ settings: { anonymous: 'caller' }, stopSignal: new AbortController().signal },
    },
  );
  const call = (body: object = chat) => callHttp(door.url, 'POST', '/v1/chat/completions', body);
  const first = await onceReady(() => call());
  // One of the models that the late decision does not name: nothing can be said of it.
  const second = await call({ ...chat, model: 'small' });
  expect([first, second].map(({ body }) => body.quantum_router)).toMatchObject([
    { model: 'large', degraded: 'not-ready' },
    { model: 'small', degraded: 'not-ready' },
  ]);
  isThere = true;
  const { untold, retire } = await awaited;
  expect(untold.size).toBe(2);
  const started = await startGateway({
    ...{ config, ...parts, untold },
    answer: (request) => [{ ...decisionOf(request), model: 'large', provider: 'north', fallbacks: [] }],
  });
  await retire();
  const third = await call();
  expect([third.headers.get('x-quantum-degraded'), third.body.quantum_router.model]).toEqual([null, 'large']);
  await until(
    clock,
    'the engine has been told',
    () => untold.size === 0 && started.outcomes().length === 2,
    patienceMs,
    5,
  );
  expect(started.requests().map(({ requestId, messages }) => [requestId, messages])).toEqual(
    expect.arrayContaining([first, second, third].map(({ body }) => [body.id, chat.messages])),
  );
  expect(started.outcomes()).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ decisionId: first.body.id, model: 'large', status: 'SUCCESS', source: 'call' }),
    ]),
  );
  expect(await metrics.value('quantum_router_call_reports_lost_total', { reason: 'no-decision' })).toBe(1);
  await started.stop();
});
