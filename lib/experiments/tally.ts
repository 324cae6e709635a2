/**
 * Everything that is known of one experiment, as a fold over what it is told: units per arm, the difference of every arm in every
 * metric, how far it has grown, and whether a guardrail has stopped it. Pure.
 */
import type { ExperimentConfig } from '../config/router-config';
import type {
  Comparison,
  Difference,
  ExperimentObserved,
  ExperimentState,
  ExperimentTally,
} from '../topics/generated/messages';
import { sharesOf } from './assign';
import { mixtureScale } from './confidence-sequence';
import { intervalOfEffect, noEffect, pValueOf, withUnit } from './effect';
import { brokenReason, type MetricName, metricNames } from './guardrails';
import { nextPlace, placeOn, type RampPlace, shareAt } from './ramp';
import { ratioPValue, withArm } from './sample-ratio';
import { noFigures, withFigures } from './seen-figures';

/** Whoever looks at an experiment sees it at most so much late. */
const publishEveryMs = 1_000;

export function newTally(experiment: ExperimentConfig, definition: string, nowMs: number): ExperimentTally {
  const { name, arms, unit } = experiment;
  const comparisons = arms
    .slice(1)
    .flatMap((_, at) => metricNames.map((metric): Comparison => ({ arm: at + 1, metric, effect: noEffect })));
  return {
    experiment: name,
    definition,
    stopped: null,
    counts: arms.map(() => 0),
    ratioFactor: 0,
    ratioLargest: 0,
    comparisons,
    seen: unit === 'request' ? Buffer.alloc(0) : noFigures(),
    rampStep: 0,
    rampUnits: 0,
    rampShare: shareAt(experiment.ramp, { step: 0, unitsBefore: 0 }),
    startedAtMs: nowMs,
    updatedAtMs: nowMs,
    publishedAtMs: 0,
    isPublished: true,
  };
}

/** What the experiment is after one of its requests was decided, or its call reported. */
export function withObserved(
  before: ExperimentTally,
  experiment: ExperimentConfig,
  observed: ExperimentObserved,
  nowMs: number,
): ExperimentTally {
  const after = observed.isExposure
    ? withExposure(before, experiment, observed)
    : withReport(before, experiment, observed);
  if (after === before) return before;
  const guarded = after.stopped === null ? { ...after, stopped: brokenBy(after, experiment) } : after;
  return { ...grown(guarded, experiment), updatedAtMs: nowMs, isPublished: false };
}

export function dueAtMs({ isPublished, publishedAtMs }: ExperimentTally): number | null {
  return isPublished ? null : publishedAtMs + publishEveryMs;
}

/** At once where intake has to know it, else once a second. */
export function wantsPublishing(before: ExperimentTally | undefined, after: ExperimentTally, nowMs: number): boolean {
  if (after.isPublished) return false;
  const isNews = before?.stopped !== after.stopped || before?.rampStep !== after.rampStep;
  // A clock that was set back must not hide the figures until that time has come again.
  return isNews || nowMs >= after.publishedAtMs + publishEveryMs || nowMs < after.publishedAtMs;
}

export function experimentStateOf(tally: ExperimentTally, experiment: ExperimentConfig): ExperimentState {
  const { arms, ramp } = experiment;
  return {
    experiment: tally.experiment,
    definition: tally.definition,
    stopped: tally.stopped,
    rollout: tally.stopped === null ? shareAt(ramp, placeOf(tally, experiment)) : 0,
    arms: arms.map(({ name }, arm) => ({
      name,
      units: tally.counts[arm]!,
      quality: meanOf(tally, arm, 'quality'),
      costUsd: meanOf(tally, arm, 'costUsd'),
      latencyMs: meanOf(tally, arm, 'latencyMs'),
      failure: meanOf(tally, arm, 'failure'),
    })),
    differences: tally.comparisons.map((comparison) => differenceOf(comparison, experiment)),
    ratioPValue: ratioPValue(ratioOf(tally)),
    startedAtMs: tally.startedAtMs,
    updatedAtMs: tally.updatedAtMs,
  };
}

function differenceOf(comparison: Comparison, experiment: ExperimentConfig): Difference {
  const { arm, metric, effect } = comparison;
  const { lower, upper } = intervalIn(comparison, experiment);
  const isKnown = Number.isFinite(lower) && Number.isFinite(upper);
  return {
    arm: experiment.arms[arm]!.name,
    metric,
    units: effect.scores.count,
    difference: isKnown ? effect.scores.mean : null,
    lower: isKnown ? lower : null,
    upper: isKnown ? upper : null,
    pValue: pValueOf(effect),
  };
}

