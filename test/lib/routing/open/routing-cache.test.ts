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
const entry = cacheEntry('abc', cached, 60_000);

test('an entry comes back as it went in', () => {
  expect(entry).toMatchObject({ key: cacheKey('abc'), ttlMs: 60_000 });
  expect(readCached(entry.value, candidates)).toEqual(cached);
});

test.each<[string, Buffer | null]>([
  ['nothing', null],
  ['no JSON', Buffer.from('{')],
  ['null', Buffer.from('null')],
  ['other models', Buffer.from(JSON.stringify({ ...cached, models: ['large', 'swift', 'small'] }))],
  ['fewer models', Buffer.from(JSON.stringify({ ...cached, models: ['large'] }))],
  ['too few probabilities', Buffer.from(JSON.stringify({ ...cached, probabilities: [1] }))],
  ['a negative probability', Buffer.from(JSON.stringify({ ...cached, probabilities: [1, -1, 1] }))],
  ['a sum of 5', Buffer.from(JSON.stringify({ ...cached, probabilities: [2, 2, 1] }))],
  ['a sum of nothing', Buffer.from(JSON.stringify({ ...cached, probabilities: [0, 0, 0] }))],
  ['probabilities that are texts', Buffer.from(JSON.stringify({ ...cached, probabilities: ['1', 0, 0] }))],
  ['a quality of 2', Buffer.from(JSON.stringify({ ...cached, qualities: [2, 0, 0] }))],
  ['a confidence of 2', Buffer.from(JSON.stringify({ ...cached, confidence: 2 }))],
  ['a strategy that is none', Buffer.from(JSON.stringify({ ...cached, strategy: 'constructor' }))],
  ['no qualities', Buffer.from(JSON.stringify({ ...cached, qualities: null }))],
  ['no strategy', Buffer.from(JSON.stringify({ ...cached, strategy: 1 }))],
  ['no confidence', Buffer.from(JSON.stringify({ ...cached, confidence: null }))],
  ['no time', Buffer.from(JSON.stringify({ ...cached, cachedAtMs: 'x' }))],
])('a miss: %s', (_name, bytes) => {
  expect(readCached(bytes, candidates)).toBeNull();
});

test('a miss: nothing of it is on a candidate that can be drawn now', () => {
  const shut = candidates.map((candidate, i) => ({ ...candidate, eligible: i === 2 }));
  expect(readCached(entry.value, shut)).toBeNull();
});
