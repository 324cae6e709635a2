/** Everything the gateway refuses, in one shape: `{ error: { code, message, field, details? } }`. */
import { z } from 'zod';
import { formatPath, type Issue, maxIssues } from '../../../lib/config/describe-issues';
import { RecordTooLargeError, TransientError } from '../../../lib/ports/broker';
import { isoText } from '../../../lib/topics/calendar-time';
import type { RouteRefused } from '../../../lib/topics/generated/messages';

/** Codes a client can act on, with their HTTP status. */
export const errorStatus = {
  malformed_request: 400,
  malformed_body: 400,
  malformed_json: 400,
  invalid_field: 400,
  no_eligible_candidate: 400,
  budget_approval_needed: 402,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  version_conflict: 409,
  refused: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  version_required: 428,
  rate_limited: 429,
  budget_exhausted: 429,
  headers_too_large: 431,
  internal: 500,
  upstream_failed: 502,
  not_ready: 503,
  budget_unknown: 503,
  overloaded: 503,
  decision_timeout: 504,
  trainer_timeout: 504,
  upstream_timeout: 504,
} as const;
export type ErrorCode = keyof typeof errorStatus;

export interface FieldFault {
  /** Path such as `limits.maxCostUsd` or `features.3`; empty for the whole body. */
  readonly field: string;
  readonly message: string;
}

/** Whatever was sent, an answer stays small: longer texts are cut. */
const maxMessageChars = 1_000;
const maxFieldChars = 400;

export class HttpError extends Error {
  readonly field: string | null;
  readonly details: readonly FieldFault[];

  constructor(
    readonly code: ErrorCode,
    message: string,
    field: string | null = null,
    /** Further faults of the same body, when there are several; the first 20 are listed. */
    details: readonly FieldFault[] = [],
    /** Whether there may be more than `details` says. */
    readonly stopped = details.length > maxIssues,
  ) {
    super(cut(message, maxMessageChars));
    this.name = 'HttpError';
    this.field = field === null ? null : cut(field, maxFieldChars);
    this.details = details
      .slice(0, maxIssues)
      .map((fault) => ({ field: cut(fault.field, maxFieldChars), message: cut(fault.message, maxMessageChars) }));
  }

  get status(): number {
    return errorStatus[this.code];
  }

  toJSON(): z.output<typeof errorSchema> {
    const error = { code: this.code, message: this.message, field: this.field };
    if (this.details.length < 2) return { error };
    return { error: { ...error, details: [...this.details], ...(this.stopped && { stopped: true as const }) } };
  }
}

function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}

export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]).describe('what kind of error; stable'),
    message: z.string().describe('for people'),
    field: z.string().nullable().describe('path of the offending field, such as limits.maxCostUsd or features.3'),
    details: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .max(maxIssues)
      .optional()
      .describe(`all faults, when there are several; at most ${maxIssues}`),
    stopped: z
      .literal(true)
      .optional()
      .describe(`there may be further faults: checking stopped at ${maxIssues}, or at a list that is too long`),
  }),
});

/** All faults of a body as one error; the first one leads. */
export function invalidFields(issues: readonly Issue[], stopped = false): HttpError {
  const faults = issues.map((issue) => ({ field: formatPath(issue.path), message: issue.message }));
  const first = faults[0] ?? { field: '', message: 'is not valid' };
  return new HttpError('invalid_field', sentence(first), first.field, faults, stopped || faults.length > maxIssues);
}

export function invalidField(field: string, message: string): HttpError {
  return new HttpError('invalid_field', sentence({ field, message }), field);
}

export function noEligibleCandidate(field: string, message: string): HttpError {
  return new HttpError('no_eligible_candidate', sentence({ field, message }), field);
}

/** What became of a request that a budget does not allow. */
export function budgetRefused({ code, reason, retryAtMs }: RouteRefused): HttpError {
  const known = budgetCodes.find((one) => one === code) ?? 'budget_unknown';
  const when = retryAtMs === null ? '' : `; its period ends at ${isoText(retryAtMs)}`;
  const how = known === 'budget_approval_needed' ? '; send budgetApproved: true to spend more' : '';
  return new HttpError(known, `${reason}${when}${how}`);
}

const budgetCodes = ['budget_exhausted', 'budget_approval_needed', 'budget_unknown'] as const;

function sentence({ field, message }: FieldFault): string {
  return `${field === '' ? 'body' : field}: ${message}`;
}

/** What fastify itself refuses, in our shape; anything unknown is internal and says nothing of its inside. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof TransientError)
    return new HttpError('not_ready', 'the log does not answer at the moment; try again later');
  // Each field is within its bounds, and all of them together are too much.
  if (error instanceof RecordTooLargeError)
    return new HttpError(
      'body_too_large',
      `what is asked takes ${error.bytes} bytes in the log, which takes ${error.maxBytes}: shorten the text or the lists of names`,
    );
  const code = (error as { code?: unknown }).code;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new HttpError('body_too_large', 'the body is larger than this gateway takes');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HttpError('unsupported_media_type', 'send the body as application/json');
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
    return new HttpError('malformed_json', 'the body is shorter or longer than its content-length');
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new HttpError('not_found', 'the name in the path is too long: nothing is called so');
  if (code === 'FST_ERR_BAD_URL')
    return new HttpError('not_found', 'the path is no valid URL: percent-encode the id in it');
  // Whatever else the server refuses before a handler is called is the request's fault.
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number' && statusCode < 500)
    return new HttpError('malformed_request', (error as Error).message);
  return new HttpError('internal', 'internal error; see the log of the gateway');
}
