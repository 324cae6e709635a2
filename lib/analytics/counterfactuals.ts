/**
 * What other policies would have scored and cost on the same traffic, off-policy and with intervals; refused where the log
 * cannot tell. Compared are each model alone, the static rules (the choice by what the configuration declares), and whoever has
 * judged the same traffic without influence: shadows, and the weights before those in force.
 */
import { fixedPercent } from '../figures/figures';
import { evidenceOf, type LoggedDecision, type TargetPolicy } from '../learning/ope/logged-decision';
import { compareValues, estimateValue } from '../learning/ope/policy-value';
import { type PreparedLog, prepareLog } from '../learning/ope/prepared-log';
import { utilityOf, utilityWeights } from '../routing/judge/utility';
import type { LearningEvent, UtilityScale } from '../topics/generated/messages';
import type { ShadowTargets } from './shadow-targets';

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Counterfactual {
  readonly policy: string;
  readonly kind: 'router' | 'single-model' | 'static-rules' | 'previous-policy' | 'shadow';
  /** Why the log cannot tell; null when it can. */
  readonly refused: string | null;
  /** Mean quality of its answers, 0..1; null when refused. */
  readonly quality: Interval | null;
  /** Mean cost of its answers, in USD. */
  readonly costUsd: Interval | null;
  /** Mean worth of its answers under the preference of each request, in units of utility. */
  readonly utility: Interval | null;
  /** What the router was better by on the same draws, in quality; above 0 is better. Null for the router itself. */
  readonly qualityGained: Interval | null;
  /** The same in utility. */
  readonly utilityGained: Interval | null;
  /** What the router saved per request, in USD, its own cost taken off. */
  readonly savedUsd: Interval | null;
}

export interface Counterfactuals {
  readonly decisions: number;
  readonly judged: number;
  /** Degraded or malformed: no evidence. */
  readonly leftOut: number;
  readonly policies: readonly Counterfactual[];
  /** The single model of the highest estimated quality; null where none can be estimated. It was chosen by looking: its interval is a little too narrow. */
  readonly bestSingleModel: string | null;
}

export interface CounterfactualOptions {
  /** What the router itself costs per decision, in USD. */
  readonly routerUsdPerDecision?: number;
  /** What utility holds cost and latency against. */
  readonly utilityScale?: UtilityScale;
  /** Models that are compared: the ones most often chosen. */
  readonly maxModels?: number;
  /** Who has judged the same traffic without influence. */
  readonly shadows?: readonly ShadowTargets[];
}

/** A shadow that draws from models which nobody has tried more often than this cannot be judged by the log. */
const mostUnknown = 0.01;

export function counterfactualsOf(
  events: readonly LearningEvent[],
  {
    routerUsdPerDecision = 0,
    utilityScale = defaultUtilityScale,
    maxModels = 12,
    shadows = [],
  }: CounterfactualOptions = {},
): Counterfactuals {
  const { decisions, leftOut } = evidenceOf(events, { rewardOf: ({ quality }) => quality });
  const measured = measuresOf(events, decisions, utilityScale);
  const safe = new Map(events.map((event) => [event.decisionId, event.safe?.model ?? null]));
  const asRouted: TargetPolicy = ({ propensities }) => propensities;
  const judgeOn =
    ({ qualities, costsUsd, utilities }: Measures) =>
    (policy: string, kind: Counterfactual['kind'], target: TargetPolicy): Counterfactual => {
      const quality = estimateValue(qualities, target);
      const cost = estimateValue(costsUsd, target);
      const utility = estimateValue(utilities, target);
      if (quality.kind === 'refused') return refusedFor(policy, kind, quality.reason);
      if (cost.kind === 'refused') return refusedFor(policy, kind, cost.reason);
      if (utility.kind === 'refused') return refusedFor(policy, kind, utility.reason);
      const isRouter = kind === 'router';
      return {
        policy,
        kind,
        refused: null,
        quality: intervalOf(quality.dr),
        costUsd: intervalOf(cost.dr),
        utility: intervalOf(utility.dr),
        qualityGained: isRouter ? null : difference(qualities, asRouted, target, 0),
        utilityGained: isRouter ? null : difference(utilities, asRouted, target, 0),
        savedUsd: isRouter ? null : difference(costsUsd, target, asRouted, -routerUsdPerDecision),
      };
    };
  const judge = judgeOn(measured);
  const { judged } = measured.qualities;
  if (judged === 0)
    return { decisions: decisions.length, judged: 0, leftOut: sumOf(leftOut), policies: [], bestSingleModel: null };
  const always = mostChosen(decisions, maxModels).map((model) =>
    judge(model, 'single-model', ({ models, propensities }) => allOn(models.indexOf(model), propensities)),
  );
  const policies = [judge('router', 'router', asRouted), ...always];
  if ([...safe.values()].some((model) => model !== null))
    policies.push(
      judge('static rules', 'static-rules', ({ id, models, propensities }) => {
        const model = safe.get(id) ?? null;
        return model === null ? propensities : allOn(models.indexOf(model), propensities);
      }),
    );
  for (const shadow of shadows) policies.push(judgeShadow(shadow, events, utilityScale, judgeOn));
  const estimated = always.filter(({ quality }) => quality !== null);
  const best = estimated.sort((a, b) => b.quality!.value - a.quality!.value)[0];
  return {
    decisions: decisions.length,
    judged,
    leftOut: sumOf(leftOut),
    policies,
    bestSingleModel: best?.policy ?? null,
  };
}

