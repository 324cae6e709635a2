import fc from 'fast-check';
import {
  figuresCapped,
  mostCostUsd,
  mostLatencyMs,
  plausibleCostUsd,
  plausibleLatencyMs,
  plausibleOutcome,
} from '../../../lib/reward/plausible-outcome';

const expected = { costUsd: 0.002, latencyMs: 1_000 };
const figures = { costUsd: 0.5, latencyMs: 90_000, inputTokens: 10, outputTokens: null };

describe('a reported figure', () => {
  test('that can be true is left alone, object and all', () => {
    expect(plausibleOutcome(figures, expected)).toBe(figures);
  });

  test('is capped at a thousand times what was expected', () => {
    const absurd = { costUsd: 9e15, latencyMs: 9e15, inputTokens: 2_147_483_647, outputTokens: null };
    const believed = plausibleOutcome(absurd, expected);
    expect(believed).toEqual({ costUsd: 2, latencyMs: 1_000_000, inputTokens: 10_000_000, outputTokens: null });
    expect(figuresCapped(absurd, believed)).toEqual(['costUsd', 'latencyMs', 'inputTokens']);
  });

  test('is never believed beyond a thousand dollars and an hour, whatever was expected', () => {
    for (const unknown of [0, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      expect(plausibleCostUsd(9e15, unknown)).toBe(mostCostUsd);
      expect(plausibleLatencyMs(9e15, unknown)).toBe(mostLatencyMs);
    }
  });

  test('of a cent or a minute is believed of the cheapest and fastest model', () => {
    expect(plausibleCostUsd(0.01, 1e-12)).toBe(0.01);
    expect(plausibleLatencyMs(60_000, 1e-3)).toBe(60_000);
  });

  test('is never raised', () => {
    const amount = fc.double({ min: 0, noNaN: true });
    fc.assert(
      fc.property(amount, amount, (value, expectation) => {
        expect(plausibleCostUsd(value, expectation)).toBeLessThanOrEqual(value);
        expect(plausibleLatencyMs(value, expectation)).toBeLessThanOrEqual(value);
      }),
    );
  });
});
