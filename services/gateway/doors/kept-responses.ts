/**
 * Responses that a provider keeps: read again, cancelled, deleted, at the provider of the model that gave them. Whose they are is
 * what this gateway remembers; all callers share its keys at the provider, so what it does not remember it gives to nobody.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ownEntry } from '../../../lib/dictionary';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import type { UpstreamCall } from '../../../lib/providers/upstream-call';
import { UpstreamError } from '../../../lib/providers/upstream-error';
import type { GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http-error';
import { apiHeaders } from './read-call';
import type { RememberedResponses } from './remember-responses';
import { awaitAnswer, headerText, refuse } from './serve-call';

export interface KeptResponsesParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  readonly responses: RememberedResponses;
}

/** What is asked of a response: a method, and what its path ends in behind the id. */
export interface KeptResponseAction {
  readonly method: NonNullable<UpstreamCall['method']>;
  readonly suffix: '' | '/cancel' | '/input_items';
}

/** Nothing is made for it: the provider has it, or has it not. */
const limitMs = 60_000;
const maxIdChars = 500;

export type KeptResponseServer = (
  action: KeptResponseAction,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<string>;

export function createKeptResponses({ context, client, responses }: KeptResponsesParts): KeptResponseServer {
  const { settings } = context;
  return async (action, request, reply) => {
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const { id } = request.params as { id: string };
    const { asker } = request;
    const name = id.length > maxIdChars ? null : responses.modelOf(asker.tenantId, id);
    const model = current.config.models.find((one) => one.name === name);
    const config = model && ownEntry(current.config.providers, model.provider);
    if (!model || !config)
      throw new HttpError(
        'not_found',
        'id: this gateway has passed on no response of that name to you since it was started, with a model that is still configured',
        'id',
      );
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    // Given twice, which of them the provider goes by is not known here.
    if (query.getAll('stream').some((stream) => stream !== 'false'))
      throw invalidField('stream', 'a response that is read again comes whole: ask without it until it is through');
    const search = query.size === 0 ? '' : `?${query}`;
    try {
      const { text } = await client.whole({
        ...{ provider: model.provider, config, api: 'responses', through: 'responses', isStream: false },
        ...{ method: action.method, path: `/responses/${encodeURIComponent(id)}${action.suffix}${search}`, body: '' },
        headers: apiHeaders('responses', request.headers),
        signal: awaitAnswer(request, reply, settings),
        limitMs: Math.min(limitMs, settings.callTimeoutMs),
      });
      reply.header('x-quantum-model', headerText(model.name)).header('x-quantum-provider', headerText(model.provider));
      reply.header('content-type', 'application/json; charset=utf-8');
      return text;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      // Here a 404 is no fault of the model: the provider says that it has no such response any more.
      const isRequestFault = error.details.httpStatus === 404 || error.details.isRequestFault === true;
      return refuse(new UpstreamError(error.status, error.message, { ...error.details, isRequestFault }), reply);
    }
  };
}
