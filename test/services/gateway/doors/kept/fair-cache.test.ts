import { createVirtualClock } from '../../../../../lib/adapters/memory/virtual-clock';
import { createFairCache, entryOverheadBytes } from '../../../../../services/gateway/doors/kept/fair-cache';

/** Of entries with a key of two bytes, this many bytes each in all; there is room for a little more than so many of them. */
const each = 1_000;
const content = each - entryOverheadBytes - 2;

function start(entries: number, ttlMs = 1_000) {
  const clock = createVirtualClock();
  const cache = createFairCache<number>({ clock, ttlMs, maxBytes: entries * each * 1.05 });
  return {
    ...{ clock, cache },
    set: (tenant: string, ...keys: string[]) => {
      for (const key of keys) cache.set(tenant, key, 1, content);
    },
    has: (tenant: string, ...keys: string[]) => keys.filter((key) => cache.get(tenant, key) !== null),
  };
}

test('the oldest go first, however often they are read, and what is set anew is new', () => {
  const { set, has } = start(3);
  set('a', 'k1', 'k2', 'k3');
  has('a', 'k2');
  set('a', 'k1', 'k4');
  expect(has('a', 'k1', 'k2', 'k3', 'k4')).toEqual(['k1', 'k3', 'k4']);
});

test('who holds the most gives way, so that nobody loses anything by another', () => {
  const { set, has } = start(4);
  set('small', 'k1');
  set('large', 'k1', 'k2', 'k3', 'k4');
  expect([has('small', 'k1'), has('large', 'k1', 'k2', 'k3', 'k4')]).toEqual([['k1'], ['k2', 'k3', 'k4']]);
  set('small', 'k2');
  expect([has('small', 'k1', 'k2'), has('large', 'k2', 'k3', 'k4')]).toEqual([
    ['k1', 'k2'],
    ['k3', 'k4'],
  ]);
});

test('what has expired is not there, takes no room, and may be set anew as often as it likes', async () => {
  const { clock, set, has } = start(3);
  for (let times = 0; times < 10; times++) {
    set('a', 'k1');
    await clock.advanceBy(1_000);
    expect(has('a', 'k1')).toEqual([]);
  }
  // Of three places the expired one gives way before any of another who holds more.
  set('b', 'k1', 'k2', 'k3');
  expect(has('b', 'k1', 'k2', 'k3')).toEqual(['k1', 'k2', 'k3']);
});

test('what is larger than all may be is not kept, and costs nobody anything', () => {
  const { cache, set, has } = start(2);
  set('a', 'k1', 'k2');
  cache.set('b', 'k3', 1, 4 * each);
  expect([has('a', 'k1', 'k2'), has('b', 'k3')]).toEqual([['k1', 'k2'], []]);
});
