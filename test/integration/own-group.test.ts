/** A strategy in a group of its own beside the chain, on a real Kafka: decisions wait for it, and not beyond their deadline. */
import { randomUUID } from 'node:crypto';
import { serviceProcesses } from '../../bin/commands/services';
import { declaredServices } from '../../bin/declared-services';
import { applyTo } from '../../bin/drive/put-config';
import { systemClock } from '../../lib/adapters/system';
import { routeRequest } from '../../lib/client/build-records';
import { createRouterClient, type RouterClient } from '../../lib/client/router-client';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import { processSettings } from '../../lib/config/process-settings';
import { parseStrategyGroups } from '../../lib/config/strategy-groups';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { distributedHome } from '../../services/home';
import { patienceMs } from '../patience';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { atEnd } from '../started';
import { startProcesses } from './start-processes';

const clock = systemClock();
const partitions = 2;
const apart = 'COST_EFFICIENT';
const workingTimeoutMs = 60_000;
/** The chain's own strategies are done at once; the test has to wait for so long, or for a few times what all of it takes here. */
const frozenTimeoutMs = (workedMs: number): number =>
  Math.round(Math.min(Math.max(2_000, 5 * workedMs), workingTimeoutMs));

describeWithServers('a strategy in a group of its own, beside the chain on Kafka', () => {
  const strategyGroups = `apart=${apart.toLowerCase()}`;
  const environment = {
    KAFKA_BROKERS: kafkaAddress(),
    REDIS_URL: redisUrl(),
    TOPIC_PREFIX: `apart-${randomUUID().slice(0, 8)}.`,
    PARTITIONS: String(partitions),
    STRATEGY_GROUPS: strategyGroups,
  };
  let client: RouterClient;
  let sent = 0;

  const decide = (count: number, threadTimeoutMs: number): Promise<RouteDecided[]> =>
    Promise.all(
      Array.from({ length: count }, () => {
        const requestId = `r${sent++}`;
        const prompt = `Question ${requestId}`;
        return client.route(
          routeRequest({ requestId, prompt, threadTimeoutMs, requestedAtMs: clock.nowMs() }),
          patienceMs,
        );
      }),
    );
  const statusesOf = (decisions: readonly RouteDecided[], strategy: string) =>
    new Set(
      decisions.flatMap(({ threads }) => threads.filter((one) => one.strategy === strategy).map((one) => one.status)),
    );

  test('its scores are waited for while it works; frozen, it costs its own thread and nothing else', async () => {
    const settings = processSettings({ ...environment, INSTANCE_ID: 'test' });
    const parts = { log: createLog({ level: 'silent' }), metrics: createMetrics() };
    const home = await distributedHome(settings, parts);
    atEnd(() => home.close());
    const models = ['small', 'large'].map((name) => ({ name, provider: name }));
    await applyTo(home, defaultRouterConfig(models));
    const services = declaredServices(settings.ownStrategyGroups);
    await ensureServiceTopics(services, { ...home, requestPathPartitions: partitions });
    const processes = serviceProcesses(1, 'chained', parseStrategyGroups(strategyGroups)).filter(
      ({ service }) => service === 'route-chain' || service === 'strategy-threads',
    );
    expect(processes.map(({ instanceId }) => instanceId)).toEqual(['route-chain-0', 'strategy-threads-apart-0']);
    const supervisor = await startProcesses(processes, environment, clock);
    client = await createRouterClient({
      broker: home.broker,
      clock,
      clientId: 'test',
      topicName: (name) => home.topicPrefix + name,
      onFailed: () => {},
    });
    atEnd(() => client.close());

    const startMs = clock.monotonicMs();
    const working = await decide(20, workingTimeoutMs);
    const workedMs = clock.monotonicMs() - startMs;
    expect(statusesOf(working, apart)).toEqual(new Set(['SUCCESS']));
    expect(statusesOf(working, 'BALANCED')).toEqual(new Set(['SUCCESS']));

    supervisor.signal('strategy-threads-apart-0', 'SIGSTOP');
    const without = await decide(20, frozenTimeoutMs(workedMs));
    supervisor.signal('strategy-threads-apart-0', 'SIGCONT');
    expect(statusesOf(without, apart)).toEqual(new Set(['TIMEOUT']));
    expect(statusesOf(without, 'BALANCED')).toEqual(new Set(['SUCCESS']));

    // It wakes up, works off what it has missed, and is waited for again.
    const again = await decide(20, workingTimeoutMs);
    expect(statusesOf(again, apart)).toEqual(new Set(['SUCCESS']));
  });
});
