/** The doors of client libraries: calls in the form of OpenAI and Anthropic, answered by whichever model is best for them. */
import { z } from 'zod';
import type { ApiName } from '../../../lib/config/provider-config';
import {
  chatBodySchema,
  countTokensBodySchema,
  embeddingsBodySchema,
  messagesBodySchema,
  responsesBodySchema,
} from '../doors/door-schemas';
import { formOfApi } from '../doors/error-form';
import type { KeptResponseServer } from '../doors/kept/kept-responses';
import type { KeptResponseAction } from '../doors/kept/own-responses';
import { repeatHeader } from '../doors/kept/repeated-calls';
import type { CallServer } from '../doors/serve-call';
import type { Endpoint } from '../endpoint';
import type { ErrorCode } from '../http/http-error';

const doors: readonly {
  readonly api: ApiName;
  readonly path: string;
  readonly schema: z.ZodType;
  readonly summary: string;
}[] = [
  {
    api: 'chat',
    path: '/v1/chat/completions',
    schema: chatBodySchema,
    summary: 'Chat completions as OpenAI has them, routed.',
  },
  {
    api: 'messages',
    path: '/v1/messages',
    schema: messagesBodySchema,
    summary: 'Messages as Anthropic has them, routed.',
  },
  {
    api: 'responses',
    path: '/v1/responses',
    schema: responsesBodySchema,
    summary: 'Responses as OpenAI has them, routed.',
  },
  {
    api: 'embeddings',
    path: '/v1/embeddings',
    schema: embeddingsBodySchema,
    summary: 'Embeddings as OpenAI has them, of a configured model.',
  },
];

const errors: readonly ErrorCode[] = [
  'malformed_json',
  'invalid_field',
  'no_eligible_candidate',
  'budget_exhausted',
  'budget_approval_needed',
  'budget_unknown',
  'conflict',
  'not_found',
  'body_too_large',
  'unsupported_media_type',
  'rate_limited',
  'upstream_failed',
  'upstream_timeout',
  'not_ready',
  'overloaded',
];

const headers = [
  'x-quantum-session',
  'x-quantum-task',
  'x-quantum-tenant',
  'x-quantum-user',
  'x-quantum-budget',
  repeatHeader,
] as const;
const headerDocs: Readonly<Record<(typeof headers)[number], string>> = {
  'x-quantum-session': 'session that the call belongs to',
  'x-quantum-task': 'what kind of task this is, if the caller knows',
  'x-quantum-tenant': 'on whose behalf the call is made; that of the key, where it has one',
  'x-quantum-user': "which of the tenant's users",
  'x-quantum-budget': 'approved: somebody has agreed to spend more than a budget whose limit asks for that',
  [repeatHeader]:
    'calls with the same one and the same content are one call, answered as often as it comes; not of streams',
};

const tokenCountSchema = z.strictObject({ input_tokens: z.int().describe('tokens of the conversation') });

const tokenCountErrors: readonly ErrorCode[] = [
  'malformed_json',
  'invalid_field',
  'not_found',
  'body_too_large',
  'unsupported_media_type',
  'not_ready',
  'overloaded',
];

/** `countTokens` answers how many tokens a conversation has, `serveKept` what is asked of responses that providers keep. */
export function doorEndpoints(
  server: CallServer,
  countTokens: Endpoint['handler'],
  serveKept: KeptResponseServer,
): Endpoint[] {
  const kept = keptActions.map((action) => keptEndpoint(serveKept, action));
  return [...doors.map((door) => doorEndpoint(server, door)), ...kept, tokenCountEndpoint(countTokens)];
}

const keptActions: readonly (KeptResponseAction & { readonly summary: string })[] = [
  { method: 'GET', suffix: '', summary: 'A response that its provider or the gateway keeps, as it is by now.' },
  { method: 'DELETE', suffix: '', summary: 'Has a response deleted by whoever keeps it.' },
  { method: 'POST', suffix: '/cancel', summary: 'Has the provider cancel a response that it makes in the background.' },
  { method: 'GET', suffix: '/input_items', summary: 'What a response was asked with.' },
];

function keptEndpoint(serveKept: KeptResponseServer, { summary, ...action }: (typeof keptActions)[number]): Endpoint {
  return {
    method: action.method,
    path: `/v1/responses/{id}${action.suffix}`,
    summary,
    description:
      'Goes to the provider that has the response, with its query, and is answered in its words; with stream=true as server-sent events, from starting_after on. One that came through chat is answered by the gateway, which has it for a day; it is neither streamed again nor cancelled, which is refused with 400. Known are the newest responses of the last 30 days that were passed on by any gateway of this log, to whom they were passed on.',
    parameters: [
      {
        ...{ name: 'id', in: 'path', required: true, doc: 'id of the response' },
        schema: { type: 'string', minLength: 1, maxLength: 500 },
      },
    ],
    responses: { 200: { doc: 'What the provider answers.', body: { contentType: 'application/json' } } },
    errors: ['invalid_field', 'not_found', 'rate_limited', 'upstream_failed', 'upstream_timeout', 'not_ready'],
    errorForm: 'openai',
    standsBy: true,
    handler: (request, reply) => serveKept(action, request, reply),
  };
}

function tokenCountEndpoint(handler: Endpoint['handler']): Endpoint {
  return {
    method: 'POST',
    path: '/v1/messages/count_tokens',
    summary: 'How many tokens a conversation has, as Anthropic has it.',
    description:
      'The provider of the model counts, where it speaks this API: of auto and its presets the first configured model that may be called. Else, and where the provider does not answer, it is an estimate of four bytes a token. The header x-quantum-token-count says which: provider or estimate.',
    body: { schemas: [countTokensBodySchema], required: true },
    responses: { 200: { doc: 'The count.', body: { schema: tokenCountSchema } } },
    errors: tokenCountErrors,
    errorForm: 'anthropic',
    standsBy: true,
    takesFiles: true,
    handler,
  };
}

function doorEndpoint(server: CallServer, { api, path, schema, summary }: (typeof doors)[number]): Endpoint {
  return {
    method: 'POST',
    path,
    summary,
    description:
      'Decides which model answers, calls it, calls the next where it fails before its first token, passes the answer on as it comes and reports the outcome. Headers x-quantum-… and, where the API has room, a field quantum_router say which model that was, at what cost, by which decision. What a provider finds wrong with the request itself is answered in its words and with its status.',
    parameters: headers.map((name) => ({
      name,
      in: 'header' as const,
      required: false,
      doc: headerDocs[name],
      schema: { type: 'string' },
    })),
    body: { schemas: [schema], required: true },
    responses: {
      200: { doc: 'The answer; with stream, as server-sent events.', body: { contentType: 'application/json' } },
    },
    errors,
    errorForm: formOfApi(api),
    standsBy: true,
    takesFiles: true,
    handler: (request, reply) => server.serve(api, request, reply),
  };
}
