import fc from 'fast-check';
import {
  allBaselines,
  bestPerGroup,
  bestSingle,
  cheapest,
  judgeChoices,
  oracle,
  outcomeMatrix,
  roundRobin,
  staticRules,
  thompsonTable,
  uniformRandom,
} from '../../../lab/policies/baselines';
import type { Outcome, Workload, WorkloadRow, WorldEvent } from '../../../lab/workloads/workload';
import { seededRandom } from '../../../lib/random/seeded';
import { utilityWeights } from '../../../lib/routing/judge/utility';

const qualityOnly = utilityWeights({ quality: 1, cost: 0, latency: 0 }, { costUsd: 0.01, latencyMs: 1_000 }, 0);

interface Toy {
  /** Per row, per model: score, or null for no candidate. */
  readonly scores: readonly (readonly (number | null)[])[];
  readonly groups?: readonly string[];
  readonly prices?: readonly number[];
  readonly taskQuality?: readonly Record<string, number>[];
  readonly events?: readonly WorldEvent[];
  readonly outcome?: Partial<Outcome>;
  readonly failAt?: (row: number, model: number) => boolean;
}

function toyWorkload(toy: Toy): Workload {
  const count = toy.scores[0]!.length;
  const models = Array.from({ length: count }, (_, m) => ({
    name: `m${m}`,
    provider: `p${m}`,
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: toy.prices?.[m] ?? 0 },
    capabilities: [],
    contextTokens: 1_000,
    expectedLatencyMs: 100,
    expectedOutputTokens: 100,
    expectedQuality: 0.5,
    taskQuality: toy.taskQuality?.[m] ?? {},
  }));
  const row = (index: number): WorkloadRow => ({
    id: `r${index}`,
    split: null,
    group: toy.groups?.[index] ?? null,
    prompt: 'x',
    features: null,
    taskHint: null,
    outcomes: new Map(
      toy.scores[index]!.map((score, m): [string, Outcome | null] => {
        const failed = toy.failAt?.(index, m) ?? false;
        const base = { score: score ?? 0, costUsd: null, latencyMs: 100, inputTokens: null, outputTokens: null };
        return [`m${m}`, score === null ? null : { ...base, status: failed ? 'FAILURE' : 'SUCCESS', ...toy.outcome }];
      }),
    ),
  });
  const { length: rows } = toy.scores;
  return { name: 'toy', simulated: false, models, rows, row, events: toy.events ?? [], utility: null };
}

const matrixOf = (toy: Toy, weights = qualityOnly) => outcomeMatrix(toyWorkload(toy), weights);

test('uniform random is the exact expectation over the candidates of each row', () => {
  const result = uniformRandom(
    matrixOf({
      scores: [
        [1, 0, null],
        [0.2, 0.4, 0.9],
      ],
    }),
  );
  expect(result.meanUtility).toBeCloseTo((0.5 + 0.5) / 2);
  expect(result.shares).toEqual([expect.closeTo(5 / 12), expect.closeTo(5 / 12), expect.closeTo(1 / 6)]);
  expect(result.regret).toBeCloseTo((1 + 0.9) / 2 - 0.5);
});

test('round-robin takes turns and passes over a model that is no candidate', () => {
  const result = roundRobin(
    matrixOf({
      scores: [
        [1, 0, 0],
        [1, null, 0],
        [0.5, 1, 0],
        [1, 1, 0.25],
      ],
    }),
  );
  // m0, (m1 is none) m2, m0, m1
  expect([...result.utilities]).toEqual([1, 0, 0.5, 1]);
});

test('cheapest follows the catalogue and its changes', () => {
  const priceChanged = (atIndex: number, model: string, perRequestUsd: number): WorldEvent => ({
    kind: 'priceChanged',
    atIndex,
    model,
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd },
  });
  const scores = [
    [1, 0],
    [1, 0],
    [1, 0],
    [1, 0],
  ];
  const matrix = matrixOf({
    scores,
    prices: [0.02, 0.01],
    events: [priceChanged(2, 'm1', 0.1), priceChanged(3, 'm1', 0.001)],
  });
  expect([...cheapest(matrix).utilities]).toEqual([0, 0, 1, 0]);
});

