/** Errors in the form of the API that was called, so that client libraries understand them. */
import { z } from 'zod';
import type { ApiName } from '../../../lib/config/provider-config';
import type { HttpError } from '../http/http-error';
import { errorSchema } from '../http/http-error';

export type ErrorForm = 'own' | 'openai' | 'anthropic';

export const formOfApi = (api: ApiName): ErrorForm => (api === 'messages' ? 'anthropic' : 'openai');

/** Before there is anything that knows the paths. */
export function formOfPath(path: string): ErrorForm {
  if (path.startsWith('/v1/messages')) return 'anthropic';
  return /^\/openai\/|^\/v1\/(?:chat\/completions|responses|embeddings|models)(?:\/|$)/.test(path) ? 'openai' : 'own';
}

const openAiErrorSchema = z.looseObject({
  error: z.looseObject({
    message: z.string().describe('for people'),
    type: z.string().describe('kind of error'),
    param: z.string().nullable().describe('path of the offending field'),
    code: z.string().nullable().describe('what kind of error; stable'),
  }),
});

const anthropicErrorSchema = z.looseObject({
  type: z.literal('error'),
  error: z.looseObject({ type: z.string().describe('kind of error'), message: z.string().describe('for people') }),
});

export const errorForms: Readonly<Record<ErrorForm, { readonly name: string; readonly schema: z.ZodType }>> = {
  own: { name: 'Error', schema: errorSchema },
  openai: { name: 'OpenAiError', schema: openAiErrorSchema },
  anthropic: { name: 'AnthropicError', schema: anthropicErrorSchema },
};

export function formOf(error: HttpError, form: ErrorForm): unknown {
  if (form === 'own') return error.toJSON();
  const { code, message, field, status } = error;
  if (form === 'openai')
    return {
      error: { message, type: openAiType(status), param: field, code: status === 401 ? 'invalid_api_key' : code },
    };
  return { type: 'error', error: { type: anthropicType(status), message, code } };
}

function openAiType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  if (status === 403) return 'permission_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

const anthropicTypes = new Map([
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
]);

function anthropicType(status: number): string {
  return anthropicTypes.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
