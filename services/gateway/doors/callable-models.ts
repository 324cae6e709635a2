/** Which of the configured models a call can be made of: whose provider is usable, and whose API has words for all that is asked. */
import type { CurrentConfig } from '../../../lib/config/current-config';
import { type ApiName, apiThrough, type ProviderConfig } from '../../../lib/config/provider-config';
import { ownEntry } from '../../../lib/dictionary';
import { anthropicCannot } from '../../../lib/providers/anthropic/to-anthropic';
import { isJson, type Json } from '../../../lib/providers/any-json';
import { geminiCannotEmbed } from '../../../lib/providers/gemini/embeddings';
import { geminiCannot } from '../../../lib/providers/gemini/to-gemini';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import type { Cannot } from '../../../lib/providers/through-chat/chat-words';
import { refersToNothing } from '../../../lib/providers/through-chat/responses-to-chat';
import { chatCannot } from '../../../lib/providers/through-chat/through-chat';
import { invalidField } from '../http/http-error';

/** Models that this API can call, by name. */
export function callableBy(api: ApiName, { config }: CurrentConfig, client: ProviderClient): string[] {
  const usable = new Map(
    Object.entries(config.providers).filter(([name, provider]) => client.unusable(name, provider) === null),
  );
  return config.models
    .filter(({ provider: name, apis }) => {
      const provider = usable.get(name);
      return provider !== undefined && apiThrough(api, provider, apis) !== null;
    })
    .map(({ name }) => name);
}

export interface Able {
  readonly callable: readonly string[];
  /** What models have no word for, by their name: of those that are callable all the same it is adapted. */
  readonly cannot: ReadonlyMap<string, Cannot>;
}

/** Without the models whose own API has no word for what is asked. Throws where nobody is left, or one of those was named. */
export function thoseThatCan(
  api: ApiName,
  body: unknown,
  callable: readonly string[],
  { config }: CurrentConfig,
): Able {
  const cannot = new Map<string, Cannot>();
  if (!isJson(body)) return { callable, cannot };
  const wanted = new Set(callable);
  // Alike for all that are spoken to alike.
  const faults = new Map<string, Cannot | null>();
  for (const { name, provider: providerName, apis } of config.models) {
    const provider = ownEntry(config.providers, providerName);
    if (!provider || !wanted.has(name)) continue;
    const through = apiThrough(api, provider, apis);
    const alike = `${provider.kind} ${through}`;
    if (!faults.has(alike)) faults.set(alike, cannotSay(api, through, body, provider));
    const fault = faults.get(alike);
    if (fault) cannot.set(name, fault);
  }
  if (cannot.size === 0) return { callable, cannot };
  // What is only hinted at is asked for in other words where a model has no word for it, and keeps it from nothing.
  const able = callable.filter((name) => !cannot.has(name) || cannot.get(name)!.isHint);
  const named = typeof body['model'] === 'string' ? cannot.get(body['model']) : undefined;
  if (named ? named.isHint : able.length > 0) return { callable: able, cannot };
  const fault = named ?? cannot.get(callable[0]!)!;
  throw invalidField(fault.field, `the models that can be called for this have no ${fault.reason}`);
}

/** What has no counterpart in the words that a provider is spoken to in. */
function cannotSay(api: ApiName, through: ApiName | null, body: Json, provider: ProviderConfig): Cannot | null {
  if (through !== api) return chatCannot(api, body, provider);
  if (api === 'responses') return refersToNothing(body);
  if (provider.kind === 'anthropic' && api === 'chat') return anthropicCannot(body);
  if (provider.kind !== 'gemini') return null;
  return api === 'embeddings' ? geminiCannotEmbed(body) : geminiCannot(body);
}

/** What is in the way of calling anybody. */
export function noProvider(api: ApiName, { config }: CurrentConfig, client: ProviderClient): string {
  const providers = Object.entries(config.providers);
  if (providers.length === 0) return 'not ready: the configuration has no providers, so there is nobody to call';
  const reasons = providers
    .filter(([, provider]) => apiThrough(api, provider, null) !== null)
    .map(([name, provider]) => client.unusable(name, provider) ?? `no model has the provider ${name}`);
  return `not ready: ${reasons[0] ?? `no provider of the configuration answers ${api}`}`;
}
