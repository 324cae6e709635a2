/** The gate in front of every route: who asks, whether he may, and how often. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access } from '../../../lib/access/access-table';
import type { AccessConfig } from '../../../lib/config/access-config';
import type { Clock } from '../../../lib/ports/clock';
import type { Metrics } from '../../../lib/telemetry/metrics';
import type { ErrorForm } from '../doors/error-form';
import type { Endpoint } from '../endpoint';
import { HttpError } from '../http/http-error';
import { cameByAdminPort, isAtCallersPort } from '../http/open-door';
import { accessOf, isForAnybody, isForCallers, refuseUnlessAllowed } from './check-access';
import { corsHeaders } from './cors';
import { type RateLimiter, rateLimitHeaders } from './rate-limit';
import { type Asker, type Identifier, isLoopbackHost, nobody } from './who-is-asking';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; nobody until the gate has looked. */
    asker: Asker;
    /** Whether whoever asked might still ask this now: for what goes on after the gate has looked. Never rejects. */
    mayStill(): Promise<boolean>;
  }
}

export interface GateParts {
  readonly identifier: Identifier;
  readonly limiter: RateLimiter;
  readonly access: () => AccessConfig | null;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly settings: { readonly host: string; readonly adminHost: string; readonly adminPort: number | null };
}

interface Route {
  readonly path: string;
  readonly access: Access;
  readonly form: ErrorForm;
}

/** `urlOf` gives the path of an endpoint as the server knows it. Throws for an endpoint that nobody has decided on. */
export function admitRequests(
  server: FastifyInstance,
  endpoints: readonly Endpoint[],
  urlOf: (path: string) => string,
  { identifier, limiter, access, clock, metrics, settings }: GateParts,
): void {
  const routes = new Map(
    endpoints.map((endpoint): [string, Route] => {
      const { method, path, errorForm: form = 'own' } = endpoint;
      return [`${method} ${urlOf(path)}`, { path, access: accessOf(endpoint), form }];
    }),
  );
  const isLoopback = (request: FastifyRequest): boolean =>
    isLoopbackHost(cameByAdminPort(request.raw) ? settings.adminHost : settings.host);

  const identified = async (request: FastifyRequest, route: Route): Promise<Asker> => {
    try {
      return await identifier.identify({ headers: request.headers, isLoopback: isLoopback(request) });
    } catch (error) {
      if (isForAnybody(route.access) && error instanceof HttpError) return nobody;
      throw error;
    }
  };

  const counted = async <T>(request: FastifyRequest, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      const reason = error instanceof HttpError ? reasonOf(error, request) : null;
      if (reason !== null) metrics.count('quantum_router_http_refused_total', { reason });
      throw error;
    }
  };

  const mayStill = async (request: FastifyRequest, route: Route): Promise<boolean> => {
    try {
      refuseUnlessAllowed(route.access, route.path, await identified(request, route));
      return true;
    } catch (error) {
      // That nobody can tell just now (an issuer is away) ends nothing.
      return !(error instanceof HttpError && (error.code === 'unauthenticated' || error.code === 'forbidden'));
    }
  };

  server.decorateRequest('asker');
  server.decorateRequest('mayStill');
  server.addHook('onRequest', async (request, reply) => {
    request.asker = nobody;
    const isPreflight = request.method === 'OPTIONS';
    const cors = access()?.cors;
    if (cors) reply.headers(corsHeaders(request.headers, isPreflight, cors));
    // What no path takes is refused by whoever comes next, and OPTIONS only tells what the document tells.
    if (request.is404 || isPreflight) return;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = routes.get(`${method} ${request.routeOptions.url}`);
    if (!route) throw new HttpError('forbidden', 'nobody may use this');
    if (isAtCallersPort(request.raw, settings) && !isForCallers(route.access))
      throw new HttpError('not_found', `there is no ${request.method} ${route.path} at this port`);
    await counted(request, async () => {
      const asker = await identified(request, route);
      request.asker = asker;
      request.mayStill = () => mayStill(request, route);
      refuseUnlessAllowed(route.access, route.path, asker);
      if (asker.limit === null || isForAnybody(route.access)) return;
      const limited = await limiter.take(asker.limit);
      reply.headers(rateLimitHeaders(limited, route.form, clock.nowMs()));
      if (limited.isTaken) return;
      reply.header('retry-after', String(Math.max(1, Math.ceil(limited.retryAfterSeconds))));
      throw new HttpError(
        'rate_limited',
        `this key may ask ${asker.limit.requestsPerMinute} times a minute; try again in ${Math.max(1, Math.ceil(limited.retryAfterSeconds))} s`,
      );
    });
  });
}

function reasonOf(error: HttpError, { headers }: FastifyRequest): string | null {
  if (error.code === 'unauthenticated')
    return [headers.authorization, headers['x-api-key'], headers['api-key']].every((one) => one === undefined)
      ? 'no-credential'
      : 'bad-credential';
  if (error.code === 'rate_limited') return 'rate-limited';
  return error.code === 'forbidden' ? 'forbidden' : null;
}
