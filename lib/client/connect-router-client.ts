/** The client of an application that has nothing to do with the engine but the Kafka they share. */
import { openKafkaBroker } from '../adapters/kafka/kafka-broker';
import { defaultKafkaSettings, type KafkaSettings } from '../adapters/kafka/kafka-settings';
import { systemClock, systemIds } from '../adapters/system';
import { createLog, type Log } from '../telemetry/log';
import { createMetrics } from '../telemetry/metrics';
import type { RouteDecided } from '../topics/generated/messages';
import { shareSchemas } from '../topics/share-schemas';
import { type OutcomeFields, type RequestFields, routeOutcome, routeRequest } from './build-records';
import { createRouterClient } from './router-client';

export interface ConnectOptions {
  /** `brokers` at least; security and time-outs as in KafkaSettings. */
  readonly kafka: Partial<KafkaSettings> & Pick<KafkaSettings, 'brokers'>;
  /** That of the engine; '' by default. */
  readonly topicPrefix?: string;
  /** Warnings and errors go to stderr as JSON lines by default. */
  readonly log?: Log;
  /** Decisions can no longer be read: `route` rejects from now on, so connect anew. */
  readonly onFailed?: (error: Error) => void;
}

export interface ConnectedRouterClient {
  /**
   * Resolves with the decision. The id is made up and the time is now unless given. Rejects with DecisionTimeoutError after
   * `timeoutMs` (2,000): an invalid request is never decided, see `route.requested.dlq`; a late decision still comes to the topic.
   */
  route(request: Partial<RequestFields>, options?: { readonly timeoutMs?: number }): Promise<RouteDecided>;
  /** Resolves when the outcome of one call is durable. Without a `model`, of the decided one. */
  report(decision: RouteDecided, outcome: Omit<OutcomeFields, 'occurredAtMs'> & Partial<OutcomeFields>): Promise<void>;
  /** Waiting requests reject. */
  close(): Promise<void>;
}

const defaultTimeoutMs = 2_000;

/**
 * Resolves once no decision of a later request can be missed. Rejects with a readable error when no broker answers within
 * some five seconds, or the engine has not made its topics yet.
 */
export async function connectRouterClient(options: ConnectOptions): Promise<ConnectedRouterClient> {
  const { topicPrefix = '' } = options;
  const clock = systemClock();
  const createId = systemIds();
  const log = options.log ?? createLog({ level: 'warn', nowMs: clock.nowMs });
  const settings = { ...defaultKafkaSettings, ...options.kafka };
  const broker = await openKafkaBroker(settings, { clock, log, metrics: createMetrics() });
  let failed: Error | null = null;
  try {
    const client = await createRouterClient({
      broker,
      clock,
      clientId: `client-${createId()}`,
      topicName: (name) => topicPrefix + name,
      onFailed(error) {
        failed = error;
        options.onFailed?.(error);
      },
    });
    // A release that is newer or older than the engine's is understood, too.
    const sharing = await shareSchemas({ broker, topicPrefix, log });
    return {
      route(request, { timeoutMs = defaultTimeoutMs } = {}) {
        if (failed) return Promise.reject(failed);
        return client.route(
          routeRequest({ requestId: createId(), requestedAtMs: clock.nowMs(), ...request }),
          timeoutMs,
        );
      },
      report: (decision, outcome) => client.report(routeOutcome(decision, { occurredAtMs: clock.nowMs(), ...outcome })),
      async close() {
        await client.close();
        await sharing.stop();
        await broker.close();
      },
    };
  } catch (error) {
    await broker.close();
    throw error;
  }
}
