/** Clients that share nothing with the engine but Kafka: the examples of docs/clients.md, run as they are written there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pythonProgram } from '../../infra/python';
import { workloadConfig } from '../../lab/runs/workload-config';
import { simulatedWorld } from '../../lab/workloads/simulated-world';
import { systemIds } from '../../lib/adapters/system';
import { codecOf } from '../../lib/avro/codec';
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import { type ConnectedRouterClient, connectRouterClient } from '../../lib/client/connect-router-client';
import { createRouterClient, DecisionTimeoutError } from '../../lib/client/router-client';
import { processSettings } from '../../lib/config/process-settings';
import type { LogRecord } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics, type Metrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import type { DeadLetter } from '../../lib/topics/generated/messages';
import { deadLetterTopicName, topics } from '../../lib/topics/topics';
import { type Engine, startEngine } from '../../services/engine';
import { judgeShadows } from '../../services/gateway/learning/judge-shadows';
import { distributedHome, type EngineHome, embeddedHome } from '../../services/home';
import { patienceMs } from '../patience';
import { describeWithServers, kafkaAddress } from '../servers';
import { atEnd, runToEnd, start } from '../started';

const root = join(__dirname, '../..');
const partitions = 4;
const patienceS = patienceMs / 1_000;
const config = {
  ...workloadConfig(simulatedWorld({ world: 1, rows: 10, seed: 1 })),
  threadTimeoutMs: 60_000,
  shadows: [{ name: 'python', group: 'python-cheapest' }],
};
const python = pythonProgram();
const itWithPython = python || process.env['REQUIRE_SERVERS'] || process.env['CI'] ? it : it.skip;

function startIn(home: EngineHome, metrics: Metrics, problems: string[]): Promise<Engine> {
  return startEngine({
    home,
    config,
    partitions,
    trainer: 'inline',
    http: null,
    log: createLog({ level: 'error', destination: { write: (line) => void problems.push(line) } }),
    metrics,
    onFatal: (group, error) => problems.push(`${group}: ${error.message}`),
  });
}

/** The one line of a code block in docs/clients.md that starts so. */
function documented(start: string): string {
  const lines = readFileSync(join(root, 'docs/clients.md'), 'utf8').split('\n');
  const found = lines.map((line) => /^ {4}(.*)/.exec(line)?.[1] ?? '').filter((line) => line.startsWith(start));
  if (found.length !== 1) throw new Error(`docs/clients.md has ${found.length} lines that start with "${start}"`);
  return found[0]!;
}

