/** What both APIs that are put into chat need said in its words. */
import type { ProviderConfig } from '../../config/provider-config';
import { textOf } from '../any-json';

/** What is asked for and has no counterpart: the path of the field, and what the models do not have. */
export interface Cannot {
  readonly field: string;
  readonly reason: string;
}

/** OpenAI's newer models refuse the older word, and others who speak its API do not know the newer one. */
export function mostTokens({ baseUrl }: ProviderConfig, count: unknown): object {
  if (typeof count !== 'number') return {};
  const host = baseUrl !== null && URL.canParse(baseUrl) ? new URL(baseUrl).hostname : '';
  const isOpenAi = host === 'api.openai.com' || host.endsWith('.openai.azure.com');
  return isOpenAi ? { max_completion_tokens: count } : { max_tokens: count };
}

/** Empty where it is no such file. */
export function fileUrlOf(mediaType: unknown, base64: unknown): string {
  const [type, data] = [textOf(mediaType), textOf(base64)];
  return type === '' || data === '' ? '' : `data:${type};base64,${data}`;
}

/** Effort by the tokens that may be thought; null where nothing is said of them, so that the model decides. */
export function effortOf(budgetTokens: unknown): string | null {
  if (typeof budgetTokens !== 'number') return null;
  if (budgetTokens <= 4_096) return 'low';
  return budgetTokens <= 16_384 ? 'medium' : 'high';
}
