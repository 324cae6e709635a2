import fc from 'fast-check';
import { completeConfig, configSchema } from '../../../../lib/config/config-schema';
import { seededRandom } from '../../../../lib/random/seeded';
import {
  admitProbes,
  buildCandidates,
  type CandidateRequest,
  isLifted,
  liftHealthFilter,
  limitSession,
  noCandidateError,
  priceFactor,
  type World,
} from '../../../../lib/routing/open/candidates';
import { pinTuning } from '../../../../lib/routing/open/pin-tuning';
import type { ModelProfile } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { closed, configOf, nowMs, profileOf, statsOf, tuningOf } from '../fixtures';

const request: CandidateRequest = {
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

const open = (probeAtMs: number, changedAtMs = 1) => closed({ health: 'OPEN', probeAtMs, changedAtMs });

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
    const [large] = buildCandidates(declared, { ...request, taskType: 'poetry' });
    expect(large!.expectedQuality).toBeCloseTo(0.3, 9);
    expect(large!.declared).toMatchObject({ quality: 0.3, latencyMs: 3_000 });
  });

  test('without profiles they are the config’s: price times tokens, latency, quality by task', () => {
    const [large, small, swift] = buildCandidates(worldOf(), request);
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
    const [large] = buildCandidates(worldOf([profile]), request);
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
    const asked = { ...request, limits: { ...request.limits, maxCostUsd: 0.001 } };
    const [candidate] = buildCandidates({ ...worldOf(), config, tuning }, asked);
    expect(candidate!.priceFactor).toBeCloseTo(factorNow, 12);
    expect(candidate!.expectedCostUsd).toBeCloseTo(learnedUsd, 12);
    expect(candidate!.ineligibleReason).toMatch(/^limits.maxCostUsd/);
    // What strategies find pinned is in the unit of the price that is pinned beside it.
    const pinned = pinTuning(config, tuningOf(tuning), 'COMBINED');
    expect(pinned.costRatios['m']! * candidate!.priceFactor).toBeCloseTo(learnedUsd, 12);
    expect(pinned.priceFactors).toEqual({});
  });

  test('cost: a price that is cut or raised takes the learned ratio with it', () => {
    const tuning = { costRatios: { large: 2 }, priceFactors: { large: 0.14 } };
    const [large] = buildCandidates(worldOf([], { tuning }), request);
    expect(large!.expectedCostUsd).toBeCloseTo(2 * large!.priceFactor, 12);
  });

  test('cost: the learned ratio first, then tokens times price with profiled answers, then what calls cost, else 0', () => {
    const asked = { ...request, expectedOutputTokens: 1_000 };
    const learned = buildCandidates(worldOf([], { tuning: { costRatios: { large: 2 }, priceFactors: {} } }), asked)[0]!;
    expect(learned.expectedCostUsd).toBeCloseTo(2 * learned.priceFactor, 12);
    expect(buildCandidates(worldOf(), asked)[0]!.expectedCostUsd).toBeCloseTo((1_000 * 4 + 1_000 * 16) / 1e6, 12);
    const wordy = profileOf('large', 'alpha', { overall: statsOf({ outputTokens: 850, outputTokensWeight: 8 }) });
    expect(buildCandidates(worldOf([wordy]), request)[0]!.expectedCostUsd).toBeCloseTo(
      (1_000 * 4 + 550 * 16) / 1e6,
      12,
    );
    const unpriced = completeConfig(configSchema.parse({ models: [{ name: 'free', provider: 'p' }] }));
    const billed = profileOf('free', 'p', { overall: statsOf({ costUsd: 0.02, costWeight: 3 }) });
    expect(buildCandidates(worldOf([billed], { config: unpriced }), request)[0]!.expectedCostUsd).toBe(0.02);
    expect(buildCandidates(worldOf([], { config: unpriced }), request)[0]!.expectedCostUsd).toBe(0);
  });

  test('the price factor is the nominal request’s cost, 1 where no price is known', () => {
    const { models } = configOf();
    expect(priceFactor(models[0]!)).toBeCloseTo((750 * 4 + 250 * 16) / 1e6, 12);
    expect(priceFactor({ price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 } })).toBe(1);
  });

  test('a task type named like an inherited property finds nothing', () => {
    for (const taskType of ['constructor', '__proto__', 'toString']) {
      const candidates = buildCandidates(worldOf([profileOf('large', 'alpha')]), { ...request, taskType });
      for (const candidate of candidates) expect(Number.isFinite(candidate.expectedQuality)).toBe(true);
    }
  });
});

