/** The doors while the engine behind them does not decide, and what may be changed through them. */

import { systemClock } from '../../../../lib/adapters/system';
import { defaultRouterConfig } from '../../../../lib/config/parse-config';
import type { RouterConfig } from '../../../../lib/config/router-config';
import { type Broker, TransientError } from '../../../../lib/ports/broker';
import { topics } from '../../../../lib/topics/topics';
import { patienceMs } from '../../../patience';
import { decisionOf, startGateway } from '../start-gateway';

const providers = { north: { kind: 'demo' }, south: { kind: 'demo' } } as unknown as RouterConfig['providers'];
const config = defaultRouterConfig(
  [
    { name: 'large', provider: 'north', capabilities: ['vision'] },
    { name: 'small', provider: 'south' },
  ],
  { providers, threadTimeoutMs: 20 },
);
const chat = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };
const settings = { decisionGraceMs: 50, hastyGraceMs: 10 };
/** Where a decision is to come, whatever else the machine does. */
const patient = { decisionGraceMs: patienceMs, hastyGraceMs: patienceMs };

test('no decision in time: the configured order stands in, and is said', async () => {
  const started = await startGateway({ config, answer: () => [], clock: systemClock(), settings });
  for (let calls = 0; calls < 5; calls++) {
    const { status, headers, body } = await started.call('POST', '/v1/chat/completions', chat);
    expect([status, headers.get('x-quantum-degraded'), headers.get('x-quantum-model')]).toEqual([
      200,
      'no-decision',
      'large',
    ]);
    expect(body.quantum_router).toMatchObject({ degraded: 'no-decision' });
  }
  const { headers } = await started.call('POST', '/v1/chat/completions', {
    ...chat,
    quantum_router: { limits: { deniedModels: ['large'] } },
  });
  expect(headers.get('x-quantum-model')).toBe('small');
  // Nothing is claimed of a decision that there never was.
  expect(started.outcomes()).toEqual([]);
  await started.stop();
});

test('a picture goes to a model that sees, or to one of which nobody says whether it does', async () => {
  const models = [
    { name: 'blind', provider: 'south', capabilities: ['tools'] },
    { name: 'sighted', provider: 'north', capabilities: ['vision'] },
    { name: 'unsure', provider: 'south', capabilities: null },
  ];
  const seeing = defaultRouterConfig(models, { providers, threadTimeoutMs: 20 });
  const started = await startGateway({ config: seeing, answer: () => [], clock: systemClock(), settings });
  const picture = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const servedBy = async (content: unknown, deniedModels: string[]): Promise<string | null> => {
    const call = { model: 'auto', messages: [{ role: 'user', content }], quantum_router: { limits: { deniedModels } } };
    return (await started.call('POST', '/v1/chat/completions', call)).headers.get('x-quantum-model');
  };
  expect(await servedBy('hello', [])).toBe('blind');
  expect(await servedBy([picture], [])).toBe('sighted');
  expect(await servedBy([picture], ['sighted'])).toBe('unsure');
  await started.stop();
});

test('the log cannot be written: the same', async () => {
  const disturb = (broker: Broker): Broker => ({
    ...broker,
    producer: (name) => ({
      ...broker.producer(name),
      send: async (records) => {
        if (records.some(({ topic }) => topic === topics.routeRequested.name)) throw new TransientError('away');
        return broker.producer(name).send(records);
      },
    }),
  });
  const started = await startGateway({ config, disturb, clock: systemClock(), settings });
  const { status, headers } = await started.call('POST', '/v1/chat/completions', chat);
  expect([status, headers.get('x-quantum-degraded')]).toEqual([200, 'log-unavailable']);
  await started.stop();
});

