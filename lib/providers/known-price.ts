/** Prices and context sizes as a published list has them. Whatever it does not know is unknown: nothing is guessed. */
import { calcPrice, type ModelPrice } from '@pydantic/genai-prices';

/** Where the prices are from: the package as package.json pins it, and the day it was published. */
export const priceSource = { name: '@pydantic/genai-prices', version: '0.1.8', publishedOn: '2026-09-23' } as const;

export interface KnownPrice {
  readonly inputPerMillionUsd: number;
  readonly outputPerMillionUsd: number;
  readonly perRequestUsd: number;
  readonly cachedInputPerMillionUsd?: number;
  readonly cacheWritePerMillionUsd?: number;
  /** Null where the list does not say. */
  readonly contextTokens: number | null;
}

/** Null for a model that the list does not have. Of prices in steps the one of short prompts. */
export function knownPriceOf(model: string, providerId: string): KnownPrice | null {
  const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, model, { providerId });
  if (!found) return null;
  const input = baseOf(found.model_price, 'input_mtok');
  const output = baseOf(found.model_price, 'output_mtok');
  if (input === null || output === null) return null;
  const cached = baseOf(found.model_price, 'cache_read_mtok');
  const cacheWrite = baseOf(found.model_price, 'cache_write_mtok');
  return {
    inputPerMillionUsd: input,
    outputPerMillionUsd: output,
    perRequestUsd: (baseOf(found.model_price, 'requests_kcount') ?? 0) / 1_000,
    ...(cached !== null && { cachedInputPerMillionUsd: cached }),
    ...(cacheWrite !== null && { cacheWritePerMillionUsd: cacheWrite }),
    contextTokens: found.model.context_window ?? null,
  };
}

function baseOf(price: ModelPrice, unit: string): number | null {
  const given = Object.hasOwn(price, unit) ? price[unit] : undefined;
  if (given === undefined) return null;
  return typeof given === 'number' ? given : given.base;
}
