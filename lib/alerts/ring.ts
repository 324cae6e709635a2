/**
 * When something that is wrong rings, and when it stops: after it has been wrong for long enough, until it is fine, which is
 * further away than not wrong; silenced alerts ring and nobody is told. Pure.
 */
import type { Alert, AlertRuleState, AlertSilence, AlertSubject } from '../topics/generated/messages';
import type { Measured, Measurement } from './measure';

export interface RingOptions {
  readonly nowMs: number;
  readonly severity: Alert['severity'];
  readonly forMs: number;
  readonly silences: readonly AlertSilence[];
  /** The times of reports that were looked at one after the other may go back by so much. */
  readonly reportsDifferMs: number;
}

export interface Rung {
  readonly state: AlertRuleState;
  /** What is said, in order. */
  readonly alerts: readonly Alert[];
  /** Alerts that are no longer kept. */
  readonly forgotten: readonly string[];
}

/** Of one rule, ringing or about to. */
const maxSubjects = 100;
/** Alerts of one rule that have stopped and are still shown. */
const maxResolved = 20;
/** So long an alert rings without a figure. */
const unknownMs = 15 * 60_000;

export function ring(
  before: AlertRuleState,
  { measured, isComplete, readings }: Measurement,
  options: RingOptions,
): Rung {
  const { nowMs } = options;
  const said: Alert[] = [];
  const subjects: AlertSubject[] = [];
  const known = new Map(measured.map((one) => [one.subject, one]));
  for (const kept of before.subjects) {
    const subject = notAhead(kept, options);
    const found = known.get(subject.subject);
    known.delete(subject.subject);
    const next = found
      ? whenMeasured(before.rule, subject, found, options, said)
      : whenUnknown(subject, isComplete, nowMs, said);
    if (next) subjects.push(next);
  }
  // The worst first: there is room for so many.
  const fresh = [...known.values()].filter(({ isWrong }) => isWrong).sort((a, b) => badness(b) - badness(a));
  for (const found of fresh.slice(0, Math.max(0, maxSubjects - subjects.length))) {
    const { subject } = found;
    const begun: AlertSubject = { subject, sinceMs: nowMs, knownAtMs: nowMs, alert: null, isTold: false };
    const next = whenMeasured(before.rule, begun, found, options, said);
    if (next) subjects.push(next);
  }
  return settled(before, subjects, readings ?? before.readings, said);
}

/** The rule is switched off: whatever rings stops. */
export function endRule(before: AlertRuleState, nowMs: number): Rung {
  const said = before.subjects.flatMap((subject) => stopped(subject, 'the rule is switched off', nowMs) ?? []);
  return settled(before, [], [], said);
}

function settled(
  before: AlertRuleState,
  subjects: AlertSubject[],
  readings: readonly AlertRuleState['readings'][number][],
  said: readonly Alert[],
): Rung {
  const over = said.filter(({ state }) => state === 'RESOLVED').map(({ alertId }) => alertId);
  const resolved = [...before.resolved, ...over];
  const forgotten = resolved.splice(0, Math.max(0, resolved.length - maxResolved));
  return { state: { rule: before.rule, subjects, readings: [...readings], resolved }, alerts: said, forgotten };
}

/**
 * Times as they can be. After a clock was set back, those that are remembered lie further ahead than reports differ, and nothing
 * would ring until they are reached. Those that lie ahead by less are of another report: to move them would have something
 * ring that has not been wrong for long enough.
 */
function notAhead(subject: AlertSubject, options: RingOptions): AlertSubject {
  const [sinceMs, knownAtMs] = [reachedMs(subject.sinceMs, options), reachedMs(subject.knownAtMs, options)];
  return sinceMs === subject.sinceMs && knownAtMs === subject.knownAtMs ? subject : { ...subject, sinceMs, knownAtMs };
}

/** A remembered time; now where it can only be that of a clock that was set back since. */
export function reachedMs(
  rememberedMs: number,
  { nowMs, reportsDifferMs }: Pick<RingOptions, 'nowMs' | 'reportsDifferMs'>,
): number {
  return rememberedMs > nowMs + reportsDifferMs ? nowMs : rememberedMs;
}

/** What becomes of a subject; what is said of it goes to `said`. Null: it is fine. */
function whenMeasured(
  rule: string,
  subject: AlertSubject,
  found: Measured,
  options: RingOptions,
  said: Alert[],
): AlertSubject | null {
  const { nowMs, severity, forMs } = options;
  const { alert } = subject;
  if (found.isFine) {
    const over = stopped(subject, found.summary, nowMs, found.value);
    if (over) said.push(over);
    return null;
  }
  const silencedUntilMs = silencedUntil(rule, subject.subject, options);
  if (alert === null) {
    // Between wrong and fine an alert goes on ringing, but none begins.
    if (!found.isWrong) return null;
    if (nowMs - subject.sinceMs < forMs) return { ...subject, knownAtMs: nowMs };
    const { value, threshold, summary } = found;
    const isTold = silencedUntilMs === null;
    const raised: Alert = {
      ...{ alertId: `${rule}/${subject.subject}/${nowMs}`, rule, subject: subject.subject, severity, state: 'RAISED' },
      ...{ summary, value, threshold, raisedAtMs: nowMs, resolvedAtMs: null, silencedUntilMs },
      ...{ notify: isTold, changedAtMs: nowMs },
    };
    said.push(raised);
    return { ...subject, knownAtMs: nowMs, alert: raised, isTold };
  }
  if (alert.silencedUntilMs === silencedUntilMs) return { ...subject, knownAtMs: nowMs };
  const notify = silencedUntilMs === null && !subject.isTold;
  const { value, summary } = found;
  const changed: Alert = { ...alert, value, summary, silencedUntilMs, notify, changedAtMs: nowMs };
  said.push(changed);
  return { ...subject, knownAtMs: nowMs, alert: changed, isTold: subject.isTold || notify };
}

function whenUnknown(subject: AlertSubject, isComplete: boolean, nowMs: number, said: Alert[]): AlertSubject | null {
  if (subject.alert !== null && !isComplete && nowMs - subject.knownAtMs < unknownMs) return subject;
  const over = stopped(subject, isComplete ? 'it is gone' : 'there are no figures any more', nowMs);
  if (over) said.push(over);
  return null;
}

/** Whoever was told that it rings is told that it has stopped, whether it is silenced by now or not. */
function stopped(
  { alert, isTold }: AlertSubject,
  summary: string,
  nowMs: number,
  value = alert?.value ?? 0,
): Alert | null {
  if (alert === null) return null;
  return { ...alert, state: 'RESOLVED', summary, value, resolvedAtMs: nowMs, notify: isTold, changedAtMs: nowMs };
}

function silencedUntil(rule: string, subject: string, { silences, nowMs }: RingOptions): number | null {
  const untils = silences
    .filter((one) => isActive(one, nowMs) && ['', rule].includes(one.rule) && ['', subject].includes(one.subject))
    .map(({ untilMs }) => untilMs);
  return untils.length > 0 ? Math.max(...untils) : null;
}

export function isActive({ untilMs }: Pick<AlertSilence, 'untilMs'>, nowMs: number): boolean {
  return nowMs < untilMs;
}

function badness({ value, threshold }: Measured): number {
  return value / Math.max(Number.MIN_VALUE, threshold);
}
