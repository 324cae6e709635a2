/** One log on a real Kafka, written by separate services, then by a chain that is killed over and over, then by separate services again. */
import { randomUUID } from 'node:crypto';
import { declaredServices } from '../../bin/declared-services';
import { applyTo } from '../../bin/drive/put-config';
import { verifyRange } from '../../bin/drive/replay-verify';
import type { Supervisor } from '../../bin/drive/supervisor';
import { systemClock } from '../../lib/adapters/system';
import { routeRequest } from '../../lib/client/build-records';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import { processSettings } from '../../lib/config/process-settings';
import type { Broker } from '../../lib/ports/broker';
import { sleep } from '../../lib/ports/clock';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import { topics } from '../../lib/topics/topics';
import { distributedHome, type EngineHome } from '../../services/home';
import type { ProcessName } from '../../services/process';
import { patienceMs } from '../patience';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { startProcesses } from './start-processes';

const clock = systemClock();
const partitions = 2;
const separate: readonly ProcessName[] = ['route-intake', 'strategy-threads', 'route-collapse'];
const silent = createLog({ level: 'silent' });

async function recordsOf<T>(broker: Broker, topic: Topic<T>, topicPrefix: string): Promise<T[]> {
  const all: T[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const of = { topic: topicPrefix + topic.name, partition };
    const { earliest } = await broker.offsets(of);
    for await (const records of broker.read(of, { from: earliest }))
      for (const { value } of records) if (value !== null) all.push(topic.codec.decode(value));
  }
  return all;
}

describeWithServers('the chained placement on Kafka', () => {
  const topicPrefix = `chain-${randomUUID().slice(0, 8)}.`;
  const environment = {
    KAFKA_BROKERS: kafkaAddress(),
    REDIS_URL: redisUrl(),
    TOPIC_PREFIX: topicPrefix,
    PARTITIONS: String(partitions),
  };
  let home: EngineHome;
  let sent = 0;

  const run = (names: readonly ProcessName[]): Promise<Supervisor> => {
    return startProcesses(
      names.map((service) => ({ service, instanceId: `${service}-0` })),
      environment,
      clock,
    );
  };
  const send = async (count: number): Promise<void> => {
    const producer = home.broker.producer('requests');
    const { routeRequested } = topics;
    const requests = Array.from({ length: count }, () => {
      const requestId = `r${sent++}`;
      const sessionId = sent % 3 === 0 ? `s${sent % 7}` : null;
      return routeRequest({ requestId, sessionId, prompt: `Question ${requestId}`, requestedAtMs: clock.nowMs() });
    });
    await producer.send(
      requests.map((request) => ({
        topic: topicPrefix + routeRequested.name,
        key: routeRequested.keyOf(request),
        value: routeRequested.codec.encode(request),
      })),
    );
    await producer.close();
  };
  const decidedIds = async (): Promise<Set<string>> =>
    new Set((await recordsOf(home.broker, topics.routeDecided, topicPrefix)).map(({ requestId }) => requestId));
  const untilAllDecided = async (): Promise<void> => {
    const startedMs = clock.monotonicMs();
    while ((await decidedIds()).size < sent) {
      if (clock.monotonicMs() - startedMs > patienceMs)
        throw new Error(`${(await decidedIds()).size} of ${sent} decided`);
      await sleep(clock, 100);
    }
  };

  beforeAll(async () => {
    const settings = processSettings({ ...environment, INSTANCE_ID: 'test' });
    home = await distributedHome(settings, { log: silent, metrics: createMetrics() });
    const models = ['small', 'large'].map((name) => ({ name, provider: name }));
    // Patient: processes that start leave each other little of a busy machine.
    await applyTo(home, { ...defaultRouterConfig(models), threadTimeoutMs: 60_000 });
    await ensureServiceTopics(declaredServices(), { ...home, requestPathPartitions: partitions });
  });
  afterAll(() => home?.close());

  test('separate, chained and killed, and separate again: every request is opened and decided once, and replays', async () => {
    const before = await run(separate);
    await send(40);
    await untilAllDecided();
    // Some that nobody has taken up by the time that everybody stops.
    await send(20);
    await before.stop();

    const chain = await run(['route-chain']);
    for (let kill = 0; kill < 5; kill++) {
      await send(60);
      chain.signal('route-chain-0', 'SIGKILL');
      await send(10);
    }
    await untilAllDecided();
    await chain.stop();

    await send(20);
    const after = await run(separate);
    await untilAllDecided();
    await after.stop();

    const opened = await recordsOf(home.broker, topics.routeOpened, topicPrefix);
    const decided = await recordsOf(home.broker, topics.routeDecided, topicPrefix);
    expect(new Set(opened.map(({ requestId }) => requestId)).size).toBe(sent);
    expect(new Set(decided.map(({ requestId }) => requestId)).size).toBe(sent);
    // Handed on by the chain, and read from the log by the others.
    const handedOn = decided.filter(({ positions }) => positions[topics.routeOpened.name] === -1);
    expect(handedOn.length).toBeGreaterThan(100);
    expect(handedOn.length).toBeLessThan(decided.length);
    expect(decided.flatMap(({ threads }) => threads).filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
    const differences: unknown[] = [];
    const verified = await verifyRange({
      home,
      from: { kind: 'earliest' },
      to: { kind: 'end' },
      partition: null,
      withLearned: true,
      log: silent,
      onDifference: (difference) => differences.push(difference),
      onProgress: () => {},
      signal: new AbortController().signal,
    });
    expect(differences).toEqual([]);
    expect(verified).toMatchObject({ decisions: sent, verified: sent, outsideRange: 0 });
  });
});
