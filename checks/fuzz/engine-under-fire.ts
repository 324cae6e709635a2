/** A whole engine with its gateway in this process, and the questions that tell whether it is well. */
import { Agent } from 'node:http';
import { systemClock } from '../../lib/adapters/system';
import { defaultConfigYaml, parseConfig } from '../../lib/config/parse-config';
import { processSettings } from '../../lib/config/process-settings';
import type { RouterConfig } from '../../lib/config/router-config';
import { providerSchema } from '../../lib/config/schema/provider-schema';
import { dictionaryOf } from '../../lib/dictionary';
import type { OutgoingRecord } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { Alert } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { topics } from '../../lib/topics/topics';
import { type Engine, startEngine } from '../../services/engine';
import { distributedHome, type EngineHome, memoryHome } from '../../services/home';
import { comesTrue } from '../chaos/until';
import { patienceMs } from '../patience';
import { type Fault, fault } from './findings';
import type { HttpRequest } from './http-cases';
import { createOwnTime } from './own-time';
import { type HttpAnswer, sendHttp } from './send-http';

export interface UnderFire {
  readonly home: EngineHome;
  /** Of each topic that has one, an ordinary record. */
  readonly ordinary: ReadonlyMap<string, { readonly key: string; readonly value: unknown }>;
  send(request: HttpRequest): Promise<HttpAnswer | Error>;
  /** Where each record lies, or why the broker does not take it. */
  put(record: OutgoingRecord): Promise<{ readonly partition: number; readonly offset: number } | Error>;
  /**
   * Asks one good request, and once more where it was not answered well. While a hostile configuration is in force it may
   * be refused, but not left waiting.
   */
  askGood(partition: number, isConfigChanged: boolean): Promise<GoodAnswer>;
  /** What is wrong now; good requests in every partition are decided and learned from where nothing is. */
  faults(): Promise<Fault[]>;
  /** Puts the first configuration in force again. */
  restoreConfig(): Promise<Fault[]>;
  /** Stops the engine and starts another on the same log. */
  restart(): Promise<Fault[]>;
  close(): Promise<void>;
}

export interface GoodAnswer {
  /** What is wrong with it, apart from its time. */
  readonly fault: Fault | null;
  /** Time until the first answer, without what this process had to wait for a processor. */
  readonly ownMs: number;
}

export interface Fronts {
  /** host:port of a Kafka, its topics with a prefix of their own; null: everything in memory. */
  readonly kafka: string | null;
  readonly topicPrefix: string;
}

export const partitions = 2;
const unhandled = createUnhandled();

/** Rejections and exceptions that nobody has handled, since they were last asked for. */
function createUnhandled() {
  const errors: Error[] = [];
  return {
    errors,
    watch(): void {
      process.on('unhandledRejection', (reason) => errors.push(reason as Error));
      process.on('uncaughtException', (error) => errors.push(error));
    },
  };
}

/** Call once in a process: from then on what nobody handles is a fault and not the end. */
export const watchUnhandled = (): void => unhandled.watch();

