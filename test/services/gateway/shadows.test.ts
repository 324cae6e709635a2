/** /v1/shadows on a log with opened requests, what became of them, and what a program of somebody else said of them. */
import { defaultRouterConfig, parseConfig } from '../../../lib/config/parse-config';
import type { RouterConfig, ShadowConfig } from '../../../lib/config/router-config';
import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { candidateOf, openedOf, threadOf } from '../../lib/routing/fixtures';
import { learningEvent } from '../dqn-trainer/records';
import { startGateway } from './start-gateway';

const models = [
  { name: 'large', provider: 'north', price: price(4), expectedQuality: 0.9 },
  { name: 'small', provider: 'south', price: price(0.1), expectedQuality: 0.6 },
];
function price(perMillionUsd: number) {
  return { inputPerMillionUsd: perMillionUsd, outputPerMillionUsd: perMillionUsd, perRequestUsd: 0 };
}
const thrifty = { models, strategies: ['BALANCED'], preference: { cost: 1 }, explorationFloor: 0 };
const shadows: ShadowConfig[] = [
  { name: 'quality', strategy: 'TASK_OPTIMIZED' },
  { name: 'thrifty', config: thrifty },
  { name: 'theirs', group: 'their-group' },
  { name: 'silent', group: 'nobody' },
  { name: 'gone', policy: { policySha256: 'a'.repeat(64), basisSha256: 'b'.repeat(64) } },
];
const config = (change: Partial<RouterConfig> = {}): RouterConfig =>
  defaultRouterConfig(models, { strategies: ['BALANCED'], preference: { quality: 1, cost: 0, latency: 0 }, ...change });

const requests = 400;
/** What each model is really worth. */
const truth = { large: 0.8, small: 0.5 };
const costUsd = { large: 0.02, small: 0.001 };

/** Every request was drawn evenly, answered and judged; their program always wants the small model. */
async function fill(started: Awaited<ReturnType<typeof startGateway>>): Promise<void> {
  const nowMs = started.clock.nowMs();
  const random = seededRandom(1, 'shadows');
  const producer = started.broker.producer('filler');
  for (let i = 0; i < requests; i++) {
    const id = `r${i}`;
    const opened = openedOf({
      ...{ requestId: id, routingKey: id, openedAtMs: nowMs, strategies: ['BALANCED'], explorationFloor: 0 },
      preference: { quality: 1, cost: 0, latency: 0 },
      candidates: [
        candidateOf('large', 'north', { expectedQuality: 0.9, expectedCostUsd: 0.02 }),
        candidateOf('small', 'south', { expectedQuality: 0.6, expectedCostUsd: 0.001 }),
      ],
    });
    const model = random.next() < 0.5 ? 'large' : 'small';
    const event: LearningEvent = learningEvent(i, {
      ...{ eventId: `${id}/1/0`, decisionId: id, models: ['large', 'small'], model, propensities: [0.5, 0.5] },
      ...{ quality: truth[model] + 0.1 * (random.next() - 0.5), costUsd: costUsd[model], openedAtMs: nowMs },
    });
    const scored: StrategyScored = {
      ...{ requestId: id, routingKey: id, group: 'their-group', scoredAtMs: nowMs },
      threads: [threadOf('THEIRS', [0, 1])],
    };
    const partition = i % 4;
    await producer.send([
      { topic: topics.routeOpened.name, partition, key: id, value: topics.routeOpened.codec.encode(opened) },
      { topic: topics.learningEvents.name, partition: 0, key: id, value: topics.learningEvents.codec.encode(event) },
      { topic: topics.strategyScored.name, partition, key: id, value: topics.strategyScored.codec.encode(scored) },
    ]);
  }
  await producer.close();
}

test('stand beside what was decided with their off-policy value, whoever they are', async () => {
  const started = await startGateway({ config: config({ shadows }) });
  await fill(started);
  const { status, body } = await started.call('GET', '/v1/shadows');
  expect(status).toBe(200);
  const worth = new Map<string, Record<string, { value: number; low: number; high: number }>>(
    body.shadows.map((one: { shadow: ShadowConfig; worth: never }) => [one.shadow.name, one.worth]),
  );
  expect(body.router.quality.value).toBeCloseTo(0.65, 1);
  for (const [name, model] of [
    ['quality', 'large'],
    ['thrifty', 'small'],
    ['theirs', 'small'],
  ] as const) {
    const found = worth.get(name)!;
    expect(found['refused']).toBeNull();
    expect(found['quality']!.low).toBeLessThan(truth[model] + 0.01);
    expect(found['quality']!.high).toBeGreaterThan(truth[model] - 0.01);
    expect(found['costUsd']!.value).toBeCloseTo(costUsd[model], 3);
  }
  expect(worth.get('quality')!['qualityGained']!.high).toBeLessThan(0);
  expect(worth.get('theirs')!['qualityGained']!.low).toBeGreaterThan(0);
  for (const name of ['silent', 'gone'])
    expect(worth.get(name)).toMatchObject({ refused: expect.stringContaining('nobody has judged'), quality: null });
  const counterfactuals = await started.call('GET', '/v1/analytics/counterfactuals');
  const kinds = counterfactuals.body.policies.map(({ policy, kind }: Record<string, string>) => `${kind} ${policy}`);
  expect(kinds).toEqual(expect.arrayContaining(['router router', 'single-model large', 'shadow quality']));
  await started.stop();
});

