/**
 * Times as people write them: ISO 8601, or milliseconds since the epoch. One reader for all of them, since `Date.parse` takes
 * the 30th of February for the 2nd of March, and a time without a zone for one of wherever the process happens to run.
 */
import { z } from 'zod';
import { maxTimeMs } from './number-ranges';

const isoTime = /^(\d{4})-(\d{2})-(\d{2})(T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-](\d{2}):?(\d{2}))?)?$/;

/** True where the text has the form of a time; it may still be one that no calendar has. */
export function looksLikeTime(text: string): boolean {
  return isoTime.test(text);
}

/**
 * Milliseconds since the epoch of an ISO 8601 date or time; without a zone it is UTC, a date its midnight. Null for what is
 * none, or on no calendar.
 */
export function isoTimeMs(text: string): number | null {
  const parts = isoTime.exec(text);
  if (!parts) return null;
  const numberAt = (at: number): number => Number(parts[at] ?? 0);
  const [year, month, day] = [numberAt(1), numberAt(2), numberAt(3)];
  const [hour, minute, second] = [numberAt(5), numberAt(6), numberAt(7)];
  const [zone = '', zoneHour, zoneMinute] = [parts[9], numberAt(10), numberAt(11)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  // 24:00 is the end of a day in ISO 8601 and the beginning of the next one for whoever reads it: ambiguous, so refused.
  if (!isDay || hour > 23 || minute > 59 || second > 59 || zoneHour > 14 || zoneMinute > 59) return null;
  const milliseconds = Math.floor(Number(`0.${parts[8] ?? 0}`) * 1_000);
  const eastOfUtcMinutes = (zone.startsWith('-') ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  return date.getTime() + ((hour * 60 + minute - eastOfUtcMinutes) * 60 + second) * 1_000 + milliseconds;
}

/** A time of a record, in ISO 8601. Whoever wrote the record may have written any number: the nearest time that there is. */
export function isoText(atMs: number): string {
  return new Date(Number.isNaN(atMs) ? 0 : Math.min(Math.max(0, atMs), maxTimeMs)).toISOString();
}

const rule = 'must be milliseconds since the epoch, or a time in ISO 8601 such as 2026-11-28T12:00Z';

/** A time in a body or a configuration, as it was written; `timeMsOf` reads it. */
export const timeSchema = z
  .union([
    z.int().min(0).max(maxTimeMs),
    z
      .string()
      .max(40)
      .regex(isoTime, { error: rule })
      .refine(isWithinTime, { error: 'is no date or time that there is' }),
  ])
  .describe('milliseconds since the epoch, or ISO 8601 such as 2026-11-28T12:00Z (UTC where it names no zone)');

/** Of what `timeSchema` has let through. */
export function timeMsOf(time: number | string): number {
  return typeof time === 'number' ? time : (isoTimeMs(time) ?? Number.NaN);
}

/** Of what has the form: of what has none that is said. */
function isWithinTime(text: string): boolean {
  if (!looksLikeTime(text)) return true;
  const timeMs = isoTimeMs(text);
  return timeMs !== null && timeMs >= 0 && timeMs <= maxTimeMs;
}
