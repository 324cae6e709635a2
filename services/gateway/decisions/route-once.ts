/** Asks for a decision and remembers that it is under way, so that the same request need not be asked twice. */
import type { Context } from '@opentelemetry/api';
import type { RouteDecided, RouteRequested } from '../../../lib/topics/generated/messages';
import type { GatewayContext } from '../endpoint';

/** Rejects as the client's `route` does. */
export function routeOnce(
  { client, underWay }: GatewayContext,
  request: RouteRequested,
  contentHash: () => string,
  timeoutMs: number,
  traced: Context,
): Promise<RouteDecided> {
  const { requestId } = request;
  const decided = client.route(request, timeoutMs, traced).finally(() => underWay.delete(requestId));
  underWay.set(requestId, { decided, contentHash });
  return decided;
}