test('cheapest without a catalogue is the lowest mean cost, and without costs the first model', () => {
  const scores = [
    [0, 1],
    [0, 1],
  ];
  const workload = toyWorkload({ scores });
  const costs = [0.5, 0.1];
  const billed: Workload = {
    ...workload,
    row(index) {
      const row = workload.row(index);
      const outcomes = new Map(
        [...row.outcomes].map(([m, o], i): [string, Outcome] => [m, { ...o!, costUsd: costs[i]! }]),
      );
      return { ...row, outcomes };
    },
  };
  const result = cheapest(outcomeMatrix(billed, qualityOnly));
  expect(result.shares).toEqual([0, 1]);
  expect(result.costUsdPer1000).toBeCloseTo(100);
  const unknown = cheapest(outcomeMatrix(workload, qualityOnly));
  expect(unknown.shares).toEqual([1, 0]);
  expect(unknown.meanCostUsd).toBeNull();
});

test('static rules follow the declared task table and fail over after three failures in a row', () => {
  const scores = Array.from({ length: 8 }, () => [1, 0.5]);
  const taskQuality = [
    { code: 0.9, math: 0.1 },
    { code: 0.2, math: 0.6 },
  ];
  const taskTypes = ['code', 'math', 'code', 'code', 'code', 'code', 'code', null];
  const calm = staticRules(matrixOf({ scores, taskQuality }), { weights: qualityOnly, taskTypes });
  expect([...calm.utilities]).toEqual([1, 0.5, 1, 1, 1, 1, 1, 1]);
  const failAt = (row: number, model: number) => model === 0 && row >= 2;
  const matrix = matrixOf({ scores, taskQuality, failAt });
  const outage = staticRules(matrix, { weights: qualityOnly, taskTypes });
  expect([...outage.utilities]).toEqual([1, 0.5, 0, 0, 0, 0.5, 0.5, 0.5]);
  expect(outage.failureRate).toBeCloseTo(3 / 8);
});

test('a failed call is worth nothing but costs its latency', () => {
  const weights = utilityWeights({ quality: 0.5, cost: 0, latency: 0.5 }, { costUsd: 1, latencyMs: 1_000 }, 0);
  const matrix = matrixOf({ scores: [[0.8]], outcome: { status: 'TIMEOUT', latencyMs: 500 } }, weights);
  expect(oracle(matrix)).toMatchObject({ meanUtility: -0.25, meanQuality: 0, failureRate: 1 });
});

test('hindsight: best single, best per group and oracle are ordered', () => {
  const scores = [
    [0.9, 0.5],
    [0.1, 0.6],
    [0.8, 0.2],
    [0, 0.7],
  ];
  const matrix = matrixOf({ scores, groups: ['a', 'b', 'a', 'b'] });
  expect(bestSingle(matrix).shares).toEqual([0, 1]);
  expect(bestPerGroup(matrix).meanUtility).toBeCloseTo((0.9 + 0.6 + 0.8 + 0.7) / 4);
  expect(oracle(matrix).regret).toBe(0);
  expect(
    bestSingle(
      matrixOf({
        scores: [
          [null, 0.1],
          [0.9, 0.2],
          [0.8, null],
        ],
      }),
    ).utilities,
  ).toEqual(Float64Array.from([0.1, 0.9, 0.8]));
});

test('law: no policy beats the oracle, and best single beats every constant choice', () => {
  const score = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(score, score, score), { minLength: 1, maxLength: 30 }),
      fc.integer(),
      (scores, seed) => {
        const matrix = matrixOf({ scores });
        const taskTypes = scores.map(() => null);
        const all = allBaselines(matrix, { weights: qualityOnly, seed, taskTypes });
        for (const result of Object.values(all)) {
          expect(result.requests).toBe(scores.length);
          expect(result.regret).toBeGreaterThanOrEqual(-1e-12);
          expect(result.shares.reduce((a: number, b: number) => a + b)).toBeCloseTo(1);
          expect(result.meanUtility + result.regret).toBeCloseTo(all.oracle.meanUtility);
        }
        for (const m of [0, 1, 2]) {
          const constant = judgeChoices('constant', matrix, new Int32Array(scores.length).fill(m));
          expect(all.bestSingle.meanUtility).toBeGreaterThanOrEqual(constant.meanUtility - 1e-12);
        }
      },
    ),
    { numRuns: 50 },
  );
});

