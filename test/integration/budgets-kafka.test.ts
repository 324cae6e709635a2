/** A tenant at its last cent on a real Kafka: three chains and three owners of accounts as processes, killed meanwhile. */
import { randomUUID } from 'node:crypto';
import { declaredServices } from '../../bin/declared-services';
import { applyTo } from '../../bin/drive/put-config';
import { systemClock } from '../../lib/adapters/system';
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import { processSettings } from '../../lib/config/process-settings';
import type { Broker, OutgoingRecord } from '../../lib/ports/broker';
import { sleep } from '../../lib/ports/clock';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import { topics } from '../../lib/topics/topics';
import { distributedHome } from '../../services/home';
import type { ProcessName } from '../../services/process';
import { configOf } from '../lib/routing/fixtures';
import { patienceMs } from '../patience';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { atEnd } from '../started';
import { startProcesses } from './start-processes';

const clock = systemClock();
const partitions = 3;
const requests = 1_000;
const limitUsd = 0.05;

async function firstOf<T extends { readonly requestId: string }>(
  broker: Broker,
  topic: Topic<T>,
  topicPrefix: string,
): Promise<Map<string, T>> {
  const first = new Map<string, T>();
  for (let partition = 0; partition < partitions; partition++) {
    for await (const records of broker.read({ topic: topicPrefix + topic.name, partition }, { from: 0 }))
      for (const { value } of records) {
        const record = value && topic.codec.decode(value);
        if (record && !first.has(record.requestId)) first.set(record.requestId, record);
      }
  }
  return first;
}

describeWithServers('budgets on Kafka', () => {
  test('1,000 requests at once, three instances, kills: nothing is overspent, and nobody else is refused', async () => {
    const topicPrefix = `budgets-${randomUUID().slice(0, 8)}.`;
    const environment = {
      KAFKA_BROKERS: kafkaAddress(),
      REDIS_URL: redisUrl(),
      TOPIC_PREFIX: topicPrefix,
      PARTITIONS: String(partitions),
    };
    const settings = processSettings({ ...environment, INSTANCE_ID: 'test' });
    const home = await distributedHome(settings, {
      log: createLog({ level: 'silent' }),
      metrics: createMetrics(),
    });
    atEnd(() => home.close());
    // Static strategies choose dear models too, and processes that start leave each other little of a busy machine.
    const strategies = ['PERFORMANCE', 'BALANCED', 'COST_EFFICIENT'];
    const budgets = [{ name: 'month', of: 'spender', limitUsd }];
    await applyTo(home, configOf({ strategies, budgets, threadTimeoutMs: 60_000, cache: { enabled: false } }));
    await ensureServiceTopics(declaredServices(), { ...home, requestPathPartitions: partitions });
    const names: ProcessName[] = ['route-chain', 'budgets'];
    const supervisor = await startProcesses(
      [
        ...names.flatMap((service) => [0, 1, 2].map((at) => ({ service, instanceId: `${service}-${at}` }))),
        { service: 'reward-feedback', instanceId: 'reward-feedback-0' },
      ],
      environment,
      clock,
    );

    const producer = home.broker.producer('spenders');
    const send = async <T>(topic: Topic<T>, values: readonly T[]): Promise<void> => {
      const records = values.map(
        (value): OutgoingRecord => ({
          topic: topicPrefix + topic.name,
          key: topic.keyOf(value),
          value: topic.codec.encode(value),
        }),
      );
      if (records.length > 0) await producer.send(records);
    };
    const asked = (tenantId: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        routeRequest({ requestId: `${tenantId}-${i}`, requestedAtMs: clock.nowMs(), tenantId, prompt: 'What is it?' }),
      );
    await send(topics.routeRequested, [...asked('spender', requests / 2), ...asked('other', 50)]);
    supervisor.signal('budgets-1', 'SIGKILL');
    supervisor.signal('route-chain-2', 'SIGKILL');
    await send(topics.routeRequested, asked('spender', requests).slice(requests / 2));

    const reported = new Map<string, { usd: number; expectedUsd: number }>();
    const startedMs = clock.monotonicMs();
    for (;;) {
      const decided = await firstOf(home.broker, topics.routeDecided, topicPrefix);
      const refused = await firstOf(home.broker, topics.routeRefused, topicPrefix);
      const outcomes = [...decided.values()]
        .filter(({ requestId }) => !reported.has(requestId))
        .map((decision) => {
          const expectedUsd = decision.candidates.find(({ model }) => model === decision.model)!.expectedCostUsd;
          // Some cost half as much again as was expected of them.
          const usd = expectedUsd * (reported.size % 2 === 0 ? 0.8 : 1.5);
          reported.set(decision.requestId, { usd, expectedUsd });
          return routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: clock.nowMs(), costUsd: usd });
        });
      await send(topics.routeOutcome, outcomes);
      if (new Set([...decided.keys(), ...refused.keys()]).size >= requests + 50) break;
      if (clock.monotonicMs() - startedMs > patienceMs)
        throw new Error(`${decided.size} decided, ${refused.size} refused`);
      await sleep(clock, 100);
    }
    const refused = await firstOf(home.broker, topics.routeRefused, topicPrefix);
    expect([...refused.keys()].filter((id) => id.startsWith('other'))).toEqual([]);
    const calls = [...reported].filter(([id]) => id.startsWith('spender')).map(([, call]) => call);
    const spentUsd = calls.reduce((sum, { usd }) => sum + usd, 0);
    const beyondUsd = calls.reduce((sum, { usd, expectedUsd }) => sum + Math.max(0, usd - expectedUsd), 0);
    expect(calls.length).toBeGreaterThan(10);
    expect(calls.length).toBeLessThan(requests);
    expect(spentUsd).toBeLessThanOrEqual(limitUsd + beyondUsd + 1e-9);
    await producer.close();
  });
});
