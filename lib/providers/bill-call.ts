/** Which model a call is to be paid for, and what it cost. A provider may answer with another model than was asked. */
import type { ModelConfig } from '../config/router-config';
import { priceOfCall } from '../reward/price-of-call';
import type { AnswerFacts } from './answer-facts';

export interface Bill {
  /** The configured model that answered; null where the one that did is none of the configuration. */
  readonly model: ModelConfig | null;
  /** Whether it is another one than was asked. */
  readonly isOther: boolean;
  /** Null where price or tokens are not known. */
  readonly costUsd: number | null;
}

export function billCall(models: readonly ModelConfig[], asked: ModelConfig, facts: AnswerFacts): Bill {
  const model = answeringModel(models, asked, facts.model);
  return { model, isOther: model !== asked, costUsd: model && costOf(model, facts) };
}

function answeringModel(
  models: readonly ModelConfig[],
  asked: ModelConfig,
  answered: string | null,
): ModelConfig | null {
  // Who does not say which model answered is believed to have done as asked.
  if (answered === null || isNamed(answered, upstreamNameOf(asked))) return asked;
  const ofProvider = models.filter(({ provider }) => provider === asked.provider);
  return (
    ofProvider.find((model) => upstreamNameOf(model) === answered) ??
    ofProvider.find((model) => isNamed(answered, upstreamNameOf(model))) ??
    null
  );
}

export function upstreamNameOf({ name, upstreamModel }: Pick<ModelConfig, 'name' | 'upstreamModel'>): string {
  return upstreamModel ?? name;
}

/**
 * An alias is answered by what it stands for today: `gpt-4o` by `gpt-4o-2024-08-06`, `claude-x-latest` by `claude-x-20250101`.
 * Only a date or a short number may follow: `gpt-4o-mini` is no `gpt-4o`. Some leave out who made it: `meta/llama` is `llama`.
 */
function isNamed(answered: string, name: string): boolean {
  const base = name.replace(/[-:]latest$/, '');
  const bare = (text: string): string => text.slice(text.lastIndexOf('/') + 1).toLowerCase();
  if (bare(answered) === bare(name) || bare(answered) === bare(base)) return true;
  return bare(answered).startsWith(bare(base)) && /^[-@:]v?[\d.:-]+$/.test(bare(answered).slice(bare(base).length));
}

/** Null where price or tokens are not known. */
export function costOf({ price }: Pick<ModelConfig, 'price'>, facts: AnswerFacts): number | null {
  const { inputPerMillionUsd, outputPerMillionUsd, perRequestUsd } = price;
  if (inputPerMillionUsd === 0 && outputPerMillionUsd === 0 && perRequestUsd === 0) return null;
  const { inputTokens, outputTokens } = facts;
  if (inputTokens === null && inputPerMillionUsd > 0) return null;
  // Embeddings write nothing and say nothing of it.
  if (outputTokens === null && outputPerMillionUsd > 0 && inputTokens === null) return null;
  return priceOfCall(price, {
    input: inputTokens ?? 0,
    cachedInput: facts.cachedInputTokens ?? 0,
    cacheWrite: facts.cacheWriteTokens ?? 0,
    output: outputTokens ?? 0,
    reasoning: facts.reasoningTokens ?? 0,
  });
}
