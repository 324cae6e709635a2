/** Providers that are found by the keys in an environment: where they are, and which library knows their prices by which name. */
import type { ApiName, ProviderKind } from '../config/provider-config';

export interface KnownProvider {
  readonly name: string;
  /** The first of these that is set is its key. */
  readonly keyNames: readonly string[];
  /** Variable that client libraries take another address from. */
  readonly baseUrlName: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  /** Where these are fewer than its kind usually answers. */
  readonly apis?: readonly ApiName[];
  /** Its name in the price list. */
  readonly priceId: string;
}

const openAiLike = (
  name: string,
  prefix: string,
  baseUrl: string,
  priceId = name,
  apis: readonly ApiName[] = ['chat', 'embeddings'],
): KnownProvider => ({
  ...{ name, kind: 'openai', baseUrl, priceId, apis },
  keyNames: [`${prefix}_API_KEY`],
  baseUrlName: `${prefix}_BASE_URL`,
});

export const knownProviders: readonly KnownProvider[] = [
  openAiLike('openai', 'OPENAI', 'https://api.openai.com/v1', 'openai', ['chat', 'responses', 'embeddings']),
  {
    name: 'anthropic',
    keyNames: ['ANTHROPIC_API_KEY'],
    baseUrlName: 'ANTHROPIC_BASE_URL',
    kind: 'anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
    priceId: 'anthropic',
  },
  {
    name: 'google',
    keyNames: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    baseUrlName: 'GEMINI_BASE_URL',
    kind: 'gemini',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    priceId: 'google',
  },
  openAiLike('mistral', 'MISTRAL', 'https://api.mistral.ai/v1'),
  openAiLike('groq', 'GROQ', 'https://api.groq.com/openai/v1', 'groq', ['chat', 'responses']),
  openAiLike('deepseek', 'DEEPSEEK', 'https://api.deepseek.com/v1', 'deepseek', ['chat']),
  openAiLike('openrouter', 'OPENROUTER', 'https://openrouter.ai/api/v1', 'openrouter', ['chat']),
  openAiLike('together', 'TOGETHER', 'https://api.together.xyz/v1'),
  openAiLike('xai', 'XAI', 'https://api.x.ai/v1', 'x-ai', ['chat', 'responses']),
];
