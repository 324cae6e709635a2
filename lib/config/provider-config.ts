/**
 * Who serves the models. Secrets are never part of a configuration: it lies on a topic that everybody reads, so it only
 * names the environment variable that holds one.
 */
/** How a provider is spoken to. `demo` is the demonstration upstream within the gateway, which is no language model. */
export const providerKinds = ['openai', 'anthropic', 'gemini', 'demo'] as const;
export type ProviderKind = (typeof providerKinds)[number];

/** The calls a gateway passes on, by the path that both sides use. */
export const apiNames = ['chat', 'messages', 'responses', 'embeddings'] as const;
export type ApiName = (typeof apiNames)[number];

export interface ProviderConfig {
  readonly kind: ProviderKind;
  /** Up to and without the path of a call, such as https://api.openai.com/v1; null only for `demo`. */
  readonly baseUrl: string | null;
  /** Name of the environment variable that holds the key; null: none is sent. */
  readonly apiKeyEnv: string | null;
  /** Calls it answers; null: what its kind usually answers. */
  readonly apis: readonly ApiName[] | null;
  /** Sent with every call. Nothing secret: they are part of the configuration. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers whose values are in the environment: header name to variable name. */
  readonly headersEnv: Readonly<Record<string, string>>;
  readonly timeouts: {
    readonly connectMs: number;
    /** Until the first byte of the answer to a streaming call. */
    readonly headersMs: number;
    /** Until a stream says its first word. */
    readonly firstTokenMs: number;
    /** Between two pieces of an answer. */
    readonly gapMs: number;
    /** For one call from its beginning to its end. */
    readonly totalMs: number;
  };
  /** Calls under way at once, per gateway. */
  readonly maxConcurrent: number;
  /** Calls of our own while it is half open; null or absent, as in what earlier releases saved: requests probe it. */
  readonly probe?: { readonly everyMs: number; readonly timeoutMs: number } | null;
}

/** APIs whose calls are put into the words of chat for providers that answer that alone. */
const throughChat: ReadonlySet<ApiName> = new Set(['messages', 'responses']);

/**
 * By which API a call reaches a model: by its own where provider and model answer that, else through chat where it can be put
 * into its words. Null where it cannot be reached.
 */
export function apiThrough(
  api: ApiName,
  provider: Pick<ProviderConfig, 'apis' | 'kind'>,
  modelApis: readonly ApiName[] | null | undefined,
): ApiName | null {
  const answers = (one: ApiName): boolean => apisOf(provider).includes(one) && (modelApis?.includes(one) ?? true);
  if (answers(api)) return api;
  return throughChat.has(api) && answers('chat') ? 'chat' : null;
}

/** The calls that a provider answers by itself. */
export function apisOf({ apis, kind }: Pick<ProviderConfig, 'apis' | 'kind'>): readonly ApiName[] {
  return apis ?? usualApis[kind];
}

const usualApis: Readonly<Record<ProviderKind, readonly ApiName[]>> = {
  openai: ['chat', 'responses', 'embeddings'],
  // Chat is put into messages.
  anthropic: ['messages', 'chat'],
  // Its own API is none of the four: chat and embeddings are put into it.
  gemini: ['chat', 'embeddings'],
  // Responses reach it through chat: it keeps none, and so the gateway does.
  demo: ['chat', 'messages', 'embeddings'],
};
