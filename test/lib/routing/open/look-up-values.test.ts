import { createMemoryKeyValue } from '../../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { encodeContext } from '../../../../lib/learning/features/context';
import { bytesOf, encodeText } from '../../../../lib/learning/features/encode';
import type { KeyValue } from '../../../../lib/ports/key-value';
import { createLookUp, type Found, type Look } from '../../../../lib/routing/open/look-up-values';
import { cacheEntry, cacheKeys } from '../../../../lib/routing/open/routing-cache';
import type { RouteOpened } from '../../../../lib/topics/generated/messages';
import { configOf, openedOf } from '../fixtures';
import { keptOf, publishedOf } from '../kept';

const text =
  'Please write a short and friendly answer to the customer who asks where the parcel is that was sent on Monday'.repeat(
    3,
  );
const nowMs = 1_000;
const cache = { enabled: true, checkShare: 0 };

function about(prompt: string, changes: Partial<RouteOpened> = {}): RouteOpened {
  const { sketch, handFeatures } = encodeText(prompt);
  const features = { sketch: bytesOf(sketch), handFeatures: bytesOf(handFeatures) };
  const opened = openedOf({ ...features, policySha256: 'p1', basisSha256: 'b1', ...changes });
  opened.contextFeatures = bytesOf(encodeContext(opened));
  return opened;
}

/** Looks up in a store that has an entry for `text`, made at 1,000 rewards and good for 100 more and 10 s. */
async function lookUp(look: Partial<Look> = {}, stored = about(text)): Promise<Found> {
  const keyValue = createMemoryKeyValue({ clock: createVirtualClock() });
  const config = configOf({ cache });
  const [key] = cacheKeys(stored, 'l1', config);
  await keyValue.putMany([
    cacheEntry({ ...stored, cacheFingerprint: key! }, keptOf(), { ttlMs: 10_000, rewards: 100 }, 0),
  ]);
  const asked = { route: about(text), config, weights: publishedOf(), nowMs, ...look };
  const [found] = await createLookUp(keyValue)([asked]);
  return found!;
}

test('a text that is nearly the same gets what was kept, another does not', async () => {
  const near = await lookUp({ route: about(text.replace('Monday', 'Tuesday')) });
  expect(near).toMatchObject({ result: 'hit', values: { ...keptOf(), cachedAtMs: 0, isCheck: false } });
  const other = await lookUp({ route: about('Integrate x squared from zero to three') });
  expect(other).toMatchObject({ result: 'miss', values: null });
  const strict = configOf({ cache: { ...cache, similarity: 1 } });
  expect((await lookUp({ config: strict, route: about(text.replace('Monday', 'Tuesday')) })).result).toBe('miss');
});

test('prices, health, latency and limits of models do not matter: they are those of the request', async () => {
  const route = about(text);
  for (const candidate of route.candidates)
    Object.assign(candidate, { expectedCostUsd: 5, expectedLatencyMs: 9, errorRate: 0.7, health: 'OPEN' });
  expect((await lookUp({ route })).result).toBe('hit');
});

test.each<[string, Partial<Look>, Found['result']]>([
  ['a little more is learned', { weights: publishedOf({ policySha256: 'p2', learnedRewards: 1_099 }) }, 'hit'],
  ['too much is learned', { weights: publishedOf({ policySha256: 'p2', learnedRewards: 1_100 }) }, 'weights'],
  ['somebody went back', { weights: publishedOf({ policySha256: 'p2', learnedRewards: 999 }) }, 'weights'],
  [
    'there is another model',
    { weights: publishedOf({ policySha256: 'p2', models: ['large', 'small', 'swift', 'new'] }) },
    'weights',
  ],
  ['a moment before its time is over', { nowMs: 9_999 }, 'hit'],
  ['its time is over', { nowMs: 10_000 }, 'expired'],
  ['a new lineage', { weights: publishedOf({ lineage: 'l2' }) }, 'miss'],
])('%s', async (_name, look, result) => {
  const policySha256 = look.weights?.policySha256 ?? 'p1';
  const found = await lookUp({ ...look, route: about(text, { policySha256 }) });
  expect(found.result).toBe(result);
  expect(found.values === null).toBe(result !== 'hit');
});

test('weights that were fitted anew are asked anew', async () => {
  const weights = publishedOf({ policySha256: 'p2', basisSha256: 'b2', learnedRewards: 1_001 });
  expect((await lookUp({ weights, route: about(text, { policySha256: 'p2', basisSha256: 'b2' }) })).result).toBe(
    'weights',
  );
});

test('what is demanded matters: another preference, another limit', async () => {
  for (const demand of [
    { preference: { quality: 1, cost: 1, latency: 0 } },
    { limits: { ...openedOf().limits, maxCostUsd: 0.001 } },
  ])
    expect((await lookUp({ route: about(text, demand) })).result).toBe('demands');
});

test('what is of no use any more is replaced where it was found', async () => {
  const stored = about(text);
  const route = about(text.replace('parcel', 'letter'));
  const { key } = await lookUp({ route, nowMs: 10_000 }, stored);
  expect(key).toBe(cacheKeys(stored, 'l1', configOf())[0]);
});

test('a share of the hits is checked, the same ones whenever they are asked for', async () => {
  const config = configOf({ cache: { ...cache, checkShare: 0.3 } });
  const results: Found[] = [];
  for (let i = 0; i < 100; i++) results.push(await lookUp({ config, route: about(text, { requestId: `r${i}` }) }));
  const checks = results.filter(({ result, values }) => result === 'check' && values?.isCheck).length;
  expect(checks).toBeGreaterThan(15);
  expect(checks).toBeLessThan(45);
  expect(results.filter(({ result }) => result === 'hit')).toHaveLength(100 - checks);
  const again = await lookUp({ config, route: about(text, { requestId: 'r7' }) });
  expect(again.result).toBe(results[7]!.result);
});

test('something that is no entry is a miss, and a store that is gone is an error for all', async () => {
  const config = configOf({ cache });
  const looks = [text, 'another text'].map((of) => ({ route: about(of), config, weights: publishedOf(), nowMs }));
  const broken = createMemoryKeyValue({ clock: createVirtualClock() });
  await broken.putMany([{ key: cacheKeys(looks[0]!.route, 'l1', config)[0]!, value: Buffer.from('x'), ttlMs: null }]);
  const results = async (keyValue: KeyValue) => (await createLookUp(keyValue)(looks)).map(({ result }) => result);
  expect(await results(broken)).toEqual(['invalid', 'miss']);
  expect(await results({ ...broken, getMany: () => Promise.reject(new Error('gone')) })).toEqual(['error', 'error']);
});
