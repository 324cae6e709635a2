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
    const at = ['models', index, 'price'];
    const { tiers = [], ...own } = price;
    const usd = price.perRequestUsd;
    return [
      ...perMillion(own, at),
      ...(usd > mostPerRequestUsd ? [warn([...at, 'perRequestUsd'], `${plain(usd)} USD for every call`)] : []),
      ...tiers.flatMap((tier, number) => perMillion(tier, [...at, 'tiers', number])),
    ];
  });
}

/** Of all fields that are in this unit, whichever there are. */
function perMillion(prices: object, at: Issue['path']): Issue[] {
  return Object.entries(prices).flatMap(([field, usd]: [string, unknown]) => {
    if (!field.endsWith('PerMillionUsd') || typeof usd !== 'number') return [];
    const path = [...at, field];
    const given = `${plain(usd)} USD per million tokens`;
    if (usd > mostPerMillionUsd) return [warn(path, `${given} is ${plain(usd / 1e6)} USD per token`)];
    if (usd <= 0 || usd >= leastPerMillionUsd) return [];
    return [warn(path, `${given} looks like a price per token, which would be ${plain(usd * 1e6)} per million`)];
  });
}

function warn(path: Issue['path'], message: string): Issue {
  return { path, at: 'value', message: `${message}: is that meant?` };
}

/** A number as people write it: without an exponent, without the noise of binary fractions. */
function plain(usd: number): string {
  const rounded = Number(usd.toPrecision(6));
  return rounded >= 1e-6 || rounded === 0 ? String(rounded) : rounded.toFixed(12).replace(/0+$/, '');
}