/** The chance of error is shared among the arms: with one control for all of them, each is one more chance to be wrong. */
function intervalIn({ effect }: Comparison, { arms, alpha, tightestAt }: ExperimentConfig) {
  const each = alpha / (arms.length - 1);
  return intervalOfEffect(effect, each, mixtureScale(tightestAt, each));
}

function withExposure(
  before: ExperimentTally,
  { arms }: ExperimentConfig,
  { exposure }: ExperimentObserved,
): ExperimentTally {
  const { seen, fresh } = withFigures(before.seen, exposure.unit, ['exposed']);
  if (fresh.length === 0) return before;
  const { counts, factor, largest } = withArm(ratioOf(before), exposure.armIndex, sharesOf(arms));
  return { ...before, seen, counts: [...counts], ratioFactor: factor, ratioLargest: largest };
}

function withReport(
  before: ExperimentTally,
  experiment: ExperimentConfig,
  observed: ExperimentObserved,
): ExperimentTally {
  const told = metricNames.filter((metric) => observed[metric] !== null && Number.isFinite(observed[metric]));
  // Requests of one unit are alike: only its first tells something that the arm's other units have not told.
  const { seen, fresh } = withFigures(before.seen, observed.exposure.unit, told);
  if (fresh.length === 0) return before;
  const comparisons = before.comparisons.map((comparison) => {
    const metric = fresh.find((one) => one === comparison.metric);
    return metric ? compared(comparison, experiment, observed, observed[metric]!) : comparison;
  });
  return { ...before, seen, comparisons };
}

function compared(
  comparison: Comparison,
  { arms, alpha, tightestAt }: ExperimentConfig,
  { exposure }: ExperimentObserved,
  value: number,
): Comparison {
  const { armIndex } = exposure;
  if (armIndex !== 0 && armIndex !== comparison.arm) return comparison;
  const shares = sharesOf(arms);
  const [ofControl, ofArm] = [shares[0]!, shares[comparison.arm]!];
  const covariate = covariateOf(exposure, comparison.metric as MetricName);
  const scale = mixtureScale(tightestAt, alpha / (arms.length - 1));
  const unit = { isTreated: armIndex !== 0, value, covariate };
  return { ...comparison, effect: withUnit(comparison.effect, unit, ofArm / (ofControl + ofArm), scale) };
}

function covariateOf(exposure: ExperimentObserved['exposure'], metric: MetricName): number | null {
  const known = {
    quality: exposure.expectedQuality,
    costUsd: exposure.expectedCostUsd,
    latencyMs: exposure.expectedLatencyMs,
    failure: exposure.expectedQuality,
  }[metric];
  return Number.isFinite(known) ? known : null;
}

function brokenBy({ comparisons }: ExperimentTally, experiment: ExperimentConfig): string | null {
  for (const guardrail of experiment.guardrails)
    for (const comparison of comparisons) {
      if (comparison.metric !== guardrail.metric) continue;
      const reason = brokenReason(guardrail, intervalIn(comparison, experiment));
      if (reason !== null) return `${experiment.arms[comparison.arm]!.name}: ${reason}`;
    }
  return null;
}

function grown(tally: ExperimentTally, experiment: ExperimentConfig): ExperimentTally {
  if (tally.stopped !== null) return tally;
  const { ramp } = experiment;
  const next = nextPlace(ramp, placeOf(tally, experiment), unitsOf(tally));
  return { ...tally, rampStep: next.step, rampUnits: next.unitsBefore, rampShare: shareAt(ramp, next) };
}

function placeOf(tally: ExperimentTally, { ramp }: ExperimentConfig): RampPlace {
  const place = { step: tally.rampStep, unitsBefore: tally.rampUnits };
  return placeOn(ramp, place, tally.rampShare, unitsOf(tally));
}

/** Of the smallest arm. */
function unitsOf({ counts }: ExperimentTally): number {
  return Math.min(...counts);
}

function ratioOf({ counts, ratioFactor, ratioLargest }: ExperimentTally) {
  return { counts, factor: ratioFactor, largest: ratioLargest };
}

function meanOf({ comparisons }: ExperimentTally, arm: number, metric: MetricName): number | null {
  const comparison = comparisons.find((one) => one.metric === metric && one.arm === Math.max(1, arm));
  const figures = arm === 0 ? comparison?.effect.control : comparison?.effect.treated;
  return figures && figures.value.count > 0 ? figures.value.mean : null;
}
