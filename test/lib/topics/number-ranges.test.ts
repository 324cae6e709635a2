import { maxTimeMs, numberFault, rangeOf } from '../../../lib/topics/number-ranges';
import { topics } from '../../../lib/topics/topics';
import { requestOf } from '../routing/fixtures';

test('ranges are those of the schema', () => {
  expect(rangeOf('RouteRequested', 'contextTokens')).toEqual({ min: -(2 ** 31), max: 2 ** 31 - 1, isInteger: true });
  expect(rangeOf('RouteRequested', 'limits.maxCostUsd')).toMatchObject({ max: Number.MAX_VALUE, isInteger: false });
  expect(rangeOf('RouteOutcome', 'occurredAtMs')).toEqual({ min: 0, max: maxTimeMs, isInteger: true });
  expect(() => rangeOf('RouteRequested', 'prompt')).toThrow('RouteRequested.prompt is no number');
  expect(() => rangeOf('Nothing', 'x')).toThrow('no message named Nothing');
});

test.each(['requestedAtMs', 'contextTokens', 'expectedOutputTokens', 'threadTimeoutMs'] as const)(
  'what is in the range of %s can be encoded, and what is just outside is a fault',
  (field) => {
    const { min, max } = rangeOf('RouteRequested', field);
    for (const value of [min, max, 0]) {
      const request = requestOf({ [field]: value });
      expect(numberFault('RouteRequested', request)).toBeNull();
      expect(topics.routeRequested.codec.decode(topics.routeRequested.codec.encode(request))[field]).toBe(value);
    }
    for (const value of [min - 1, max + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER]) {
      expect(numberFault('RouteRequested', requestOf({ [field]: value }))?.field).toBe(field);
    }
  },
);

test('the last moment is one that a date can say', () => {
  expect(new Date(maxTimeMs).toISOString()).toBe('9999-12-31T23:59:59.999Z');
});

test('numbers inside records are looked at, too', () => {
  const preference = { quality: 1, cost: Number.NEGATIVE_INFINITY, latency: 0 };
  expect(numberFault('RouteRequested', requestOf({ preference }))).toEqual({
    field: 'preference.cost',
    reason: 'must be a finite number, not -Infinity',
  });
});