describeWithServers('a client that shares only Kafka with the engine', () => {
  const prefix = `foreign-${systemIds()().slice(0, 8)}.`;
  const metrics = createMetrics();
  const problems: string[] = [];
  let home: Awaited<ReturnType<typeof distributedHome>>;
  let engine: Engine;

  beforeAll(async () => {
    const settings = processSettings({ KAFKA_BROKERS: kafkaAddress(), TOPIC_PREFIX: prefix });
    home = await distributedHome(settings, { log: createLog({ level: 'error' }), metrics });
    engine = await startIn(home, metrics, problems);
  });
  afterAll(async () => {
    await engine?.stop();
    await home?.deleteTopics();
    await home?.close();
  });
  afterEach(() => expect(problems).toEqual([]));

  const environment = () => ({
    KAFKA_BROKERS: kafkaAddress(),
    TOPIC_PREFIX: prefix,
    PYTHONPATH: 'examples/python',
    PYTHONDONTWRITEBYTECODE: '1',
    PATH: [...(python ? [dirname(python)] : []), process.env['PATH']].join(delimiter),
  });

  /** Runs a command of the docs in the root of the project, with `python` from the project's own environment. */
  async function run(command: string): Promise<string> {
    if (command.startsWith('python') && !python)
      throw new Error('Python is missing: `make servers-installed` installs it');
    const env = { ...process.env, ...environment() };
    const { status, stdout, stderr } = await runToEnd('bash', ['-c', command], { cwd: root, env });
    if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stderr}`);
    return stdout;
  }

  /** Everything in a topic now, partition after partition. */
  async function read(topic: string): Promise<LogRecord[]> {
    const known = (await home.broker.listTopics()).find(({ name }) => name === prefix + topic);
    const records: LogRecord[] = [];
    for (let partition = 0; partition < (known?.partitions ?? 0); partition++) {
      const of = { topic: prefix + topic, partition };
      const { earliest } = await home.broker.offsets(of);
      for await (const chunk of home.broker.read(of, { from: earliest })) records.push(...chunk);
    }
    return records;
  }

  /** Resolves with the values of a topic once `enough` of them are there. */
  async function until<T>(
    { name, codec }: Pick<Topic<T>, 'name' | 'codec'>,
    enough: (values: T[]) => boolean,
  ): Promise<T[]> {
    const values: T[] = [];
    let stop = async (): Promise<void> => {};
    await new Promise<void>((resolve, reject) => {
      const onRecords = (records: readonly LogRecord[]): void => {
        values.push(...records.map((record) => codec.decode(record.value!)));
        if (enough(values)) resolve();
      };
      home.broker
        .follow({ topic: prefix + name, startAt: 'earliest', onRecords, onFailed: reject })
        .then((follower) => {
          stop = () => follower.stop();
        }, reject);
    });
    await stop();
    return values;
  }

  const forwarded = async () => ({
    requests: await metrics.value('quantum_router_forwarded_total', {
      service: 'route-intake',
      topic: 'route.requested',
    }),
    outcomes: await metrics.value('quantum_router_forwarded_total', {
      service: 'reward-feedback',
      topic: 'route.outcome',
    }),
  });
  const deadLetters = async (): Promise<number> => {
    const names = (await home.broker.listTopics()).map(({ name }) => name).filter((name) => name.endsWith('.dlq'));
    const all = await Promise.all(
      names.filter((name) => name.startsWith(prefix)).map((name) => read(name.slice(prefix.length))),
    );
    return all.flat().length;
  };

  /** Plays a documented command and checks that its requests were decided and its outcomes learned from, each once. */
  async function play(command: string, requests: number): Promise<void> {
    const lines = (await run(command))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map((line) => line.requestId)).size).toBe(requests);
    expect(lines.length).toBe(requests);
    expect(lines.filter((line) => line.sessionId !== null).length).toBeGreaterThan(requests / 4);

    const first = new Map<string, LogRecord>();
    for (const record of await read(topics.routeDecided.name)) {
      const { requestId } = topics.routeDecided.codec.decode(record.value!);
      if (!first.has(requestId)) first.set(requestId, record);
      expect(record.partition).toBe(first.get(requestId)!.partition);
    }
    for (const { requestId, model, partition, offset } of lines) {
      const record = first.get(requestId)!;
      expect([record.partition, record.offset]).toEqual([partition, offset]);
      expect(topics.routeDecided.codec.decode(record.value!).model).toBe(model);
    }

    const wanted = lines.map((line) => `${line.requestId}/1/0`);
    const events = await until(topics.learningEvents, (all) => {
      const ids = new Set(all.map((event) => event.eventId));
      return wanted.every((id) => ids.has(id));
    });
    const ours = events.filter((event) => wanted.includes(event.eventId));
    expect(ours.length).toBe(requests);
    expect(new Set(ours.map((event) => event.kind))).toEqual(new Set(['EXPERIENCE']));
    expect(await deadLetters()).toBe(0);
  }

  itWithPython('may hash keys differently: what it misplaces is forwarded, decided and learned from', async () => {
    await play(documented('python examples/python/router_client.py --requests'), 200);
    const { requests, outcomes } = await forwarded();
    // 3 of 4 land elsewhere; of sessions, all records of one do or none.
    expect(requests).toBeGreaterThan(50);
    expect(requests).toBeLessThan(200);
    expect(outcomes).toBe(requests);
  });

  itWithPython('may hash them like Java: nothing is forwarded', async () => {
    const before = await forwarded();
    await play(documented('python examples/python/router_client.py --partitioner'), 200);
    expect(await forwarded()).toEqual(before);
  });

  itWithPython('may publish a schema of its own, as the contract allows: nobody else stumbles over it', async () => {
    await run(`python -c '
import json
from router_client import RouterClient
client = RouterClient("${kafkaAddress()}", "${prefix}")
schemas, topic = client.schemas, "${prefix}schemas"
newest = json.loads(json.dumps(schemas.by_id[schemas.id_of["RouteRequested"]]))
newest["fields"].append({"name": "ours", "type": "string"})
published = schemas.encode("SchemaVersion", {"id": 1000001, "name": "RouteRequested", "json": json.dumps(newest)})
slip = schemas.encode("SchemaVersion", {"id": 999999, "name": "RouteRequested", "json": json.dumps(newest)})
for key, value in [("1000001", published), ("1000002", b"no schema"), ("1000003", None), ("999999", slip), ("999999", None)]:
    client.producer.produce(topic, value, key, partition=0)
client.producer.flush()
schemas.catch_up()
record = {"requestId": "own-schema", "prompt": "Asked in other words.", "limits": {}, "requestedAtMs": 1, "ours": "x"}
client.waiting.add("own-schema")
client.producer.produce("${prefix}route.requested", schemas.encode_with(1000001, {**record, "replyTo": client.name}), "own-schema")
decision, _ = next(client.decisions(30))
assert decision["requestId"] == "own-schema"
client.close()
'`);
    await play(documented('python examples/python/router_client.py --requests'), 200);
  });

  itWithPython(
    'that sends what cannot be read or routed finds it in the dead letters; the partition goes on',
    async () => {
      await run(`python -c '
from router_client import RouterClient
client = RouterClient("${kafkaAddress()}", "${prefix}")
topic = "${prefix}route.requested"
client.producer.produce(topic, b"not framed", "no-avro", partition=1)
client.producer.produce(topic, bytes([0, 0, 0, 255, 255]) + b"what is this", "unknown-id", partition=1)
client.request("", requestId="empty", sessionId="s")
client.request("A good one behind them.", requestId="good", sessionId="s")
decision, _ = next(client.decisions(${patienceS}))
assert decision["requestId"] == "good"
client.close()
'`);
      const name = deadLetterTopicName(topics.routeRequested.name);
      const letters = await until({ name, codec: codecOf<DeadLetter>('DeadLetter') }, (all) => all.length >= 3);
      const whatOf = new Map(letters.map(({ key, field, reason }) => [key, `${field}: ${reason}`]));
      expect(whatOf.get('no-avro')).toContain('not the Confluent magic byte 0');
      expect(whatOf.get('unknown-id')).toContain('unknown schema id 65535');
      expect(whatOf.get('s')).toBe('prompt: must not be empty');
    },
  );

  itWithPython('may be a shadow: it judges what is asked, changes nothing, and what it says is found', async () => {
    const command = documented('python examples/python/shadow_strategy.py');
    const [, ...args] = `${command} --requests 20`.split(' ');
    const shadow = start(python!, args, { cwd: root, env: { ...process.env, ...environment() } });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      shadow.child.stderr!.on('data', (chunk) => {
        said += chunk;
      });
      shadow.child.stdout!.on('data', (chunk) => String(chunk).includes('judging') && resolve());
      void shadow.ended.then(() => reject(new Error(`the shadow ended: ${said}`)));
    });
    const lettersBefore = await deadLetters();
    const sinceMs = home.clock.nowMs();
    await run(documented('python examples/python/router_client.py --requests').replace('200', '20'));
    expect(await shadow.ended).toBe(0);
    // Other tests have put garbage among the schemas, which it passes over and says so.
    expect(said.split('\n').filter((line) => line !== '' && !/\.schemas cannot be read: /.test(line))).toEqual([]);
    const group = args[args.indexOf('--group') + 1]!;
    const scores = (await until(topics.strategyScored, (all) => all.filter((one) => one.group === group).length >= 20))
      .filter((one) => one.group === group)
      .slice(0, 20);
    const [found] = await judgeShadows(
      {
        broker: home.broker,
        ...{ topicPrefix: prefix, requestPathPartitions: partitions },
        config: () => config,
        configHistory: async () => [],
        knownWeights: async () => ({ inForce: null, versions: [] }),
        weightsOf: async () => null,
      },
      sinceMs,
    );
    expect([found!.name, found!.targets.size, found!.missing]).toEqual(['python', 20, 0]);
    const decisions = (await read(topics.routeDecided.name)).map(({ value }) =>
      topics.routeDecided.codec.decode(value!),
    );
    for (const { requestId, threads } of scores) {
      const decision = decisions.find((one) => one.requestId === requestId)!;
      const cheapest = Math.min(
        ...decision.candidates.filter(({ eligible }) => eligible).map(({ expectedCostUsd }) => expectedCostUsd),
      );
      decision.candidates.forEach(({ expectedCostUsd, eligible }, i) => {
        expect(threads[0]!.probabilities[i]! > 0).toBe(eligible && expectedCostUsd === cheapest);
      });
      // Nobody has asked it, so nobody has heard it.
      expect(decision.threads.map(({ strategy }) => strategy)).not.toContain(group);
      expect(decision.degradedTo).toBe('NONE');
    }
    expect(await deadLetters()).toBe(lettersBefore);
  });

  itWithPython('keeps the first decision of a request, and passes over what is none', async () => {
    await run(`python -c '
from router_client import RouterClient
client = RouterClient("${kafkaAddress()}", "${prefix}")
for partition, junk in enumerate([b"not framed", b"", bytes([0, 0, 0, 255, 255, 1])]):
    client.producer.produce("${prefix}route.decided", junk, "junk", partition=partition, headers={"reply-to": client.name})
client.producer.flush()
client.request("Asked once.", requestId="once", sessionId="s")
_, first = next(client.decisions(${patienceS}))
client.producer.produce(first.topic(), first.value(), first.key(), first.partition(), headers=first.headers())
client.producer.flush()
client.request("Asked after it.", requestId="after", sessionId="s")
assert [decision["requestId"] for decision, _ in client.decisions(${patienceS})] == ["after"]
client.close()
'`);
    const decided = (await read(topics.routeDecided.name)).filter(({ key }) => key === 's');
    const ids = decided.map(({ value }) => topics.routeDecided.codec.decode(value!).requestId);
    expect(ids).toEqual(['good', 'once', 'once', 'after']);
  });

  test('may be the TypeScript example', async () => {
    const out = await run(documented('npx tsx examples/typescript/ask-router.ts'));
    const models = config.models.map((model) => model.name);
    expect(models).toContain(out.split(':')[0]);
    const observed = await until(topics.modelObserved, (all) => all.some((one) => one.observationId.includes('/2/')));
    const second = observed.find((one) => one.observationId.includes('/2/'))!;
    expect(second).toMatchObject({ status: 'SUCCESS', quality: 0.9, costUsd: 0.002 });
    const { observationId } = second;
    const first = observed.find((one) => one.observationId === observationId.replace('/2/', '/1/'));
    expect(first).toMatchObject({ model: out.split(':')[0], status: 'TIMEOUT' });
    // The log keeps what was reported. Nobody has waited for so long here, so of a quick model less of it is believed.
    const reported = (await read(topics.routeOutcome.name)).map(({ value }) =>
      topics.routeOutcome.codec.decode(value!),
    );
    expect(reported).toContainEqual(expect.objectContaining({ status: 'TIMEOUT', latencyMs: 20_000 }));
    expect(first!.latencyMs).toBeGreaterThan(0);
    expect(first!.latencyMs).toBeLessThanOrEqual(20_000);
  });

  describe('in TypeScript', () => {
    let router: ConnectedRouterClient;
    beforeAll(async () => {
      router = await connectRouterClient({ kafka: { brokers: [kafkaAddress()] }, topicPrefix: prefix });
    });
    afterAll(() => router?.close());

    test('asks, awaits decisions and reports', async () => {
      const requests = Array.from({ length: 20 }, (_, i) => ({ prompt: `Question ${i}`, sessionId: `talk-${i % 3}` }));
      const decisions = await Promise.all(requests.map((request) => router.route(request, { timeoutMs: patienceMs })));
      expect(decisions.map((decision) => decision.sessionId)).toEqual(requests.map((request) => request.sessionId));
      await Promise.all(decisions.map((decision) => router.report(decision, { status: 'SUCCESS', quality: 0.75 })));
      const wanted = new Set(decisions.map((decision) => `${decision.decisionId}/1/0`));
      const events = await until(topics.learningEvents, (all) => {
        return all.filter((event) => wanted.has(event.eventId)).length >= wanted.size;
      });
      const ours = events.filter((event) => wanted.has(event.eventId));
      expect(ours.map((event) => event.quality)).toEqual(requests.map(() => 0.75));
    });

    test('hears no more of a request that is not valid', async () => {
      await expect(router.route({ requestId: 'nothing-asked' }, { timeoutMs: 1 })).rejects.toThrow(
        DecisionTimeoutError,
      );
      const name = deadLetterTopicName(topics.routeRequested.name);
      const ours = (letters: DeadLetter[]) => letters.find(({ key }) => key === 'nothing-asked');
      const letters = await until({ name, codec: codecOf<DeadLetter>('DeadLetter') }, (all) => ours(all) !== undefined);
      expect(ours(letters)).toMatchObject({ field: 'prompt' });
    });
  });

  test('is told when there is no engine, and leaves no topic behind', async () => {
    const topicPrefix = `${prefix}nobody.`;
    const connecting = connectRouterClient({ kafka: { brokers: [kafkaAddress()] }, topicPrefix });
    await expect(connecting).rejects.toThrow(`${topicPrefix}route.decided`);
    expect((await home.broker.listTopics()).filter(({ name }) => name.startsWith(topicPrefix))).toEqual([]);
  });
});

