/** Two chains on a real Kafka, exactly once: one is frozen and believes that it still owns its partition, decides, and tries to write. */
import { randomUUID } from 'node:crypto';
import { openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { createMemoryKeyValue } from '../../lib/adapters/memory/memory-key-value';
import { systemClock } from '../../lib/adapters/system';
import { routeRequest } from '../../lib/client/build-records';
import { createConfigWriter } from '../../lib/config/apply-config';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { Broker } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { sleep } from '../../lib/ports/clock';
import { seededRandom } from '../../lib/random/seeded';
import { defaultRuntimeLimits, type Host } from '../../lib/stream/host';
import { place } from '../../lib/stream/placement';
import { ensureServiceTopics, type RunningEngine, runServices } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { ensureSinglePartitionTopic } from '../../lib/topics/ensure-topic';
import { topics } from '../../lib/topics/topics';
import { declareOn } from '../../services/declare-services';
import { chainName, placements } from '../../services/placements';
import { freezableClock } from '../contract/freezable-clock';
import { patienceMs } from '../patience';
import { describeWithServers, kafkaAddress } from '../servers';
import { atEnd } from '../started';

const config = defaultRouterConfig(['small', 'large'].map((name) => ({ name, provider: name })));
const clock = systemClock();

describeWithServers('a chain that was replaced and does not know it', () => {
  const topicPrefix = `zombie-${randomUUID().slice(0, 8)}.`;

  /** A chain of its own clock. With a session as long as this no clock tells it that it has been replaced. */
  async function openChain(ownClock: Clock) {
    const lines: string[] = [];
    const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    const metrics = createMetrics();
    const settings = { brokers: [kafkaAddress()], instanceId: 'chain-0', sessionTimeoutMs: 300_000 };
    const broker = await openKafkaBroker({ ...defaultKafkaSettings, ...settings }, { clock: ownClock, log, metrics });
    atEnd(() => broker.close());
    const keyValue = createMemoryKeyValue({ clock: ownClock, maxEntries: 1_000 });
    const host: Host = {
      ...{ broker, keyValue, clock: ownClock, metrics, log, topicPrefix },
      elapsedMs: () => ownClock.monotonicMs(),
      createRandom: (...labels) => seededRandom(1, ...labels),
      limits: defaultRuntimeLimits,
      requestPathPartitions: 1,
      delivery: 'exactly-once',
      onFatal: () => {},
    };
    return {
      broker,
      lines,
      async start(): Promise<RunningEngine> {
        const graph = declareOn(host, config, 'inline');
        await ensureServiceTopics(graph, host);
        const placement = placements.chained;
        const own = place(graph, placement).find(({ name }) => name === chainName)!.stages;
        const running = await runServices(own, host, { graph, placement });
        atEnd(() => running.stop());
        return running;
      },
    };
  }

  async function putInForce(broker: Broker): Promise<void> {
    await ensureSinglePartitionTopic(broker, topics.config, topicPrefix);
    const writer = createConfigWriter({ broker, clock, name: 'test', topicPrefix });
    await writer.putInForce(config);
    await writer.close();
  }

  async function request(broker: Broker, requestId: string): Promise<void> {
    const { routeRequested } = topics;
    const asked = routeRequest({ requestId, prompt: `Question ${requestId}`, requestedAtMs: clock.nowMs() });
    const record = { key: routeRequested.keyOf(asked), value: routeRequested.codec.encode(asked) };
    await broker.producer('test').send([{ topic: topicPrefix + routeRequested.name, ...record }]);
  }

  async function decidedIn(broker: Broker): Promise<string[]> {
    const of = { topic: topicPrefix + topics.routeDecided.name, partition: 0 };
    const ids: string[] = [];
    for await (const records of broker.read(of, { from: 0 }))
      for (const { value } of records) ids.push(topics.routeDecided.codec.decode(value!).requestId);
    return ids;
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const startedMs = clock.monotonicMs();
    while (!(await holds())) {
      if (clock.monotonicMs() - startedMs > patienceMs) throw new Error(`waited in vain until ${what}`);
      await sleep(clock, 20);
    }
  }

  test('Kafka refuses what it decides, and every request is decided once', async () => {
    const frozenClock = freezableClock();
    const zombie = await openChain(frozenClock);
    await putInForce(zombie.broker);
    await zombie.start();
    await request(zombie.broker, 'before');
    await until('the first is decided', async () => (await decidedIn(zombie.broker)).length === 1);

    // Its timers stand still, so no heartbeat is sent or answered; what is fetched still reaches it.
    frozenClock.freeze();
    const heir = await openChain(clock);
    await heir.start();
    const refused = () => zombie.lines.some((line) => line.includes('INVALID_PRODUCER_EPOCH'));
    let sent = 0;
    await until('the zombie has decided and was refused', async () => {
      if (!refused()) await request(heir.broker, `while-${sent++}`);
      return refused();
    });
    frozenClock.thaw();

    await until('all are decided', async () => (await decidedIn(heir.broker)).length >= sent + 1);
    const expected = ['before', ...Array.from({ length: sent }, (_, i) => `while-${i}`)];
    expect(await decidedIn(heir.broker)).toEqual(expected);
  });
});