/** The same judged draws, by what each was worth. */
interface Measures {
  readonly qualities: PreparedLog;
  readonly costsUsd: PreparedLog;
  readonly utilities: PreparedLog;
}

/** As the configuration has it where it says nothing. */
const defaultUtilityScale: UtilityScale = { costUsd: 0.01, latencyMs: 10_000 };

function measuresOf(
  events: readonly LearningEvent[],
  decisions: readonly LoggedDecision[],
  utilityScale: UtilityScale,
): Measures {
  const measure = (rewardOf: (event: LearningEvent) => number | null): PreparedLog =>
    prepareLog(evidenceOf(events, { rewardOf }).decisions);
  const worthOf = (event: LearningEvent): number | null => {
    const costUsd = costOf(event);
    if (event.quality === null || costUsd === null) return null;
    return utilityOf(utilityWeights(event.preference, utilityScale, 0), event.quality, costUsd, event.latencyMs ?? 0);
  };
  return { qualities: prepareLog(decisions), costsUsd: measure(costOf), utilities: measure(worthOf) };
}

/** On the decisions that the shadow has judged. */
function judgeShadow(
  { name, kind, targets, unknownShare }: ShadowTargets,
  events: readonly LearningEvent[],
  utilityScale: UtilityScale,
  judgeOn: (
    measured: Measures,
  ) => (policy: string, kind: ShadowTargets['kind'], target: TargetPolicy) => Counterfactual,
): Counterfactual {
  if (unknownShare > mostUnknown) {
    return refusedFor(name, kind, `${fixedPercent(unknownShare, 1)} of its draws go to models that were no candidates`);
  }
  const judged = events.filter((event) => targets.get(event.decisionId)?.length === event.models.length);
  const { decisions } = evidenceOf(judged, { rewardOf: ({ quality }) => quality });
  const measured = measuresOf(judged, decisions, utilityScale);
  if (measured.qualities.judged === 0)
    return refusedFor(name, kind, 'nobody has judged a decision that it has judged, too');
  // What could not be drawn then cannot be drawn by anybody now.
  const target: TargetPolicy = ({ id, propensities }) => possible(targets.get(id)!, propensities);
  return judgeOn(measured)(name, kind, target);
}

function possible(wanted: readonly number[], drawn: readonly number[]): readonly number[] {
  const masked = wanted.map((share, i) => ((drawn[i] ?? 0) > 0 ? share : 0));
  const total = masked.reduce((sum, share) => sum + share, 0);
  return total > 0 ? masked.map((share) => share / total) : drawn;
}

function refusedFor(policy: string, kind: Counterfactual['kind'], refused: string): Counterfactual {
  const unknown = { quality: null, costUsd: null, utility: null };
  return { policy, kind, refused, ...unknown, qualityGained: null, utilityGained: null, savedUsd: null };
}

/** An unknown cost counts as the expected one, and only where somebody judged: so both logs speak of the same draws. */
function costOf({ quality, costUsd, model, models, expectedCostsUsd }: LearningEvent): number | null {
  if (quality === null) return null;
  return costUsd ?? expectedCostsUsd[models.indexOf(model ?? '')] ?? 0;
}

/** All on one candidate; as it was drawn where that one could not be. */
function allOn(index: number, propensities: readonly number[]): readonly number[] {
  if (!((propensities[index] ?? 0) > 0)) return propensities;
  return propensities.map((_, i) => (i === index ? 1 : 0));
}

function mostChosen(decisions: readonly LoggedDecision[], max: number): string[] {
  const counts = new Map<string, number>();
  for (const { models, chosen } of decisions) counts.set(models[chosen]!, (counts.get(models[chosen]!) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, max)
    .map(([model]) => model);
}

function difference(log: PreparedLog, first: TargetPolicy, second: TargetPolicy, shift: number): Interval | null {
  const found = compareValues(log, first, second);
  if (found.kind === 'refused') return null;
  const { value, low, high } = intervalOf(found.dr);
  return { value: value + shift, low: low + shift, high: high + shift };
}

function intervalOf({ value, low, high }: Interval): Interval {
  return { value, low, high };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
