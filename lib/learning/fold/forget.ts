/**
 * Judgements that must not be learned from, by who made them and when: the fold sees their events without the judgement.
 * A function of the events and the rules alone, so every fold of the log under the same rules comes to the same.
 */

import type { ForgetRule } from '../../config/router-config';
import { timeMsOf } from '../../topics/calendar-time';
import type { LearningEvent } from '../../topics/generated/messages';

/** A rule as it is applied. Two ways of writing the same are the same. */
interface Forgotten {
  readonly source: string | null;
  /** Inclusive; milliseconds since the epoch. */
  readonly fromMs: number | null;
  /** Exclusive. */
  readonly toMs: number | null;
}

/** Decisions remembered whose judgement was forgotten: corrections follow within days, not weeks. */
const mostRemembered = 10_000;

/** What a fold keeps of what it has forgotten. */
export interface ForgottenSoFar {
  readonly judgements: number;
  /** By decision, oldest first: the quality that still counts; null where none does. */
  readonly heard: readonly (readonly [string, number | null])[];
}

/** What is forgotten, as part of a lineage's name: in one order, without what is for people. */
export function forgottenOf(rules: readonly ForgetRule[] | undefined): Forgotten[] {
  const all = (rules ?? []).map(({ source = null, from, to }): Forgotten => {
    return { source, fromMs: from === undefined ? null : timeMsOf(from), toMs: to === undefined ? null : timeMsOf(to) };
  });
  const named = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

export interface Forgetting {
  /** Judgements left out so far: of a decision each, and of each model of a row of recorded data. */
  readonly judgements: number;
  /** The event as it is to be folded in. Events come in their order. */
  hear(event: LearningEvent): LearningEvent;
  saved(): ForgottenSoFar;
}

/** `saved`: of the fold that goes on. */
export function createForgetting(
  rules: readonly ForgetRule[] | undefined,
  saved: ForgottenSoFar = { judgements: 0, heard: [] },
): Forgetting {
  const forgotten = forgottenOf(rules);
  const heard = new Map(saved.heard);
  let { judgements } = saved;
  const forgets = ({ source, occurredAtMs }: LearningEvent): boolean =>
    forgotten.some(
      (rule) =>
        (rule.source === null || rule.source === source) &&
        (rule.fromMs === null || occurredAtMs >= rule.fromMs) &&
        (rule.toMs === null || occurredAtMs < rule.toMs),
    );
  const forget = (event: LearningEvent): LearningEvent => {
    if (event.kind === 'FULL') {
      judgements += event.fullQualities.filter((quality) => quality !== null).length;
      return { ...event, fullQualities: event.fullQualities.map(() => null) };
    }
    if (event.quality === null) return event;
    judgements++;
    const { decisionId, replaces } = event;
    const stands = heard.has(decisionId) ? heard.get(decisionId)! : (replaces?.quality ?? null);
    remember(decisionId, stands);
    return { ...event, quality: null };
  };
  const remember = (decisionId: string, quality: number | null): void => {
    heard.set(decisionId, quality);
    if (heard.size > mostRemembered) heard.delete(heard.keys().next().value!);
  };
  return {
    get judgements() {
      return judgements;
    },
    hear(event) {
      if (forgotten.length === 0 || event.pace) return event;
      const before = heard.get(event.decisionId);
      // What it takes the place of is what is still known of the decision, and not what was forgotten.
      const told =
        before === undefined || !event.replaces
          ? event
          : { ...event, replaces: { ...event.replaces, quality: before } };
      if (forgets(event)) return forget(told);
      if (before !== undefined && event.quality !== null) remember(event.decisionId, event.quality);
      return told;
    },
    saved: () => ({ judgements, heard: [...heard] }),
  };
}