test('are started, stopped and promoted as versions of the configuration', async () => {
  const started = await startGateway({ config: config() });
  const post = (body: unknown) => started.call('POST', '/v1/shadows', body);
  for (const shadow of shadows) expect((await post({ action: 'start', shadow })).status).toBe(200);
  expect(await post({ action: 'stop', name: 'silent' })).toMatchObject({ status: 200, body: { configVersion: 7 } });
  expect((await post({ action: 'promote', name: 'quality' })).status).toBe(200);
  const asked = (await started.call('GET', '/v1/config')).body.config;
  expect(asked.strategies).toEqual(['BALANCED', 'TASK_OPTIMIZED']);
  expect(asked.shadows.map(({ name }: ShadowConfig) => name)).toEqual(['thrifty', 'theirs', 'gone']);
  expect(await post({ action: 'promote', name: 'theirs' })).toMatchObject({
    status: 409,
    body: { error: { code: 'refused', field: 'name' } },
  });
  expect((await post({ action: 'promote', name: 'thrifty' })).status).toBe(200);
  const whole = (await started.call('GET', '/v1/config')).body.config;
  expect(whole).toMatchObject({ strategies: ['BALANCED'], explorationFloor: 0, preference: { cost: 1 } });
  expect(whole.shadows).toHaveLength(2);
  await started.stop();
});

test('a promoted configuration takes over what it does not say and what the installation cannot be without', async () => {
  const carried = {
    providers: { north: { kind: 'openai', baseUrl: 'https://north.example.com/v1' } },
    access: { cors: { origins: ['https://app.example.com'] } },
    presets: { thrifty: { preference: { cost: 1 } } },
    tenants: { acme: { limits: { deniedProviders: ['north'] } } },
    budgets: [{ name: 'month', scope: 'tenant', limitUsd: 5 }],
    alerts: { rules: { disk: { enabled: false } } },
    answers: { retentionMs: 60_000 },
    learning: { forget: [{ source: 'spam', reason: 'it was bribed' }] },
    providerRateLimits: { north: { requestsPerMinute: 7 }, west: { requestsPerMinute: 9 } },
    ...{ limits: { maxSessions: 7 }, feedback: { maxAwaited: 77 }, cache: { ttlMs: 7_000 }, seed: 77 },
  };
  const wanted = {
    ...{ models: [...models, { name: 'old', provider: 'west' }], ...carried },
    shadows: [{ name: 'thrifty', config: { ...thrifty, learning: { sessionDiscount: 0 } } }],
  };
  const parsed = parseConfig(JSON.stringify(wanted));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed));
  const started = await startGateway({ config: parsed.config });
  const answer = await started.call('POST', '/v1/shadows', { action: 'promote', name: 'thrifty' });
  expect([answer.status, answer.body.error]).toEqual([200, undefined]);
  const { config: inForce } = (await started.call('GET', '/v1/config')).body;
  const { west: _, ...ofItsModels } = carried.providerRateLimits;
  expect(inForce).toMatchObject({ ...carried, providerRateLimits: ofItsModels, explorationFloor: 0 });
  expect(inForce.providerRateLimits).not.toHaveProperty('west');
  await started.stop();
});

test('what is no shadow is refused with its field', async () => {
  const started = await startGateway({ config: config({ shadows: [{ name: 'one', strategy: 'RANDOM' }] }) });
  const fieldOf = async (shadow: unknown): Promise<string> => {
    const { status, body } = await started.call('POST', '/v1/shadows', { action: 'start', shadow });
    expect(status).toBe(400);
    return body.error.field;
  };
  expect(await fieldOf({ name: 'none' })).toBe('shadows.1');
  expect(await fieldOf({ name: 'two', strategy: 'RANDOM', group: 'x' })).toBe('shadows.1');
  expect(await fieldOf({ name: 'one', strategy: 'RANDOM' })).toBe('shadows.1.name');
  expect(await fieldOf({ name: 'bad', config: { models: [] } })).toBe('shadows.1.config.models');
  expect(await fieldOf({ name: 'bad', config: { ...thrifty, shadows: [] } })).toBe('shadows.1.config.shadows');
  expect(await fieldOf({ name: 'bad', config: { ...thrifty, explorationFloor: 3 } })).toBe(
    'shadows.1.config.explorationFloor',
  );
  expect(await fieldOf({ name: 'x', policy: { policySha256: 'short', basisSha256: 'b'.repeat(64) } })).toBe(
    'shadow.policy.policySha256',
  );
  const unknown = await started.call('POST', '/v1/shadows', { action: 'stop', name: 'other' });
  expect([unknown.status, unknown.body.error.field]).toEqual([400, 'name']);
  await started.stop();
});
