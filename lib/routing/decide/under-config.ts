/**
 * A decision again, under another configuration. Pure: the opened event is changed as far as the configuration says
 * something else, and everything after it computed anew, by the functions that decide. What the request said itself, what
 * was known of the models, and its features stay as they were; budgets, and where its session would stand, are left out.
 */
import { pacedPreference } from '../../budgets/pace';
import type { ModelConfig, RouterConfig, TenantConfig } from '../../config/router-config';
import { dictionaryOf, ownEntry } from '../../dictionary';
import type { Candidate, PinnedBar, RouteOpened } from '../../topics/generated/messages';
import { judgeAsked } from '../judge/judge-thread';
import type { LearnedPolicy } from '../judge/strategy';
import type { StrategyWeights } from '../judge/task-trust';
import type { Admission } from '../open/admission';
import { expectCandidates, priceFactor } from '../open/candidates';
import { complexityTerms } from '../open/complexity';
import { deploymentsOf } from '../open/deployments';
import { eligibilityOf, noCandidateError } from '../open/eligibility';
import { stricter } from '../open/tenant-settings';
import { knownCollapse } from './collapse/collapses';
import { type RecomputedDecision, recomputeDecision } from './decide';

export type DecidedUnder =
  | { readonly kind: 'decision'; readonly decision: RecomputedDecision }
  /** Nobody may serve it there. */
  | { readonly kind: 'refused'; readonly reason: string };

/** `base`: what the request was opened under. `learned`: the weights it was judged with; null where there were none. */
export function decideUnder(
  opened: RouteOpened,
  base: RouterConfig,
  config: RouterConfig,
  learned: LearnedPolicy | null,
): DecidedUnder {
  const pinned = new Map(opened.candidates.map((candidate) => [candidate.model, candidate]));
  const candidates = candidatesUnder(opened, pinned, base, config);
  const tenant = tenantOf(config, opened);
  const limits = tenant ? stricter(tenant.limits, opened.limits, config.models) : opened.limits;
  const able = new Map(config.models.map((model) => [model.name, model]));
  // Of what a request needs, the log knows what some model lacked.
  const needed = new Set(opened.candidates.flatMap(({ bar }) => bar?.capability ?? []));
  const admitted = new Set(
    candidates.flatMap(({ model, health }, i) => (health === 'HALF_OPEN' && pinned.get(model)?.eligible ? [i] : [])),
  );
  // Whoever took a share of the requests took this one or not; that was not the configuration's doing.
  const admissions = candidates.map(({ model }) => admissionOf(pinned.get(model)?.bar ?? null));
  const eligible = eligibilityOf(
    candidates,
    candidates.map(({ model }) => able.get(model)!),
    {
      limits,
      promptTokens: opened.promptTokens,
      expectedOutputTokens: null,
      requiredCapabilities: [...needed],
      complexity: complexityTerms(config, opened.complexity),
    },
    { sessionSpentUsd: opened.sessionSpentUsd, admitted },
    admissions,
  );
  const error = noCandidateError(eligible);
  if (error) return { kind: 'refused', reason: error.reason };
  const asked = <T>(was: T, of: (config: RouterConfig) => T): T =>
    // What differs from the configuration of then was the request's own, or an experiment's.
    JSON.stringify(was) === JSON.stringify(of(settingsOf(base))) ? of(settingsOf(config)) : was;
  const settingsOf = (of: RouterConfig): RouterConfig => ({ ...of, ...given(tenantOf(of, opened)) });
  const collapse = asked(opened.collapse, (of) => of.collapse);
  const asConfigured = knownCollapse(collapse) === 'WEIGHTED' || opened.tuning.learnedRewards === 0;
  const changed: RouteOpened = {
    ...opened,
    candidates: [...eligible.candidates],
    limits,
    strategies: [...asked(opened.strategies, (of) => [...of.strategies])],
    collapse,
    preference: asked(opened.preference, (of) => pacedPreference(of.preference, of.utilityScale, opened.budgets)),
    explorationFloor: asked(opened.explorationFloor, (of) => of.explorationFloor),
    utilityScale: config.utilityScale,
    budgetUsdPerRequest: config.budgetUsdPerRequest,
    priorObservations: config.learning.pipeline === 'dqn' ? 0 : config.learning.priorObservations,
    sets: config.sets.coverage === null ? null : { ...config.sets, coverage: config.sets.coverage },
    tuning: asConfigured ? { ...opened.tuning, strategyWeights: weightsUnder(opened, base, config) } : opened.tuning,
    budgets: [],
    deployments: [...deploymentsOf(config)],
    // What was cached is of the configuration of then.
    cached: null,
    cachedValues: null,
  };
  return { kind: 'decision', decision: recomputeDecision(changed, judgeAsked(changed, learned)) };
}