describe('a request whose fields are within their bounds and too much together', () => {
  const [long, other] = ['x', 'y'].map((end) => `${'漢'.repeat(199)}${end}`) as [string, string];
  const wide = defaultRouterConfig(
    [long, other].map((provider, index) => ({ name: index === 0 ? 'large' : 'small', provider, contextTokens: 1e9 })),
    {
      providers: { [long]: { kind: 'demo' }, [other]: { kind: 'demo' } } as unknown as RouterConfig['providers'],
      limits: { ...config.limits, maxPromptBytes: 900_000 },
    },
  );
  const lists = { allowedProviders: Array(256).fill(long), deniedProviders: Array(256).fill(other) };
  const content = 'x'.repeat(899_000);
  const call = { ...chat, messages: [{ role: 'user', content }], quantum_router: { limits: lists } };

  test('is refused in these words at every door, and not answered without a decision each time', async () => {
    const started = await startGateway({ config: wide, answer: () => [], clock: systemClock(), settings });
    for (const [path, body] of [
      ['/v1/route', { prompt: content, limits: lists }],
      ['/v1/chat/completions', call],
    ] as const)
      expect(await started.call('POST', path, body)).toMatchObject({
        status: 413,
        body: { error: { code: 'body_too_large', message: expect.stringMatching(/takes \d+ bytes in the log/) } },
      });
    await started.stop();
  });

  test('and that was answered while nobody could be asked does not keep the engine from hearing of others', async () => {
    let waitingFor: string[] = ['route-intake'];
    const started = await startGateway({
      ...{ config: wide, clock: systemClock(), settings: patient, waitingFor: () => waitingFor },
      answer: (request) => [{ ...decisionOf(request), model: 'small', provider: other, fallbacks: [] }],
    });
    // As many as are told at once.
    for (let calls = 0; calls < 16; calls++)
      expect((await started.call('POST', '/v1/chat/completions', call)).status).toBe(200);
    expect((await started.call('POST', '/v1/chat/completions', { ...chat, model: 'small' })).status).toBe(200);
    waitingFor = [];
    await started.until(() => started.outcomes().length === 1);
    expect(started.outcomes()).toMatchObject([{ model: 'small' }]);
    await started.stop();
  });
});

test('services that are not ready: the same, and the engine decides as soon as they are', async () => {
  let waitingFor: string[] = ['route-intake'];
  const started = await startGateway({
    ...{ config, clock: systemClock(), settings: patient, waitingFor: () => waitingFor },
    answer: (request) => [{ ...decisionOf(request), model: 'small', provider: 'south', fallbacks: [] }],
  });
  const first = await started.call('POST', '/v1/chat/completions', chat);
  expect(first.headers.get('x-quantum-degraded')).toBe('not-ready');
  waitingFor = [];
  const second = await started.call('POST', '/v1/chat/completions', chat);
  expect([second.headers.get('x-quantum-degraded'), second.headers.get('x-quantum-model')]).toEqual([null, 'small']);
  await started.until(() => started.outcomes().length === 1);
  expect(started.outcomes()).toMatchObject([{ decisionId: second.body.id, model: 'small', status: 'SUCCESS' }]);
  await started.stop();
});

test('without providers the doors say that there is nobody to call', async () => {
  const started = await startGateway({ clock: systemClock() });
  const { status, body } = await started.call('POST', '/v1/chat/completions', chat);
  expect([status, body.error.message]).toEqual([503, expect.stringMatching(/has no providers/)]);
  await started.stop();
});

test('where calls and keys go cannot be changed through the port', async () => {
  const started = await startGateway({ config });
  const put = (changed: object) =>
    started.call('PUT', '/v1/config', { version: 1, config: { ...config, providers: { ...providers, ...changed } } });
  const evil = { kind: 'openai', baseUrl: 'https://example.org/v1', apiKeyEnv: 'AWS_SECRET_ACCESS_KEY' };
  for (const changed of [{ evil }, { north: evil }, { evil: { ...evil, apiKeyEnv: null } }]) {
    const { status, body } = await put(changed);
    expect([status, body.error.code, body.error.field]).toEqual([
      409,
      'refused',
      `providers.${Object.keys(changed)[0]}`,
    ]);
  }
  const secret = await put({ evil: { ...evil, apiKeyEnv: 'sk-this-is-a-key' } });
  expect(secret.status).toBe(400);
  expect(JSON.stringify(secret.body)).not.toMatch(/sk-this/);
  expect((await put({ north: { kind: 'demo', maxConcurrent: 3 } })).status).toBe(200);
  await started.stop();
});
