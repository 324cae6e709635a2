import { definitionOf } from '../../../lib/experiments/expose';
import type { Topic } from '../../../lib/topics/define-topic';
import type { BudgetState } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { configOf } from '../../lib/routing/fixtures';
import { startGateway } from './start-gateway';

const experiment = {
  name: 'collapse',
  arms: [{ name: 'control' }, { name: 'weighted', set: { collapse: 'WEIGHTED' } }],
};

type Started = Awaited<ReturnType<typeof startGateway>>;

/** Resolves when the gateway has read them. */
async function send<T>(started: Started, topic: Topic<T>, values: readonly T[], headers: Record<string, string> = {}) {
  const producer = started.broker.producer('others');
  const records = values.map((value) => ({
    topic: topic.name,
    key: topic.keyOf(value),
    value: topic.codec.encode(value),
    headers,
  }));
  await producer.send(records);
  await producer.close();
  await new Promise((resolve) => setImmediate(resolve));
}

const post = (started: Started, body: unknown) => started.call('POST', '/v1/experiments', body);

test('an experiment is started, shown, and promoted into the configuration', async () => {
  const started = await startGateway({ config: configOf({ collapse: 'BEST_SCORE' }) });
  expect((await started.call('GET', '/v1/experiments')).body).toEqual({ configVersion: 1, experiments: [] });
  const { status, body } = await post(started, { action: 'start', experiment });
  expect(status).toBe(200);
  expect(body).toMatchObject({ configVersion: 2, experiments: [{ rollout: 1, stopped: null, ratioPValue: 1 }] });
  const shown = await started.call('GET', '/v1/experiments/collapse');
  expect(shown.body).toMatchObject({ arms: [{ name: 'control', units: 0 }, { name: 'weighted' }], differences: [] });
  const promoted = await post(started, { action: 'promote', name: 'collapse', arm: 'weighted' });
  expect(promoted.body).toMatchObject({ configVersion: 3, experiments: [] });
  expect((await started.call('GET', '/v1/config')).body.config.collapse).toBe('WEIGHTED');
});

test('an experiment that is stopped leaves the configuration as it was', async () => {
  const started = await startGateway({ config: configOf({ collapse: 'BEST_SCORE', experiments: [experiment] }) });
  expect((await post(started, { action: 'stop', name: 'collapse' })).body).toMatchObject({ experiments: [] });
  expect((await started.call('GET', '/v1/config')).body.config).toMatchObject({
    collapse: 'BEST_SCORE',
    experiments: [],
  });
});

test.each([
  ['one that runs already', { action: 'start', experiment }, 'experiment.name'],
  ['one that is not there', { action: 'stop', name: 'other' }, 'name'],
  ['an arm that is not there', { action: 'promote', name: 'collapse', arm: 'other' }, 'arm'],
  [
    'a part of the layer that is taken',
    { action: 'start', experiment: { ...experiment, name: 'other' } },
    'experiments.1.from',
  ],
  [
    'arms that do not differ',
    { action: 'start', experiment: { name: 'other', layer: 'other', arms: [{ name: 'a' }, { name: 'b' }] } },
    'experiments.1.arms',
  ],
  [
    'an unknown setting',
    { action: 'start', experiment: { ...experiment, arms: [{ name: 'a' }, { name: 'b', set: { colour: 1 } }] } },
    'experiment.arms.1.set.colour',
  ],
])('%s is refused by the name of the field', async (_what, body, field) => {
  const started = await startGateway({ config: configOf({ experiments: [experiment] }) });
  const refused = await post(started, body);
  expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_field', field } } });
  expect((await started.call('GET', '/v1/config')).body.version).toBe(1);
});

const stoppedState = (definition: string) => ({
  experiment: 'collapse',
  definition,
  stopped: 'weighted: quality is worse',
  rollout: 0,
  arms: [],
  differences: [],
  ratioPValue: 0.5,
  startedAtMs: 1,
  updatedAtMs: 2,
});

