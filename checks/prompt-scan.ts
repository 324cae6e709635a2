/**
 * Looks for prompt text where it must not be. Requests with a canary in the prompt go through the whole engine: good ones,
 * malformed ones and ones over the limit, over HTTP and straight to the topic. Then every topic, the key-value store, the
 * raw store file, the metrics and the log are searched. It may be in the request topic and its dead letters only. Answers of
 * models have a canary of their own, which may be nowhere at all: they are kept here, but encrypted.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workloadConfig } from '../lab/runs/workload-config';
import { requestOf } from '../lab/runs/workload-records';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { systemClock } from '../lib/adapters/system';
import { createRouterClient } from '../lib/client/router-client';
import { providerSchema } from '../lib/config/schema/provider-schema';
import { dictionaryOf } from '../lib/dictionary';
import type { Broker, LogRecord } from '../lib/ports/broker';
import { sleep } from '../lib/ports/clock';
import { createLog } from '../lib/telemetry/log';
import type { RouteRequested } from '../lib/topics/generated/messages';
import { deadLetterTopicName, topics } from '../lib/topics/topics';
import { type Engine, startEngine } from '../services/engine';
import { openAnswer } from '../services/gateway/answers/seal-answer';
import { embeddedHome } from '../services/home';
import { patienceMs } from './patience';

export interface ScanResult {
  /** Places other than the request topic and its dead letters where the canary was found. */
  readonly leaks: readonly string[];
  /** Records of the request topic and its dead letters that hold it: proof that the search finds what is there. */
  readonly foundInRequests: number;
  readonly foundInDeadLetters: number;
  /** Kept answers that have it once they are opened with their key: proof that there was something to be found. */
  readonly openedAnswers: number;
}

/** A word no encoder, template or hash makes by chance. */
const canary = 'zqxcanaryvortexplinth';
const answerCanary = 'qzjanswerumbragantry';
/** Of the answers that are kept. */
const answerKey = Buffer.alloc(32, 5);
const requests = 60;
const settleMs = 1_500;

export async function scanPrompts(): Promise<ScanResult> {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-scan-'));
  const logged: string[] = [];
  const destination = { write: (line: string) => logged.push(line) };
  const clock = systemClock();
  const home = embeddedHome({ directory });
  const log = createLog({ level: 'debug', destination });
  const world = simulatedWorld({ world: 1, rows: requests, seed: 1 });
  const upstream = await startUpstream();
  const provider = providerSchema.parse({ kind: 'openai', baseUrl: upstream.url });
  const providers = dictionaryOf(world.models.map((model) => [model.provider, provider] as const));
  const config = workloadConfig(world, {
    providers,
    answers: { share: 1, retentionMs: 3_600_000, keys: [{ id: 'scan', keyEnv: 'SCAN_ANSWERS' }] },
  });
  const engine = await startEngine({
    home,
    config,
    partitions: 2,
    trainer: 'worker',
    http: { host: '127.0.0.1', port: 0 },
    environment: { SCAN_ANSWERS: answerKey.toString('base64') },
    log,
  });
  await sendEverything(engine, home.broker, (index) => requestOf(world, world.row(index), clock.nowMs()));
  await sleep(clock, settleMs);

  const leaks: string[] = [];
  const metrics = await engine.metrics.text();
  if (holds(metrics)) leaks.push('metrics');
  for (const key of await home.keyValue.keys('', 100_000)) {
    const [value] = await home.keyValue.getMany([key]);
    if (holds(key) || (value && holds(value))) leaks.push(`key-value ${key.slice(0, 40)}`);
  }
  const found = await scanTopics(home.broker, leaks);
  await engine.stop();
  const openedAnswers = await openAnswers(home.broker);
  if (openedAnswers === 0) leaks.push('no answer was kept: the scan itself is broken');
  await home.close();
  await upstream.close();
  if (upstream.calls() === 0) leaks.push('no model was called: the scan itself is broken');
  if (holds(logged.join('\n'))) leaks.push('log');
  leaks.push(...scanFiles(directory, found.inRequests + found.inDeadLetters));
  rmSync(directory, { recursive: true, force: true });
  return { leaks, foundInRequests: found.inRequests, foundInDeadLetters: found.inDeadLetters, openedAnswers };
}

