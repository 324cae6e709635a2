/**
 * Traces, over `@opentelemetry/api` alone: without an SDK (see preload.ts) every span is a no-op. A record carries its
 * trace in the W3C `traceparent` header, and only when the trace is sampled, so whoever is not traced pays one look-up.
 */
import {
  type Context,
  metrics,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';

/** Header of records and of HTTP requests and responses. */
export const traceparentHeader = 'traceparent';

/** Finds the SDK when one is registered, also after this module was loaded. */
export const tracer = trace.getTracer('quantum-router');

/** Tasks keep the header for as long as a row lives; later versions have room for what they append. */
const maxTraceparentLength = 256;
const traceparentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The remote span a `traceparent` names; null where it is absent or malformed, which is never an error. */
export function parseTraceparent(header: unknown): SpanContext | null {
  if (typeof header !== 'string' || header.length > maxTraceparentLength) return null;
  const match = traceparentForm.exec(header);
  if (!match) return null;
  const [, version, traceId, spanId, flags, more] = match;
  // Later versions may append fields; version 00 has none, and ff is no version.
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  const traceFlags = Number.parseInt(flags!, 16) & TraceFlags.SAMPLED;
  const parsed = { traceId: traceId!, spanId: spanId!, traceFlags, isRemote: true };
  return trace.isSpanContextValid(parsed) ? parsed : null;
}

/** The same, null for unsampled traces too: records of those are handled as if they had none. */
export function sampledParent(header: unknown): SpanContext | null {
  // Callers that always send the header, sampled or not, are common: those need no parsing.
  if (typeof header === 'string' && header.endsWith('-00')) return null;
  const parent = parseTraceparent(header);
  return parent && isSampled(parent) ? parent : null;
}

function isSampled(context: SpanContext): boolean {
  return (context.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** The header that makes others continue from this span; null when its trace is not sampled. */
export function traceparentOf(span: Span): string | null {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return (traceFlags & TraceFlags.SAMPLED) !== 0 ? `00-${traceId}-${spanId}-01` : null;
}

/** A context to start children of a remote span in. */
export function childrenOf(parent: SpanContext | null): Context {
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

/** Ends a span that failed. Of an error only its name: messages may quote what traces must not hold. */
export function endFailed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'unknown error' });
  span.end();
}

const flushTimeoutMs = 1_000;

/** What the SDK registers can do, where there is one. */
interface Flushable {
  forceFlush?(options: { timeoutMillis: number }): Promise<void>;
}

/** Hands over what has not been exported yet. Call it before `process.exit`. Takes a second at most and never rejects. */
export async function flushTraces(): Promise<void> {
  const provider = trace.getTracerProvider() as { getDelegate?(): object };
  const sdk = (provider.getDelegate?.() ?? provider) as Flushable;
  const meters = metrics.getMeterProvider() as Flushable;
  const flush = (of: Flushable): Promise<void> | undefined =>
    // A collector that is away must not keep a process from ending.
    of.forceFlush?.({ timeoutMillis: flushTimeoutMs }).catch(() => {});
  await Promise.all([flush(sdk), flush(meters)]);
}
