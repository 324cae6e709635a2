import { cacheEntry, cacheKey, readCached } from '../../../../lib/routing/open/routing-cache';
import { openedOf } from '../fixtures';

const { candidates } = openedOf();
const cached = {
  models: ['large', 'small', 'swift'],
  probabilities: [0.5, 0.5, 0],
  qualities: [0.9, 0.8, 0.1],
  strategy: 'BALANCED',
  confidence: 0.6,
  cachedAtMs: 1_700_000_000_000,
};
const entry = cacheEntry('abc', candidates, cached, 60_000);
const changedTo = (changes: Partial<typeof cached>): Buffer =>
  cacheEntry('abc', candidates, { ...cached, ...changes }, 60_000).value;

test('an entry comes back as it went in', () => {
  expect(entry).toMatchObject({ key: cacheKey('abc'), ttlMs: 60_000 });
  expect(readCached(entry.value, candidates)).toEqual(cached);
});

test.each<[string, Buffer | null]>([
  ['nothing', null],
  ['no bytes', Buffer.alloc(0)],
  ['an entry of an earlier release', Buffer.from(JSON.stringify(cached))],
  ['another format', Buffer.concat([Buffer.from([2]), entry.value.subarray(1)])],
  ['cut off in its numbers', entry.value.subarray(0, 100)],
  ['other models', cacheEntry('abc', [candidates[0]!, candidates[2]!, candidates[1]!], cached, 1).value],
  ['fewer models', cacheEntry('abc', candidates.slice(1), cached, 1).value],
  ['too few probabilities', changedTo({ probabilities: [1] })],
  ['a negative probability', changedTo({ probabilities: [1, -1, 1] })],
  ['a sum of 5', changedTo({ probabilities: [2, 2, 1] })],
  ['a sum of nothing', changedTo({ probabilities: [0, 0, 0] })],
  ['a probability that is no number', changedTo({ probabilities: [1, Number.NaN, 0] })],
  ['a quality of 2', changedTo({ qualities: [2, 0, 0] })],
  ['a quality that is no number', changedTo({ qualities: [0, 0, Number.NaN] })],
  ['a confidence of 2', changedTo({ confidence: 2 })],
  ['no confidence', changedTo({ confidence: Number.NaN })],
  ['a strategy that is none', changedTo({ strategy: 'constructor' })],
  ['no strategy', changedTo({ strategy: '' })],
  ['no qualities', changedTo({ qualities: [] })],
  ['no time', changedTo({ cachedAtMs: Number.NaN })],
])('a miss: %s', (_name, bytes) => {
  expect(readCached(bytes, candidates)).toBeNull();
});

test('a miss: nothing of it is on a candidate that can be drawn now', () => {
  const shut = candidates.map((candidate, i) => ({ ...candidate, eligible: i === 2 }));
  expect(readCached(entry.value, shut)).toBeNull();
});
