/** Endpoints as an HTTP server: bodies, hooks that every request goes through, and how refusals are said. */
import { type IncomingMessage, METHODS } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { suggestName } from '../../../lib/config/describe-issues';
import type { Log } from '../../../lib/telemetry/log';
import { admitRequests, type GateParts } from '../access/admit';
import { mustCover } from '../access/check-access';
import { withoutAzure } from '../doors/azure-paths';
import { formOf, formOfPath } from '../doors/error-form';
import type { Endpoint, GatewayContext } from '../endpoint';
import { traceRequests } from '../trace-requests';
import { type BodyBudget, type BodyShare, createBodyBudget } from './body-budget';
import { HttpError, toHttpError } from './http-error';
import { withWholeModelName } from './model-paths';
import type { Door } from './open-door';
import { acceptedEncodings, parseJson, readText } from './read-body';

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request holds of the bytes that bodies may take; null without a body. */
    bodyShare: BodyShare | null;
    /** A body of JSON as it came, uncompressed; empty for any other. */
    bodyText: string;
    isHandled: boolean;
  }
}

/** The rest of a body of so much is read sooner than its sender has another connection. */
const smallBodyBytes = 16_384;
export interface ServedBy {
  readonly context: GatewayContext;
  readonly gate: GateParts;
  /** Listens already, and goes on when the server is closed. */
  readonly door: Door;
  readonly log: Log;
}

/** A server whose `routing` answers requests once it is ready. Throws for an endpoint of which nobody has decided who may use it. */
export function serveEndpoints(
  endpoints: readonly Endpoint[],
  { context, gate, door, log }: ServedBy,
): FastifyInstance {
  const server = serverAt(door);
  takeBodies(server, endpoints, context);
  traceRequests(server);
  mustCover(endpoints);
  admitRequests(server, endpoints, urlOf, gate);
  addRoutes(server, endpoints, context);
  refuseUnknown(server, endpoints);
  refuseWhileStopping(server);
  sayRefusals(server, endpoints, log);
  countResponses(server, context);
  return server;
}

function serverAt(door: Door): FastifyInstance {
  const server = Fastify({
    logger: false,
    serverFactory: () => door.server,
    // Ids go up to 200 characters, each of which a URL may write as up to twelve.
    routerOptions: { maxParamLength: 2_400, ignoreTrailingSlash: true },
    rewriteUrl: (request) => withWholeModelName(withoutAzure(request)),
    exposeHeadRoutes: true,
    // Refused below, in the form of every other refusal.
    return503OnClosing: false,
    clientErrorHandler: () => {},
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const refused = toHttpError(error);
      reply.status(refused.status).send(formOf(refused, formOfPath(request.raw.url ?? '')));
    },
  });
  // A method that the server does not know would be an error of its own; so it is one that no path takes.
  for (const method of METHODS) if (!server.supportedMethods.includes(method)) server.addHttpMethod(method);
  return server;
}

function addRoutes(server: FastifyInstance, endpoints: readonly Endpoint[], { standby }: GatewayContext): void {
  for (const { method, path, handler, standsBy } of endpoints) {
    server.route({
      method,
      url: urlOf(path),
      handler: async (request, reply) => {
        request.isHandled = true;
        try {
          if (standby && !standsBy) throw new HttpError('not_ready', `not ready: waiting for ${standby.waitingFor}`);
          return await handler(request, reply);
        } finally {
          request.isHandled = false;
          // The caller has gone meanwhile.
          if (reply.raw.closed) request.bodyShare?.release();
        }
      },
    });
  }
  for (const path of pathsOf(endpoints)) {
    const allow = methodsOf(endpoints, path).join(', ');
    server.route({
      method: 'OPTIONS',
      url: urlOf(path),
      handler: (_request, reply) => reply.status(204).header('allow', allow).send(),
    });
  }
}

function pathsOf(endpoints: readonly Endpoint[]): string[] {
  return [...new Set(endpoints.map(({ path }) => path))];
}

/** What a path of an endpoint takes. */
function methodsOf(endpoints: readonly Endpoint[], path: string): string[] {
  const methods = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method);
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
}