/** Every way in, well-formed and not. Answers are read and checked too: an error must not repeat the prompt. */
async function sendEverything(
  engine: Engine,
  broker: Broker,
  request: (index: number) => RouteRequested,
): Promise<void> {
  const prompt = (index: number): string => `${canary} ${index}: translate this ${canary}`;
  const client = await createRouterClient({
    broker,
    clock: systemClock(),
    clientId: 'scan',
    onFailed: (error) => {
      throw error;
    },
  });
  for (let index = 0; index < requests; index++) {
    const decision = await client.route({ ...request(index), prompt: prompt(index) }, patienceMs);
    await client.report({
      decisionId: decision.decisionId,
      routingKey: decision.routingKey,
      model: decision.model,
      attempt: 1,
      status: 'SUCCESS',
      latencyMs: 100,
      inputTokens: 10,
      outputTokens: 10,
      costUsd: 0.001,
      quality: 0.5,
      rewardParts: {},
      source: 'scan',
      firstTokenMs: null,
      cachedInputTokens: null,
      reasoningTokens: null,
      finishReason: null,
      retryAfterMs: null,
      provisional: false,
      revision: 0,
      occurredAtMs: 0,
    });
  }
  const bad: RouteRequested[] = [
    { ...request(0), requestId: 'scan-too-long', prompt: `${canary} `.repeat(20_000) },
    { ...request(0), requestId: 'scan-unknown-strategy', prompt: prompt(1), strategies: ['NO_SUCH_STRATEGY'] },
    {
      ...request(0),
      requestId: 'scan-nan',
      prompt: prompt(2),
      limits: { ...request(0).limits, maxCostUsd: Number.NaN },
    },
    {
      ...request(0),
      requestId: 'scan-two-inputs',
      prompt: prompt(3),
      messages: [{ role: 'user', content: prompt(3) }],
    },
  ];
  const producer = broker.producer('scan');
  await producer.send(
    bad.map((value) => ({
      topic: topics.routeRequested.name,
      key: topics.routeRequested.keyOf(value),
      value: topics.routeRequested.codec.encode(value),
    })),
  );
  await producer.send([
    { topic: topics.routeRequested.name, key: 'scan-garbage', value: Buffer.from(`not avro ${canary}`) },
  ]);
  const bodies = [
    JSON.stringify({ prompt: prompt(0) }),
    JSON.stringify({ prompt: prompt(1), [`unknown-field`]: 1 }),
    JSON.stringify({ prompt: prompt(2), strategies: ['NO_SUCH_STRATEGY'] }),
    JSON.stringify({ messages: [{ role: 'user', content: prompt(3), more: canary }] }),
    `{"prompt": "${canary}`,
    JSON.stringify({ prompt: `${canary} `.repeat(20_000) }),
  ];
  for (const body of bodies) {
    const response = await fetch(new URL('/v1/route', engine.url!), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const answer = await response.text();
    if (holds(answer))
      throw new Error(`the gateway's answer ${response.status} repeats the prompt: ${answer.slice(0, 200)}`);
  }
  await callModels(engine.url!);
  await producer.close();
  await client.close();
}

/** Looks in values, keys and headers of every record of every topic there is. */
async function scanTopics(broker: Broker, leaks: string[]): Promise<{ inRequests: number; inDeadLetters: number }> {
  const found = { inRequests: 0, inDeadLetters: 0 };
  for (const { name, partitions } of await broker.listTopics()) {
    for (let partition = 0; partition < partitions; partition++) {
      const { earliest, end } = await broker.offsets({ topic: name, partition });
      for await (const records of broker.read({ topic: name, partition }, { from: earliest, to: end })) {
        for (const record of records) {
          if (!recordHolds(record)) continue;
          if (recordHoldsAnswer(record)) leaks.push(`an answer in ${name}[${partition}]@${record.offset}`);
          if (name === topics.routeRequested.name) found.inRequests += 1;
          else if (name === deadLetterTopicName(topics.routeRequested.name)) found.inDeadLetters += 1;
          else leaks.push(`${name}[${partition}]@${record.offset}`);
        }
      }
    }
  }
  return found;
}

/** How many kept answers have the canary once they are opened. */
async function openAnswers(broker: Broker): Promise<number> {
  const { name, codec } = topics.keptAnswers;
  let opened = 0;
  const { partitions } = (await broker.listTopics()).find((topic) => topic.name === name)!;
  for (let partition = 0; partition < partitions; partition++) {
    const { earliest, end } = await broker.offsets({ topic: name, partition });
    for await (const records of broker.read({ topic: name, partition }, { from: earliest, to: end }))
      for (const { value } of records)
        if (value && openAnswer(codec.decode(value), answerKey)?.text.includes(answerCanary)) opened++;
  }
  return opened;
}

function recordHolds(record: LogRecord): boolean {
  return holds(record.value ?? '') || holds(record.key ?? '') || holds(JSON.stringify(record.headers));
}

function recordHoldsAnswer({ value, key, headers }: LogRecord): boolean {
  return `${value?.toString('latin1')} ${key} ${JSON.stringify(headers)}`.toLowerCase().includes(answerCanary);
}

/** A model that says its canary in what it answers, and in what it refuses. */
async function startUpstream() {
  let calls = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { model, stream, user } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    calls++;
    const json = { 'content-type': 'application/json' };
    if (user === 'refused') response.writeHead(400, json).end(`{"error":{"message":"${answerCanary} ${canary}"}}`);
    else if (user === 'failed') response.writeHead(500, json).end(`{"error":{"type":"${answerCanary}"}}`);
    else if (stream === true) {
      const chunk = { id: 'x', model, choices: [{ index: 0, delta: { content: answerCanary } }] };
      const failure = { error: { message: answerCanary, type: 'server_error' } };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify(chunk)}\n\ndata: ${JSON.stringify(failure)}\n\n`);
    } else {
      const message = { role: 'assistant', content: answerCanary };
      const whole = { id: 'x', model, choices: [{ index: 0, message, finish_reason: 'stop' }] };
      response.writeHead(200, json).end(JSON.stringify(whole));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls: () => calls,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Calls at the door: answered, streamed with a failure in their middle, refused, failed, and wrong. */
async function callModels(url: string): Promise<void> {
  const messages = [{ role: 'user', content: `${canary}: say yours` }];
  const calls = [
    { model: 'auto', messages },
    { model: 'auto', messages, stream: true },
    { model: 'auto', messages, user: 'refused' },
    { model: 'auto', messages, user: 'failed' },
    { model: 'auto', messages, n: 0 },
    { model: 'auto', messages: [{ role: 'narrator', content: canary }] },
  ];
  for (const call of calls) {
    const response = await fetch(new URL('/v1/chat/completions', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(call),
    });
    const answer = await response.text();
    // The words of a provider about a request are for whoever sent it; ours repeat nothing.
    if (holds(answer) && response.status !== 200 && !('user' in call && call.user === 'refused'))
      throw new Error(`the answer ${response.status} of the door repeats a text: ${answer.slice(0, 200)}`);
  }
}

/** The raw files hold the two topics themselves; anything beyond lmdb's own files is suspicious. */
function scanFiles(directory: string, expected: number): string[] {
  const leaks: string[] = [];
  for (const file of readdirSync(directory)) {
    const count = readFileSync(join(directory, file)).toString('latin1').split(canary).length - 1;
    if (count > 0 && file !== 'data.mdb') leaks.push(`file ${file}`);
    if (readFileSync(join(directory, file)).toString('latin1').includes(answerCanary))
      leaks.push(`an answer in file ${file}`);
  }
  if (expected === 0) leaks.push('the canary was found nowhere at all: the scan itself is broken');
  return leaks;
}

/** As text in any case, and as UTF-16 or base64, should somebody have encoded it. */
function holds(haystack: Buffer | string): boolean {
  const text = (typeof haystack === 'string' ? haystack : haystack.toString('latin1')).toLowerCase();
  return needles.some((needle) => text.includes(needle));
}

const needles = [
  canary,
  answerCanary,
  Buffer.from(canary, 'utf16le').toString('latin1'),
  // Base64 of the canary at each of the three alignments, without the ends that depend on the neighbours.
  ...[0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + canary)
      .toString('base64')
      .slice(4, -4)
      .toLowerCase(),
  ),
];
