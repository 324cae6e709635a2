/** What another configuration would have decided, against what intake and the strategies do under it. */
import type { RouterConfig, StrategyName } from '../../../../lib/config/router-config';
import { type RecomputedDecision, recomputeDecision } from '../../../../lib/routing/decide/decide';
import { decideUnder } from '../../../../lib/routing/decide/under-config';
import { judgeThread } from '../../../../lib/routing/judge/judge-thread';
import type { RouteOpened, RouteRequested, Tuning } from '../../../../lib/topics/generated/messages';
import { prepare } from '../../../../services/route-intake/prepare';
import { configOf, nowMs, openedOf, requestOf, tuningOf } from '../fixtures';

/** As intake opens it; nothing was ever observed. */
function openUnder(config: RouterConfig, request: RouteRequested, tuning?: Tuning): RouteOpened {
  const prepared = prepare(
    request,
    {
      ...{ config, configVersion: 1, tuning, weights: undefined, nowMs, positions: {}, profilesAtMs: null },
      ...{
        admissions: null,
        profileOf: () => undefined,
        budgetStateOf: () => undefined,
        experimentStateOf: () => undefined,
      },
    },
    [],
  );
  if (prepared.kind === 'invalid') throw new Error(prepared.fault.reason);
  return { ...openedOf(), ...prepared.route, cached: null, seed: 7 };
}

function decided(opened: RouteOpened): RecomputedDecision {
  const threads = opened.strategies.map((strategy) => judgeThread(strategy as StrategyName, opened, null));
  return recomputeDecision(opened, threads);
}

const rules = ['TASK_OPTIMIZED', 'BALANCED', 'COST_EFFICIENT', 'PERFORMANCE'];
const base = configOf({ strategies: rules, preference: { quality: 1, cost: 0.3 } });
const models = base.models;
const [large, small, swift] = models as [(typeof models)[0], (typeof models)[0], (typeof models)[0]];

const others: [string, Record<string, unknown>][] = [
  ['nothing', {}],
  ['another preference', { preference: { quality: 0.2, cost: 1, latency: 0.5 } }],
  ['other strategies', { strategies: ['COST_EFFICIENT', 'BALANCED'] }],
  ['another collapse', { collapse: 'CONSENSUS' }],
  ['other weights of strategies', { collapse: 'WEIGHTED', strategyWeights: { BALANCED: 5 } }],
  ['another floor', { explorationFloor: 0.5 }],
  ['another scale of costs', { utilityScale: { costUsd: 0.0001 } }],
  ['another set of risk', { sets: { coverage: null } }],
  ['a price that rises', { models: [large, { ...small, price: scaled(small.price, 40) }, swift] }],
  ['a belief that changes', { models: [{ ...large, expectedQuality: 0.2 }, small, swift] }],
  ['a belief about a task', { models: [large, { ...small, taskQuality: { code: 0.1, general: 0.99 } }, swift] }],
  ['a slower model', { models: [{ ...large, expectedLatencyMs: 30_000 }, small, swift], preference: { latency: 1 } }],
  ['a model less', { models: [large, swift] }],
  ['a new model', { models: [...models, { ...large, name: 'new', provider: 'gamma', expectedQuality: 0.99 }] }],
  ['a tenant with wishes', { tenants: { acme: { preference: { cost: 1 }, strategies: ['BALANCED'], limits: {} } } }],
  ['a tenant with limits', { tenants: { acme: { explorationFloor: 0.3, limits: { deniedModels: ['small'] } } } }],
  ['a limit on complexity', { complexityLimits: [{ above: 0.01, models: ['small', 'swift'] }] }],
  ['a smaller context', { models: [{ ...large, contextTokens: 10 }, small, swift] }],
];

function scaled(price: (typeof small)['price'], factor: number) {
  const { inputPerMillionUsd, outputPerMillionUsd, perRequestUsd } = price;
  return {
    inputPerMillionUsd: inputPerMillionUsd * factor,
    outputPerMillionUsd: outputPerMillionUsd * factor,
    perRequestUsd,
  };
}

const essence = ({ model, collapse, candidates }: RecomputedDecision) => ({
  model,
  collapse,
  candidates: candidates.map((candidate) => ({
    model: candidate.model,
    eligible: candidate.eligible,
    propensity: candidate.propensity.toFixed(9),
    quality: candidate.predictedQuality.toFixed(9),
    costUsd: candidate.expectedCostUsd.toFixed(12),
  })),
});

test.each(others)('%s: as a request that is opened under it is decided', (_name, changes) => {
  const config = configOf({ strategies: rules, preference: { quality: 1, cost: 0.3 }, ...changes });
  for (const taskHint of ['code', 'general', null]) {
    const request = requestOf({ tenantId: 'acme', taskHint, contextTokens: 1_000 });
    const found = decideUnder(openUnder(base, request), base, config, null);
    if (found.kind === 'refused') throw new Error(found.reason);
    expect(essence(found.decision)).toEqual(essence(decided(openUnder(config, request))));
  }
});

test('other weights for WEIGHTED are corrected by what was learned, as those of then were', () => {
  const learned = tuningOf({ strategyFactors: { '': { BALANCED: 2 }, code: { BALANCED: 3, PERFORMANCE: 0.5 } } });
  const settings = { strategies: rules, collapse: 'WEIGHTED' };
  const weighted = configOf(settings);
  const config = configOf({ ...settings, strategyWeights: { BALANCED: 0.4, PERFORMANCE: 0.3 } });
  for (const taskHint of ['code', 'general']) {
    const request = requestOf({ taskHint, contextTokens: 1_000 });
    const found = decideUnder(openUnder(weighted, request, learned), weighted, config, null);
    if (found.kind === 'refused') throw new Error(found.reason);
    expect(essence(found.decision)).toEqual(essence(decided(openUnder(config, request, learned))));
  }
});

test('what the request asked for itself stays, and so do its limits and what it needs', () => {
  const config = configOf({ strategies: ['BALANCED'], preference: { cost: 1 }, collapse: 'CONSENSUS' });
  const request = requestOf({
    preference: { quality: 1, cost: 0, latency: 0 },
    collapse: 'BEST_SCORE',
    requiredCapabilities: ['vision'],
    limits: { ...requestOf().limits, deniedModels: ['swift'] },
  });
  const found = decideUnder(openUnder(base, request), base, config, null);
  if (found.kind === 'refused') throw new Error(found.reason);
  expect(found.decision.collapse).toBe('BEST_SCORE');
  expect(found.decision.candidates.map(({ eligible }) => eligible)).toEqual([true, false, false]);
  const blind = configOf({ models: [{ ...large, capabilities: [] }, small, swift] });
  expect(decideUnder(openUnder(base, request), base, blind, null)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('lacks vision'),
  });
});

test('what was observed of a model outweighs a belief that changes', () => {
  const opened = openUnder(base, requestOf());
  const seen = {
    ...opened,
    candidates: opened.candidates.map((candidate) => ({ ...candidate, observations: 792, expectedQuality: 0.5 })),
  };
  const config = configOf({ models: [{ ...large, expectedQuality: 0.4 }, small, swift], strategies: rules });
  const found = decideUnder(seen, base, config, null);
  if (found.kind === 'refused') throw new Error(found.reason);
  // Half a point of belief, which counts like 8 observations among 800.
  expect(found.decision.candidates[0]!.predictedQuality).toBeCloseTo(0.5 - 0.5 * 0.01, 6);
});