describe('Thompson table', () => {
  const random = seededRandom(4);
  const scores = Array.from({ length: 2_000 }, () =>
    [0.3, 0.5, 0.7].map((p) => Math.min(1, Math.max(0, p + 0.2 * random.normal()))),
  );

  test('tries each model once, finds the best one, and repeats with its seed', () => {
    const result = thompsonTable(matrixOf({ scores }), { seed: 1 });
    expect([...result.utilities.slice(0, 3)]).toEqual([scores[0]![0], scores[1]![1], scores[2]![2]]);
    expect(result.shares[2]).toBeGreaterThan(0.9);
    expect(thompsonTable(matrixOf({ scores }), { seed: 1 }).utilities).toEqual(result.utilities);
    expect(thompsonTable(matrixOf({ scores }), { seed: 2 }).utilities).not.toEqual(result.utilities);
  });

  test('learns only from its own choices: changing what it did not choose changes nothing', () => {
    const result = thompsonTable(matrixOf({ scores }), { seed: 1 });
    const changed = scores.map((row, r) => row.map((s) => (result.utilities[r] === s ? s : 0.123)));
    expect(thompsonTable(matrixOf({ scores: changed }), { seed: 1 }).utilities).toEqual(result.utilities);
  });

  test('warm start: full feedback knows all models at once; frozen, it goes on as warmed', () => {
    const warm = { matrix: matrixOf({ scores: scores.slice(0, 300) }), feedback: 'full' as const };
    const cold = thompsonTable(matrixOf({ scores: scores.slice(300, 340) }), { seed: 1 });
    const warmed = thompsonTable(matrixOf({ scores: scores.slice(300, 340) }), { seed: 1, warm, learn: false });
    expect(warmed.shares[2]).toBeGreaterThan(0.95);
    expect(warmed.shares[2]).toBeGreaterThan(cold.shares[2]!);
    const frozen = thompsonTable(matrixOf({ scores: scores.slice(0, 10) }), { seed: 1, learn: false });
    expect(frozen.shares).toEqual([1, 0, 0]);
  });

  test('per group it finds the best of each', () => {
    const mirrored = scores.map((row, r) => (r % 2 === 0 ? row : [...row].reverse()));
    const groups = scores.map((_, r) => (r % 2 === 0 ? 'a' : 'b'));
    const matrix = matrixOf({ scores: mirrored, groups });
    const perGroup = thompsonTable(matrix, { seed: 1, perGroup: true });
    expect(perGroup.meanUtility).toBeGreaterThan(thompsonTable(matrix, { seed: 1 }).meanUtility + 0.1);
  });

  test('chooses only among candidates', () => {
    const holes = scores.slice(0, 200).map((row, r) => row.map((s, m) => (m === 2 && r % 2 === 0 ? null : s)));
    const result = thompsonTable(matrixOf({ scores: holes }), { seed: 1 });
    expect(result.shares[2]).toBeLessThanOrEqual(0.5);
    expect(result.shares[2]).toBeGreaterThan(0.4);
  });
});

test('reads chosen rows in the given order', () => {
  const workload = toyWorkload({ scores: [[0.1], [0.2], [0.3]] });
  expect([...oracle(outcomeMatrix(workload, qualityOnly, [2, 0])).utilities]).toEqual([0.3, 0.1]);
});

test('choices that cannot be are refused', () => {
  const matrix = matrixOf({
    scores: [
      [1, null],
      [0, 1],
    ],
  });
  expect(() => judgeChoices('engine', matrix, [0])).toThrow('engine: 1 choices for 2 rows');
  expect(() => judgeChoices('engine', matrix, [1, 0])).toThrow('engine: row 0 has no candidate m1');
  expect(() => judgeChoices('engine', matrix, [0, 7])).toThrow('engine: row 1 has no candidate 7');
  expect(() => matrixOf({ scores: [[null, null]] })).toThrow(/row 0 \(r0\) has no candidate/);
});
