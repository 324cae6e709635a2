/** Decides, whenever a process reports how it is, what each rule finds and what is said of it. */

import { measure, type Surroundings } from '../../lib/alerts/measure';
import { endRule, reachedMs, ring } from '../../lib/alerts/ring';
import type { AlertRules, RuleName } from '../../lib/config/schema/alert-schema';
import { emit, type Result, tombstone } from '../../lib/stream/define-service';
import type { AlertRuleState, AlertSilence } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

/** Clocks of machines differ by less. */
const maxAheadMs = 60_000;
/** Figures are as they are now: with reports of before, after a standstill, they have nothing to do. */
const maxAgeMs = 5 * 60_000;

export function evaluate(
  before: AlertRuleState | undefined,
  name: RuleName,
  around: Surroundings,
  silences: readonly AlertSilence[],
): Result<AlertRuleState> {
  const { nowMs, vitals } = around;
  if (vitals.atMs > nowMs + maxAheadMs) return { kind: 'drop', reason: 'time-not-plausible' };
  if (vitals.atMs < nowMs - maxAgeMs) return { kind: 'drop', reason: 'report-too-old' };
  const rule: AlertRules[RuleName] = around.config.alerts.rules[name];
  const row = before ?? { rule: name, subjects: [], readings: [], resolved: [] };
  const at: Surroundings = { ...around, nowMs: vitals.atMs };
  const times = { nowMs: vitals.atMs, reportsDifferMs: maxAgeMs + maxAheadMs };
  // What is remembered from before a clock was set back lies ahead, and would look new until that time has come again.
  const readings = row.readings.map((reading) => ({ ...reading, atMs: reachedMs(reading.atMs, times) }));
  const rung = rule.enabled
    ? ring(row, measure(name, at, readings), { ...rule, ...times, silences })
    : endRule(row, vitals.atMs);
  const { state, alerts, forgotten } = rung;
  const isEmpty = state.subjects.length + state.readings.length + state.resolved.length === 0;
  if (isEmpty && !before) return { kind: 'done' };
  const tombstones = forgotten.map((alertId) => tombstone(topics.alerts, alertId));
  return { kind: 'done', state, emit: [...alerts.map((alert) => emit(topics.alerts, alert)), ...tombstones] };
}
