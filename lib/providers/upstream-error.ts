/** How a call of a model ended where it did not end with an answer, in the words that outcomes use. */
import type { OutcomeStatus } from '../topics/generated/messages';

export class UpstreamError extends Error {
  constructor(
    readonly status: Exclude<OutcomeStatus, 'SUCCESS'>,
    /** For people; holds nothing of the request, and no secret. */
    message: string,
    readonly details: {
      /** Status of the answer; absent where none came. */
      readonly httpStatus?: number;
      /** The answer itself, where it says what is wrong with the request. */
      readonly body?: string;
      /** As long as the provider wants to be left alone, in milliseconds. */
      readonly retryAfterMs?: number;
      /** The request is at fault, so that another model would refuse it as well. */
      readonly isRequestFault?: boolean;
      /** It is not: this model alone cannot serve it, because its context is too small, say. */
      readonly isOfThisModel?: boolean;
      /** Nothing was sent: there is no call to report. */
      readonly isUnsent?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'UpstreamError';
  }
}

const maxRetryAfterMs = 24 * 3_600_000;

/** Retry-After in seconds or as a date, and the header in milliseconds that some send; undefined where there is none. */
export function retryAfterMsOf(headers: Readonly<Record<string, unknown>>, nowMs: number): number | undefined {
  const inMs = valuesOf(headers['retry-after-ms']).map(Number);
  const after = valuesOf(headers['retry-after']).map((value) => {
    const seconds = Number(value);
    return Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  });
  // Where several are given, by whoever the answer came through, the longest holds for all of them.
  for (const given of [inMs.filter((ms) => ms >= 0), after]) {
    const known = given.filter(Number.isFinite);
    if (known.length > 0) return Math.min(Math.max(0, ...known), maxRetryAfterMs);
  }
  return undefined;
}

/** Of a header that may have come several times. */
function valuesOf(header: unknown): string[] {
  const values: unknown[] = Array.isArray(header) ? header : [header];
  return values.filter((value): value is string => typeof value === 'string' && value.trim() !== '');
}

/** What an HTTP status other than 200 says of the call. */
export function errorOfStatus(
  httpStatus: number,
  body: string,
  retryAfterMs: number | undefined,
  provider: string,
): UpstreamError {
  const details = { httpStatus, body, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const message = `${provider} answered ${httpStatus}`;
  if (httpStatus === 429) return new UpstreamError('RATE_LIMITED', message, details);
  if (httpStatus === 408 || httpStatus === 504) return new UpstreamError('TIMEOUT', message, details);
  // What is wrong with the request itself says nothing of the model: nobody is to learn from it.
  if (requestFaults.has(httpStatus))
    return new UpstreamError('CANCELLED', message, {
      ...details,
      isRequestFault: true,
      ...(isOfThisModel(body) && { isOfThisModel: true }),
    });
  return new UpstreamError('FAILURE', message, details);
}

const requestFaults: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Codes of OpenAI's form of errors. */
const codesOfModels =
  /"code"\s*:\s*"(?:unsupported_parameter|unsupported_value|unsupported_model|context_length_exceeded)"/;
/** What all the others say of it; they have no code for it, and one status for everything. */
const wordsOfModels =
  /\bmaximum context length\b|\bcontext (?:length|window|size)\b[^"]{0,60}\b(?:exceed|limit|too)|\bexceeds?\b[^"]{0,60}\b(?:context|maximum number of tokens)\b|\bprompt is too long\b|\b(?:is|are) not supported (?:with|by|for|in|on) this model\b|\b(?:this|the) model does(?:n't| not) support\b|\brequest too large for model\b|\bimage_url\b[^"]{0,40}\b(?:only supported by certain models|expected\b.{0,3}text)|\bcontent must be a string\b|\bnot a multimodal model\b|\bdoes(?:n't| not) support (?:tools?|functions?|images?|vision|audio)\b|\btool choice requires\b|\bmax_(?:completion_|output_)?tokens\b[^"]{0,20}\btoo large\b/i;
/** Errors are short; what stands further behind is the request. */
const saidChars = 2_000;

/** Whether a provider that refuses a request means the model that was asked, and not the request. */
function isOfThisModel(body: string): boolean {
  const said = body.slice(0, saidChars);
  return codesOfModels.test(said) || wordsOfModels.test(said);
}
