/** Finds prices that are allowed and hardly meant: a catalogue in USD per token, or in millionths, is off by a million. */
import type { Issue } from './describe-issues';
import type { RouterConfig } from './router-config';

/** Between these lie the catalogues of all providers, with room for a factor of ten on either side. */
const leastPerMillionUsd = 0.001;
const mostPerMillionUsd = 10_000;
const mostPerRequestUsd = 100;

/** Warnings about prices; the configuration is valid all the same. */
export function doubtfulPrices(config: RouterConfig): Issue[] {
  return config.models.flatMap(({ price }, index) => {
    const warn = (field: keyof typeof price, message: string): Issue[] => [
      { path: ['models', index, 'price', field], at: 'value', message },
    ];
    const perMillion = (['inputPerMillionUsd', 'outputPerMillionUsd'] as const).flatMap((field) => {
      const usd = price[field];
      if (usd > mostPerMillionUsd)
        return warn(field, `${plain(usd)} USD per million tokens is ${plain(usd / 1e6)} USD per token: is that meant?`);
      if (usd > 0 && usd < leastPerMillionUsd)
        return warn(
          field,
          `${plain(usd)} USD per million tokens looks like a price per token, which would be ${plain(usd * 1e6)} per million: is that meant?`,
        );
      return [];
    });
    const usd = price.perRequestUsd;
    const perRequest =
      usd > mostPerRequestUsd ? warn('perRequestUsd', `${plain(usd)} USD for every call: is that meant?`) : [];
    return [...perMillion, ...perRequest];
  });
}

/** A number as people write it: without an exponent, without the noise of binary fractions. */
function plain(usd: number): string {
  const rounded = Number(usd.toPrecision(6));
  return rounded >= 1e-6 || rounded === 0 ? String(rounded) : rounded.toFixed(12).replace(/0+$/, '');
}