/** The operator's weights, corrected as those of then were by what had been learned of the strategies. */
function weightsUnder({ collapse, tuning }: RouteOpened, base: RouterConfig, config: RouterConfig): StrategyWeights {
  if (knownCollapse(collapse) !== 'WEIGHTED') return { ...config.strategyWeights };
  return dictionaryOf(
    Object.entries(config.strategyWeights).map(([name, now]) => {
      const pinned = ownEntry(tuning.strategyWeights, name);
      const then = ownEntry(base.strategyWeights as StrategyWeights, name) ?? 0;
      return [name, pinned !== undefined && then > 0 ? now * (pinned / then) : now] as const;
    }),
  );
}

function tenantOf({ tenants }: RouterConfig, { tenantId }: RouteOpened): TenantConfig | undefined {
  return tenantId === null ? undefined : ownEntry(tenants, tenantId);
}

/** What a tenant has settings of its own for. */
function given(tenant: TenantConfig | undefined): Partial<RouterConfig> {
  if (!tenant) return {};
  const { preference, strategies, collapse, explorationFloor } = tenant;
  return {
    ...(preference && { preference }),
    ...(strategies && { strategies }),
    ...(collapse && { collapse }),
    ...(explorationFloor !== undefined && { explorationFloor }),
  };
}

/** In the order of the configuration, each as if nothing barred it. */
function candidatesUnder(
  opened: RouteOpened,
  pinned: ReadonlyMap<string, Candidate>,
  base: RouterConfig,
  config: RouterConfig,
): Candidate[] {
  const { taskType, promptTokens, tuning, openedAtMs: nowMs } = opened;
  const then = new Map(base.models.map((model) => [model.name, model]));
  const unknown = expectCandidates(
    { config, profileOf: () => undefined, tuning, nowMs },
    { taskType, promptTokens, expectedOutputTokens: null },
  );
  return config.models.map((model, i) => {
    const candidate = pinned.get(model.name);
    const before = then.get(model.name);
    if (!candidate || !before) return unknown[i]!;
    const free = { ...candidate, provider: model.provider, eligible: true, ineligibleReason: null, bar: null };
    const prior = config.learning.priorObservations;
    return redeclared(repriced(free, before, model, unknown[i]!), before, model, taskType, prior);
  });
}

/** Costs follow the price, as they do where it changes in life. Without a price on both sides there is nothing to follow. */
function repriced(candidate: Candidate, before: ModelConfig, now: ModelConfig, unknown: Candidate): Candidate {
  if (JSON.stringify(before.price) === JSON.stringify(now.price)) return candidate;
  const { declared, expectedCostUsd } = candidate;
  if (!isPriced(before) || !isPriced(now))
    return { ...candidate, expectedCostUsd: unknown.expectedCostUsd, priceFactor: unknown.priceFactor };
  const factor = priceFactor(now) / priceFactor(before);
  return {
    ...candidate,
    expectedCostUsd: expectedCostUsd * factor,
    priceFactor: priceFactor(now),
    declared: declared && { ...declared, costUsd: declared.costUsd * factor },
  };
}

/** A changed belief moves what is expected by as much as it counts against what was observed. */
function redeclared(
  candidate: Candidate,
  before: ModelConfig,
  now: ModelConfig,
  taskType: string,
  prior: number,
): Candidate {
  const declaredBy = (model: ModelConfig): number => ownEntry(model.taskQuality, taskType) ?? model.expectedQuality;
  const moved = declaredBy(now) - declaredBy(before);
  const slower = now.expectedLatencyMs - before.expectedLatencyMs;
  if (moved === 0 && slower === 0) return candidate;
  const counts = prior / (prior + candidate.observations);
  const { declared } = candidate;
  return {
    ...candidate,
    expectedQuality: Math.max(0, Math.min(1, candidate.expectedQuality + moved * counts)),
    expectedLatencyMs: Math.max(0, candidate.expectedLatencyMs + slower * counts),
    declared: declared && { ...declared, quality: declaredBy(now), latencyMs: now.expectedLatencyMs },
  };
}

function isPriced({ price }: ModelConfig): boolean {
  return price.inputPerMillionUsd > 0 || price.outputPerMillionUsd > 0 || price.perRequestUsd > 0;
}

/** Who takes a share of the requests and did not take this one. */
function admissionOf(bar: PinnedBar | null): Admission | null {
  const share = bar?.share ?? 0;
  switch (bar?.kind) {
    case 'returning':
    case 'limited':
    case 'resting':
      return { kind: bar.kind, share };
    default:
      return null;
  }
}