test('the same client works where the engine is embedded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-client-'));
  const home = embeddedHome({ directory });
  atEnd(() => home.close());
  const problems: string[] = [];
  const engine = await startIn(home, createMetrics(), problems);
  atEnd(() => engine.stop());
  const onFailed = (error: Error) => void problems.push(error.message);
  const client = await createRouterClient({ broker: home.broker, clock: home.clock, clientId: 'app', onFailed });
  const asked = routeRequest({ requestId: 'r1', requestedAtMs: home.clock.nowMs(), prompt: 'What is a log?' });
  const decision = await client.route(asked, patienceMs);
  await client.report(routeOutcome(decision, { status: 'SUCCESS', quality: 1, occurredAtMs: home.clock.nowMs() }));
  await new Promise<void>((resolve, reject) => {
    const onRecords = (records: readonly LogRecord[]) => {
      expect(topics.learningEvents.codec.decode(records[0]!.value!)).toMatchObject({ eventId: 'r1/1/0', quality: 1 });
      resolve();
    };
    void home.broker.follow({ topic: topics.learningEvents.name, startAt: 'earliest', onRecords, onFailed: reject });
  });
  await client.close();
  await engine.stop();
  await home.close();
  rmSync(directory, { recursive: true });
  expect(problems).toEqual([]);
});
