/**
 * Joins what was opened, what was decided and what came of it: each outcome becomes an observation of the model that was
 * called and, where that is the model that was drawn, an experience with its propensity. Records of the three topics come
 * in any order.
 */
import type { RewardWeights } from '../../lib/routing/reward';
import type { Context, Emit, Result } from '../../lib/runtime/define-service';
import { emit } from '../../lib/runtime/define-service';
import type {
  AwaitedOutcome,
  LearningEvent,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { faultOf } from './check-outcome';
import { lateOutcome } from './close-decision';
import {
  closedId,
  contradicts,
  corrected,
  eventOf,
  experienceOf,
  isRewarded,
  observationOf,
  outcomeId,
} from './reward';

export type Knows = Pick<Context, 'alreadyEmitted' | 'nowMs'> & {
  /** Of the parts of a judgement, as configured now. */
  readonly rewardWeights: RewardWeights;
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
  const used = row?.outcomes.find((one) => one.attempt === outcome.attempt);
  if (used) {
    if (outcome.revision < used.revision) return { kind: 'drop', reason: 'superseded-outcome' };
    if (outcome.revision === used.revision) {
      const contradiction = contradicts(used, outcome, context.rewardWeights);
      return { kind: 'drop', reason: contradiction ? 'contradictory-outcome' : 'duplicate-outcome' };
    }
    if (outcome.model !== used.model) {
      const reason = `model is ${outcome.model}, but revision ${used.revision} of this attempt named ${used.model}`;
      return { kind: 'deadLetter', reason, field: 'model' };
    }
  }
  const whole = used ? corrected(used, outcome) : outcome;
  const base = row ?? newRow(outcome.decisionId, context.nowMs);
  const outcomes = [...base.outcomes.filter((one) => one !== used), whole].sort((a, b) => a.attempt - b.attempt);
  if (!base.event) return { kind: 'done', state: { ...base, outcomes } };
  const event = topics.learningEvents.codec.decode(base.event);
  const provider = providerOf(base, event, outcome.model);
  if (provider === undefined) {
    const reason = `model ${outcome.model} was no candidate of this decision (${event.models.join(', ')})`;
    return { kind: 'deadLetter', reason, field: 'model' };
  }
  const { emits, rewarded } = consequences(event, { whole, used, provider }, context);
  return { kind: 'done', state: { ...base, outcomes, rewarded: base.rewarded || rewarded }, emit: emits };
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
  };
  const emits: Emit[] = [];
  const known: RouteOutcome[] = [];
  for (const outcome of row.outcomes) {
    const provider = providerOf(complete, event, outcome.model);
    if (provider === undefined) {
      // Its record was accepted before the candidates were known, so it cannot be a dead letter any more.
      emits.push(lateOutcome(outcome, `model ${outcome.model} was no candidate of this decision`, context.nowMs));
      continue;
    }
    const used = consequences(event, { whole: outcome, used: undefined, provider }, context);
    emits.push(...used.emits);
    complete.rewarded ||= used.rewarded;
    known.push(outcome);
  }
  return { kind: 'done', state: { ...complete, outcomes: known }, emit: emits };
}

function providerOf(row: AwaitedOutcome, event: LearningEvent, model: string): string | undefined {
  return row.providers[event.models.indexOf(model)];
}

function consequences(
  event: LearningEvent,
  { whole, used, provider }: { whole: RouteOutcome; used: RouteOutcome | undefined; provider: string },
  context: Knows,
): { emits: Emit[]; rewarded: boolean } {
  const emits: Emit[] = [];
  const { rewardWeights: weights } = context;
  const observation = observationOf(whole, used, { taskType: event.taskType, provider, weights });
  if (observation) emits.push(emit(topics.modelObserved, observation));
  if (!isRewarded(event, whole)) return { emits, rewarded: false };
  const experience = experienceOf(event, whole, used, weights);
  if (experience && !context.alreadyEmitted(outcomeId(whole))) emits.push(emit(topics.learningEvents, experience));
  return { emits, rewarded: experience !== null && experience.quality !== null };
}