describe('eligibility', () => {
  const eligible = (changes: Partial<CandidateRequest>, world = worldOf()) =>
    buildCandidates(world, { ...request, ...changes })
      .filter((candidate) => candidate.eligible)
      .map((candidate) => candidate.model);
  const limited = (limits: Partial<CandidateRequest['limits']>) => eligible({ limits: { ...noLimits, ...limits } });

  test('limits', () => {
    expect(limited({})).toEqual(['large', 'small', 'swift']);
    expect(limited({ maxCostUsd: 0.001 })).toEqual(['small']);
    expect(limited({ maxLatencyMs: 1_500 })).toEqual(['small', 'swift']);
    expect(limited({ allowedModels: ['large', 'swift'] })).toEqual(['large', 'swift']);
    expect(limited({ deniedModels: ['large'] })).toEqual(['small', 'swift']);
    expect(limited({ allowedProviders: ['alpha'] })).toEqual(['large']);
    expect(limited({ deniedProviders: ['alpha'] })).toEqual(['small', 'swift']);
  });

  test('capabilities and context size', () => {
    expect(eligible({ requiredCapabilities: ['tools', 'vision'] })).toEqual(['large']);
    expect(eligible({ promptTokens: 7_900, expectedOutputTokens: 200 })).toEqual(['large', 'small']);
    expect(eligible({ promptTokens: 8_000 })).toEqual(['large', 'small', 'swift']);
  });

  test('an open breaker shuts out, of the model or of its provider; the newest word on a provider counts', () => {
    const sick = profileOf('large', 'alpha', { breaker: open(nowMs + 1) });
    expect(eligible({}, worldOf([sick]))).toEqual(['small', 'swift']);
    const provider = profileOf('small', 'beta', { providerBreaker: open(nowMs + 1, 5) });
    expect(eligible({}, worldOf([provider]))).toEqual(['large']);
    const newer = profileOf('swift', 'beta', { providerBreaker: closed({ changedAtMs: 9 }) });
    expect(eligible({}, worldOf([provider, newer]))).toEqual(['large', 'small', 'swift']);
  });

  test('an open breaker whose wait is over is half open, without anybody having said so', () => {
    const candidates = buildCandidates(worldOf([profileOf('large', 'alpha', { breaker: open(nowMs) })]), request);
    expect(candidates[0]).toMatchObject({ health: 'HALF_OPEN', eligible: false });
  });

  test('half-open candidates are let in for their share of requests, seeded', () => {
    const halfOpen = profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) });
    const share = (probeShare: number): number => {
      let admitted = 0;
      for (let seed = 0; seed < 400; seed++) {
        const candidates = buildCandidates(worldOf([halfOpen]), request);
        if (!admitProbes(candidates, probeShare, seededRandom(seed))) continue;
        admitted++;
        expect(candidates[0]).toMatchObject({ eligible: true, ineligibleReason: null, health: 'HALF_OPEN' });
      }
      return admitted / 400;
    };
    expect(share(0)).toBe(0);
    expect(share(1)).toBe(1);
    expect(share(0.25)).toBeGreaterThan(0.15);
    expect(share(0.25)).toBeLessThan(0.35);
  });

  test('when only health is to blame, the least bad are let in and say so', () => {
    const half = profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) });
    const out = profileOf('small', 'beta', { providerBreaker: open(nowMs + 1) });
    const candidates = buildCandidates(worldOf([half, out]), request);
    expect(liftHealthFilter(candidates)).toBe(true);
    expect(candidates.map((candidate) => candidate.eligible)).toEqual([true, false, false]);
    expect(candidates.map(isLifted)).toEqual([true, false, false]);
    const allOut = buildCandidates(worldOf([profileOf('large', 'alpha', { breaker: open(nowMs + 1) }), out]), {
      ...request,
      limits: { ...noLimits, deniedModels: ['swift'] },
    });
    expect(liftHealthFilter(allOut)).toBe(true);
    expect(allOut.map((candidate) => candidate.eligible)).toEqual([true, true, false]);
  });

  test('lifting changes nothing while somebody is eligible', () => {
    const candidates = buildCandidates(worldOf([profileOf('large', 'alpha', { breaker: open(nowMs + 1) })]), request);
    expect(liftHealthFilter(candidates)).toBe(false);
    expect(candidates[0]!.eligible).toBe(false);
  });

  test('a session shuts out whom it cannot pay, healthy or not', () => {
    const sick = profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) });
    const candidates = buildCandidates(worldOf([sick]), {
      ...request,
      limits: { ...noLimits, deniedModels: ['swift'] },
    });
    const [large, small] = candidates.map(({ expectedCostUsd }) => expectedCostUsd);
    expect(limitSession(candidates, null, 1)).toBe(false);
    expect(limitSession(candidates, 1 + large!, 1)).toBe(false);
    expect(candidates.map(({ eligible }) => eligible)).toEqual([false, true, false]);
    expect(limitSession(candidates, 1 + small! * 1.001, 1)).toBe(true);
    expect(candidates.map(({ eligible }) => eligible)).toEqual([false, true, false]);
    expect(candidates[0]!.ineligibleReason).toMatch(
      /^limits.maxSessionCostUsd: expected \$.* is over the \$.* left of \$1$/,
    );
    expect(candidates[2]!.ineligibleReason).toBe('limits.deniedModels: denied');
    expect(admitProbes(candidates, 1, seededRandom(1))).toBe(false);
    expect(limitSession(candidates, 1, 2)).toBe(true);
    expect(liftHealthFilter(candidates)).toBe(false);
    expect(noCandidateError(candidates)!.field).toBe('limits.maxSessionCostUsd');
  });

  test('no candidate at all names the field that shuts out most', () => {
    const candidates = buildCandidates(worldOf(), {
      ...request,
      limits: { ...noLimits, maxCostUsd: 0, deniedModels: ['large'] },
    });
    expect(liftHealthFilter(candidates)).toBe(false);
    const error = noCandidateError(candidates)!;
    expect(error.field).toBe('limits.maxCostUsd');
    expect(error.reason).toMatch(/^no eligible candidate: large \(limits.deniedModels: denied\), small \(/);
    expect(noCandidateError(buildCandidates(worldOf(), request))).toBeNull();
  });

  test('every ineligible candidate has a reason, and no candidate breaks a limit', () => {
    const limit = fc.option(fc.double({ min: 0, max: 0.02, noNaN: true }));
    fc.assert(
      fc.property(limit, fc.option(fc.nat(4_000)), fc.nat(10_000), (maxCostUsd, maxLatencyMs, promptTokens) => {
        const limits = { ...noLimits, maxCostUsd, maxLatencyMs };
        for (const candidate of buildCandidates(worldOf(), { ...request, promptTokens, limits })) {
          expect(candidate.eligible).toBe(candidate.ineligibleReason === null);
          if (!candidate.eligible) continue;
          if (maxCostUsd !== null) expect(candidate.expectedCostUsd).toBeLessThanOrEqual(maxCostUsd);
          if (maxLatencyMs !== null) expect(candidate.expectedLatencyMs).toBeLessThanOrEqual(maxLatencyMs);
        }
      }),
    );
  });
});
