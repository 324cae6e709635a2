/**
 * A decision as evidence: what could be drawn, with which exact probabilities, what was drawn and what it was worth.
 * Everything in this folder is a pure function of a list of these and of a target policy.
 */
import type { LearningEvent, RouteDecided } from '../../topics/generated/messages';
import { describeContext } from './describe-context';

export interface LoggedDecision {
  /** Decisions of the same id are the same request; they never meet across the folds of a cross-fit. */
  readonly id: string;
  /** Decisions whose rewards may hang together, such as a session's; null: on its own. */
  readonly cluster: string | null;
  /** Candidates. */
  readonly models: readonly string[];
  /** Exact probability each was drawn with, as logged; 0 for one that could not be drawn. */
  readonly propensities: readonly number[];
  /** Index of the drawn candidate. */
  readonly chosen: number;
  /** What it was worth, on any scale; null when nobody knows, which is not 0. */
  readonly reward: number | null;
  /** Task type; the model of rewards and feedback rates use it. */
  readonly task: string;
  /** Features for the model of rewards; all decisions of a log have the same number, which may be 0. */
  readonly features: Float32Array;
}

/** Probability the target policy gives each candidate, in their order; must sum to 1 and be 0 where it may not draw. */
export type TargetPolicy = (decision: LoggedDecision, row: number) => ArrayLike<number>;

export interface Evidence {
  readonly decisions: readonly LoggedDecision[];
  /** Decisions that are no evidence, by reason. */
  readonly leftOut: { readonly degraded: number; readonly malformed: number };
}

export interface EvidenceOptions {
  /** What an outcome was worth; null: nobody knows. Default: its quality. */
  readonly rewardOf?: (event: LearningEvent) => number | null;
  /** Features for the model of rewards. Default `describeContext`. */
  readonly featuresOf?: (event: LearningEvent) => Float32Array;
}

/**
 * Evidence from learning events, in the order decisions first appear. The highest revision of a decision counts, its
 * CLOSED event where there is no other. Rows of recorded data (FULL) were not drawn and are passed over,
 * as is what the trainer says of its pace.
 */
export function evidenceOf(events: Iterable<LearningEvent>, options: EvidenceOptions = {}): Evidence {
  const latest = new Map<string, LearningEvent>();
  for (const event of events) {
    if (event.kind === 'FULL' || event.pace) continue;
    const before = latest.get(event.decisionId);
    if (before === undefined || supersedes(event, before)) latest.set(event.decisionId, event);
  }
  const decisions: LoggedDecision[] = [];
  const leftOut = { degraded: 0, malformed: 0 };
  for (const event of latest.values()) {
    if (event.degraded) leftOut.degraded++;
    else {
      const decision = decisionOf(event, options);
      if (decision === null) leftOut.malformed++;
      else decisions.push(decision);
    }
  }
  return { decisions, leftOut };
}

function supersedes(event: LearningEvent, before: LearningEvent): boolean {
  if (event.kind !== before.kind) return before.kind === 'CLOSED';
  return event.revision > before.revision;
}

/** Evidence straight from a decision; null for a degraded one, which is none. */
export function evidenceOfDecision(
  decided: Pick<RouteDecided, 'decisionId' | 'sessionId' | 'model' | 'candidates' | 'degradedTo'>,
  rest: Pick<LoggedDecision, 'reward' | 'task' | 'features'>,
): LoggedDecision | null {
  if (decided.degradedTo !== 'NONE') return null;
  const models = decided.candidates.map(({ model }) => model);
  return {
    id: decided.decisionId,
    cluster: decided.sessionId,
    models,
    propensities: decided.candidates.map(({ propensity }) => propensity),
    chosen: models.indexOf(decided.model),
    ...rest,
  };
}

/** How far logged propensities may be from summing to 1: rounding, not errors. */
const sumTolerance = 1e-6;

/** Null for an event whose record of the draw does not hold together. */
function decisionOf(event: LearningEvent, options: EvidenceOptions): LoggedDecision | null {
  const chosen = event.model === null ? -1 : event.models.indexOf(event.model);
  if (chosen < 0 || !isDistribution(event.propensities, event.models.length)) return null;
  if (!(event.propensities[chosen]! > 0)) return null;
  const rewardOf = options.rewardOf ?? qualityOf;
  return {
    id: event.decisionId,
    cluster: event.sessionId,
    models: event.models,
    propensities: event.propensities,
    chosen,
    reward: event.kind === 'EXPERIENCE' ? rewardOf(event) : null,
    task: event.taskType,
    features: (options.featuresOf ?? describeContext)(event),
  };
}

function qualityOf(event: LearningEvent): number | null {
  return event.quality;
}

/** Whether these are probabilities that sum to 1, one for each candidate. */
export function isDistribution(probabilities: ArrayLike<number>, count: number): boolean {
  if (probabilities.length !== count) return false;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    if (!(probabilities[i]! >= 0)) return false;
    sum += probabilities[i]!;
  }
  return Math.abs(sum - 1) <= sumTolerance;
}
