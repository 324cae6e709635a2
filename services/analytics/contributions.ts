/**
 * What each record adds to the window of time that it is about. An outcome counts in the window of its decision, however
 * late it comes; a corrected one takes back there what it replaces.
 */
import { armValue, type Contribution, cellKey, modelTaskValue, noCell } from '../../lib/analytics/window';
import { type UtilityWeights, utilityOf } from '../../lib/routing/judge/utility';
import type {
  DecidedCandidate,
  Exposure,
  LateOutcome,
  LearningEvent,
  ModelObserved,
  RouteDecided,
  RouteOpened,
  StagesMs,
} from '../../lib/topics/generated/messages';

const all = cellKey('all', '');
const noTenant = '';

/** What is looked at of each record: most of it says how it came to be, and is of no figure. */
export type OpenedPart = Pick<RouteOpened, 'taskType' | 'openedAtMs'>;
export type DecidedPart = Pick<
  RouteDecided,
  'model' | 'provider' | 'strategy' | 'tenantId' | 'degradedTo' | 'cacheHit' | 'explorationFloor' | 'decidedAtMs'
> & {
  readonly candidates: readonly Pick<DecidedCandidate, 'model' | 'eligible' | 'propensity' | 'expectedCostUsd'>[];
  readonly stagesMs: Pick<StagesMs, 'total'>;
  readonly exposures: readonly Pick<Exposure, 'experiment' | 'arm'>[];
};
export type LearnedPart = Pick<
  LearningEvent,
  | 'kind'
  | 'openedAtMs'
  | 'taskType'
  | 'tenantId'
  | 'strategy'
  | 'arms'
  | 'model'
  | 'models'
  | 'expectedCostsUsd'
  | 'quality'
  | 'costUsd'
  | 'latencyMs'
  | 'preference'
  | 'replaces'
>;

/** Tasks are known when a request is opened; each has one decision. */
export function ofOpened(opened: OpenedPart): Contribution {
  return { of: [cellKey('task', opened.taskType)], figures: { ...noCell, decisions: 1 } };
}

export function ofDecided(decided: DecidedPart): Contribution {
  const { model, provider, strategy, tenantId, degradedTo, candidates, stagesMs, exposures } = decided;
  const expectedCostUsd = candidates.find((candidate) => candidate.model === model)?.expectedCostUsd ?? 0;
  const decisionMs = Math.max(0, stagesMs.total);
  return {
    of: [
      all,
      cellKey('model', model),
      cellKey('provider', provider),
      cellKey('strategy', strategy),
      cellKey('tenant', tenantId ?? noTenant),
      cellKey('degradation', degradedTo),
      ...exposures.map(({ experiment, arm }) => cellKey('experiment', armValue(experiment, arm))),
    ],
    figures: {
      ...noCell,
      decisions: 1,
      degraded: degradedTo === 'NONE' ? 0 : 1,
      cacheHits: decided.cacheHit ? 1 : 0,
      floored: isFloored(decided) ? 1 : 0,
      expectedCostUsd,
      decisionMs,
    },
    decisionMs,
  };
}

/** Sums of probabilities differ from what they should be by less. */
const roundingError = 1e-9;

/** Whether all candidates but one have nothing more than their share of the exploration floor. */
function isFloored({ candidates, explorationFloor }: DecidedPart): boolean {
  let most = 0;
  let eligible = 0;
  for (const candidate of candidates) {
    if (!candidate.eligible) continue;
    eligible++;
    most = Math.max(most, candidate.propensity);
  }
  return eligible > 1 && 1 - most <= explorationFloor * (1 - 1 / eligible) + roundingError;
}

/** A further report of a call (`revision` above 0) only adds figures that were not known before. */
export function ofObserved(observed: ModelObserved): Contribution {
  const { model, provider, taskType, status, costUsd, latencyMs, inputTokens, outputTokens } = observed;
  const isFirst = observed.revision === 0;
  const isTimed = status === 'SUCCESS' && latencyMs !== null;
  const failed = status === 'FAILURE' || status === 'TIMEOUT' || status === 'RATE_LIMITED';
  return {
    of: [
      all,
      cellKey('model', model),
      cellKey('provider', provider),
      cellKey('task', taskType),
      cellKey('modelTask', modelTaskValue(model, taskType)),
    ],
    figures: {
      ...noCell,
      calls: isFirst ? 1 : 0,
      errors: isFirst && failed ? 1 : 0,
      costed: costUsd === null ? 0 : 1,
      costUsd: costUsd ?? 0,
      timed: isTimed ? 1 : 0,
      latencyMs: isTimed ? latencyMs : 0,
      inputTokens: inputTokens ?? 0,
      outputTokens: outputTokens ?? 0,
    },
    ...(isTimed && { latency: { model, ms: latencyMs } }),
  };
}

/**
 * What was reported when its decision was closed, or of no decision that anybody knows. It cannot be said of which window it is,
 * whether it was counted before, or whether its model exists; so it is counted as what it is, in the window in which it came.
 */
export function ofLate(_late: LateOutcome): Contribution {
  return { of: [all], figures: { ...noCell, late: 1 } };
}

/** Null where nothing was judged, now or before. `weightsOf`: what the preference of the request says of utility. */
export function ofLearned(event: LearnedPart, weightsOf: (event: LearnedPart) => UtilityWeights): Contribution | null {
  const { model, taskType, kind, quality, replaces } = event;
  if (kind === 'FULL' || model === null) return null;
  const before = replaces?.quality ?? null;
  const after = kind === 'CLOSED' ? null : quality;
  if (before === null && after === null) return null;
  const weights = weightsOf(event);
  const expectedCostUsd = event.expectedCostsUsd[event.models.indexOf(model)] ?? 0;
  const worth = (judged: number | null, costUsd: number | null): number =>
    judged === null ? 0 : utilityOf(weights, judged, costUsd ?? expectedCostUsd, event.latencyMs ?? 0);
  const of = [
    all,
    cellKey('model', model),
    cellKey('task', taskType),
    cellKey('modelTask', modelTaskValue(model, taskType)),
    cellKey('tenant', event.tenantId ?? noTenant),
    ...(event.strategy === null ? [] : [cellKey('strategy', event.strategy)]),
    ...event.arms.map((arm) => cellKey('experiment', arm)),
  ];
  return {
    of,
    figures: {
      ...noCell,
      judged: (after === null ? 0 : 1) - (before === null ? 0 : 1),
      quality: (after ?? 0) - (before ?? 0),
      utility: worth(after, event.costUsd) - worth(before, replaces?.costUsd ?? null),
    },
  };
}