export async function putUnderFire({ kafka, topicPrefix }: Fronts): Promise<UnderFire> {
  const log = createLog({ level: 'silent' });
  const clock = systemClock();
  const home =
    kafka === null
      ? memoryHome({ clock, seed: 1 })
      : await distributedHome(processSettings({ KAFKA_BROKERS: kafka, TOPIC_PREFIX: topicPrefix }), {
          log,
          metrics: createMetrics(),
        });
  const config = firstConfig();
  const fatal: string[] = [];
  const start = (): Promise<Engine> =>
    startEngine({
      home,
      config,
      partitions,
      trainer: 'inline',
      // Cases make keys, and whoever has none must be answered behind them all the same.
      http: { host: '127.0.0.1', port: 0, anonymous: 'admin' },
      reportsVitals: true,
      log,
      onFatal: (group, error) => fatal.push(`${group} failed for good: ${error.message}`),
    });
  let engine = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const producer = home.broker.producer('fuzz');
  const learned = new Set<string>();
  const follower = await home.broker.follow({
    topic: topicPrefix + topics.learningEvents.name,
    startAt: 'latest',
    onFailed: (error) => fatal.push(`the log cannot be followed: ${error.message}`),
    onRecords(records) {
      for (const { value } of records) {
        try {
          learned.add(topics.learningEvents.codec.decode(value!).decisionId);
        } catch {
          // Some of what is in the log is there to be hostile.
        }
      }
    },
  });
  let goods = 0;
  // How late an answer was is measured.
  const send = (request: HttpRequest): Promise<HttpAnswer | Error> => sendHttp(agent, engine.url!, request, patienceMs);
  const post = (path: string, body: unknown): Promise<HttpAnswer | Error> =>
    send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    });

  const goodId = (partition: number): string => {
    let requestId = `good-${goods++}`;
    while (partitionOf(requestId, partitions) !== partition) requestId = `good-${goods++}`;
    return requestId;
  };

  const ownTime = createOwnTime();
  const askOnce = async (partition: number, isConfigChanged: boolean): Promise<GoodAnswer> => {
    const body = { requestId: goodId(partition), prompt: 'Is everything well?' };
    const sentMs = ownTime();
    const routed = await post('/v1/route', body);
    const ownMs = ownTime() - sentMs;
    if (routed instanceof Error) return { fault: fault('a good request is not answered', routed.message), ownMs };
    const isWell = routed.status === 200 || (isConfigChanged && routed.status < 500);
    return { fault: isWell ? null : fault(`a good request is answered ${routed.status}`, routed.body), ownMs };
  };
  const askGood: UnderFire['askGood'] = async (partition, isConfigChanged) => {
    const { fault: first, ownMs } = await askOnce(partition, isConfigChanged);
    return { fault: first && (await askOnce(partition, isConfigChanged)).fault, ownMs };
  };

  /** Null when a good request in this partition is decided and what is reported of it learned. */
  const isGood = async (partition: number): Promise<Fault | null> => {
    const requestId = goodId(partition);
    const routed = await post('/v1/route', { requestId, prompt: 'Is everything well?' });
    if (routed instanceof Error) return fault('a good request is not answered', routed.message);
    if (routed.status !== 200) return fault(`a good request is answered ${routed.status}`, routed.body);
    const reported = await post('/v1/feedback', { decisionId: requestId, quality: 0.5 });
    if (reported instanceof Error) return fault('good feedback is not answered', reported.message);
    if (reported.status !== 202) return fault(`good feedback is answered ${reported.status}`, reported.body);
    if (await comesTrue(clock, () => learned.delete(requestId), patienceMs, 1)) return null;
    return fault('good feedback is not learned from');
  };

  const notWell = (): Fault[] => [
    ...unhandled.errors
      .splice(0)
      .map((error) => fault('unhandled', error?.stack?.split('\n').slice(0, 2).join(' ') ?? String(error))),
    ...fatal.splice(0).map((message) => fault('fatal', message)),
    ...engine
      .status()
      .filter(({ restarts, state }) => restarts > 0 || state === 'failed')
      .map(({ group, lastError }) => fault(`${group} was restarted`, lastError ?? '')),
  ];

  const faults = async (): Promise<Fault[]> => {
    const found: Fault[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      // A machine that does much else may let one of them wait too long; one that is not well is not well the next time.
      const one = (await isGood(partition)) && (await isGood(partition));
      if (one) found.push(one);
    }
    return [...notWell(), ...found];
  };

  const under: UnderFire = {
    home,
    ordinary: new Map(),
    send,
    async put(record) {
      try {
        const [written] = await producer.send([{ ...record, topic: topicPrefix + record.topic }]);
        return written!;
      } catch (error) {
        return error as Error;
      }
    },
    askGood,
    faults,
    async restoreConfig() {
      return engine.applyConfig(config).then(
        () => [],
        (error: Error) => [fault('the configuration cannot be changed any more', error.message)],
      );
    },
    async restart() {
      await engine.stop();
      const found = notWell();
      try {
        engine = await start();
      } catch (error) {
        return [...found, fault('it does not start again', (error as Error).message)];
      }
      return [...found, ...(await faults()).map(({ kind, detail }) => ({ kind: `after a restart: ${kind}`, detail }))];
    },
    async close() {
      agent.destroy();
      await follower.stop();
      await engine.stop().catch(() => {});
      if ('deleteTopics' in home) await (home as Awaited<ReturnType<typeof distributedHome>>).deleteTopics();
      await home.close();
    },
  };
  // What a request and its feedback leave in the topics is what hostile records are made of.
  await post('/v1/route', { requestId: 'fuzz-base', prompt: 'An ordinary question.', sessionId: null });
  await post('/v1/feedback', { decisionId: 'fuzz-base', quality: 0.5 });
  await post('/v1/keys', { name: 'fuzz-base', role: 'admin', models: ['any'], requestsPerMinute: 60 });
  await post('/v1/alerts/silences', { action: 'start', rule: 'disk', reason: 'fuzz-base' });
  await under.put({ topic: topics.alerts.name, key: alert.alertId, value: topics.alerts.codec.encode(alert) });
  const first = await faults();
  if (first.length > 0) throw new Error(`not well from the beginning: ${first[0]!.kind} ${first[0]!.detail}`);
  return { ...under, ordinary: await ordinaryRecords(home) };
}

const alert: Alert = {
  ...{
    alertId: 'lag/any/1',
    rule: 'lag',
    subject: 'any',
    severity: 'warning',
    state: 'RESOLVED',
    summary: 'was behind',
  },
  ...{ value: 2, threshold: 1, raisedAtMs: 1, resolvedAtMs: 2, silencedUntilMs: null, notify: true, changedAtMs: 2 },
};

function firstConfig(): RouterConfig {
  const parsed = parseConfig(defaultConfigYaml());
  if (!parsed.ok) throw new Error('the example configuration is not valid');
  const demo = providerSchema.parse({ kind: 'demo' });
  // Messages and responses reach it through chat.
  const chatting = providerSchema.parse({ kind: 'demo', apis: ['chat', 'embeddings'] });
  const names = [...new Set(parsed.config.models.map(({ provider }) => provider))];
  const providers = dictionaryOf(names.map((name, index) => [name, index % 2 === 0 ? chatting : demo] as const));
  // Nothing here is about time.
  return { ...parsed.config, providers, threadTimeoutMs: 5_000 };
}

async function ordinaryRecords({ broker, topicPrefix }: EngineHome): Promise<UnderFire['ordinary']> {
  const known = new Map((await broker.listTopics()).map((topic) => [topic.name, topic.partitions]));
  const found = new Map<string, { key: string; value: unknown }>();
  for (const topic of Object.values(topics)) {
    const name = topicPrefix + topic.name;
    for (let partition = 0; partition < (known.get(name) ?? 0) && !found.has(topic.name); partition++) {
      const { earliest, end } = await broker.offsets({ topic: name, partition });
      if (earliest === end) continue;
      for await (const records of broker.read({ topic: name, partition }, { from: earliest, to: end })) {
        for (const { key, value } of records) {
          if (value === null || found.has(topic.name)) continue;
          try {
            found.set(topic.name, { key: key ?? '', value: topic.codec.decode(value) });
          } catch {
            // A table's own bookkeeping lies beside its rows.
          }
        }
      }
    }
  }
  return found;
}
