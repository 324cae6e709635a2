import { readEntry } from '../../../lib/routing/open/routing-cache';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { RouteOpened } from '../../../lib/topics/generated/messages';
import { cacheError, createKeepInCache } from '../../../services/strategy-threads/keep-in-cache';
import { openedOf, threadOf, tuningOf } from '../../lib/routing/fixtures';
import { cachedValuesOf, policyOf } from '../../lib/routing/kept';

const learned = tuningOf({ learnedRewards: 1_000 });
const seed = 0;
const about = (key: string, changes: Partial<RouteOpened> = {}) =>
  openedOf({ cacheFingerprint: key, policySha256: 'p1', basisSha256: 'b1', tuning: learned, seed, ...changes });
const judged = (opened: RouteOpened, policy = policyOf({ policySha256: opened.policySha256! })) => {
  const { probabilities, utilities } = policy.judge(opened);
  const changes = { utilities: [...utilities], policySha256: opened.policySha256 };
  return [threadOf('LEARNING_OPTIMIZED', [...probabilities], changes)];
};
const start = () => {
  const metrics = createMetrics();
  const keep = createKeepInCache({ ttlMs: 10_000, metrics });
  const checks = (result: string) => metrics.value('quantum_router_cache_checks_total', { result });
  return { keep, checks };
};

test('what the pinned weights have judged is kept, for a few more rewards and for the time to live', () => {
  const opened = about('k');
  const [entry, ...more] = start().keep(opened, judged(opened), policyOf(), 5_000);
  expect(more).toEqual([]);
  expect(entry!.key).toBe('k');
  expect(readEntry(entry!.value)).toMatchObject({
    cachedAtMs: 5_000,
    untilMs: 15_000,
    untilRewards: 1_070,
    basisSha256: 'b1',
  });
  const [sooner] = start().keep(about('k', { seed: 999 }), judged(opened), policyOf(), 5_000);
  expect(readEntry(sooner!.value)!.untilMs).toBeLessThan(13_100);
});

test.each<[string, Partial<RouteOpened>, ReturnType<typeof judged>, ReturnType<typeof policyOf> | null]>([
  ['a request that is not to be kept', { cacheFingerprint: '' }, judged(about('k')), policyOf()],
  ['the last good weights', {}, judged(about('k')), policyOf({ policySha256: 'p0' })],
  ['no weights', {}, judged(about('k')), null],
  ['a failed thread', {}, [threadOf('LEARNING_OPTIMIZED', [], { status: 'FAILED' })], policyOf()],
  ['the cold start', {}, [threadOf('LEARNING_OPTIMIZED', [1, 0, 0], { coldStart: true })], policyOf()],
])('nothing is kept of %s', (_name, changes, threads, policy) => {
  expect(start().keep(about('k', changes), threads, policy, 0)).toEqual([]);
});

describe('what is asked for again and again', () => {
  const later = { policySha256: 'p2', cachedValues: cachedValuesOf() };
  const newer = policyOf({ policySha256: 'p2', learnedRewards: 1_060, qualities: [0.7, 0.6, 0.5] });
  const learnedSince = (learnedRewards: number) => ({ ...later, tuning: tuningOf({ learnedRewards }) });

  test('is computed anew by the newest weights half way to its end, once', () => {
    const { keep } = start();
    keep(about('a'), judged(about('a')), policyOf(), 0);
    keep(about('b'), judged(about('b')), policyOf(), 0);
    expect(keep(about('a', learnedSince(1_034)), [], newer, 1)).toEqual([]);
    const renewed = keep(about('a', learnedSince(1_060)), [], newer, 1);
    expect(renewed.map(({ key }) => key).sort()).toEqual(['a', 'b']);
    expect(readEntry(renewed[0]!.value)!.values).toMatchObject({ policySha256: 'p2', learnedRewards: 1_060 });
    expect(keep(about('a', learnedSince(1_061)), [], newer, 2)).toEqual([]);
  });

  test('at once by weights that were fitted anew, and by the clock', () => {
    const { keep } = start();
    keep(about('a'), judged(about('a')), policyOf(), 0);
    expect(keep(about('a', { ...later, basisSha256: 'b2' }), [], newer, 1)).toHaveLength(1);
    expect(keep(about('a', { ...later, basisSha256: 'b2' }), [], newer, 4_999)).toHaveLength(0);
    expect(keep(about('a', { ...later, basisSha256: 'b2' }), [], newer, 5_001)).toHaveLength(1);
  });

  test('eight for each request that comes by, until all are there', () => {
    const { keep } = start();
    const texts = Array.from({ length: 20 }, (_, i) => `t${i}`);
    for (const text of texts) keep(about(text), judged(about(text)), policyOf(), 0);
    const fitted = about('t0', { ...later, basisSha256: 'b2' });
    expect(Array.from({ length: 4 }, () => keep(fitted, [], newer, 1).length)).toEqual([8, 8, 4, 0]);
  });

  test('what nobody asks for any more is not', () => {
    const { keep } = start();
    keep(about('a'), judged(about('a')), policyOf(), 0);
    expect(keep(about('b', later), [], newer, 10_000)).toEqual([]);
  });
});

test('a wrong check halves the life of its kind of requests, right ones restore it; each is counted and repaired', async () => {
  const { keep, checks } = start();
  const checked = about('k', { cachedValues: cachedValuesOf({ isCheck: true, qualities: [0.9, 0.1, 0.1] }) });
  const lifeOf = (opened: RouteOpened) => {
    const [entry] = keep(opened, judged(opened), policyOf(), 0);
    const { untilMs, values } = readEntry(entry!.value)!;
    expect(values.values).toEqual(policyOf().valuesOf(opened)!.values);
    return untilMs;
  };
  expect(cacheError(checked, judged(checked)[0]!)).toBeCloseTo(0.4, 6);
  expect(lifeOf(checked)).toBe(5_000);
  expect(lifeOf(checked)).toBe(2_500);
  expect(lifeOf(about('k', { taskType: 'writing' }))).toBe(10_000);
  for (let i = 0; i < 50; i++) lifeOf(about('k', { cachedValues: cachedValuesOf({ isCheck: true }) }));
  expect(lifeOf(about('k'))).toBe(10_000);
  expect(await Promise.all([checks('right'), checks('wrong')])).toEqual([50, 2]);
});
