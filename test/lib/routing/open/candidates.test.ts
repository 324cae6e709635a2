import { completeConfig, configSchema } from '../../../../lib/config/schema/config-schema';
import { seededRandom } from '../../../../lib/random/seeded';
import {
  type ExpectedRequest,
  expectCandidates,
  priceFactor,
  type World,
} from '../../../../lib/routing/open/candidates';
import { eligibilityOf } from '../../../../lib/routing/open/eligibility';
import { addTime } from '../../../../lib/routing/open/latency-sketch';
import { pinTuning } from '../../../../lib/routing/open/pin-tuning';
import type { ModelProfile } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { closed, configOf, nowMs, profileOf, statsOf, tuningOf } from '../fixtures';

const request: ExpectedRequest & { requiredCapabilities: string[]; limits: typeof noLimits } = {
  taskType: 'code',
  promptTokens: 1_000,
  expectedOutputTokens: null,
  requiredCapabilities: [],
  limits: noLimits,
};

function worldOf(profiles: ModelProfile[] = [], changes: Partial<World> = {}): World {
  const byModel = new Map(profiles.map((profile) => [profile.model, profile]));
  return {
    config: configOf(),
    profileOf: (model) => byModel.get(model),
    tuning: { costRatios: {}, priceFactors: {} },
    nowMs,
    ...changes,
  };
}

