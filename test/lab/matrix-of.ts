import type { OutcomeMatrix } from '../../lab/policies/baselines';

/** A matrix with quality alone as utility; null: no candidate. Costs are in USD, unknown by default. */
export function matrixOf(
  scores: readonly (readonly (number | null)[])[],
  costsUsd: readonly (readonly number[])[] = scores.map((row) => row.map(() => Number.NaN)),
): OutcomeMatrix {
  const count = scores[0]!.length;
  const flat = Float64Array.from(scores.flat(), (score) => score ?? Number.NaN);
  const models = Array.from({ length: count }, (_, m) => ({
    name: `m${m}`,
    provider: `p${m}`,
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 },
    capabilities: [],
    contextTokens: 1_000,
    expectedLatencyMs: 100,
    expectedOutputTokens: 100,
    expectedQuality: 0.5,
    taskQuality: {},
  }));
  return {
    models,
    rows: scores.length,
    scores: flat,
    costsUsd: Float64Array.from(costsUsd.flat()),
    utilities: flat.slice(),
    failed: new Uint8Array(flat.length),
    listCostsUsd: new Float64Array(flat.length),
    groups: scores.map(() => null),
  };
}
