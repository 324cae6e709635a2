/** Everything the gateway refuses, in one shape: `{ error: { code, message, field, details? } }`. */
import { z } from 'zod';
import { formatPath, type Issue } from '../../lib/config/describe-issues';
import { TransientError } from '../../lib/ports/broker';

/** Codes a client can act on, with their HTTP status. */
export const errorStatus = {
  malformed_json: 400,
  invalid_field: 400,
  no_eligible_candidate: 400,
  not_found: 404,
  conflict: 409,
  version_conflict: 409,
  refused: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  version_required: 428,
  internal: 500,
  not_ready: 503,
  overloaded: 503,
  decision_timeout: 504,
  trainer_timeout: 504,
} as const;
export type ErrorCode = keyof typeof errorStatus;

export interface FieldFault {
  /** Path such as `limits.maxCostUsd` or `features.3`; empty for the whole body. */
  readonly field: string;
  readonly message: string;
}

export class HttpError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly field: string | null = null,
    /** Further faults of the same body, when there are several. */
    readonly details: readonly FieldFault[] = [],
  ) {
    super(message);
    this.name = 'HttpError';
  }

  get status(): number {
    return errorStatus[this.code];
  }

  toJSON(): z.output<typeof errorSchema> {
    const error = { code: this.code, message: this.message, field: this.field };
    return { error: this.details.length > 1 ? { ...error, details: [...this.details] } : error };
  }
}

export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]).describe('what kind of error; stable'),
    message: z.string().describe('for people'),
    field: z.string().nullable().describe('path of the offending field, such as limits.maxCostUsd or features.3'),
    details: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe('all faults, when there are several'),
  }),
});

/** All faults of a body as one error; the first one leads. */
export function invalidFields(issues: readonly Issue[]): HttpError {
  const faults = issues.map((issue) => ({ field: formatPath(issue.path), message: issue.message }));
  const first = faults[0] ?? { field: '', message: 'is not valid' };
  return new HttpError('invalid_field', sentence(first), first.field, faults);
}

export function invalidField(field: string, message: string): HttpError {
  return new HttpError('invalid_field', sentence({ field, message }), field);
}

export function noEligibleCandidate(field: string, message: string): HttpError {
  return new HttpError('no_eligible_candidate', sentence({ field, message }), field);
}

function sentence({ field, message }: FieldFault): string {
  return `${field === '' ? 'body' : field}: ${message}`;
}

/** What fastify itself refuses, in our shape; anything unknown is internal and says nothing of its inside. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof TransientError)
    return new HttpError('not_ready', 'the log does not answer at the moment; try again later');
  const code = (error as { code?: unknown }).code;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new HttpError('body_too_large', 'the body is larger than this gateway takes');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HttpError('unsupported_media_type', 'send the body as application/json');
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
    return new HttpError('malformed_json', 'the body is shorter or longer than its content-length');
  if (code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new HttpError('not_found', 'the path is no valid URL: percent-encode the id in it');
  return new HttpError('internal', 'internal error; see the log of the gateway');
}
