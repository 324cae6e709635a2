/** The spans of a producing client: one where a record is sent, one where its decision arrives. No-ops without an SDK. */
import { type Attributes, type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import type { Headers, LogRecord } from '../ports/broker';
import { attributesOf } from '../telemetry/trace-attributes';
import { childrenOf, sampledParent, traceparentHeader, traceparentOf, tracer } from '../telemetry/tracing';
import type { RouteDecided } from '../topics/generated/messages';
import { topics } from '../topics/topics';

/** Whoever serves a request waits in this context for its decision. */
export interface Sending {
  readonly span: Span;
  /** With `traceparent` when the trace is sampled. */
  readonly headers: Headers;
}

/** Starts the PRODUCER span of one record; end it once the record is durable. */
export function startSending(topicName: string, event: unknown, headers: Headers, parent: Context): Sending {
  const span = tracer.startSpan(`${topicName} send`, { kind: SpanKind.PRODUCER }, parent);
  const traceparent = traceparentOf(span);
  if (traceparent === null) return { span, headers };
  span.setAttributes({ ...placeOf(topicName, 'send'), ...attributesOf(topicName, event) });
  return { span, headers: { ...headers, [traceparentHeader]: traceparent } };
}

/** A span where a decision has come, in the trace that made it, and an event at the span that waited for it. */
export function traceArrival(record: LogRecord, decision: RouteDecided, waiting: Context): void {
  const header = record.headers[traceparentHeader];
  if (header === undefined) return;
  const parent = sampledParent(header);
  if (!parent) return;
  const { name } = topics.routeDecided;
  const attributes = { ...placeOf(name, 'receive'), ...attributesOf(name, decision) };
  tracer.startSpan(`${name} receive`, { kind: SpanKind.CONSUMER, attributes }, childrenOf(parent)).end();
  trace.getSpan(waiting)?.addEvent('decided', { 'quantum_router.model': decision.model });
}

function placeOf(topicName: string, operation: 'send' | 'receive'): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.type': operation,
    'messaging.operation.name': operation,
    'messaging.destination.name': topicName,
  };
}
