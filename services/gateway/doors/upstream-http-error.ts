/** What the caller hears where no model has answered. */
import type { FastifyReply } from 'fastify';
import type { UpstreamError } from '../../../lib/providers/upstream-error';
import { type ErrorCode, HttpError } from '../http/http-error';

const codes: Readonly<Record<UpstreamError['status'], ErrorCode>> = {
  FAILURE: 'upstream_failed',
  TIMEOUT: 'upstream_timeout',
  RATE_LIMITED: 'rate_limited',
  CANCELLED: 'upstream_failed',
};

export function httpErrorOf(error: UpstreamError): HttpError {
  return new HttpError(codes[error.status], `no model has answered: ${error.message}`);
}

/** What a provider says of the request itself is for the caller, word for word; all else is between us and the provider. */
export function refuse(error: UpstreamError, reply: FastifyReply): string {
  const { httpStatus, body, isRequestFault, retryAfterMs } = error.details;
  if (error.status === 'RATE_LIMITED') reply.header('retry-after', String(Math.ceil((retryAfterMs ?? 1_000) / 1_000)));
  if (!isRequestFault || httpStatus === undefined || body === undefined) throw httpErrorOf(error);
  try {
    JSON.parse(body);
  } catch {
    throw new HttpError('malformed_request', `${error.message}, and not why`);
  }
  reply.status(httpStatus).header('content-type', 'application/json; charset=utf-8');
  return body;
}
