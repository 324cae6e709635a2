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

const expected = {
  costUsd: 0.002,
  latencyMs: 1_000,
  model: { contextTokens: 128_000, expectedOutputTokens: 100, expectedLatencyMs: 2_000 },
  elapsedMs: 90_000,
};
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

  test('is capped at a thousand times what was expected, at what its model holds, and at what can have been waited for', () => {
    const believed = plausibleOutcome(absurd, expected);
    expect(believed).toEqual({
      costUsd: 2,
      latencyMs: 90_000,
      firstTokenMs: 90_000,
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
      const believed = plausibleOutcome(absurd, { costUsd: unknown, latencyMs: unknown, model: null, elapsedMs: 0 });
      expect(believed).toMatchObject({ costUsd: mostCostUsd, latencyMs: mostLatencyMs, firstTokenMs: mostLatencyMs });
      expect(believed).toMatchObject({ inputTokens: 10_000_000, outputTokens: 10_000_000 });
    }
  });

  test('of a cent is believed of the cheapest model', () => {
    expect(plausibleCostUsd(0.01, 1e-12)).toBe(0.01);
  });

  test('of time that cannot have passed is believed up to ten times what is expected or declared', () => {
    const believed = (change: Partial<typeof expected>) =>
      plausibleOutcome({ ...figures, latencyMs: 9e15 }, { ...expected, ...change }).latencyMs;
    expect(believed({ elapsedMs: 5 })).toBe(20_000);
    expect(believed({ elapsedMs: -5, latencyMs: 30_000 })).toBe(300_000);
    // Whoever has waited is believed, an hour at most.
    expect(believed({ elapsedMs: 1_000_000 })).toBe(1_000_000);
    expect(believed({ elapsedMs: 1e9 })).toBe(mostLatencyMs);
  });

  test('is never raised', () => {
    const amount = fc.double({ min: 0, noNaN: true });
    fc.assert(
      fc.property(amount, amount, amount, (costUsd, latencyMs, expectation) => {
        const said = { ...figures, costUsd, latencyMs };
        const believed = plausibleOutcome(said, {
          costUsd: expectation,
          latencyMs: expectation,
          model: null,
          elapsedMs: 0,
        });
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
