/**
 * When the fold learns from less than what comes, and when from all of it again. What it decides goes into the log as a record, and
 * holds for the events behind it: so a fold of the same log, on whatever machine, leaves the same out.
 */
import { emptyEvent } from '../../lib/learning/fold/empty-event';
import { fullPace } from '../../lib/learning/fold/pace';
import type { LearningEvent, LearningPace } from '../../lib/topics/generated/messages';

/** From all to little, each about half as dear as the one before: first fewer gradient steps, then fewer rewards. */
const paces: readonly LearningPace[] = [
  fullPace,
  { steps: 0.5, rewards: 1 },
  { steps: 0.25, rewards: 0.6 },
  { steps: 0.25, rewards: 0.3 },
  { steps: 0.25, rewards: 0.15 },
  { steps: 0.25, rewards: 0.07 },
  { steps: 0.25, rewards: 0.03 },
];
/** From this lag on somebody looks where the log ends, to know how many events come. */
export const lookLagMs = 100;
/** Below this lag nothing is left out... */
const leastLagMs = 300;
/** ...nor while the fold, at its speed, would catch up with what comes: it may be busy for this share of the time. */
const mostBusy = 0.7;
/**
 * Where it was busy for no more than this share of so long a time, fits included, more is learned from again, however old what
 * comes is: what waits elsewhere, as for a thread that is full of decisions, waits no longer for that.
 */
const calmBusy = 0.4;
const calmMs = 1_500;
/** By so many levels at once at most: how much more the next ones take is not known, and the first fit after them is dear. */
const mostLevelsBack = 2;
/** What came is looked at over a time between these, or since the batch before where that is longer ago. */
const leastSpanMs = 250;
const mostSpanMs = 1_500;
/** Share of one event in the running mean of what an event takes. */
const speedRate = 1 / 512;
/** Events folded at a pace before their speed says anything: two portions. */
const leastMeasured = 64;

export interface FoldedBatch {
  /** In force after it; null where nobody can say. */
  readonly pace: LearningPace | null;
  readonly events: number;
  /** When its last event was written, milliseconds since the epoch. */
  readonly writtenAtMs: number;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  readonly nowMs: number;
  /** One past its last event. */
  readonly position: number;
  /** One past the last event of the log, counted like `position`; null while the lag is below `lookLagMs`: nobody has looked. */
  readonly end: number | null;
}

export interface PaceKeeper {
  /** The pace to be written to the log now; null when the one in force, or one on its way, is right. */
  next(batch: FoldedBatch): LearningPace | null;
}

export function createPaceKeeper(): PaceKeeper {
  /** Mean time an event takes at the pace in force. */
  let eventMs = 0;
  let measured = 0;
  let inForce: LearningPace | null = null;
  /** What was written and has not been met yet; from `until` on it is lost. */
  let awaited: { readonly pace: LearningPace; readonly until: number } | null = null;
  /** Where the log ended, or the fold was while it kept up, oldest first. */
  let ends: { readonly atMs: number; readonly end: number }[] = [];
  let looked = false;
  /** Since when it is looked whether the fold could do more at the pace in force, and how long it was busy since. */
  let calm: { readonly sinceMs: number; busyMs: number } | null = null;

  /** Events that come in a millisecond; null while it is not known. */
  const arrivals = (nowMs: number, end: number): number | null => {
    const inSpan = ends.filter(({ atMs }) => atMs >= nowMs - mostSpanMs).length;
    // One from before the span stays: where a portion takes longer than that, there is none within it.
    ends = ends.slice(Math.max(0, ends.length - inSpan - 1));
    const oldest = ends[0];
    if (!ends.length || nowMs - ends.at(-1)!.atMs >= leastSpanMs / 4) ends.push({ atMs: nowMs, end });
    if (!oldest || nowMs - oldest.atMs < leastSpanMs) return null;
    return Math.max(0, end - oldest.end) / (nowMs - oldest.atMs);
  };

  return {
    next({ pace, events, writtenAtMs, tookMs, nowMs, position, end }) {
      if (pace === null || events === 0) return null;
      // A batch in which the pace changes says nothing of the new one's speed.
      if (inForce && !isSame(inForce, pace)) {
        measured = 0;
        calm = null;
      } else {
        measured += events;
        const rate = Math.max(1 - (1 - speedRate) ** events, Math.min(1, events / measured));
        eventMs += rate * (tookMs / events - eventMs);
      }
      inForce = pace;
      // Where the fold is says how many come only as long as it keeps up.
      if (looked !== (end !== null)) ends = [];
      looked = end !== null;
      const comes = arrivals(nowMs, end ?? position);
      if (awaited && (isSame(awaited.pace, pace) || position >= awaited.until)) awaited = null;
      if (awaited || comes === null || measured < leastMeasured) return null;
      const level = levelOf(pace);
      const isBehind = end !== null && nowMs - writtenAtMs > leastLagMs;
      if (calm) calm.busyMs += tookMs;
      else calm = { sinceMs: nowMs, busyMs: 0 };
      const busy = comes * eventMs;
      const until = (end ?? position) + Math.ceil(comes * mostSpanMs) + 1_000;
      if (isBehind && busy > mostBusy) {
        // Each level halves the work.
        const steps = Math.max(1, Math.ceil(Math.log2(Math.min(busy, 2 ** paces.length) / mostBusy)));
        return goTo(Math.min(paces.length - 1, level + steps), level, until);
      }
      if (level === 0 || nowMs - calm.sinceMs < calmMs) return null;
      const share = calm.busyMs / (nowMs - calm.sinceMs);
      calm = null;
      if (share > calmBusy) return null;
      const steps = Math.max(1, Math.floor(Math.log2(calmBusy / Math.max(share, 2 ** -paces.length))));
      return goTo(Math.max(0, level - Math.min(mostLevelsBack, steps)), level, until);
    },
  };

  function goTo(wanted: number, level: number, until: number): LearningPace | null {
    if (wanted === level) return null;
    const pace = paces[wanted]!;
    awaited = { pace, until };
    return pace;
  }
}

function isSame(a: LearningPace, b: LearningPace): boolean {
  return a.steps === b.steps && a.rewards === b.rewards;
}

/** Of the dearest pace that is no dearer than this one, whoever wrote it. */
function levelOf(pace: LearningPace): number {
  const level = paces.findIndex(({ steps, rewards }) => steps <= pace.steps && rewards <= pace.rewards);
  return level < 0 ? paces.length - 1 : level;
}

/** The record: no decision, and nothing else in it. `id`: unique in the log. */
export function paceEvent(pace: LearningPace, id: string, encoderVersion: string, nowMs: number): LearningEvent {
  return {
    ...emptyEvent({ eventId: id, decisionId: id, encoderVersion }, nowMs),
    degraded: true,
    source: 'trainer',
    pace,
  };
}
