import fc from 'fast-check';
import { createRecentTraces } from '../../../lib/telemetry/recent-traces';

test('keeps, replaces and deletes', () => {
  const traces = createRecentTraces(10);
  traces.set('a', '1');
  traces.set('b', '2');
  traces.set('a', '3');
  expect([traces.get('a'), traces.get('b'), traces.get('c'), traces.size]).toEqual(['3', '2', undefined, 2]);
  traces.delete('a');
  expect([traces.get('a'), traces.size]).toEqual([undefined, 1]);
});

test('a key that was set again is not forgotten with its age', () => {
  const traces = createRecentTraces(4);
  for (const key of ['a', 'b', 'c']) traces.set(key, '1');
  traces.set('a', '2');
  for (const key of ['d', 'e']) traces.set(key, '1');
  expect(traces.get('a')).toBe('2');
  expect(traces.get('b')).toBeUndefined();
});

test('never holds more than its limit, and always the newest half', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 9 }), fc.array(fc.nat(20), { maxLength: 60 }), (limit, keys) => {
      const traces = createRecentTraces(limit);
      keys.forEach((key, i) => {
        traces.set(String(key), String(i));
        expect(traces.size).toBeLessThanOrEqual(limit);
      });
      const newest = [...new Set([...keys].reverse())].slice(0, Math.floor(limit / 2));
      for (const key of newest) expect(traces.get(String(key))).toBe(String(keys.lastIndexOf(key)));
    }),
  );
});
