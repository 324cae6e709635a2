/**
 * Joins what was opened, what was decided and what came of it: each outcome becomes an observation of the model that was
 * called and, where that is the model that was drawn, an experience with its propensity. Records of the three topics come
 * in any order.
 */
import { type ExpectedCall, figuresCapped, plausibleOutcome } from '../../lib/reward/plausible-outcome';
import type { RewardWeights } from '../../lib/reward/reward';
import type { Context, Emit, Result } from '../../lib/stream/define-service';
import { emit } from '../../lib/stream/define-service';
import type { Count } from '../../lib/telemetry/metrics';
import type {
  AwaitedOutcome,
  LearningEvent,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { chargeBudgets } from './charge-budgets';
import { faultOf } from './check-outcome';
import { lateOutcome } from './close-decision';
import { laterIds, mergeReport, newestReportId, wholeOf } from './merge-reports';
import { closedId, decidedCandidate, eventOf, experienceOf, isRewarded, observationOf } from './reward';
import { tellExposures, tellOutcome } from './tell-experiments';

export type Knows = Pick<Context, 'alreadyEmitted' | 'emittedAlike' | 'nowMs'> & {
  /** Of the parts of a judgement, as configured now. */
  readonly rewardWeights: RewardWeights;
  /** What a model holds and usually writes, as configured now; null for one that is not. */
  readonly modelOf: (name: string) => ExpectedCall['model'];
};

export function rememberOpened(
  row: AwaitedOutcome | undefined,
  opened: RouteOpened,
  context: Knows,
): Result<AwaitedOutcome> {
  if (row?.opened || row?.event) return { kind: 'drop', reason: 'duplicate-opened' };
  if (isClosed(opened.requestId, row, context)) return { kind: 'drop', reason: 'already-closed' };
  return joined({ ...(row ?? newRow(opened.requestId, context.nowMs)), opened }, context);
}

export function rememberDecided(
  row: AwaitedOutcome | undefined,
  decided: RouteDecided,
  context: Knows,
): Result<AwaitedOutcome> {
  // The first decision is the truth; a second one of the same request changes nothing.
  if (row?.decided || row?.event) return { kind: 'drop', reason: 'duplicate-decided' };
  if (isClosed(decided.decisionId, row, context)) return { kind: 'drop', reason: 'already-closed' };
  return joined({ ...(row ?? newRow(decided.decisionId, context.nowMs)), decided }, context);
}

export function assignReward(
  row: AwaitedOutcome | undefined,
  outcome: RouteOutcome,
  context: Knows,
): Result<AwaitedOutcome> {
  const fault = faultOf(outcome);
  if (fault) return { kind: 'deadLetter', reason: `${fault.field} ${fault.reason}`, field: fault.field };
  if (isClosed(outcome.decisionId, row, context)) {
    return { kind: 'done', emit: [lateOutcome(outcome, 'its decision was closed', context.nowMs)] };
  }
  const base = row ?? newRow(outcome.decisionId, context.nowMs);
  const merged = mergeReport(base.outcomes, outcome);
  if (merged.kind === 'known') {
    return { kind: 'drop', reason: merged.superseded ? 'superseded-outcome' : 'duplicate-outcome' };
  }
  if (merged.kind !== 'taken') {
    return { kind: 'deadLetter', reason: `${merged.field} ${merged.reason}`, field: merged.field };
  }
  const outcomes = [...merged.reports];
  if (!base.event) return { kind: 'done', state: { ...base, outcomes } };
  const event = topics.learningEvents.codec.decode(base.event);
  const refused = modelFault(event, outcome.model);
  if (refused) return { kind: 'deadLetter', reason: `model ${refused}`, field: 'model' };
  const { emits, rewarded, counts } = consequences(base, event, merged, context);
  return { kind: 'done', state: { ...base, outcomes, rewarded: base.rewarded || rewarded }, emit: emits, counts };
}

function newRow(decisionId: string, nowMs: number): AwaitedOutcome {
  return {
    decisionId,
    opened: null,
    decided: null,
    outcomes: [],
    firstSeenMs: nowMs,
    rewarded: false,
    event: null,
    providers: [],
    expectedLatenciesMs: [],
    predictedQualities: [],
    accounts: [],
    exposures: [],
  };
}

/** The row is gone, and our own output shows that this decision was seen through before. */
function isClosed(
  decisionId: string,
  row: AwaitedOutcome | undefined,
  context: Pick<Context, 'alreadyEmitted'>,
): boolean {
  return row === undefined && context.alreadyEmitted(closedId(decisionId));
}

/** Once both halves are there they are folded into one event, and the outcomes that waited for them are used. */
function joined(row: AwaitedOutcome, context: Knows): Result<AwaitedOutcome> {
  const { opened, decided } = row;
  if (!opened || !decided) return { kind: 'done', state: row };
  const event = eventOf(opened, decided);
  const complete: AwaitedOutcome = {
    ...row,
    opened: null,
    decided: null,
    event: topics.learningEvents.codec.encode(event),
    providers: opened.candidates.map((candidate) => candidate.provider),
    expectedLatenciesMs: opened.candidates.map((candidate) => candidate.expectedLatencyMs),
    predictedQualities: opened.candidates.map(
      ({ model }, i) => decidedCandidate(decided, model, i)?.predictedQuality ?? 0,
    ),
    accounts: decided.budgets.map(({ account }) => account),
    exposures: decided.exposures,
  };
  const counts: Count[] = [];
  const emits: Emit[] = tellExposures(decided.exposures, decided.decisionId, context.nowMs);
  const known: RouteOutcome[] = [];
  for (const ofAttempt of byAttempt(row.outcomes)) {
    const refused = modelFault(event, ofAttempt[0]!.model);
    if (refused) {
      // Their records were accepted before the decision was known, so they cannot be dead letters any more.
      emits.push(...ofAttempt.map((outcome) => lateOutcome(outcome, `model ${refused}`, context.nowMs)));
      continue;
    }
    const before = writtenBeforeCrash(ofAttempt, context);
    const merged = { before, whole: wholeOf(ofAttempt)!, ofAttempt, reportId: newestReportId(ofAttempt)! };
    const used = consequences(complete, event, merged, context);
    emits.push(...used.emits);
    counts.push(...used.counts);
    complete.rewarded ||= used.rewarded;
    known.push(...ofAttempt);
  }
  return { kind: 'done', state: { ...complete, outcomes: known }, emit: emits, counts };
}

/** Reports of one attempt each, in order of attempts. */
function byAttempt(reports: readonly RouteOutcome[]): RouteOutcome[][] {
  const groups = new Map<number, RouteOutcome[]>();
  for (const report of reports) {
    const group = groups.get(report.attempt);
    if (group) group.push(report);
    else groups.set(report.attempt, [report]);
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/**
 * After a crash the reports of an attempt may all be read before their decision, although some of them came after it the
 * first time. What was written of those stands in the log: what is written now takes the place of it.
 */
function writtenBeforeCrash(ofAttempt: readonly RouteOutcome[], context: Knows): RouteOutcome | undefined {
  for (let count = ofAttempt.length - 1; count > 0; count--) {
    const earlier = ofAttempt.slice(0, count);
    if (context.alreadyEmitted(newestReportId(earlier)!)) return wholeOf(earlier);
  }
  return undefined;
}

/** Only who was decided or could be a fallback has a vote: what else was called says nothing of this decision. */
function modelFault(event: LearningEvent, model: string): string | null {
  const at = event.models.indexOf(model);
  if (at < 0) return `${model} was no candidate of this decision (${event.models.slice(0, 20).join(', ')})`;
  if (model === event.model || event.eligible[at]) return null;
  return `${model} is neither the decided model nor one of the decision's fallbacks`;
}

/**
 * A call ends after its request was opened and before it is told of, by our own clock. A caller's may be hours off, or count
 * seconds: its calls would be missing from the sums of their time, and out of reach of who wants a time forgotten.
 */
function plausibleTime(
  { occurredAtMs }: RouteOutcome,
  { openedAtMs }: LearningEvent,
  { nowMs }: Pick<Knows, 'nowMs'>,
): number {
  return Math.max(openedAtMs, Math.min(occurredAtMs, nowMs));
}

interface Merge {
  readonly before: RouteOutcome | undefined;
  readonly whole: RouteOutcome;
  readonly ofAttempt: readonly RouteOutcome[];
  readonly reportId: string;
}

function consequences(
  row: AwaitedOutcome,
  event: LearningEvent,
  { before, whole, ofAttempt, reportId }: Merge,
  context: Knows,
): { emits: Emit[]; rewarded: boolean; counts: readonly Count[] } {
  const emits: Emit[] = [];
  const at = event.models.indexOf(whole.model);
  const expected: ExpectedCall = {
    costUsd: event.expectedCostsUsd[at] ?? 0,
    latencyMs: row.expectedLatenciesMs[at] ?? 0,
    model: context.modelOf(whole.model),
    elapsedMs: context.nowMs - event.openedAtMs,
  };
  const outcome = { ...plausibleOutcome(whole, expected), occurredAtMs: plausibleTime(whole, event, context) };
  // Figures that nobody can believe, each where it is reported first.
  const counts = figuresCapped(whole, outcome)
    .filter((figure) => before?.[figure] !== whole[figure])
    .map((figure): Count => ({ name: 'quantum_router_implausible_figures_total', labels: { figure } }));
  const used = before && plausibleOutcome(before, expected);
  const { rewardWeights: weights } = context;
  const provider = row.providers[at]!;
  const observation = observationOf(outcome, used, {
    reportId,
    taskType: event.taskType,
    provider,
    weights,
    predictedQuality: row.predictedQualities[at] ?? null,
    openedAtMs: event.openedAtMs,
  });
  if (observation) emits.push(emit(topics.modelObserved, observation));
  emits.push(...chargeBudgets(row, { outcome, used, reportId, expectedUsd: expected.costUsd }, context.nowMs));
  if (!isRewarded(event, whole)) return { emits, rewarded: false, counts };
  emits.push(...tellOutcome(row, outcome, used, weights, context.nowMs));
  const experience = experienceOf(event, outcome, used, weights, reportId);
  // Of nearly every attempt nothing was written before: then there is no need to make up the ids that a later report may have.
  const written =
    context.emittedAlike(reportId) && [reportId, ...laterIds(ofAttempt)].some((id) => context.alreadyEmitted(id));
  if (experience && !written) emits.push(emit(topics.learningEvents, experience));
  return { emits, rewarded: experience !== null && experience.quality !== null, counts };
}
