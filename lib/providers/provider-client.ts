/** Calls providers in the words of their own API, and of those words in the ones that they take. */
import type { ProviderConfig } from '../config/provider-config';
import { streamFromAnthropic, wholeFromAnthropic } from './anthropic/call-anthropic';
import { type Json, objectOf } from './any-json';
import { askForUsage, refusesUsage } from './ask-for-usage';
import { embeddingsFromGemini, streamFromGemini, wholeFromGemini } from './gemini/call-gemini';
import { createProviderHttp, type ProviderHttpOptions } from './provider-http';
import { missingSecrets } from './provider-secrets';
import { type AnswerLimits, defaultAnswerLimits } from './read-answer';
import { reworded, rewordingOf } from './refused-words';
import { streamThroughChat, wholeThroughChat } from './through-chat/through-chat';
import type { StreamAnswer, UpstreamCall, WholeAnswer } from './upstream-call';
import { UpstreamError } from './upstream-error';

export interface ProviderClient {
  /** Why a provider cannot be called at all, for people; null where it can. */
  unusable(provider: string, config: ProviderConfig): string | null;
  whole(call: UpstreamCall): Promise<WholeAnswer>;
  stream(call: UpstreamCall): Promise<StreamAnswer>;
  close(): Promise<void>;
}

export interface ProviderClientOptions extends Omit<ProviderHttpOptions, 'limits'> {
  readonly limits?: Partial<AnswerLimits>;
}

/** Models of one provider whose words are remembered. */
const maxRewordedModels = 1_024;

export function createProviderClient(options: ProviderClientOptions): ProviderClient {
  const { clock, environment } = options;
  const limits = { ...defaultAnswerLimits, ...options.limits };
  const http = createProviderHttp({ ...options, limits });

  /** A model that refuses a word that others demand is asked in other words, and from then on at once. */
  const inWords = async <T>(call: UpstreamCall, send: (call: UpstreamCall) => Promise<T>): Promise<T> => {
    if (call.through !== 'chat' || call.config.kind !== 'openai') return send(call);
    const { rewordings } = http.habitsOf(call);
    const { hints = [] } = call;
    // What a caller writes himself is not left out because somebody else's was only meant.
    const spokenBy = (body: Json): string => [String(body['model']), ...hints].join(' ');
    // Most bodies are refused nowhere, and never read.
    let read: Json | null = rewordings.size === 0 ? null : objectOf(JSON.parse(call.body));
    const how = new Set(read === null ? undefined : rewordings.get(spokenBy(read)));
    for (let first: unknown = null; ; ) {
      const body = read === null || how.size === 0 ? null : reworded(read, how);
      // As it came where nothing is said otherwise: a number that no double can hold stays what it is.
      const text = body === null || body === read ? call.body : JSON.stringify(body);
      try {
        const answer = await send({ ...call, body: text });
        if (first === null) return answer;
        if (rewordings.size >= maxRewordedModels) rewordings.clear();
        rewordings.set(spokenBy(read!), how);
        return answer;
      } catch (error) {
        if (!(error instanceof UpstreamError) || !error.details.isRequestFault) throw error;
        read ??= objectOf(JSON.parse(call.body));
        const other = rewordingOf(error, body ?? read, hints);
        if (other === null) throw error;
        first ??= error;
        // It knows neither of two words: what it has said of the one that the caller has chosen is for the caller.
        if ([...how].some(({ kind }) => kind === other.kind)) throw first;
        how.add(other);
      }
    }
  };

  const whole = (call: UpstreamCall): Promise<WholeAnswer> => inWords(call, http.whole);
  const streamInWords = (call: UpstreamCall): Promise<StreamAnswer> => inWords(call, http.stream);

  /**
   * A stream of chat says what it has cost only where it is asked to. Callers hear of it only where they have asked themselves:
   * what a provider finds wrong with that is between us and it, and it is asked no more.
   */
  const stream = async (call: UpstreamCall): Promise<StreamAnswer> => {
    const habits = http.habitsOf(call);
    const asking =
      call.through !== 'chat' || call.config.kind === 'gemini' || habits.refusesUsage ? null : askForUsage(call.body);
    if (asking === null) return streamInWords(call);
    try {
      return await streamInWords({ ...call, body: asking });
    } catch (error) {
      if (!refusesUsage(error)) throw error;
      const answer = await streamInWords(call);
      // Only now it is known that nothing else was wrong: what callers write may not end what is known of everybody's costs.
      habits.refusesUsage = true;
      return answer;
    }
  };

  /** In the words that the provider takes: those of the API, but for chat with Anthropic and all with Gemini, who have their own. */
  const isAnthropicChat = ({ config, through }: UpstreamCall): boolean =>
    config.kind === 'anthropic' && through === 'chat';
  const wholeOf = (call: UpstreamCall): Promise<WholeAnswer> => {
    if (isAnthropicChat(call)) return wholeFromAnthropic(call, whole, clock.nowMs());
    if (call.config.kind !== 'gemini') return whole(call);
    return call.api === 'embeddings' ? embeddingsFromGemini(call, whole) : wholeFromGemini(call, whole, clock.nowMs());
  };
  const streamOf = (call: UpstreamCall): Promise<StreamAnswer> => {
    if (isAnthropicChat(call)) return streamFromAnthropic(call, stream, clock.nowMs());
    return call.config.kind === 'gemini' ? streamFromGemini(call, stream, clock.nowMs()) : stream(call);
  };

  return {
    unusable(provider, config) {
      const missing = missingSecrets(config, environment);
      return missing.length === 0
        ? null
        : `${provider} cannot be called: the environment of the gateway has no usable ${missing.join(', ')}`;
    },
    whole: (call) => (call.through === call.api ? wholeOf(call) : wholeThroughChat(call, wholeOf)),
    stream: (call) =>
      call.through === call.api ? streamOf(call) : streamThroughChat(call, streamOf, limits.maxWholeBytes),
    close: () => http.close(),
  };
}
