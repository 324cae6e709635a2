/** The whole engine while its Redis is frozen, stopped and flushed: every request is decided, and learning goes on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../checks/chaos/until';
import { type LocalServer, startRedis } from '../../infra/local-servers';
import { workloadConfig } from '../../lab/runs/workload-config';
import { requestOf } from '../../lab/runs/workload-records';
import { simulatedWorld } from '../../lab/workloads/simulated-world';
import { createMemoryBroker } from '../../lib/adapters/memory/memory-broker';
import { openRedisKeyValue } from '../../lib/adapters/redis/redis-key-value';
import { defaultRedisSettings } from '../../lib/adapters/redis/redis-settings';
import { systemClock, systemIds } from '../../lib/adapters/system';
import { createRouterClient, type RouterClient } from '../../lib/client/router-client';
import { sleep } from '../../lib/ports/clock';
import type { KeyValue } from '../../lib/ports/key-value';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics, type Metrics } from '../../lib/telemetry/metrics';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { type Engine, startEngine } from '../../services/engine';
import { hastyClock } from '../contract/hasty-clock';
import { patienceMs } from '../patience';
import { describeWithServers } from '../servers';

describeWithServers('the engine while Redis is in trouble', () => {
  const clock = systemClock();
  /** Of the client of Redis alone: nothing else is in haste. */
  const redisClock = hastyClock();
  const world = simulatedWorld({ world: 1, rows: 500, seed: 1 });
  const metrics: Metrics = createMetrics();
  const problems: string[] = [];
  let directory: string;
  let server: LocalServer;
  let keyValue: KeyValue;
  let engine: Engine;
  let client: RouterClient;
  let sent = 0;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'redis-outage-'));
    server = await startRedis({ directory });
    const log = createLog({ level: 'error', destination: { write: (line) => void problems.push(line) } });
    const broker = createMemoryBroker({ clock });
    keyValue = await openRedisKeyValue(
      { ...defaultRedisSettings, url: server.address, commandTimeoutMs: patienceMs },
      { clock: redisClock, log, metrics },
    );
    const createId = systemIds();
    const elapsedMs = () => clock.monotonicMs();
    const home = { broker, keyValue, clock, topicPrefix: '', elapsedMs, createId, close: () => keyValue.close() };
    const config = workloadConfig(world);
    engine = await startEngine({
      home,
      // Time enough for a machine that is busy with other tests.
      config: { ...config, threadTimeoutMs: 60_000, cache: { ...config.cache, enabled: true } },
      partitions: 2,
      trainer: 'inline',
      http: null,
      log,
      metrics,
      onFatal: (group, error) => problems.push(`${group}: ${error.message}`),
    });
    client = await createRouterClient({
      broker,
      clock,
      clientId: 'test',
      onFailed: (error) => problems.push(error.message),
    });
  });
  afterAll(async () => {
    await client?.close();
    await engine?.stop();
    await keyValue?.close();
    await server?.stop();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => expect(problems).toEqual([]));

  /** Requests one after another, each decided and rewarded. */
  const play = async (count: number): Promise<RouteDecided[]> => {
    const decisions: RouteDecided[] = [];
    for (let i = 0; i < count; i++) {
      const row = world.row(sent++ % 500);
      const decided = await client.route(
        { ...requestOf(world, row, clock.nowMs()), requestId: `r${sent}` },
        patienceMs,
      );
      decisions.push(decided);
      await client.report({
        decisionId: decided.decisionId,
        routingKey: decided.routingKey,
        model: decided.model,
        attempt: 1,
        status: 'SUCCESS',
        latencyMs: 100,
        inputTokens: 10,
        outputTokens: 10,
        costUsd: 0.001,
        quality: 0.5,
        rewardParts: {},
        source: 'test',
        firstTokenMs: null,
        cachedInputTokens: null,
        reasoningTokens: null,
        finishReason: null,
        retryAfterMs: null,
        provisional: false,
        revision: 0,
        occurredAtMs: clock.nowMs(),
      });
      // Without Redis nothing here waits for the outside world: let the timers of the services run.
      await sleep(clock, 1);
    }
    return decisions;
  };
  const value = (result: 'hit' | 'miss' | 'error') => metrics.value('quantum_router_cache_lookups_total', { result });
  /** Threads that did not answer, and decisions without learned weights, pinned or older ones. */
  const unheard = (decisions: readonly RouteDecided[]): string[] =>
    decisions.flatMap(({ threads, degradedTo }) => [
      ...threads.filter(({ status }) => status !== 'SUCCESS').map(({ strategy, status }) => `${strategy}: ${status}`),
      ...(/^(NONE|LAST_GOOD_WEIGHTS)$/.test(degradedTo) ? [] : [degradedTo]),
    ]);
  /** Until the learned strategy has judged with weights published after `policies` others. */
  const playUntilLearned = async (known: ReadonlySet<string | null>): Promise<Set<string | null>> => {
    for (let rounds = 0; rounds < 60; rounds++) {
      const decisions = await play(10);
      expect(unheard(decisions)).toEqual([]);
      const used = new Set(decisions.flatMap(({ threads }) => threads.map(({ policySha256 }) => policySha256)));
      if ([...used].some((policy) => policy !== null && !known.has(policy))) return used;
    }
    throw new Error('no new weights were used');
  };

  test('there: weights are shared through it', async () => {
    // Until the first weights are there nobody needs them, and on a busy machine the first requests that need them come sooner.
    const isLearned = async (): Promise<boolean> => {
      const decisions = await play(10);
      const usesWeights = decisions.some(({ threads }) => threads.some(({ policySha256 }) => policySha256 !== null));
      return usesWeights && unheard(decisions).length === 0;
    };
    await until(clock, 'all threads are heard with learned weights', isLearned, patienceMs, 1);
    expect(await keyValue.keys('weights/', 10)).not.toEqual([]);
    // Nothing is looked up before the weights have a say.
    for (let rounds = 0; rounds < 60 && (await value('miss')) === 0; rounds++) await play(10);
    expect(await value('error')).toBe(0);
    expect(await value('miss')).toBeGreaterThan(0);
  });

  test('frozen: everything is decided, the cache is a miss', async () => {
    await server.kill('SIGSTOP');
    redisClock.hasten();
    expect(unheard(await play(40))).toEqual([]);
    expect(await value('error')).toBe(40);
    redisClock.relax();
    await server.kill('SIGCONT');
  });

  test('stopped: everything is decided, and new weights are used all the same', async () => {
    await server.stop();
    const before = new Set((await play(10)).flatMap(({ threads }) => threads.map(({ policySha256 }) => policySha256)));
    await playUntilLearned(before);
    expect(await metrics.value('quantum_router_key_value_connected', {})).toBe(0);
  });

  test('back, and empty: used again, new weights are shared', async () => {
    await server.restart();
    while ((await metrics.value('quantum_router_key_value_connected', {})) === 0) await play(1);
    const before = new Set((await play(10)).flatMap(({ threads }) => threads.map(({ policySha256 }) => policySha256)));
    await playUntilLearned(before);
    expect(await keyValue.keys('weights/', 10)).not.toEqual([]);
  });
});
