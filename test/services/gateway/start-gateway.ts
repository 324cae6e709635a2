/** A gateway on a real port over the memory broker, with a responder in place of the services that decide. */
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { replyToHeader } from '../../../lib/client/router-client';
import { createConfigWriter } from '../../../lib/config/apply-config';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import type { Broker } from '../../../lib/ports/broker';
import { deadLetterSettings } from '../../../lib/stream/dead-letters';
import { createLog } from '../../../lib/telemetry/log';
import { createMetrics } from '../../../lib/telemetry/metrics';
import { contentHashOf } from '../../../lib/topics/content-hash';
import { settingsOf } from '../../../lib/topics/define-topic';
import type { RouteDecided, RouteOutcome, RouteRequested } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createGateway } from '../../../services/gateway/gateway';
import type { GatewayOptions } from '../../../services/gateway/gateway-options';
import { patienceMs } from '../../patience';
import { atEnd } from '../../started';

export const testConfig: RouterConfig = defaultRouterConfig([
  {
    name: 'large',
    provider: 'north',
    price: { inputPerMillionUsd: 3, outputPerMillionUsd: 15, perRequestUsd: 0 },
    capabilities: ['vision'],
  },
  {
    name: 'small',
    provider: 'south',
    price: { inputPerMillionUsd: 0.1, outputPerMillionUsd: 0.4, perRequestUsd: 0 },
    contextTokens: 8_000,
  },
]);

const partitions = 4;

export function decisionOf(request: RouteRequested): RouteDecided {
  return {
    requestId: request.requestId,
    decisionId: request.requestId,
    sessionId: request.sessionId,
    tenantId: request.tenantId,
    routingKey: topics.routeRequested.keyOf(request),
    model: 'large',
    provider: 'north',
    fallbacks: [{ model: 'small', provider: 'south' }],
    confidence: 0.7,
    propensity: 0.9,
    candidates: [
      {
        model: 'large',
        provider: 'north',
        eligible: true,
        ineligibleReason: null,
        propensity: 0.9,
        predictedQuality: 0.8,
        utility: 0.8,
        expectedCostUsd: 0.01,
        expectedLatencyMs: 2_000,
      },
      {
        model: 'small',
        provider: 'south',
        eligible: true,
        ineligibleReason: null,
        propensity: 0.1,
        predictedQuality: 0.6,
        utility: 0.6,
        expectedCostUsd: 0.001,
        expectedLatencyMs: 900,
      },
    ],
    strategy: 'LEARNING_OPTIMIZED',
    collapse: 'COMBINED',
    threads: [],
    reasoning: 'because',
    versions: {
      config: 1,
      tuning: 0,
      policySha256: null,
      basisSha256: null,
      encoder: 'test',
      profiles: null,
      profilesAgeMs: null,
    },
    seed: 1,
    explorationFloor: 0.01,
    cacheHit: false,
    degradedTo: 'NONE',
    stagesMs: { queued: 0, intake: 0, strategies: 0, collapse: 0, total: 1 },
    positions: {},
    decidedAtMs: 1,
    contentHash: contentHashOf(request),
    budgets: [],
    goodSet: null,
    exposures: [],
    tenantSettings: [],
    rawConfidence: null,
  };
}

/** `answer` says what the responder does with a request; by default it decides it once. */
export async function startGateway(
  options: Partial<GatewayOptions> & {
    answer?: (request: RouteRequested) => readonly RouteDecided[];
    config?: RouterConfig | null;
    /** What the gateway gets instead of the broker. */
    disturb?: (broker: Broker) => Broker;
  } = {},
) {
  const {
    answer = (request: RouteRequested) => [decisionOf(request)],
    config = testConfig,
    disturb = (broker: Broker) => broker,
    ...gatewayOptions
  } = options;
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([
    ...Object.values(topics).map((topic) => settingsOf(topic as never, partitions)),
    deadLetterSettings(topics.routeRequested, partitions),
  ]);
  if (config) {
    const writer = createConfigWriter({ broker, clock, name: 'test' });
    await writer.apply(config, 0);
    await writer.close();
  }
  const producer = broker.producer('responder');
  const fail = (error: Error): never => {
    throw error;
  };
  const responder = await broker.follow({
    topic: topics.routeRequested.name,
    startAt: 'latest',
    onFailed: fail,
    onRecords: async (records) => {
      const decisions = records.flatMap((record) => {
        const request = topics.routeRequested.codec.decode(record.value!);
        return answer(request).map((decision) => ({ decision, replyTo: request.replyTo! }));
      });
      await producer.send(
        decisions.map(({ decision, replyTo }) => ({
          topic: topics.routeDecided.name,
          key: decision.routingKey,
          value: topics.routeDecided.codec.encode(decision),
          headers: { [replyToHeader]: replyTo },
        })),
      );
    },
  });
  let ids = 0;
  const open = () =>
    createGateway({
      broker: disturb(broker),
      clock,
      createId: () => `id-${++ids}`,
      metrics: createMetrics(),
      log: createLog({ level: 'silent' }),
      requestPathPartitions: partitions,
      onFailed: fail,
      ...gatewayOptions,
      settings: { port: 0, ...gatewayOptions.settings },
    });
  let gateway = await open();
  const requests = (): RouteRequested[] =>
    broker.records(topics.routeRequested.name).map((record) => topics.routeRequested.codec.decode(record.value!));
  const outcomes = (): RouteOutcome[] =>
    broker.records(topics.routeOutcome.name).map((record) => topics.routeOutcome.codec.decode(record.value!));
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await gateway.stop();
      await responder.stop();
      await broker.close();
    })();
    return stopping;
  };
  atEnd(stop);
  return {
    broker,
    clock,
    gateway,
    /** Ends this gateway and starts another one on the same log, for `call` to speak to. */
    async restart(): Promise<void> {
      await gateway.stop();
      gateway = await open();
    },
    requests,
    outcomes,
    /** Resolves when this holds; a clock that is handed in and does not run by itself stands still meanwhile. */
    async until(condition: () => boolean): Promise<void> {
      // By time and not by turns: of these a fast machine makes a hundred thousand in the second that a timer takes.
      const endMs = performance.now() + patienceMs;
      while (!condition()) {
        if (performance.now() > endMs) throw new Error('it never came true');
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    call: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      callHttp(gateway.url, method, path, body, headers),
    stop,
  };
}

export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  readonly body: any;
  readonly headers: Headers;
}

/** A string body is sent as it is, anything else as JSON. */
export async function callHttp(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text, headers: response.headers };
}
