/** Which pages in a browser may call: those of the origins that the configuration names, with a key in a header and no cookies. */
import type { IncomingHttpHeaders } from 'node:http';
import type { AccessConfig } from '../../../lib/config/access-config';

/** Client libraries in a browser look at these. */
const exposed =
  'x-quantum-model, x-quantum-provider, x-quantum-decision-id, x-quantum-attempt, x-quantum-overhead-ms, x-quantum-cost-usd, x-quantum-degraded, x-quantum-upstream-request-id, x-quantum-token-count, x-quantum-adapted, x-quantum-repeated, x-request-id, request-id, retry-after, etag, traceparent, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, anthropic-ratelimit-requests-limit, anthropic-ratelimit-requests-remaining, anthropic-ratelimit-requests-reset';

/** Names of headers, as many as a preflight of a client library asks for. */
const headerNames = /^[a-z0-9-]+( *, *[a-z0-9-]+){0,63}$/i;

/** Headers of an answer to this request; none where its page may not call. */
export function corsHeaders(
  headers: IncomingHttpHeaders,
  isPreflight: boolean,
  { origins, maxAgeSeconds }: AccessConfig['cors'],
): Record<string, string> {
  if (origins.length === 0) return {};
  const { origin } = headers;
  // Caches must not give the answer for one origin to another.
  const vary = { vary: 'Origin' };
  if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return vary;
  const allowed = { ...vary, 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed };
  if (!isPreflight || headers['access-control-request-method'] === undefined) return allowed;
  const asked = headers['access-control-request-headers'];
  return {
    ...allowed,
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
    'access-control-max-age': String(maxAgeSeconds),
    ...(typeof asked === 'string' && headerNames.test(asked) && { 'access-control-allow-headers': asked }),
  };
}
