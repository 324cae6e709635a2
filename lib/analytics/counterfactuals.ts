/**
 * What other policies would have scored and cost on the same traffic, off-policy and with intervals; refused where the log
 * cannot tell. Compared are each model alone and the static rules: the choice by what the configuration declares.
 */
import { fixedPercent } from '../figures/figures';
import { evidenceOf, type LoggedDecision, type TargetPolicy } from '../learning/ope/logged-decision';
import { compareValues, estimateValue } from '../learning/ope/policy-value';
import { type PreparedLog, prepareLog } from '../learning/ope/prepared-log';
import type { LearningEvent } from '../topics/generated/messages';
import type { ShadowTargets } from './shadow-targets';

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Counterfactual {
  readonly policy: string;
  readonly kind: 'router' | 'single-model' | 'static-rules' | 'shadow';
  /** Why the log cannot tell; null when it can. */
  readonly refused: string | null;
  /** Mean quality of its answers, 0..1; null when refused. */
  readonly quality: Interval | null;
  /** Mean cost of its answers, in USD. */
  readonly costUsd: Interval | null;
  /** What the router was better by on the same draws, in quality; above 0 is better. Null for the router itself. */
  readonly qualityGained: Interval | null;
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
  /** Models that are compared: the ones most often chosen. */
  readonly maxModels?: number;
  /** Who has judged the same traffic without influence. */
  readonly shadows?: readonly ShadowTargets[];
}

/** A shadow that draws from models which nobody has tried more often than this cannot be judged by the log. */
const mostUnknown = 0.01;

export function counterfactualsOf(
  events: readonly LearningEvent[],
  { routerUsdPerDecision = 0, maxModels = 12, shadows = [] }: CounterfactualOptions = {},
): Counterfactuals {
  const { decisions, leftOut } = evidenceOf(events, { rewardOf: ({ quality }) => quality });
  const costs = evidenceOf(events, { rewardOf: costOf }).decisions;
  const byQuality = prepareLog(decisions);
  const byCost = prepareLog(costs);
  const safe = new Map(events.map((event) => [event.decisionId, event.safe?.model ?? null]));
  const asRouted: TargetPolicy = ({ propensities }) => propensities;
  const judgeOn =
    (qualities: PreparedLog, costsUsd: PreparedLog) =>
    (policy: string, kind: Counterfactual['kind'], target: TargetPolicy): Counterfactual => {
      const quality = estimateValue(qualities, target);
      const cost = estimateValue(costsUsd, target);
      if (quality.kind === 'refused') return refusedFor(policy, kind, quality.reason);
      if (cost.kind === 'refused') return refusedFor(policy, kind, cost.reason);
      const isRouter = kind === 'router';
      return {
        policy,
        kind,
        refused: null,
        quality: intervalOf(quality.dr),
        costUsd: intervalOf(cost.dr),
        qualityGained: isRouter ? null : difference(qualities, asRouted, target, 0),
        savedUsd: isRouter ? null : difference(costsUsd, target, asRouted, -routerUsdPerDecision),
      };
    };
  const judge = judgeOn(byQuality, byCost);
  if (byQuality.judged === 0)
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
  for (const shadow of shadows) policies.push(judgeShadow(shadow, events, judgeOn));
  const estimated = always.filter(({ quality }) => quality !== null);
  const best = estimated.sort((a, b) => b.quality!.value - a.quality!.value)[0];
  return {
    decisions: decisions.length,
    judged: byQuality.judged,
    leftOut: sumOf(leftOut),
    policies,
    bestSingleModel: best?.policy ?? null,
  };
}

/** On the decisions that the shadow has judged. */
function judgeShadow(
  { name, targets, unknownShare }: ShadowTargets,
  events: readonly LearningEvent[],
  judgeOn: (
    qualities: PreparedLog,
    costsUsd: PreparedLog,
  ) => (policy: string, kind: 'shadow', target: TargetPolicy) => Counterfactual,
): Counterfactual {
  if (unknownShare > mostUnknown) {
    return refusedFor(
      name,
      'shadow',
      `${fixedPercent(unknownShare, 1)} of its draws go to models that were no candidates`,
    );
  }
  const judged = events.filter((event) => targets.get(event.decisionId)?.length === event.models.length);
  const qualities = prepareLog(evidenceOf(judged, { rewardOf: ({ quality }) => quality }).decisions);
  if (qualities.judged === 0) return refusedFor(name, 'shadow', 'nobody has judged a decision that it has judged, too');
  const costsUsd = prepareLog(evidenceOf(judged, { rewardOf: costOf }).decisions);
  // What could not be drawn then cannot be drawn by anybody now.
  const target: TargetPolicy = ({ id, propensities }) => possible(targets.get(id)!, propensities);
  return judgeOn(qualities, costsUsd)(name, 'shadow', target);
}

function possible(wanted: readonly number[], drawn: readonly number[]): readonly number[] {
  const masked = wanted.map((share, i) => ((drawn[i] ?? 0) > 0 ? share : 0));
  const total = masked.reduce((sum, share) => sum + share, 0);
  return total > 0 ? masked.map((share) => share / total) : drawn;
}

function refusedFor(policy: string, kind: Counterfactual['kind'], refused: string): Counterfactual {
  return { policy, kind, refused, quality: null, costUsd: null, qualityGained: null, savedUsd: null };
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
