import fc from 'fast-check';
import { type ExpectedRequest, expectCandidates, type World } from '../../../../lib/routing/open/candidates';
import { describeBar } from '../../../../lib/routing/open/describe-bar';
import {
  type AtOpening,
  type Eligibility,
  type EligibilityRequest,
  eligibilityOf,
  isLifted,
  noCandidateError,
  waitingCandidates,
} from '../../../../lib/routing/open/eligibility';
import type { Candidate, ModelProfile } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { closed, configOf, nowMs, profileOf } from '../fixtures';

type Asked = ExpectedRequest & EligibilityRequest;

const request: Asked = {
  taskType: 'code',
  promptTokens: 1_000,
  expectedOutputTokens: null,
  requiredCapabilities: [],
  limits: noLimits,
  complexity: null,
};
const nobody: ReadonlySet<number> = new Set();

function worldOf(profiles: ModelProfile[] = []): World {
  const byModel = new Map(profiles.map((profile) => [profile.model, profile]));
  return {
    config: configOf(),
    profileOf: (model) => byModel.get(model),
    tuning: { costRatios: {}, priceFactors: {} },
    nowMs,
  };
}

const open = (probeAtMs: number, changedAtMs = 1) => closed({ health: 'OPEN', probeAtMs, changedAtMs });

function eligibilityIn(world: World, changes: Partial<Asked>, opening: AtOpening | null = null): Eligibility {
  const asked = { ...request, ...changes };
  return eligibilityOf(expectCandidates(world, asked), world.config.models, asked, opening);
}

