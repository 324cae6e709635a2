import { encodeContext, encodeDemands } from '../../../../lib/learning/features/context';
import { bytesOf } from '../../../../lib/learning/features/encode';
import { cacheEntry, cacheKeys, readEntry } from '../../../../lib/routing/open/routing-cache';
import { configOf, openedOf } from '../fixtures';
import { keptOf } from '../kept';

const opened = openedOf({ cacheFingerprint: 'route-cache/key', basisSha256: 'b1' });
opened.contextFeatures = bytesOf(encodeContext(opened));
const kept = keptOf();
const life = { ttlMs: 60_000.4, rewards: 100 };
const entry = cacheEntry(opened, kept, life, 1_000);

test('an entry comes back as it went in, with what it is compared by and when it ends', () => {
  expect(entry).toMatchObject({ key: 'route-cache/key', ttlMs: 60_000 });
  const read = readEntry(entry.value)!;
  expect(read).toMatchObject({
    values: kept,
    basisSha256: 'b1',
    cachedAtMs: 1_000,
    untilMs: 61_000.4,
    untilRewards: 1_100,
  });
  expect(Buffer.from(read.sketch)).toEqual(opened.sketch);
  expect(read.hand).toHaveLength(40);
  expect(read.demands).toEqual(encodeDemands(opened));
});

/** The entry with its head changed. */
function withHead(change: (head: Record<string, unknown>) => void): Buffer {
  const length = entry.value.readUInt32LE(1);
  const head = JSON.parse(entry.value.subarray(5, 5 + length).toString());
  change(head);
  const json = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.from(entry.value.subarray(0, 5));
  prefix.writeUInt32LE(json.length, 1);
  return Buffer.concat([prefix, json, entry.value.subarray(5 + length)]);
}

test('what is changed in these tests is read where it is not changed', () => {
  expect(readEntry(withHead(() => undefined))).toEqual(readEntry(entry.value));
});

test.each<[string, Buffer]>([
  ['no bytes', Buffer.alloc(0)],
  ['an entry of an earlier release', Buffer.from(JSON.stringify({ models: [] }))],
  ['another format', Buffer.concat([Buffer.from([3]), entry.value.subarray(1)])],
  ['cut off in its head', entry.value.subarray(0, 50)],
  ['cut off in its values', entry.value.subarray(0, -1)],
  ['a head that is longer than all', Buffer.concat([Buffer.from([4, 255, 255, 255, 255]), entry.value.subarray(5)])],
  ['more models than values', withHead((head) => Object.assign(head, { models: [...kept.models, 'more'] }))],
  ['no models', withHead((head) => delete head['models'])],
  ['a field of somebody else', withHead((head) => Object.assign(head, { values: [] }))],
  ['rewards below 0', withHead((head) => Object.assign(head, { learnedRewards: -1 }))],
  ['no mean reward', withHead((head) => Object.assign(head, { rewardMean: null }))],
  ['a sketch longer than all', withHead((head) => Object.assign(head, { lengths: [1e9, 160, 0] }))],
  ['half a hand feature', withHead((head) => Object.assign(head, { lengths: [1_025, 159, 0] }))],
  ['a value that is not finite', cacheEntry(opened, keptOf({ qualities: [Number.NaN, 0, 0] }), life, 1).value],
])('a miss: %s', (_name, bytes) => {
  expect(readEntry(bytes)).toBeNull();
});

test('requests of one kind share their keys; another encoder, lineage, version of a model or task has others', () => {
  const config = configOf();
  const keys = cacheKeys(opened, 'l1', config);
  expect(keys).toHaveLength(8);
  expect(cacheKeys(openedOf({ promptTokens: 7 }), 'l1', configOf({ explorationFloor: 0.5 }))).toEqual(keys);
  const versioned = configOf({ models: config.models.map((model) => ({ ...model, version: '2' })) });
  for (const other of [
    cacheKeys(openedOf({ encoderVersion: 'other' }), 'l1', config),
    cacheKeys(openedOf({ taskType: 'writing' }), 'l1', config),
    cacheKeys(opened, 'l2', config),
    cacheKeys(opened, 'l1', versioned),
  ])
    for (const key of other) expect(keys).not.toContain(key);
});

test('a vector of the caller’s own has one place, which equal ones share', () => {
  const vectorOf = (...values: number[]) =>
    openedOf({ sketch: Buffer.alloc(0), callerFeatures: bytesOf(Float32Array.from(values)) });
  const keys = cacheKeys(vectorOf(1, 2), '', configOf());
  expect(keys).toHaveLength(1);
  expect(cacheKeys(vectorOf(1, 2), '', configOf())).toEqual(keys);
  expect(cacheKeys(vectorOf(1, 2.001), '', configOf())).not.toEqual(keys);
});
