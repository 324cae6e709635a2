/**
 * How many tokens a conversation has: by the provider's own count where the model's provider speaks Anthropic's API, else by the
 * estimate that everything here is routed by. Nothing is decided, and nothing is learned of it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CurrentConfig } from '../../../lib/config/current-config';
import { apiThrough, type ProviderConfig } from '../../../lib/config/provider-config';
import type { ModelConfig } from '../../../lib/config/router-config';
import { ownEntry } from '../../../lib/dictionary';
import { isJson, objectOf } from '../../../lib/providers/any-json';
import { upstreamNameOf } from '../../../lib/providers/bill-call';
import { Ending } from '../../../lib/providers/ending';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import { UpstreamError } from '../../../lib/providers/upstream-error';
import { estimateTokens } from '../../../lib/routing/open/request-text';
import { modelsInScope, refuseOutOfScope } from '../access/check-scope';
import type { GatewayContext } from '../endpoint';
import { HttpError } from '../http/http-error';
import { readBody } from '../http/read-body';
import { withConfiguredName } from './configured-name';
import { countTokensBodySchema } from './door-schemas';
import { headerText } from './mark-answer';
import { apiHeaders, selectModel } from './read-call';
import { spliceBody } from './splice-body';
import { refuse } from './upstream-http-error';

export interface TokenCounterParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  /** Models that messages can be sent to, by name. */
  readonly callable: (current: CurrentConfig) => readonly string[];
}

/** Whoever waits for a count has not even asked yet. */
const limitMs = 10_000;
/** What Anthropic counts for the largest picture that it does not make smaller. */
const tokensPerPicture = 1_600;
/** Sources of pictures and files whose text says nothing of how many tokens they are. */
const bytesElsewhere: ReadonlySet<unknown> = new Set(['base64', 'url', 'file']);

export function createTokenCounter({ context, client, callable }: TokenCounterParts) {
  const countedBy = async (
    { bodyText: text, headers }: FastifyRequest,
    model: ModelConfig,
    config: ProviderConfig,
  ): Promise<number | null> => {
    const { text: answer } = await client.whole({
      ...{ provider: model.provider, config, api: 'messages', through: 'messages', path: '/messages/count_tokens' },
      body: spliceBody(text, { model: upstreamNameOf(model) }, ['quantum_router']),
      ...{ isStream: false, headers: apiHeaders('messages', headers), signal: new Ending(), limitMs },
    });
    return countIn(answer);
  };

  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const body = readBody(countTokensBodySchema, withConfiguredName(request.body, current.config.models));
    const { asker } = request;
    refuseOutOfScope(asker, body.model);
    const among = modelsInScope(asker, callable(current));
    const { pinned, preset } = selectModel(
      body.model,
      { isPinnedOnly: null },
      {
        config: current.config,
        callable: among,
        kept: null,
      },
    );
    const { allowedModels = [], deniedModels = [] } = preset?.limits ?? {};
    const isAllowed = (name: string): boolean =>
      (allowedModels.length === 0 || allowedModels.includes(name)) && !deniedModels.includes(name);
    const name = pinned ?? among.find(isAllowed);
    const model = current.config.models.find((one) => one.name === name);
    const provider = model && ownEntry(current.config.providers, model.provider);
    const isCounted =
      provider && provider.kind !== 'demo' && apiThrough('messages', provider, model.apis) === 'messages';
    try {
      const tokens = isCounted ? await countedBy(request, model, provider) : null;
      if (tokens !== null && model) {
        context.metrics.count('quantum_router_token_counts_total', { by: 'provider' });
        reply
          .header('x-quantum-model', headerText(model.name))
          .header('x-quantum-provider', headerText(model.provider));
        return reply.header('x-quantum-token-count', 'provider').send({ input_tokens: tokens });
      }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      // What is wrong with the request would be wrong with the call as well.
      if (error.details.isRequestFault) return refuse(error, reply);
    }
    context.metrics.count('quantum_router_token_counts_total', { by: 'estimate' });
    return reply.header('x-quantum-token-count', 'estimate').send({ input_tokens: estimatedTokens(body) });
  };
}

/** Null for what is no answer of this API. */
function countIn(answer: string): number | null {
  try {
    const tokens = objectOf(JSON.parse(answer))['input_tokens'];
    return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : null;
  } catch {
    return null;
  }
}

/** Of all that is text, as it stands in the body, whose punctuation stands for what a provider puts around turns; files do not count. */
export function estimatedTokens(body: Readonly<Record<string, unknown>>): number {
  let pictures = 0;
  const text = JSON.stringify([body['system'], body['tools'], body['messages']], (name, value: unknown) => {
    // Schemas and arguments of tools may have a field of that name, too.
    if (name !== 'source' || !isJson(value) || !bytesElsewhere.has(value['type'])) return value;
    if (!String(value['media_type']).startsWith('application/')) pictures++;
    return null;
  });
  return estimateTokens(Buffer.byteLength(text)) + pictures * tokensPerPicture;
}
