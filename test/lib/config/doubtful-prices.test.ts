import { parseConfig } from '../../../lib/config/parse-config';

const warningsOf = (price: string): string[] => {
  const parsed = parseConfig(`models:\n  - { name: a, provider: p, price: { ${price} } }\n`);
  if (!parsed.ok) throw new Error('expected a valid configuration');
  return parsed.warnings.map(({ line, path, message }) => `${line} ${path}: ${message}`);
};

test.each([
  [
    'inputPerMillionUsd: 1250000',
    '2 models.0.price.inputPerMillionUsd: 1250000 USD per million tokens is 1.25 USD per token: is that meant?',
  ],
  [
    'outputPerMillionUsd: 0.00000125',
    '2 models.0.price.outputPerMillionUsd: 0.00000125 USD per million tokens looks like a price per token, which would be 1.25 per million: is that meant?',
  ],
  [
    'inputPerMillionUsd: 1, cachedInputPerMillionUsd: 0.000000125',
    '2 models.0.price.cachedInputPerMillionUsd: 0.000000125 USD per million tokens looks like a price per token, which would be 0.125 per million: is that meant?',
  ],
  [
    'outputPerMillionUsd: 1, reasoningPerMillionUsd: 60000',
    '2 models.0.price.reasoningPerMillionUsd: 60000 USD per million tokens is 0.06 USD per token: is that meant?',
  ],
  [
    'inputPerMillionUsd: 1, tiers: [{ aboveInputTokens: 200000, outputPerMillionUsd: 0.000015 }]',
    '2 models.0.price.tiers.0.outputPerMillionUsd: 0.000015 USD per million tokens looks like a price per token, which would be 15 per million: is that meant?',
  ],
  ['perRequestUsd: 2500', '2 models.0.price.perRequestUsd: 2500 USD for every call: is that meant?'],
])('%s is allowed and warned of', (price, warning) => {
  expect(warningsOf(price)).toEqual([warning]);
});

test.each(['inputPerMillionUsd: 0.02', 'outputPerMillionUsd: 600', 'perRequestUsd: 0.03', 'inputPerMillionUsd: 0'])(
  '%s is nothing to talk about',
  (price) => {
    expect(warningsOf(price)).toEqual([]);
  },
);