/** What no path takes, and methods that its path does not. */
function refuseUnknown(server: FastifyInstance, endpoints: readonly Endpoint[]): void {
  const paths = pathsOf(endpoints);
  const patterns = paths.map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}/?$`) }));
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const given = request.url.split('?')[0] ?? '';
    const known = patterns.find(({ pattern }) => pattern.test(given));
    if (!known) throw new HttpError('not_found', `there is no ${request.method} ${given}${suggestName(given, paths)}`);
    const allowed = methodsOf(endpoints, known.path).join(', ');
    reply.header('allow', allowed);
    throw new HttpError('method_not_allowed', `${known.path} takes ${allowed}, not ${request.method}`);
  };
  // Before the body is looked at: what no path takes needs none, whatever its method says of bodies.
  server.addHook('onRequest', async (request, reply) => {
    if (request.is404) refuse(request, reply);
  });
  server.setNotFoundHandler(refuse);
}

function refuseWhileStopping(server: FastifyInstance): void {
  let isStopping = false;
  server.addHook('preClose', async () => {
    isStopping = true;
  });
  server.addHook('onRequest', async () => {
    if (isStopping) throw new HttpError('not_ready', 'this gateway is stopping: ask again in a moment');
  });
}

/** In the form of the API that was called, whatever was thrown. */
function sayRefusals(server: FastifyInstance, endpoints: readonly Endpoint[], log: Log): void {
  const forms = new Map(endpoints.map(({ path, errorForm = 'own' }) => [urlOf(path), errorForm]));
  server.setErrorHandler((error, request, reply) => {
    const refused = toHttpError(error);
    if (refused.code === 'internal')
      log.error('a request failed', { route: request.routeOptions.url ?? '', error: error as Error });
    if (refused.status === 401) reply.header('www-authenticate', 'Bearer');
    if (refused.status === 503 && !reply.hasHeader('retry-after')) reply.header('retry-after', '1');
    if (refused.field === 'content-encoding') reply.header('accept-encoding', acceptedEncodings);
    // The server would close it behind every body that is refused, though all of it may have been read.
    if (isSoonThrough(request.raw)) reply.removeHeader('connection');
    else reply.header('connection', 'close');
    // What is left of the body is thrown away.
    if (!request.raw.complete) request.raw.resume();
    const form = forms.get(request.routeOptions.url ?? '') ?? formOfPath(request.url);
    // Both have models at the same paths.
    const isOfAnthropic = form === 'openai' && request.headers['anthropic-version'] !== undefined;
    return reply.status(refused.status).send(formOf(refused, isOfAnthropic ? 'anthropic' : form));
  });
}

/** Whether a connection can serve the next request as soon as it has another: what is left of this one is little. */
function isSoonThrough({ complete, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length'] ?? 0);
  return complete || (headers['transfer-encoding'] === undefined && length <= smallBodyBytes);
}

/** Parameters as the server writes them. */
function urlOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** Bodies are received here, counted, and released when nobody holds them any more: neither a handler nor the connection. */
function takeBodies(
  server: FastifyInstance,
  endpoints: readonly Endpoint[],
  { settings, metrics }: GatewayContext,
): void {
  const takeFiles = new Set(endpoints.filter(({ takesFiles }) => takesFiles).map(({ path }) => urlOf(path)));
  const needBodies = new Set(
    endpoints.filter(({ body }) => body?.required).map(({ method, path }) => `${method} ${urlOf(path)}`),
  );
  const budget: BodyBudget = createBodyBudget(settings.maxBodyBytesInFlight);
  metrics.onCollect(() => metrics.set('quantum_router_http_body_bytes', {}, budget.usedBytes));
  server.decorateRequest('bodyShare', null);
  server.decorateRequest('bodyText', '');
  server.decorateRequest('isHandled', false);
  server.addHook('preParsing', (request, reply, _payload, done) => {
    reply.raw.once('close', () => {
      if (!request.isHandled) request.bodyShare?.release();
    });
    done();
  });
  const textOf = (request: FastifyRequest): Promise<string> => {
    const mayHoldFiles = takeFiles.has(request.routeOptions.url ?? '');
    return readText(request.raw, {
      maxBodyBytes: mayHoldFiles ? settings.maxCallBytes : settings.maxBodyBytes,
      advice: mayHoldFiles ? '; --max-call-bytes or HTTP_MAX_CALL_BYTES raises that, and pictures may be URLs' : '',
      budget,
      onShare: (share) => {
        request.bodyShare = share;
      },
    });
  };
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    request.bodyText = await textOf(request);
    // Client libraries say of every request that it is JSON, also where there is nothing to send.
    const isOptional = !needBodies.has(`${request.method} ${request.routeOptions.url ?? ''}`);
    return request.bodyText === '' && isOptional ? undefined : parseJson(request.bodyText);
  });
  server.addContentTypeParser(['application/yaml', 'application/x-yaml', 'text/yaml'], textOf);
}

/** Labels are bound once per route and status: looking them up at every response would cost more than counting. */
function countResponses(server: FastifyInstance, context: GatewayContext): void {
  const { metrics } = context;
  const bound = new Map<string, { count: () => void; observe: (seconds: number) => void }>();
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const key = `${request.method} ${route} ${reply.statusCode}`;
    let meters = bound.get(key);
    if (!meters) {
      const { method } = request;
      meters = {
        count: metrics.counter('quantum_router_http_requests_total', {
          method,
          route,
          status: String(reply.statusCode),
        }),
        observe: metrics.histogram('quantum_router_http_request_seconds', { method, route }),
      };
      bound.set(key, meters);
    }
    meters.count();
    meters.observe(reply.elapsedTime / 1_000);
    done();
  });
}
