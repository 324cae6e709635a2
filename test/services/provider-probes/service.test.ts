/** Probes of real servers on this machine that hang, fail and come back: how often they are called, by whom, and what the breaker makes of it. */
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { providerSchema } from '../../../lib/config/schema/provider-schema';
import type { EngineVitals } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createModelProfiler } from '../../../services/model-profiler/service';
import { createProviderProbes } from '../../../services/provider-probes/service';
import { fails, good, hangs, says, startMisbehaving } from '../gateway/doors/misbehaving-upstream';
import { observed } from '../model-profiler/records';
import { createWorld } from '../one-service';

const everyMs = 15_000;
const timeoutMs = 5_000;
const openMs = 20_000;
const vitals = { process: 'engine', services: [], learningLagMs: 0, weightsHeld: false, disk: null };

async function start({
  instances = 1,
  probe = { everyMs, timeoutMs } as object | null,
  apiKeyEnv = null as string | null,
} = {}) {
  const upstream = await startMisbehaving();
  const world = await createWorld();
  const { clock } = world;
  const provider = providerSchema.parse({ baseUrl: upstream.url, apiKeyEnv, probe });
  const price = { inputPerMillionUsd: 1_000, outputPerMillionUsd: 0, perRequestUsd: 0 };
  const config = defaultRouterConfig(
    ['alpha', 'bravo'].map((name) => ({ name, provider: 'acme', upstreamModel: `${name}-1`, price })),
    { providers: { acme: provider } },
  );
  const breaker = { ...config.breaker, openMs, openAfterFailures: 3, closeAfterSuccesses: 2 };
  const json = configToJson({ ...config, breaker });
  await world.send(topics.config, [{ version: 1, json, appliedAtMs: 1, appliedBy: '', fileSha256: null }]);
  await world.start(createModelProfiler(world));
  for (let i = 0; i < instances; i++)
    await world.start(createProviderProbes({ ...world, environment: { KEY: 'secret' } }));
  const reports = (): Promise<void> =>
    world.send(topics.engineVitals, [{ ...vitals, atMs: clock.nowMs() } satisfies EngineVitals]);
  return {
    world,
    upstream,
    reports,
    health: () => world.out(topics.modelProfile).findLast(({ model }) => model === 'alpha')!.breaker.health,
    async fail(model = 'alpha') {
      for (let i = 0; i < 3; i++) {
        const call = { observationId: `r${i}`, model, observedAtMs: clock.nowMs(), status: 'FAILURE' } as const;
        await world.send(topics.modelObserved, [observed(call)]);
      }
    },
    async pass(ms: number) {
      await clock.advanceBy(ms);
      await reports();
    },
    probed: () => world.out(topics.modelObserved).filter(({ observationId }) => observationId.startsWith('probe/')),
    count: (status: string) =>
      world.metrics.value('quantum_router_provider_probes_total', { provider: 'acme', status }),
    /** The network has its own time: turns of the event loop pass until it holds. */
    async until(holds: () => Promise<boolean> | boolean) {
      while (!(await holds())) {
        await clock.settle();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test('a provider that is half open is called at its rate until it is closed, and not before, nor afterwards', async () => {
  const { upstream, reports, pass, fail, health, until, probed, world } = await start();
  upstream.behave('alpha-1', fails(503), good());
  await reports();
  await fail();
  expect(health()).toBe('OPEN');
  await pass(everyMs);
  expect(upstream.received).toHaveLength(0);
  await pass(openMs - everyMs);
  await until(() => probed().length === 1);
  expect(upstream.received[0]).toMatchObject({
    path: '/v1/chat/completions',
    body: { model: 'alpha-1', max_tokens: 1 },
  });
  // It failed: open again, for twice as long.
  expect(health()).toBe('OPEN');
  await pass(2 * openMs);
  await until(() => probed().length === 2);
  expect(health()).toBe('HALF_OPEN');
  for (let i = 0; i < 10; i++) await pass(1_000);
  expect(upstream.received).toHaveLength(2);
  await pass(5_000);
  await until(() => probed().length === 3);
  expect(health()).toBe('CLOSED');
  for (let i = 0; i < 10; i++) await pass(everyMs);
  expect(upstream.received).toHaveLength(3);
  // What a token takes is no latency or cost of requests, but it is paid.
  const { overall } = world.out(topics.modelProfile).at(-1)!;
  expect(overall.latencyWeight).toBe(0);
  expect(overall.costUsd).toBeCloseTo(0.01, 9);
  expect(await world.metrics.value('quantum_router_provider_probes_cost_usd_total', { provider: 'acme' })).toBeCloseTo(
    0.2,
    9,
  );
});

test('one that hangs has failed when its time is over', async () => {
  const { upstream, reports, pass, fail, until, probed, world } = await start();
  upstream.behave('alpha-1', hangs);
  await reports();
  await fail();
  await pass(openMs);
  await until(() => upstream.received.length === 1);
  expect(probed()).toHaveLength(0);
  await world.clock.advanceBy(timeoutMs);
  await until(() => probed().length === 1);
  expect(probed()[0]).toMatchObject({ model: 'alpha', provider: 'acme', status: 'TIMEOUT' });
});

test('of several instances one calls, and of several models of a provider one at a time', async () => {
  const { upstream, reports, pass, fail, until, probed } = await start({ instances: 3 });
  await reports();
  await fail('alpha');
  await fail('bravo');
  await pass(openMs);
  await until(() => probed().length === 1);
  await pass(everyMs);
  await until(() => probed().length === 2);
  expect(upstream.received.map(({ body }) => body.model)).toEqual(['alpha-1', 'bravo-1']);
});

test('whoever takes over waits for an interval first', async () => {
  const { upstream, reports, pass, fail, until, probed, world } = await start();
  await reports();
  await fail();
  await pass(openMs);
  await until(() => probed().length === 1);
  await world.crash('provider-probes');
  await pass(everyMs - 1);
  await pass(everyMs - 1);
  expect(upstream.received).toHaveLength(1);
  await pass(1);
  await until(() => probed().length === 2);
});

test.each([
  ['reads the question and finds it at fault', fails(400), 'SUCCESS'],
  ['refuses for its rate', fails(429, { 'retry-after': '7' }), 'RATE_LIMITED'],
  ['says what is no answer', says('{"hello":1}'), 'FAILURE'],
  ['says what is no JSON', says('hello'), 'FAILURE'],
  ['does not know us', fails(401), 'FAILURE'],
] as const)('a provider that %s', async (_what, behaviour, status) => {
  const { upstream, reports, pass, fail, until, probed } = await start();
  upstream.behave('alpha-1', behaviour);
  await reports();
  await fail();
  await pass(openMs);
  await until(() => probed().length === 1);
  expect(probed()[0]).toMatchObject({ status, retryAfterMs: status === 'RATE_LIMITED' ? 7_000 : null });
});

test('without a key nobody is called, and without a probe neither', async () => {
  const keyless = await start({ apiKeyEnv: 'NO_KEY' });
  const off = await start({ probe: null });
  for (const { reports, fail, pass } of [keyless, off]) {
    await reports();
    await fail();
    await pass(openMs);
  }
  await keyless.until(async () => (await keyless.count('NOT_CALLED')) === 1);
  for (const { upstream, probed } of [keyless, off]) expect([upstream.received, probed()]).toEqual([[], []]);
});