describe('eligibility', () => {
  const eligible = (changes: Partial<Asked>, world = worldOf()) =>
    eligibilityIn(world, changes)
      .candidates.filter((candidate) => candidate.eligible)
      .map((candidate) => candidate.model);
  const limited = (limits: Partial<Asked['limits']>) => eligible({ limits: { ...noLimits, ...limits } });

  test('a model that only embeds is for whoever names it', () => {
    const world = worldOf();
    const models = world.config.models.map((model) =>
      model.name === 'small' ? { ...model, apis: ['embeddings' as const] } : model,
    );
    const embedding = { ...world, config: { ...world.config, models } };
    expect(eligible({}, embedding)).toEqual(['large', 'swift']);
    expect(eligible({ limits: { ...noLimits, allowedModels: ['small'] } }, embedding)).toEqual(['small']);
    const alone = eligibilityIn(embedding, { limits: { ...noLimits, deniedModels: ['large', 'swift'] } });
    expect(noCandidateError(alone)?.reason).toMatch(/small \(limits\.allowedModels: only makes embeddings/);
  });

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

  test('a model of which nobody says what it can do may be asked for everything', () => {
    const world = worldOf();
    const models = world.config.models.map((model) =>
      model.name === 'swift' ? { ...model, capabilities: null } : model,
    );
    const unsure = { ...world, config: { ...world.config, models } };
    expect(eligible({ requiredCapabilities: ['tools', 'vision'] }, unsure)).toEqual(['large', 'swift']);
  });

  test('an open breaker shuts out, of the model or of its provider; the newest word on a provider counts', () => {
    const sick = profileOf('large', 'alpha', { breaker: open(nowMs + 1) });
    expect(eligible({}, worldOf([sick]))).toEqual(['small', 'swift']);
    const provider = profileOf('small', 'beta', { providerBreaker: open(nowMs + 1, 5) });
    expect(eligible({}, worldOf([provider]))).toEqual(['large']);
    const newer = profileOf('swift', 'beta', { providerBreaker: closed({ changedAtMs: 9 }) });
    expect(eligible({}, worldOf([provider, newer]))).toEqual(['large', 'small', 'swift']);
  });

  test('half-open candidates wait until they are chosen to probe', () => {
    const halfOpen = profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) });
    const asked = eligibilityIn(worldOf([halfOpen]), {});
    expect(asked.candidates[0]).toMatchObject({
      eligible: false,
      ineligibleReason: 'health: HALF_OPEN, not chosen to probe',
    });
    expect(waitingCandidates(asked)).toEqual([0]);
    const chosen = eligibilityIn(worldOf([halfOpen]), {}, { sessionSpentUsd: 0, admitted: new Set([0]) });
    expect(chosen.candidates[0]).toMatchObject({ eligible: true, ineligibleReason: null, health: 'HALF_OPEN' });
    expect(waitingCandidates(chosen)).toEqual([]);
  });

  test('when only health is to blame, the least bad are let in and say so', () => {
    const half = profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) });
    const out = profileOf('small', 'beta', { providerBreaker: open(nowMs + 1) });
    const lifted = eligibilityIn(worldOf([half, out]), {});
    expect(lifted.lifted).toBe(true);
    expect(lifted.candidates.map((candidate) => candidate.eligible)).toEqual([true, false, false]);
    expect(lifted.candidates.map(isLifted)).toEqual([true, false, false]);
    // Whoever was let in needs no draw.
    expect(waitingCandidates(lifted)).toEqual([]);
    const allOut = eligibilityIn(worldOf([profileOf('large', 'alpha', { breaker: open(nowMs + 1) }), out]), {
      limits: { ...noLimits, deniedModels: ['swift'] },
    });
    expect(allOut.candidates.map((candidate) => candidate.eligible)).toEqual([true, true, false]);
    expect(allOut.candidates[0]!.ineligibleReason).toBe('health: OPEN, but nothing healthier is left');
    expect(noCandidateError(allOut)).toBeNull();
  });

  test('who takes only a share of the requests waits for his draw; who rests has none', () => {
    const admissions = [
      { share: 0.25, kind: 'returning' as const },
      { share: 0.4, kind: 'limited' as const },
      { share: 0, kind: 'resting' as const },
    ];
    const of = (admitted: readonly number[], only: readonly number[] = [0, 1, 2]) =>
      eligibilityOf(
        expectCandidates(worldOf(), request),
        configOf().models,
        request,
        { sessionSpentUsd: 0, admitted: new Set(admitted) },
        admissions.map((admission, i) => (only.includes(i) ? admission : null)),
      );
    expect(waitingCandidates(of([], [0, 1]))).toEqual([0, 1]);
    expect(of([1], [0, 1]).candidates.map(({ eligible, ineligibleReason }) => [eligible, ineligibleReason])).toEqual([
      [false, 'capacity: returning after an outage, and this is not among the 25 % of requests that may use it'],
      [true, null],
      [true, null],
    ]);
    expect(waitingCandidates(of([], [0, 2]))).toEqual([0]);
    expect(of([], [2]).candidates[2]!.ineligibleReason).toBe('capacity: has asked to be left alone for a while');
    // Where there is nobody else it has to serve.
    const lifted = of([]);
    expect(lifted.candidates.map(({ eligible }) => eligible)).toEqual([true, false, false]);
    expect(lifted.candidates[0]!.ineligibleReason).toBe('capacity: returning, but nothing better is left');
    expect(noCandidateError(lifted)).toBeNull();
  });

  test('a latency limit is held against what one call in twenty exceeds, unless nothing faster is left', () => {
    const expected: Candidate[] = expectCandidates(worldOf(), request).map((candidate) => ({
      ...candidate,
      p95LatencyMs: 5_000,
    }));
    const limits = { ...noLimits, maxLatencyMs: 1_600 };
    const of = (candidates: readonly Candidate[]) =>
      eligibilityOf(candidates, configOf().models, { ...request, limits });
    const [large, small, swift] = expected;
    const one = of([large!, small!, { ...swift!, p95LatencyMs: 1_550 }]);
    expect(one.candidates.map(({ ineligibleReason }) => ineligibleReason)).toEqual([
      'limits.maxLatencyMs: expected 3000 ms is over 1600 ms',
      'limits.maxLatencyMs: one call in twenty takes more than 5000 ms, the limit is 1600 ms',
      null,
    ]);
    const none = of(expected);
    expect(none.candidates.map(({ eligible }) => eligible)).toEqual([false, true, true]);
    expect(none.candidates[1]!.ineligibleReason).toMatch(/1600 ms, but nothing faster is left$/);
    // By the mean alone, as long as nothing else is known.
    expect(of(expected.map((candidate) => ({ ...candidate, p95LatencyMs: null }))).lifted).toBe(false);
  });

  test('nobody is lifted while somebody is eligible', () => {
    const { candidates, lifted } = eligibilityIn(
      worldOf([profileOf('large', 'alpha', { breaker: open(nowMs + 1) })]),
      {},
    );
    expect(lifted).toBe(false);
    expect(candidates[0]!.eligible).toBe(false);
  });

  test('a session shuts out whom it cannot pay, healthy or not', () => {
    const world = worldOf([profileOf('large', 'alpha', { breaker: closed({ health: 'HALF_OPEN' }) })]);
    const [large, small] = expectCandidates(world, request).map(({ expectedCostUsd }) => expectedCostUsd);
    const within = (maxSessionCostUsd: number | null, sessionSpentUsd: number) =>
      eligibilityIn(
        world,
        { limits: { ...noLimits, deniedModels: ['swift'], maxSessionCostUsd } },
        { sessionSpentUsd, admitted: nobody },
      );
    const kinds = ({ bars }: Eligibility) => bars.map((bar) => bar?.kind ?? null);
    expect(kinds(within(null, 1))).toEqual(['waiting', null, 'denied']);
    expect(kinds(within(1 + large!, 1))).toEqual(['waiting', null, 'denied']);
    const poor = within(1 + small! * 1.001, 1);
    expect(kinds(poor)).toEqual(['overspent', null, 'denied']);
    expect(poor.candidates[0]!.ineligibleReason).toMatch(
      /^limits.maxSessionCostUsd: expected \$.* is over the \$.* left of \$1$/,
    );
    expect(poor.candidates[2]!.ineligibleReason).toBe('limits.deniedModels: denied');
    // Chosen to probe is not paid for.
    const asked = { limits: { ...noLimits, deniedModels: ['swift'], maxSessionCostUsd: 1 + small! * 1.001 } };
    const probing = eligibilityIn(world, asked, { sessionSpentUsd: 1, admitted: new Set([0]) });
    expect(kinds(probing)).toEqual(['overspent', null, 'denied']);
    const broke = within(1, 2);
    expect(broke.lifted).toBe(false);
    expect(noCandidateError(broke)!.field).toBe('limits.maxSessionCostUsd');
  });

  test('where the session shuts out all healthy ones, the least bad it can pay are let in', () => {
    const world = worldOf([profileOf('small', 'beta', { breaker: open(nowMs + 1) })]);
    const small = expectCandidates(world, request)[1]!.expectedCostUsd;
    const limits = { ...noLimits, maxSessionCostUsd: small };
    const { candidates } = eligibilityIn(world, { limits }, { sessionSpentUsd: 0, admitted: nobody });
    expect(candidates.map(({ eligible }) => eligible)).toEqual([false, true, false]);
    expect(isLifted(candidates[1]!)).toBe(true);
    // Before the session is known the healthy ones count.
    expect(eligibilityIn(world, { limits }).candidates.map(({ eligible }) => eligible)).toEqual([true, false, true]);
  });

  test('no candidate at all names the field that shuts out most', () => {
    const none = eligibilityIn(worldOf(), { limits: { ...noLimits, maxCostUsd: 0, deniedModels: ['large'] } });
    expect(none.lifted).toBe(false);
    const error = noCandidateError(none)!;
    expect(error.field).toBe('limits.maxCostUsd');
    expect(error.reason).toMatch(/^no eligible candidate: large \(limits.deniedModels: denied\), small \(/);
    expect(noCandidateError(eligibilityIn(worldOf(), {}))).toBeNull();
  });

  test('every ineligible candidate has a reason, no candidate breaks a limit, and none that was given is changed', () => {
    const limit = fc.option(fc.double({ min: 0, max: 0.02, noNaN: true }));
    fc.assert(
      fc.property(limit, fc.option(fc.nat(4_000)), fc.nat(10_000), (maxCostUsd, maxLatencyMs, promptTokens) => {
        const limits = { ...noLimits, maxCostUsd, maxLatencyMs };
        const asked = { ...request, promptTokens, limits };
        const expected = expectCandidates(worldOf(), asked);
        const { candidates, bars } = eligibilityOf(expected, configOf().models, asked);
        for (const candidate of expected) expect(candidate).toMatchObject({ eligible: true, ineligibleReason: null });
        for (const [i, candidate] of candidates.entries()) {
          expect(candidate.eligible).toBe(candidate.ineligibleReason === null);
          expect(candidate.ineligibleReason).toBe(bars[i] ? describeBar(bars[i]) : null);
          expect(candidate.bar?.kind).toBe(bars[i]?.kind);
          expect(candidate.bar?.field).toBe(bars[i]?.field);
          if (!candidate.eligible) continue;
          if (maxCostUsd !== null) expect(candidate.expectedCostUsd).toBeLessThanOrEqual(maxCostUsd);
          if (maxLatencyMs !== null) expect(candidate.expectedLatencyMs).toBeLessThanOrEqual(maxLatencyMs);
        }
      }),
    );
  });
});
