/**
 * What other policies would have scored and cost on the same traffic, off-policy and with intervals; refused where the log
 * cannot tell. Compared are each model alone and the static rules: the choice by what the configuration declares.
 */
import { evidenceOf, type LoggedDecision, type TargetPolicy } from '../learning/ope/logged-decision';
import { compareValues, estimateValue } from '../learning/ope/policy-value';
import { type PreparedLog, prepareLog } from '../learning/ope/prepared-log';
import type { LearningEvent } from '../topics/generated/messages';

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Counterfactual {
  readonly policy: string;
  readonly kind: 'router' | 'single-model' | 'static-rules';
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
}

export function counterfactualsOf(
  events: readonly LearningEvent[],
  { routerUsdPerDecision = 0, maxModels = 12 }: CounterfactualOptions = {},
): Counterfactuals {
  const { decisions, leftOut } = evidenceOf(events, { rewardOf: ({ quality }) => quality });
  const costs = evidenceOf(events, { rewardOf: costOf }).decisions;
  const byQuality = prepareLog(decisions);
  const byCost = prepareLog(costs);
  const safe = new Map(events.map((event) => [event.decisionId, event.safe?.model ?? null]));
  const asRouted: TargetPolicy = ({ propensities }) => propensities;
  const judge = (policy: string, kind: Counterfactual['kind'], target: TargetPolicy): Counterfactual => {
    const quality = estimateValue(byQuality, target);
    const cost = estimateValue(byCost, target);
    const refused = quality.kind === 'refused' ? quality.reason : cost.kind === 'refused' ? cost.reason : null;
    if (quality.kind === 'refused' || cost.kind === 'refused')
      return { policy, kind, refused, quality: null, costUsd: null, qualityGained: null, savedUsd: null };
    const isRouter = kind === 'router';
    return {
      policy,
      kind,
      refused: null,
      quality: intervalOf(quality.dr),
      costUsd: intervalOf(cost.dr),
      qualityGained: isRouter ? null : difference(byQuality, asRouted, target, 0),
      savedUsd: isRouter ? null : difference(byCost, target, asRouted, -routerUsdPerDecision),
    };
  };
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