test('what a guardrail has stopped is shown so, and not started again under its name', async () => {
  const config = configOf({ experiments: [experiment] });
  const started = await startGateway({ config });
  const state = stoppedState(definitionOf(config.experiments[0]!));
  await send(started, topics.experimentStates, [state]);
  expect((await started.call('GET', '/v1/experiments/collapse')).body).toMatchObject({
    rollout: 0,
    stopped: state.stopped,
  });
  // Started again it would run for nobody.
  await post(started, { action: 'stop', name: 'collapse' });
  const again = await post(started, { action: 'start', experiment });
  expect(again).toMatchObject({ status: 400, body: { error: { field: 'experiment.name' } } });
  expect(again.body.error.message).toContain(state.stopped);
  expect((await post(started, { action: 'start', experiment: { ...experiment, name: 'anew' } })).status).toBe(200);
});

test('figures of another definition are not shown as its own', async () => {
  const config = configOf({ experiments: [experiment] });
  const started = await startGateway({ config });
  await send(started, topics.experimentStates, [stoppedState('another')]);
  expect((await started.call('GET', '/v1/experiments/collapse')).body).toMatchObject({ rollout: 1, stopped: null });
});

const farMs = 2 ** 50;

test('GET /v1/budgets has what is configured, and the accounts that were asked for', async () => {
  const started = await startGateway({ config: configOf({ budgets: [{ name: 'month', limitUsd: 5, pace: 'even' }] }) });
  const stateOf = (owner: string, periodEndMs = 2): BudgetState => ({
    account: `month/${owner}`,
    budget: 'month',
    scope: 'tenant',
    owner,
    level: 'SOFT',
    limitUsd: 5,
    limitTokens: null,
    limitCalls: null,
    spentUsd: 4,
    spentTokens: 10,
    spentCalls: 2,
    reservedUsd: 0.1,
    reservedTokens: 3,
    reservedCalls: 1,
    beyondReservedUsd: 0.01,
    refusals: 0,
    unreported: 0,
    periodStartMs: 1,
    periodEndMs,
    updatedAtMs: 1,
  });
  // The period of one has only begun, that of the other is over.
  await send(started, topics.budgetStates, [stateOf('globex', farMs), stateOf('acme')]);
  const { body } = await started.call('GET', '/v1/budgets');
  expect(body.configured).toMatchObject([{ name: 'month', scope: 'tenant', period: 'month', limitUsd: 5 }]);
  expect(body.accounts).toEqual([
    { ...stateOf('acme'), pacedUsd: 5, pricePerUsd: 0 },
    { ...stateOf('globex', farMs), pacedUsd: expect.any(Number), pricePerUsd: 5 },
  ]);
  expect((await started.call('GET', '/v1/budgets?owner=acme')).body.accounts).toMatchObject([stateOf('acme')]);
  expect((await started.call('GET', '/v1/budgets?budget=other')).body.accounts).toEqual([]);
  expect((await started.call('GET', '/v1/budgets?owner=a&owner=b')).body.error).toMatchObject({ field: 'owner' });
});

test.each([
  ['budget_exhausted', 429],
  ['budget_approval_needed', 402],
  ['budget_unknown', 503],
] as const)('a request that a budget does not allow is answered at once: %s is %d', async (code, status) => {
  const started = await startGateway({ answer: () => [] });
  const answer = started.call('POST', '/v1/route', { requestId: 'r1', prompt: 'Hello', tenantId: 'acme' });
  await started.until(() => started.requests().length === 1);
  const { replyTo } = started.requests()[0]!;
  const refused = {
    requestId: 'r1',
    sessionId: null,
    tenantId: 'acme',
    routingKey: 'r1',
    replyTo,
    code,
    account: 'month/acme',
    reason: 'nothing is left',
    retryAtMs: Date.UTC(2026, 11),
    refusedAtMs: 1,
    contentHash: null,
  };
  await send(started, topics.routeRefused, [refused], { 'reply-to': replyTo! });
  const { status: got, body } = await answer;
  expect(got).toBe(status);
  expect(body.error).toMatchObject({ code });
  expect(body.error.message).toContain('nothing is left; its period ends at 2026-12-01T00:00:00.000Z');
});