describe('expectations', () => {
  test('what is declared of a task stays, whatever the model did at others', () => {
    const world = worldOf([
      profileOf('large', 'alpha', {
        overall: statsOf({ quality: 0.9, qualityWeight: 400 }),
        tasks: { code: statsOf({ quality: 0.9, qualityWeight: 400 }) },
      }),
    ]);
    const models = world.config.models.map((model) =>
      model.name === 'large' ? { ...model, taskQuality: { code: 0.9, poetry: 0.3 } } : model,
    );
    const declared = { ...world, config: { ...world.config, models } };
    const [large] = expectCandidates(declared, { ...request, taskType: 'poetry' });
    expect(large!.expectedQuality).toBeCloseTo(0.3, 9);
    expect(large!.declared).toMatchObject({ quality: 0.3, latencyMs: 3_000 });
  });

  test('what is seen of a model says something of its variants and deployments, and at once', () => {
    const [large, small, swift] = configOf().models;
    const bad = profileOf('large', 'alpha', { overall: statsOf({ quality: 0.4, qualityWeight: 40 }) });
    const qualityOf = (
      changes: object,
      profiles: Map<string, ModelProfile>,
      config = configOf({ models: [large, { ...small, taskQuality: {}, ...changes }, swift] }),
    ) => {
      const world = { ...worldOf([], { config }), profileOf: (model: string) => profiles.get(model) };
      const before = expectCandidates(world, request)[1]!.expectedQuality;
      profiles.set('large', bad);
      return [before, expectCandidates(world, request)[1]!.expectedQuality];
    };
    expect(qualityOf({}, new Map())).toEqual([0.7, 0.7]);
    // Half of 40 observations that were .5 worse than declared, against a prior of 8.
    const half = [0.7, expect.closeTo(0.7 - (0.5 * 20) / 28, 9)];
    expect(qualityOf({ variantOf: 'large' }, new Map())).toEqual(half);
    const deployed = configOf({
      models: [{ ...large, deploymentOf: 'x' }, { ...small, taskQuality: {}, deploymentOf: 'x' }, swift],
    });
    expect(qualityOf({}, new Map(), deployed)).toEqual(half);
  });

  test('a latency that one call in twenty exceeds is known once twenty were timed, of the version declared', () => {
    let latencies = null as ReturnType<typeof addTime> | null;
    for (let i = 0; i < 40; i++) latencies = addTime(latencies, i % 10 === 0 ? 9_000 : 500, 1);
    const seen = profileOf('large', 'alpha', {
      overall: statsOf({ latencies, qualityWeight: 9 }),
      declaredPrice: '{}',
    });
    const p95Of = (changes: Partial<World> = {}) =>
      expectCandidates(worldOf([seen], changes), request)[0]!.p95LatencyMs;
    expect(p95Of()).toBeCloseTo(9_000, -3);
    expect(p95Of({ config: configOf({ latencyLimit: 'mean' }) })).toBeNull();
    const [large, small, swift] = configOf().models;
    const newer = configOf({ models: [{ ...large, version: '2' }, small, swift] });
    expect(p95Of({ config: newer })).toBeNull();
    expect(expectCandidates(worldOf([seen], { config: newer }), request)[0]!.observations).toBe(0);
    const few = profileOf('large', 'alpha', { overall: statsOf({ latencies: addTime(null, 9_000, 1) }) });
    expect(expectCandidates(worldOf([few]), request)[0]!.p95LatencyMs).toBeNull();
  });

  test('without profiles they are the config’s: price times tokens, latency, quality by task', () => {
    const [large, small, swift] = expectCandidates(worldOf(), request);
    expect(large).toMatchObject({ expectedQuality: 0.9, expectedLatencyMs: 3_000, errorRate: 0, observations: 0 });
    expect(large!.expectedCostUsd).toBeCloseTo((1_000 * 4 + 250 * 16) / 1e6, 12);
    expect(small!.expectedQuality).toBe(0.85);
    expect(swift!.expectedQuality).toBe(0.6);
  });

  test('the task’s mean is shrunk to the model’s and that to the config’s, by the documented counts', () => {
    const profile = profileOf('large', 'alpha', {
      overall: statsOf({
        quality: 0.5,
        qualityWeight: 24,
        latencyMs: 1_000,
        latencyWeight: 8,
        weight: 6,
        errorRate: 0.4,
      }),
      tasks: { code: statsOf({ quality: 1, qualityWeight: 8 }) },
    });
    const [large] = expectCandidates(worldOf([profile]), request);
    const overall = (0.5 * 24 + 0.9 * 8) / 32;
    expect(large!.expectedQuality).toBeCloseTo((1 * 8 + overall * 8) / 16, 12);
    expect(large!.expectedLatencyMs).toBeCloseTo((1_000 * 8 + 3_000 * 8) / 16, 9);
    expect(large!.errorRate).toBeCloseTo((0.4 * 6) / 8, 12);
    expect(large!.observations).toBeCloseTo(8 + (8 * 24) / 32, 12);
  });

  test.each([
    ['a price appears', 1, 0.00125],
    ['a price disappears', 0.00125, 1],
    ['a price was off by a million', 1.25e-9, 0.00125],
    ['a price is given in another unit', 0.00125, 1.25],
  ])('cost: %s, and what calls have cost stays what they cost', (_name, learnedFactor, factorNow) => {
    // 750 tokens in and 250 out: 1 and 2 USD per million make .00125 USD.
    const times = factorNow / 0.00125;
    const price = factorNow === 1 ? {} : { inputPerMillionUsd: times, outputPerMillionUsd: 2 * times };
    const config = completeConfig(configSchema.parse({ models: [{ name: 'm', provider: 'p', price }] }));
    const learnedUsd = 0.00125;
    const tuning = { costRatios: { m: learnedUsd / learnedFactor }, priceFactors: { m: learnedFactor } };
    const asked = { ...request, limits: { ...request.limits, maxCostUsd: 0.001 }, complexity: null };
    const [candidate] = expectCandidates({ ...worldOf(), config, tuning }, asked);
    expect(candidate!.priceFactor).toBeCloseTo(factorNow, 12);
    expect(candidate!.expectedCostUsd).toBeCloseTo(learnedUsd, 12);
    const { candidates } = eligibilityOf([candidate!], config.models, asked);
    expect(candidates[0]!.ineligibleReason).toMatch(/^limits.maxCostUsd/);
    // What strategies find pinned is in the unit of the price that is pinned beside it.
    const pinned = pinTuning(config, tuningOf(tuning), 'COMBINED', 'general');
    expect(pinned.costRatios['m']! * candidate!.priceFactor).toBeCloseTo(learnedUsd, 12);
    expect(pinned.priceFactors).toEqual({});
  });

  test('cost: a price that is cut or raised takes the learned ratio with it', () => {
    const tuning = { costRatios: { large: 2 }, priceFactors: { large: 0.14 } };
    const [large] = expectCandidates(worldOf([], { tuning }), request);
    expect(large!.expectedCostUsd).toBeCloseTo(2 * large!.priceFactor, 12);
  });

  test('cost: the learned ratio first, then tokens times price with profiled answers, then what calls cost, else 0', () => {
    const asked = { ...request, expectedOutputTokens: 1_000 };
    const learned = expectCandidates(
      worldOf([], { tuning: { costRatios: { large: 2 }, priceFactors: {} } }),
      asked,
    )[0]!;
    expect(learned.expectedCostUsd).toBeCloseTo(2 * learned.priceFactor, 12);
    expect(expectCandidates(worldOf(), asked)[0]!.expectedCostUsd).toBeCloseTo((1_000 * 4 + 1_000 * 16) / 1e6, 12);
    const wordy = profileOf('large', 'alpha', { overall: statsOf({ outputTokens: 850, outputTokensWeight: 8 }) });
    expect(expectCandidates(worldOf([wordy]), request)[0]!.expectedCostUsd).toBeCloseTo(
      (1_000 * 4 + 550 * 16) / 1e6,
      12,
    );
    const unpriced = completeConfig(configSchema.parse({ models: [{ name: 'free', provider: 'p' }] }));
    const billed = profileOf('free', 'p', { overall: statsOf({ costUsd: 0.02, costWeight: 3 }) });
    expect(expectCandidates(worldOf([billed], { config: unpriced }), request)[0]!.expectedCostUsd).toBe(0.02);
    expect(expectCandidates(worldOf([], { config: unpriced }), request)[0]!.expectedCostUsd).toBe(0);
  });

  test('the price factor is the nominal request’s cost, 1 where no price is known', () => {
    const { models } = configOf();
    expect(priceFactor(models[0]!)).toBeCloseTo((750 * 4 + 250 * 16) / 1e6, 12);
    expect(priceFactor({ price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 } })).toBe(1);
  });

  test('a task type named like an inherited property finds nothing', () => {
    for (const taskType of ['constructor', '__proto__', 'toString']) {
      const candidates = expectCandidates(worldOf([profileOf('large', 'alpha')]), { ...request, taskType });
      for (const candidate of candidates) expect(Number.isFinite(candidate.expectedQuality)).toBe(true);
    }
  });

  test('what is remembered of earlier requests never shows: any sequence comes out as each request alone', () => {
    const random = seededRandom(1, 'sequence');
    const config = configOf();
    const profiles = new Map<string, ModelProfile>();
    let tuning: World['tuning'] = { costRatios: {}, priceFactors: {} };
    let moved = nowMs;
    for (let step = 0; step < 400; step++) {
      const model = config.models[random.integer(3)]!;
      const what = random.integer(5);
      if (what === 0) {
        const stats = () => statsOf({ quality: random.next(), qualityWeight: 9 * random.next(), weight: 3 });
        const health = (['CLOSED', 'HALF_OPEN', 'OPEN'] as const)[random.integer(3)]!;
        const breaker = closed({ health, probeAtMs: moved + random.integer(50), changedAtMs: step });
        const [own, providers] = random.next() < 0.5 ? [breaker, closed()] : [closed(), breaker];
        profiles.set(
          model.name,
          profileOf(model.name, model.provider, {
            overall: stats(),
            tasks: { code: stats() },
            breaker: own,
            providerBreaker: providers,
          }),
        );
      } else if (what === 1) profiles.delete(model.name);
      else if (what === 2) {
        tuning = { costRatios: random.next() < 0.3 ? {} : { [model.name]: random.next() }, priceFactors: {} };
      } else if (what === 3) moved += random.integer(60);
      const asked = {
        taskType: random.next() < 0.5 ? 'code' : `hint-${random.integer(50)}`,
        promptTokens: random.integer(5_000),
        expectedOutputTokens: random.next() < 0.5 ? null : random.integer(500),
      };
      const world = { profileOf: (name: string) => profiles.get(name), tuning, nowMs: moved };
      const given = expectCandidates({ ...world, config }, asked);
      const before = structuredClone(given);
      expect(given).toEqual(expectCandidates({ ...world, config: { ...config } }, asked));
      expectCandidates(
        { ...world, config, nowMs: moved + 1_000, tuning: { costRatios: { large: 1 }, priceFactors: {} } },
        asked,
      );
      expect(given).toEqual(before);
    }
  });

  test('an open breaker whose wait is over is half open, without anybody having said so', () => {
    const breaker = closed({ health: 'OPEN', probeAtMs: nowMs + 1, changedAtMs: 1 });
    const world = worldOf([profileOf('large', 'alpha', { breaker })]);
    const healthAt = (atMs: number) => expectCandidates({ ...world, nowMs: atMs }, request)[0]!.health;
    expect([healthAt(nowMs), healthAt(nowMs + 1), healthAt(nowMs)]).toEqual(['OPEN', 'HALF_OPEN', 'OPEN']);
  });
});
