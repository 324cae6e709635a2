import fc from 'fast-check';
import {
  type Figure,
  figuresCapped,
  mostCostUsd,
  mostLatencyMs,
  plausibleCostUsd,
  plausibleOutcome,
} from '../../../lib/reward/plausible-outcome';
import { schemaVersions } from '../../../lib/topics/generated/schemas';

const expected = { costUsd: 0.002, latencyMs: 1_000, model: { contextTokens: 128_000, expectedOutputTokens: 100 } };
const figures: Record<Figure, number | null> = {
  costUsd: 0.5,
  latencyMs: 90_000,
  firstTokenMs: 80_000,
  retryAfterMs: 60_000,
  inputTokens: 10,
  outputTokens: null,
  cachedInputTokens: 5,
  reasoningTokens: null,
};
const absurd: Record<Figure, number> = {
  costUsd: 9e15,
  latencyMs: 9e15,
  firstTokenMs: 9e15,
  retryAfterMs: 9e15,
  inputTokens: 2_147_483_647,
  outputTokens: 2_147_483_647,
  cachedInputTokens: 2_147_483_647,
  reasoningTokens: 2_147_483_647,
};

describe('a reported figure', () => {
  test('that can be true is left alone, object and all', () => {
    expect(plausibleOutcome(figures, expected)).toBe(figures);
  });

  test('is capped at a thousand times what was expected, and at what its model holds', () => {
    const believed = plausibleOutcome(absurd, expected);
    expect(believed).toEqual({
      costUsd: 2,
      latencyMs: 1_000_000,
      firstTokenMs: 1_000_000,
      retryAfterMs: 3_600_000,
      inputTokens: 128_000,
      outputTokens: 100_000,
      cachedInputTokens: 128_000,
      reasoningTokens: 100_000,
    });
    expect(figuresCapped(absurd, believed).sort()).toEqual(Object.keys(absurd).sort());
  });

  test('is never believed beyond a thousand dollars, an hour and ten million tokens, whatever was expected', () => {
    for (const unknown of [0, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      const believed = plausibleOutcome(absurd, { costUsd: unknown, latencyMs: unknown, model: null });
      expect(believed).toMatchObject({ costUsd: mostCostUsd, latencyMs: mostLatencyMs, firstTokenMs: mostLatencyMs });
      expect(believed).toMatchObject({ inputTokens: 10_000_000, outputTokens: 10_000_000 });
    }
  });

  test('of a cent or a minute is believed of the cheapest and fastest model', () => {
    expect(plausibleCostUsd(0.01, 1e-12)).toBe(0.01);
    expect(plausibleOutcome({ ...figures, latencyMs: 60_000 }, { ...expected, latencyMs: 1e-3 }).latencyMs).toBe(
      60_000,
    );
  });

  test('is never raised', () => {
    const amount = fc.double({ min: 0, noNaN: true });
    fc.assert(
      fc.property(amount, amount, amount, (costUsd, latencyMs, expectation) => {
        const said = { ...figures, costUsd, latencyMs };
        const believed = plausibleOutcome(said, { costUsd: expectation, latencyMs: expectation, model: null });
        for (const figure of Object.keys(said) as Figure[])
          expect(believed[figure] ?? 0).toBeLessThanOrEqual(said[figure] ?? 0);
      }),
    );
  });

  test('has a cap whatever its name: of all numbers that the message leaves open none is passed on', () => {
    const { fields } = schemaVersions['RouteOutcome']!.at(-1)!.schema as {
      fields: readonly { readonly name: string; readonly type: unknown }[];
    };
    const open = fields
      .filter(({ type }) => Array.isArray(type) && type.some((one) => one === 'int' || one === 'double'))
      .map(({ name }) => name);
    expect(open.sort()).toEqual(['quality', ...Object.keys(absurd)].sort());
  });
});
