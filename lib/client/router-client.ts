/**
 * A producer's view of the router: send a request, await its decision, report the outcome. Speaks only through topics,
 * so it works wherever the broker does.
 */
import { type Context, context } from '@opentelemetry/api';
import { codecOf, UndecodableError } from '../avro/codec';
import type { Broker, Follower, Headers, LogRecord } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { endFailed } from '../telemetry/tracing';
import type { Topic } from '../topics/define-topic';
import type {
  DeadLetter,
  RouteDecided,
  RouteOutcome,
  RouteRefused,
  RouteRequested,
} from '../topics/generated/messages';
import { idFault } from '../topics/identifiers';
import { readRow } from '../topics/read-row';
import { deadLetterTopicName, topics } from '../topics/topics';
import { startSending, traceArrival } from './client-trace';

/** Header that says which client waits for a decision; readers drop others by it before decoding. */
export const replyToHeader = 'reply-to';

/** The decision did not come in time. The request may still be decided later. */
export class DecisionTimeoutError extends Error {
  constructor(requestId: string, timeoutMs: number) {
    super(`no decision for request ${requestId} within ${timeoutMs} ms`);
    this.name = 'DecisionTimeoutError';
  }
}

/** Intake has found that the request can never be decided. It is in `route.requested.dlq`. */
export class RequestRefusedError extends Error {
  constructor(
    requestId: string,
    readonly reason: string,
    /** Path of the field at fault, such as `limits.maxSessionCostUsd`, where there is one. */
    readonly field: string | null,
  ) {
    super(`request ${requestId} was refused: ${reason}`);
    this.name = 'RequestRefusedError';
  }
}

/** A budget does not allow the request: it is in `route.refused`. */
export class BudgetRefusedError extends Error {
  constructor(readonly refused: RouteRefused) {
    super(`request ${refused.requestId} was refused: ${refused.reason}`);
    this.name = 'BudgetRefusedError';
  }
}

/** Where OpenTelemetry is set up, records continue the trace of `parent`, by default of the context the caller is in. */
export interface RouterClient {
  /** Resolves with the first decision of this request; rejects with DecisionTimeoutError, RequestRefusedError or BudgetRefusedError, at once for an id that no record can carry. */
  route(request: RouteRequested, timeoutMs: number, parent?: Context): Promise<RouteDecided>;
  /** Resolves when the outcome is durable. */
  report(outcome: RouteOutcome, parent?: Context): Promise<void>;
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
  /**
   * Whether dead letters are read, too, so that a refused request rejects at once instead of at its time-out. They hold
   * prompts, of others as well: for who may see those.
   */
  readonly readsDeadLetters?: boolean;
  /** Sees every decision for this client, waited for or not. */
  readonly onDecision?: (decision: RouteDecided) => void;
}

interface Waiter {
  readonly resolve: (decision: RouteDecided) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** The trace that waits. */
  readonly parent: Context;
}

/** Waiters are swept together: a timer per request would cost more than the request. */
const sweepIntervalMs = 50;
/** While nobody waits, what others are told is looked at so often. */
const idleLingerMs = 100;

const deadLetterCodec = codecOf<DeadLetter>('DeadLetter');

interface Refusal extends Pick<RouteRequested, 'requestId' | 'replyTo'>, Pick<DeadLetter, 'reason' | 'field'> {}

