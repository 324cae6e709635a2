/** A server span for every endpoint that puts something on the log, in the caller's trace where there is one. */
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { childrenOf, parseTraceparent, traceparentHeader, traceparentOf, tracer } from '../../lib/telemetry/tracing';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where requests are not traced; not recording where this one is not sampled. */
    serverSpan: Span | null;
  }
}

/** Hooks that start and end the span; the response names it in `traceparent`. */
export function traceRequests(server: FastifyInstance): void {
  server.decorateRequest('serverSpan', null);
  server.addHook('onRequest', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url;
    // Reading is not traced: probes and pages would drown the requests.
    if (route === undefined || !(method === 'POST' || method === 'PUT')) return done();
    const parent = childrenOf(parseTraceparent(request.headers[traceparentHeader]));
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    request.serverSpan = span;
    const traceparent = traceparentOf(span);
    if (traceparent !== null) reply.header(traceparentHeader, traceparent);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const span = request.serverSpan;
    if (span?.isRecording()) {
      span.setAttribute('http.response.status_code', reply.statusCode);
      if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
    done();
  });
  // The caller has gone: there is no response to end it.
  server.addHook('onRequestAbort', (request, done) => {
    request.serverSpan?.end();
    done();
  });
}

/** What a request sends continues from here; for one that is not sampled, too, or a trace would start in its middle. */
export function contextOf(request: FastifyRequest, requestId: string): Context {
  const { serverSpan } = request;
  if (!serverSpan) return ROOT_CONTEXT;
  serverSpan.setAttribute('quantum_router.request_id', requestId);
  return trace.setSpan(ROOT_CONTEXT, serverSpan);
}
