/**
 * Responses that a provider keeps: read again, streamed again, cancelled, deleted, at the provider that has them. Those that came
 * through chat are kept by the gateway (`own-responses.ts`). Whose they are is what the log knows; all callers share the keys at the
 * provider, so what nobody was passed on is given to nobody.
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ownEntry } from '../../../../lib/dictionary';
import { isEndOfResponse } from '../../../../lib/providers/answer-facts';
import { objectOf, parsedJson } from '../../../../lib/providers/any-json';
import type { ProviderClient } from '../../../../lib/providers/provider-client';
import type { EventStream, UpstreamCall } from '../../../../lib/providers/upstream-call';
import { UpstreamError } from '../../../../lib/providers/upstream-error';
import type { GatewayContext } from '../../endpoint';
import { HttpError, invalidField } from '../../http/http-error';
import { awaitAnswer } from '../await-answer';
import { headerText } from '../mark-answer';
import { errorEvent, textOf } from '../pass-on-stream';
import { apiHeaders } from '../read-call';
import { refuse } from '../upstream-http-error';
import { ownResponse } from './expand-items';
import type { KeptItems } from './kept-items';
import { answerOwnResponse, type KeptResponseAction } from './own-responses';
import type { RememberedResponses } from './remember-responses';
import type { RepeatedCalls } from './repeated-calls';

export interface KeptResponsesParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  readonly responses: RememberedResponses;
  readonly items: KeptItems;
  readonly repeated: Pick<RepeatedCalls, 'forget'>;
}

/** Nothing is made for it: the provider has it, or has it not. */
const limitMs = 60_000;

export type KeptResponseServer = (
  action: KeptResponseAction,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown>;

export function createKeptResponses(parts: KeptResponsesParts): KeptResponseServer {
  const { context, client, responses, items, repeated } = parts;
  const { settings } = context;
  return async (action, request, reply) => {
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const { id } = request.params as { id: string };
    const { asker } = request;
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    // Given twice, which of them the provider goes by is not known here.
    const streams = query.getAll('stream');
    const isStreamAsked = streams.length === 1 && streams[0] === 'true';
    if (!isStreamAsked && streams.some((stream) => stream !== 'false'))
      throw invalidField('stream', 'must be true or false, and be given once');
    if (id.startsWith(ownResponse)) {
      const of = { action, tenantId: asker.tenantId, id, query, maxSize: settings.maxCallBytes };
      const own = await answerOwnResponse(items, of);
      if (own) {
        if (action.method === 'DELETE') repeated.forget(asker.tenantId, id);
        return own;
      }
    }
    const keeper = await responses.keeperOf(asker.tenantId, id);
    const config = keeper.kind === 'known' ? ownEntry(current.config.providers, keeper.provider) : undefined;
    if (keeper.kind !== 'known' || !config)
      throw new HttpError(
        'not_found',
        'id: no response of that name was passed on to you lately, of a provider that is still configured',
        'id',
      );
    const { model, provider } = keeper;
    const search = query.size === 0 ? '' : `?${query}`;
    const isStream = isStreamAsked && action.method === 'GET' && action.suffix === '';
    const path = `/responses/${encodeURIComponent(id)}`;
    const call: UpstreamCall = {
      ...{ provider, config, api: 'responses', through: 'responses', isStream },
      ...{ method: action.method, path: `${path}${action.suffix}${search}`, body: '' },
      headers: apiHeaders('responses', request.headers),
      signal: awaitAnswer(request, reply, settings),
      limitMs: isStream ? settings.callTimeoutMs : Math.min(limitMs, settings.callTimeoutMs),
    };
    const sayWhose = (): void =>
      void reply.header('x-quantum-model', headerText(model)).header('x-quantum-provider', headerText(provider));
    try {
      if (isStream) {
        const { events } = await client.stream(call);
        sayWhose();
        reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
        const asItIs = { ...call, isStream: false, path, limitMs: Math.min(limitMs, settings.callTimeoutMs) };
        const askAgain = async (): Promise<string> => (await client.whole(asItIs)).text;
        return reply.send(Readable.from(textsOf(events, askAgain)));
      }
      const { text } = await client.whole(call);
      if (action.method === 'DELETE') repeated.forget(asker.tenantId, id);
      sayWhose();
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

/**
 * Event by event as they come, as fast as they are taken: what they say was reported when they came first. `askAgain` is the
 * response as it is by now, for a stream that has ended and not said why.
 */
async function* textsOf(events: EventStream, askAgain: () => Promise<string>): AsyncGenerator<string> {
  let hasCome = false;
  let isThrough = false;
  try {
    for (let next = await events.next(); next !== null; next = await events.next()) {
      for (const { data } of next) isThrough ||= data !== null && isEndOfResponse(data);
      hasCome ||= next.length > 0;
      yield next.map((event) => textOf(event, event.data ?? '')).join('');
    }
    if (isThrough) return;
    const { status } = objectOf(parsedJson(await askAgain()));
    // Whoever has had the last event is sent no other, and one that was cancelled may end without a word.
    if (status === 'cancelled' || (!hasCome && !goesOn.has(status))) return;
    throw new UpstreamError('FAILURE', 'the stream ended in its middle', { httpStatus: 502 });
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    yield errorEvent('responses', error);
  } finally {
    events.close();
  }
}

const goesOn: ReadonlySet<unknown> = new Set(['queued', 'in_progress']);