/** Null for a dead letter that is no readable request. */
function refusalOf(value: Buffer): Refusal | null {
  try {
    const { reason, field, value: original } = deadLetterCodec.decode(value);
    const request = original && topics.routeRequested.codec.decode(original);
    return request && { requestId: request.requestId, replyTo: request.replyTo, reason, field };
  } catch (error) {
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}

const outcomeNames = ['decisionId', 'routingKey', 'model', 'source'] as const;

function refuseFaulty(field: string, value: string): void {
  const fault = idFault(value);
  if (fault !== null) throw new Error(`${field}: ${fault}`);
}

/** Resolves once positioned at the end of `route.decided`, so that no decision of a later request is missed. */
export async function createRouterClient(options: RouterClientOptions): Promise<RouterClient> {
  const { broker, clock, clientId } = options;
  const topicName = options.topicName ?? ((name: string) => name);
  const producer = broker.producer(`client-${clientId}`);
  const waiters = new Map<string, Waiter>();
  let cancelSweep: (() => void) | null = null;
  let closed = false;

  const send = async <T>(topic: Topic<T>, event: T, value: Buffer, ownHeaders: Headers, parent: Context) => {
    const { span, headers } = startSending(topic.name, event, ownHeaders, parent);
    try {
      await producer.send([{ topic: topicName(topic.name), key: topic.keyOf(event), value, headers }]);
      span.end();
    } catch (error) {
      endFailed(span, error);
      throw error;
    }
  };

  const take = (records: readonly LogRecord[]): void => {
    for (const record of records) {
      if (record.headers[replyToHeader] !== clientId || record.value === null) continue;
      const read = readRow(topics.routeDecided, record);
      // Whoever wrote it, it is no decision: its request has another, or none in time.
      if (read.kind !== 'row') continue;
      const decision = read.value;
      options.onDecision?.(decision);
      const waiter = waiters.get(decision.requestId);
      if (!waiter) continue;
      waiters.delete(decision.requestId);
      traceArrival(record, decision, waiter.parent);
      waiter.resolve(decision);
    }
  };

  const takeRefused = (records: readonly LogRecord[]): void => {
    if (waiters.size === 0) return;
    for (const { value } of records) {
      const refused = value && refusalOf(value);
      if (!refused || refused.replyTo !== clientId) continue;
      const waiter = waiters.get(refused.requestId);
      waiters.delete(refused.requestId);
      waiter?.reject(new RequestRefusedError(refused.requestId, refused.reason, refused.field));
    }
  };

  const takeUnpaid = (records: readonly LogRecord[]): void => {
    for (const record of records) {
      if (record.headers[replyToHeader] !== clientId || record.value === null) continue;
      const read = readRow(topics.routeRefused, record);
      if (read.kind !== 'row') continue;
      const waiter = waiters.get(read.value.requestId);
      waiters.delete(read.value.requestId);
      waiter?.reject(new BudgetRefusedError(read.value));
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

  const follow = (topic: string, onRecords: (records: readonly LogRecord[]) => void): Promise<Follower> =>
    broker.follow({
      topic: topicName(topic),
      startAt: 'latest',
      lingerMs: () => (waiters.size > 0 ? 0 : idleLingerMs),
      onRecords,
      onFailed: options.onFailed,
    });
  const followers = [await follow(topics.routeDecided.name, take), await follow(topics.routeRefused.name, takeUnpaid)];
  if (options.readsDeadLetters)
    followers.push(await follow(deadLetterTopicName(topics.routeRequested.name), takeRefused));

  return {
    get waiting() {
      return waiters.size;
    },
    async route(request, timeoutMs, parent = context.active()) {
      if (closed) throw new Error('the client is closed');
      const { requestId } = request;
      // On its way it would become another id, whose decision nobody waits for.
      refuseFaulty('requestId', requestId);
      if (request.sessionId !== null) refuseFaulty('sessionId', request.sessionId);
      if (waiters.has(requestId)) throw new Error(`request ${requestId} already waits for its decision`);
      // Whatever can throw comes first: a waiter that nobody waits for would reject into the void.
      const value = topics.routeRequested.codec.encode({ ...request, replyTo: clientId });
      const decided = new Promise<RouteDecided>((resolve, reject) => {
        const deadlineMs = clock.monotonicMs() + timeoutMs;
        waiters.set(requestId, { resolve, reject, deadlineMs, timeoutMs, parent });
      });
      cancelSweep ??= clock.setTimer(sweepIntervalMs, sweep);
      if (waiters.size === 1) for (const follower of followers) follower.hurry();
      send(topics.routeRequested, request, value, { [replyToHeader]: clientId }, parent).catch((error: Error) => {
        const waiter = waiters.get(requestId);
        waiters.delete(requestId);
        waiter?.reject(error);
      });
      return decided;
    },
    async report(outcome, parent = context.active()) {
      for (const field of outcomeNames) if (outcome[field] !== null) refuseFaulty(field, outcome[field]);
      const value = topics.routeOutcome.codec.encode(outcome);
      await send(topics.routeOutcome, outcome, value, {}, parent);
    },
    async close() {
      if (closed) return;
      closed = true;
      cancelSweep?.();
      for (const waiter of waiters.values()) waiter.reject(new Error('the client was closed'));
      waiters.clear();
      for (const follower of followers) await follower.stop();
      await producer.close();
    },
  };
}
