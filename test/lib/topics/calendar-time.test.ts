import fc from 'fast-check';
import { isoText, isoTimeMs, timeMsOf, timeSchema } from '../../../lib/topics/calendar-time';
import { maxTimeMs } from '../../../lib/topics/number-ranges';

test('any moment of these millennia is read as it was written, by the millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxTimeMs }), (atMs) => {
      expect(isoTimeMs(new Date(atMs).toISOString())).toBe(atMs);
    }),
  );
});

test('a time without a zone is UTC, wherever the process runs', () => {
  expect(isoTimeMs('2026-11-28T12:00')).toBe(Date.UTC(2026, 10, 28, 12));
  expect(isoTimeMs('2026-11-28')).toBe(Date.UTC(2026, 10, 28));
  expect(isoTimeMs('2026-11-28T12:00-01:30')).toBe(Date.UTC(2026, 10, 28, 13, 30));
  expect(isoTimeMs('2026-11-28T12:00:01.0015Z')).toBe(Date.UTC(2026, 10, 28, 12, 0, 1, 1));
});

test.each([
  ['2026-02-30', 'is no date or time that there is'],
  ['2026-02-30T12:00Z', 'is no date or time that there is'],
  ['0000-01-01', 'is no date or time that there is'],
  ['2026-11-28T12:00+99:00', 'is no date or time that there is'],
  ['yesterday', 'must be milliseconds since the epoch, or a time in ISO 8601 such as 2026-11-28T12:00Z'],
  ['1e308', 'must be milliseconds since the epoch, or a time in ISO 8601 such as 2026-11-28T12:00Z'],
  ['', 'must be milliseconds since the epoch, or a time in ISO 8601 such as 2026-11-28T12:00Z'],
])('%s is refused, and no other day is taken for it', (text, message) => {
  expect(timeSchema.safeParse(text).error?.issues[0]?.message).toBe(message);
});

test('what is let through is read', () => {
  for (const time of [0, 5, maxTimeMs, '2024-02-29', '9999-12-31T23:59:59.999Z']) {
    expect(Number.isFinite(timeMsOf(timeSchema.parse(time)))).toBe(true);
  }
});

test('a time of a record is shown whatever number it is', () => {
  expect(isoText(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(isoText(Number.MAX_SAFE_INTEGER)).toBe('9999-12-31T23:59:59.999Z');
  expect(isoText(-1)).toBe('1970-01-01T00:00:00.000Z');
  expect(isoText(Number.NaN)).toBe('1970-01-01T00:00:00.000Z');
});
