/** What the caller hears where no model has answered. */
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
