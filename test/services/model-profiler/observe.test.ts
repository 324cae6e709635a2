import fc from 'fast-check';
import type { ModelObserved } from '../../../lib/topics/generated/messages';
import { afterObservation, decayOf, noStats, thoughtBefore } from '../../../services/model-profiler/observe';
import { observed } from './records';

/** Nothing fades but by what a test says. */
const neverMs = 1e15;
const plain = decayOf(Number.POSITIVE_INFINITY, neverMs);
const statsAfter = (observations: Partial<ModelObserved>[], decay = plain) =>
  observations.reduce((stats, change) => afterObservation(stats, observed(change), decay, thoughtBefore()), noStats());

describe('observe', () => {
  test('means of calls that say something of each figure', () => {
    expect(
      statsAfter([
        { quality: 1, latencyMs: 100, costUsd: 0.01, outputTokens: 10 },
        { status: 'TIMEOUT', quality: 0, latencyMs: 30_000, costUsd: null, outputTokens: 5 },
        { status: 'RATE_LIMITED', quality: null, latencyMs: 5, costUsd: 0, outputTokens: null },
        { quality: null, latencyMs: 300, costUsd: 0.02, outputTokens: 30 },
      ]),
    ).toEqual({
      weight: 4,
      errorRate: 0.5,
      quality: 0.5,
      qualityWeight: 2,
      latencyMs: 200,
      latencyWeight: 2,
      costUsd: expect.closeTo(0.01, 12),
      costWeight: 3,
      outputTokens: 20,
      outputTokensWeight: 2,
      agedAtMs: 1_700_000_000_000,
      latencies: expect.anything(),
      timeoutRate: 0.25,
      rateLimitedRate: 0.25,
      inputTokens: 10,
      inputTokensWeight: 2,
      // .03 for 60 tokens.
      costPerMillionTokensUsd: expect.closeTo(500, 9),
      costedTokens: 60,
      qualityBias: 0,
      qualityError2: 0,
      calibrationWeight: 0,
    });
  });

  test('a cancelled call leaves everything as it is', () => {
    const stats = statsAfter([{}]);
    expect(afterObservation(stats, observed({ status: 'CANCELLED', quality: 0 }), plain, thoughtBefore())).toBe(stats);
  });

  test('a correction replaces its quality, adds what was missing, and is no further call', () => {
    const before = statsAfter([{ quality: 0.8, latencyMs: null }, { quality: 0.4 }]);
    const corrected = afterObservation(
      before,
      observed({ revision: 1, quality: 0.2, replacedQuality: 0.8, latencyMs: 700, costUsd: null, outputTokens: null }),
      plain,
      thoughtBefore(),
    );
    expect(corrected).toMatchObject({ weight: 2, qualityWeight: 2, errorRate: 0, latencyWeight: 2 });
    expect(corrected.quality).toBeCloseTo(0.3, 12);
  });

  test('a first judgement that comes late counts as one', () => {
    const stats = statsAfter([
      { quality: null },
      { revision: 1, quality: 0.9, replacedQuality: null, latencyMs: null, costUsd: null, outputTokens: null },
    ]);
    expect(stats).toMatchObject({ weight: 1, quality: 0.9, qualityWeight: 1 });
  });

  test('an observation weighs half after as many newer ones as the half-life says', () => {
    const decay = decayOf(10, neverMs);
    const zeros = statsAfter(
      Array.from({ length: 500 }, () => ({ quality: 0 })),
      decay,
    );
    const one = afterObservation(zeros, observed({ quality: 1 }), decay, thoughtBefore());
    let later = one;
    for (let i = 0; i < 10; i++) later = afterObservation(later, observed({ quality: 0 }), decay, thoughtBefore());
    expect(later.quality / one.quality).toBeCloseTo(0.5, 6);
    expect(one.weight).toBeCloseTo(1 / (1 - decay.perCall), 6);
  });

  test('law: every mean stays within what was observed, in whatever order it came', () => {
    const one = fc.record({
      status: fc.constantFrom('SUCCESS', 'FAILURE', 'TIMEOUT', 'RATE_LIMITED', 'CANCELLED') as fc.Arbitrary<
        ModelObserved['status']
      >,
      quality: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      latencyMs: fc.option(fc.double({ min: 1, max: 5000, noNaN: true })),
      costUsd: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      revision: fc.nat(1),
      replacedQuality: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), fc.integer({ min: 1, max: 1000 }), (observations, halfLife) => {
        const stats = statsAfter(observations, decayOf(halfLife, neverMs));
        for (const share of [stats.errorRate, stats.quality]) {
          expect(share).toBeGreaterThanOrEqual(-1e-12);
          expect(share).toBeLessThanOrEqual(1 + 1e-12);
        }
        expect(stats.latencyMs).toBeLessThanOrEqual(5000.001);
        expect(stats.costUsd).toBeGreaterThanOrEqual(-1e-12);
        expect(stats.weight).toBeLessThanOrEqual(observations.length + 1e-9);
      }),
    );
  });
});

describe('what is expected of a model, when reports are wild', () => {
  const thought = thoughtBefore({ expectedLatencyMs: 1_000, expectedOutputTokens: 250 });
  /** As intake expects it: drawn towards what is declared, which counts like eight calls. */
  const expectedMs = (latencies: readonly number[]): number => {
    const { latencyMs, latencyWeight } = latencies.reduce(
      (stats, ms) => afterObservation(stats, observed({ latencyMs: ms }), decayOf(200, neverMs), thought),
      noStats(),
    );
    return (latencyMs * latencyWeight + 1_000 * 8) / (latencyWeight + 8);
  };
  const times = (count: number, ms: number): number[] => new Array<number>(count).fill(ms);

  test('one report moves it by a quarter at most, a handful by three times', () => {
    expect(expectedMs([1e9])).toBeLessThan(1_251);
    expect(expectedMs(times(5, 1e9))).toBeLessThan(3_100);
    expect(expectedMs([...times(300, 1_000), 1e9])).toBeLessThan(1_251);
  });

  test.each([10, 100])('a model that is %d times as slow as declared is known to be within tens of calls', (factor) => {
    expect(expectedMs(times(40, factor * 1_000)) / (factor * 1_000)).toBeGreaterThan(0.6);
  });

  test('a figure that nothing is declared of is held against what calls are like', () => {
    const stats = afterObservation(noStats(), observed({ costUsd: 1_000, inputTokens: 1e9 }), plain, thought);
    expect(stats.costUsd).toBeLessThan(0.05);
    expect(stats.inputTokens).toBeLessThan(5_000);
  });

  test('a first call that cost nothing leaves nothing stuck', () => {
    const costs = [0, ...new Array<number>(40).fill(1)];
    const stats = costs.reduce(
      (before, costUsd) => afterObservation(before, observed({ costUsd }), plain, thought),
      noStats(),
    );
    expect(stats.costUsd).toBeGreaterThan(0.5);
  });
});
