/** The engine on a Kafka that lets in only who proves who he is, with exactly the rights that docs/operations.md grants to each service. */
import { AclOperationTypes } from 'kafkajs';
import { declaredAccess } from '../../bin/declared-access';
import { until } from '../../checks/chaos/until';
import { openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { systemClock } from '../../lib/adapters/system';
import { processSettings } from '../../lib/config/process-settings';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { topics } from '../../lib/topics/topics';
import type { RunningProcess } from '../../services/declare-process';
import { type ProcessName, processNames, startProcess } from '../../services/process';
import { createWorkplace } from '../bin/run-command';
import { patienceMs } from '../patience';
import { type SecureKafka, secureEnvironment, startSecureKafka } from '../secure-kafka';
import { describeWithServers } from '../servers';

const prefix = 'guarded.';
const operator = 'topics-create';
const userOf = (principal: string): string => principal.replace(/\W+/g, '-');
const passwordOf = (user: string): string => `secret-of-${user}`;
const clock = systemClock();

describeWithServers('a Kafka with TLS, SCRAM and access control', () => {
  const workplace = createWorkplace();
  const users = [operator, 'nobody', ...declaredAccess().map(({ name }) => userOf(name))];
  const problems: string[] = [];
  let kafka: SecureKafka;

  beforeAll(async () => {
    kafka = await startSecureKafka(
      workplace.directory,
      Object.fromEntries(users.map((user) => [user, passwordOf(user)])),
    );
  });
  afterAll(async () => {
    await kafka?.stop();
    workplace.remove();
  });

  function environmentOf(user: string, more: Record<string, string> = {}): Record<string, string> {
    return {
      ...secureEnvironment(kafka, user, passwordOf(user)),
      TOPIC_PREFIX: prefix,
      HTTP_PORT: '0',
      ...more,
    };
  }

  const open = (user: string, more: Record<string, string> = {}) =>
    openKafkaBroker(processSettings(environmentOf(user, more)).kafka, {
      clock,
      log: createLog({ level: 'silent' }),
      metrics: createMetrics(),
    });

  async function command(user: string, ...argv: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await workplace.run(argv, { environment: environmentOf(user) });
    expect({ argv, exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return stdout;
  }

  function start(name: ProcessName, delivery: string): Promise<RunningProcess> {
    const settings = processSettings(environmentOf(name, { DELIVERY: delivery }));
    // All of them shake hands at once in one thread.
    const kafka = { ...settings.kafka, connectionTimeoutMs: patienceMs };
    return startProcess(
      name,
      { ...settings, kafka },
      {
        log: createLog({ level: 'warn', destination: { write: (line) => void problems.push(`${name}: ${line}`) } }),
        metrics: createMetrics(),
        onFatal: (error) => problems.push(`${name}: ${error.message}`),
        stopSignal: new AbortController().signal,
      },
    );
  }

  test('every process works with exactly the documented rights', async () => {
    await kafka.allowOnPrefix(operator, prefix, [
      AclOperationTypes.CREATE,
      AclOperationTypes.DESCRIBE,
      AclOperationTypes.DESCRIBE_CONFIGS,
    ]);
    for (const principal of declaredAccess()) await kafka.allow(userOf(principal.name), principal, prefix);
    await command(operator, 'topics', 'create', '--kafka', kafka.address);
    await command(operator, 'init', 'router.yaml');
    await command('config-apply', 'config', 'apply', 'router.yaml', '--kafka', kafka.address);

    for (const delivery of ['at-least-once', 'exactly-once']) await decideAndLearn(delivery);
    // A gateway that finds decisions in the log says that few of them have taught anything yet, and nine processes that
    // open TLS connections at once on a busy machine may take more than one try, or miss a heartbeat. What speaks of a right
    // is never expected, however it is worded.
    const expected =
      /no feedback has come|Kafka (does not answer|answers again)|no heartbeat was answered|KafkaJSRequestTimeoutError/;
    const aboutRights = /authorization|denied/i;
    expect(problems.filter((line) => !expected.test(line) || aboutRights.test(line))).toEqual([]);
  });

  /** All processes start, a request is decided and reported on, and what it taught is written down; then they stop. */
  async function decideAndLearn(delivery: string): Promise<void> {
    const running = new Map<ProcessName, RunningProcess>();
    const reader = await open('explain-replay');
    const end = async (topic: string) => (await reader.offsets({ topic: prefix + topic, partition: 0 })).end;
    const [learnt, profiled] = [await end(topics.learningEvents.name), await end(topics.modelProfile.name)];
    try {
      await Promise.all(processNames.map(async (name) => running.set(name, await start(name, delivery))));
      const url = running.get('gateway')!.url!;
      const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: answer.status, ...((await answer.json()) as object) };
      };
      const ask = () => post('/v1/route', { prompt: 'Who may read this?', sessionId: 'one' });
      let decision: Record<string, unknown> = {};
      const isWhole = async (): Promise<boolean> => {
        decision = await ask();
        return decision['degradedTo'] === 'NONE';
      };
      // On a busy machine the first ones may miss their deadline, but in the end all threads must have their say.
      await until(clock, 'all threads have their say', isWhole, patienceMs);
      expect(decision).toMatchObject({ status: 200 });
      const { decisionId, routingKey, model } = decision;
      const report = { decisionId, routingKey, model, status: 'SUCCESS', quality: 1, latencyMs: 10, costUsd: 0.001 };
      expect(await post('/v1/feedback', report)).toMatchObject({ status: 202 });
      // Feedback, profiler and trainer have done their part once a profile and a learning event are there.
      const isLearned = async (): Promise<boolean> =>
        (await end(topics.learningEvents.name)) > learnt && (await end(topics.modelProfile.name)) > profiled;
      await until(clock, 'a profile and a learning event are there', isLearned, patienceMs);
    } finally {
      await Promise.all([...running.values()].map((process) => process.stop()));
      await reader.close();
    }
  }

  test('who lacks a right reads which one, and of which topic', async () => {
    const broker = await open('nobody');
    const wanted = { partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 } as const;
    await expect(broker.ensureTopics([{ name: `${prefix}route.decided`, ...wanted }])).rejects.toThrow(
      /may neither see nor make guarded\.route\.decided.*Security/s,
    );
    await broker.close();
  });
});
