/** What a call costs by the catalogue: the one place that knows how cached input, reasoning and tiers are priced. */
import type { ModelConfig } from '../config/router-config';

export interface CallTokens {
  /** Read, those from the cache among them. */
  readonly input: number;
  readonly cachedInput: number;
  /** Read, and put into the cache for calls to come. */
  readonly cacheWrite: number;
  /** Written, those of reasoning among them. */
  readonly output: number;
  readonly reasoning: number;
}

type Price = ModelConfig['price'];
type TokenPrices = Omit<Price, 'perRequestUsd' | 'tiers'>;

/** In USD. A call with more input than a tier begins at is paid by that tier as a whole, as providers do it. */
export function priceOfCall(price: Price, tokens: CallTokens): number {
  const { input, cachedInput, cacheWrite, output, reasoning } = tokens;
  const usd = priceOfTokens(price, input, cachedInput, output, reasoning);
  const { inputPerMillionUsd, cacheWritePerMillionUsd = inputPerMillionUsd } = pricesAt(price, input);
  const written = Math.min(cacheWrite, Math.max(0, input - cachedInput));
  return usd + (written * (cacheWritePerMillionUsd - inputPerMillionUsd)) / 1e6;
}

/** The same without an object for its tokens, and with nothing put into a cache: every model is priced for every request. */
export function priceOfTokens(
  price: Price,
  input: number,
  cachedInput: number,
  output: number,
  reasoning: number,
): number {
  const prices = pricesAt(price, input);
  const { inputPerMillionUsd, outputPerMillionUsd } = prices;
  const cached = Math.min(cachedInput, input);
  const thought = Math.min(reasoning, output);
  return (
    ((input - cached) * inputPerMillionUsd +
      cached * (prices.cachedInputPerMillionUsd ?? inputPerMillionUsd) +
      (output - thought) * outputPerMillionUsd +
      thought * (prices.reasoningPerMillionUsd ?? outputPerMillionUsd)) /
      1e6 +
    price.perRequestUsd
  );
}

/** What a tier does not say is as in the tier below it. */
function pricesAt(price: Price, inputTokens: number): TokenPrices {
  let prices: TokenPrices = price;
  if (!price.tiers) return prices;
  for (const { aboveInputTokens, ...tier } of price.tiers) {
    if (inputTokens <= aboveInputTokens) break;
    prices = {
      inputPerMillionUsd: tier.inputPerMillionUsd ?? prices.inputPerMillionUsd,
      outputPerMillionUsd: tier.outputPerMillionUsd ?? prices.outputPerMillionUsd,
      cachedInputPerMillionUsd: tier.cachedInputPerMillionUsd ?? prices.cachedInputPerMillionUsd,
      cacheWritePerMillionUsd: tier.cacheWritePerMillionUsd ?? prices.cacheWritePerMillionUsd,
      reasoningPerMillionUsd: tier.reasoningPerMillionUsd ?? prices.reasoningPerMillionUsd,
    };
  }
  return prices;
}
