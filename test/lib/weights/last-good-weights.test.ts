import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { strategies } from '../../../lib/routing/judge/strategies/strategies';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { WeightsPointer, WeightsSource } from '../../../lib/routing/judge/weights-source';
import { createLastGoodWeights } from '../../../lib/weights/last-good-weights';

const policyOf = (policySha256: string): LearnedPolicy => ({
  policySha256,
  judge: (opened) => strategies.RANDOM(opened, null),
});
const pointer = (policySha256: string): WeightsPointer => ({ policySha256, basisSha256: 'basis' });

/** A source that has what is in `known`, fails on "broken", takes its time for "slow…", and counts what it was asked. */
function sourceOf(...known: string[]) {
  const have = new Set(known);
  const asked: string[] = [];
  const slow: (() => void)[] = [];
  const source: WeightsSource = {
    async load({ policySha256 }) {
      asked.push(policySha256);
      if (policySha256 === 'broken') throw new Error('store is gone');
      if (policySha256.startsWith('slow')) await new Promise<void>((resolve) => slow.push(resolve));
      return have.has(policySha256) ? policyOf(policySha256) : null;
    },
  };
  return { ...source, known: have, asked, release: () => slow.shift()!() };
}

function create(...known: string[]) {
  const clock = createVirtualClock();
  const source = sourceOf(...known);
  const weights = createLastGoodWeights(source, clock, { maxWaitMs: 50, retryAfterMs: 1_000 });
  const load = async (name: string, nowMs = 0): Promise<string | null> =>
    (await weights.load(pointer(name), nowMs))?.policySha256 ?? null;
  /** A load that is waited for to the end. */
  const loadLate = async (name: string): Promise<string | null> => {
    const loading = load(name);
    await clock.advanceBy(50);
    return loading;
  };
  return { clock, source, load, loadLate };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the pinned policy, where there is one', async () => {
  const { load } = create('a', 'b');
  expect(await load('a')).toBe('a');
  expect(await load('b')).toBe('b');
  expect(await load('a')).toBe('a');
});

test('what cannot be loaded gives the last good policy, and is asked for again after a while', async () => {
  const { source, load } = create('a');
  expect(await load('b')).toBeNull();
  await load('a');
  expect(await load('b', 999)).toBe('a');
  source.known.add('b');
  expect(await load('b', 999)).toBe('a');
  expect(await load('b', 1_000)).toBe('b');
  expect(source.asked).toEqual(['b', 'a', 'b']);
});

test('a failing source counts as missing', async () => {
  const { load } = create('a');
  await load('a');
  expect(await load('broken')).toBe('a');
});

test('a slow one is waited for once; it is used when it has come', async () => {
  const { source, load, loadLate } = create('a', 'slow');
  await load('a');
  expect(await loadLate('slow')).toBe('a');
  // No time passes: nobody waits.
  expect(await load('slow')).toBe('a');
  expect(source.asked).toEqual(['a', 'slow']);
  source.release();
  await turn();
  // The last good one now, for whoever pins what cannot be had.
  expect(await load('missing')).toBe('slow');
});

test('only so many go on loading unwaited', async () => {
  const { source, load, loadLate } = create('a', 'slow1', 'slow2', 'slow3');
  await load('a');
  for (const name of ['slow1', 'slow2']) await loadLate(name);
  expect(await load('slow3')).toBe('a');
  expect(source.asked).toEqual(['a', 'slow1', 'slow2']);
  source.release();
  await turn();
  expect(await loadLate('slow3')).toBe('slow1');
  expect(source.asked.at(-1)).toBe('slow3');
});

test('an older one that comes late does not take the place of a newer', async () => {
  const { source, load, loadLate } = create('slow', 'b');
  expect(await loadLate('slow')).toBeNull();
  expect(await load('b')).toBe('b');
  source.release();
  await turn();
  expect(await load('missing')).toBe('b');
});
