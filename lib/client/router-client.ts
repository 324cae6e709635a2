/**
 * A producer's view of the router: send a request, await its decision, report the outcome. Speaks only through topics,
 * so it works wherever the broker does.
 */
import type { Broker, Follower, LogRecord } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { RouteDecided, RouteOutcome, RouteRequested } from '../topics/generated/messages';
import { topics } from '../topics/topics';

/** Header that says which client waits for a decision; readers drop others by it before decoding. */
export const replyToHeader = 'reply-to';

/** The decision did not come in time. The request may still be decided later. */
export class DecisionTimeoutError extends Error {
  constructor(requestId: string, timeoutMs: number) {
    super(`no decision for request ${requestId} within ${timeoutMs} ms`);
    this.name = 'DecisionTimeoutError';
  }
}

export interface RouterClient {
  /** Resolves with the first decision of this request; rejects with DecisionTimeoutError. */
  route(request: RouteRequested, timeoutMs: number): Promise<RouteDecided>;
  /** Resolves when the outcome is durable. */
  report(outcome: RouteOutcome): Promise<void>;
  /** Requests that wait for a decision now. */
  readonly waiting: number;
  close(): Promise<void>;
}

export interface RouterClientOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Unique per process: decisions of other clients are dropped by it. */
  readonly clientId: string;
  readonly topicName?: (name: string) => string;
  readonly onFailed: (error: Error) => void;
  /** Sees every decision for this client, waited for or not. */
  readonly onDecision?: (decision: RouteDecided) => void;
}

interface Waiter {
  readonly resolve: (decision: RouteDecided) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

/** Waiters are swept together: a timer per request would cost more than the request. */
const sweepIntervalMs = 50;

/** Resolves once positioned at the end of `route.decided`, so that no decision of a later request is missed. */
export async function createRouterClient(options: RouterClientOptions): Promise<RouterClient> {
  const { broker, clock, clientId } = options;
  const topicName = options.topicName ?? ((name: string) => name);
  const producer = broker.producer(`client-${clientId}`);
  const waiters = new Map<string, Waiter>();
  let cancelSweep: (() => void) | null = null;
  let closed = false;

  const take = (records: readonly LogRecord[]): void => {
    for (const record of records) {
      if (record.headers[replyToHeader] !== clientId || record.value === null) continue;
      const decision = topics.routeDecided.codec.decode(record.value);
      options.onDecision?.(decision);
      const waiter = waiters.get(decision.requestId);
      if (!waiter) continue;
      waiters.delete(decision.requestId);
      waiter.resolve(decision);
    }
  };

  const sweep = (): void => {
    cancelSweep = null;
    const nowMs = clock.monotonicMs();
    for (const [requestId, waiter] of waiters) {
      if (waiter.deadlineMs > nowMs) continue;
      waiters.delete(requestId);
      waiter.reject(new DecisionTimeoutError(requestId, waiter.timeoutMs));
    }
    if (waiters.size > 0) cancelSweep = clock.setTimer(sweepIntervalMs, sweep);
  };

  const follower: Follower = await broker.follow({
    topic: topicName(topics.routeDecided.name),
    startAt: 'latest',
    onRecords: take,
    onFailed: options.onFailed,
  });

  return {
    get waiting() {
      return waiters.size;
    },
    route(request, timeoutMs) {
      if (closed) return Promise.reject(new Error('the client is closed'));
      if (waiters.has(request.requestId))
        return Promise.reject(new Error(`request ${request.requestId} already waits for its decision`));
      const decided = new Promise<RouteDecided>((resolve, reject) => {
        waiters.set(request.requestId, { resolve, reject, deadlineMs: clock.monotonicMs() + timeoutMs, timeoutMs });
      });
      cancelSweep ??= clock.setTimer(sweepIntervalMs, sweep);
      const value = topics.routeRequested.codec.encode({ ...request, replyTo: clientId });
      producer
        .send([
          {
            topic: topicName(topics.routeRequested.name),
            key: topics.routeRequested.keyOf(request),
            value,
            headers: { [replyToHeader]: clientId },
          },
        ])
        .catch((error: Error) => {
          const waiter = waiters.get(request.requestId);
          waiters.delete(request.requestId);
          waiter?.reject(error);
        });
      return decided;
    },
    async report(outcome) {
      const value = topics.routeOutcome.codec.encode(outcome);
      await producer.send([
        { topic: topicName(topics.routeOutcome.name), key: topics.routeOutcome.keyOf(outcome), value },
      ]);
    },
    async close() {
      if (closed) return;
      closed = true;
      cancelSweep?.();
      for (const waiter of waiters.values()) waiter.reject(new Error('the client was closed'));
      waiters.clear();
      await follower.stop();
      await producer.close();
    },
  };
}
