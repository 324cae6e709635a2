import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { StageMemory } from '../../../../lib/stream/task/stage-memory';
import { Standbys } from '../../../../lib/stream/task/standbys';

const msOfChunk = 3_000;

/** Memories that say how often they were read, by partition and age. */
function bench(partitions = 4, most = 16) {
  const clock = createVirtualClock();
  const made: string[] = [];
  const reads: string[] = [];
  const failing = new Set<string>();
  /** These never come to their end. */
  const hanging = new Set<number>();
  /** These come in so many chunks, each `msOfChunk` after the one before. */
  const longOnes = new Map<number, number>();
  let chunk = Promise.resolve();
  const failed: number[] = [];
  const memoriesOf = (partition: number): readonly StageMemory[] => {
    const name = `${partition}.${made.filter((other) => other.startsWith(`${partition}.`)).length}`;
    made.push(name);
    const readOn = async (assertOurs: () => void): Promise<void> => {
      await chunk;
      if (hanging.has(partition)) await new Promise(() => {});
      for (let chunks = longOnes.get(partition) ?? 0; chunks > 0; chunks--) {
        await new Promise<void>((resolve) => void clock.setTimer(msOfChunk, resolve));
        assertOurs();
      }
      assertOurs();
      if (failing.delete(name)) throw new Error('no answer');
      reads.push(name);
    };
    return [{ readOn, partition } as unknown as StageMemory];
  };
  const standbys = new Standbys({
    partitions,
    most,
    memoriesOf,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    onFailed: (partition) => failed.push(partition),
  });
  /** What is read from now on comes when it is told to. */
  const holdUp = (): (() => void) => {
    let come = (): void => {};
    chunk = new Promise((resolve) => {
      come = resolve;
    });
    return come;
  };
  return { clock, standbys, failing, hanging, longOnes, failed, holdUp, readsOf: () => reads.splice(0).sort() };
}

test('a member keeps all at first, then what others own, and reads it again and again', async () => {
  const { clock, standbys, readsOf } = bench();
  await standbys.begin();
  expect(readsOf()).toEqual(['0.0', '1.0', '2.0', '3.0']);
  for (const partition of [0, 1]) standbys.take(partition);
  standbys.keepAllBut([0, 1]);
  await clock.advanceBy(2_000);
  expect(readsOf()).toEqual(['2.0', '3.0']);
  // One has come, another gone: what went is read anew, since the task that had it has changed it.
  standbys.take(2);
  standbys.keepAllBut([1, 2]);
  await clock.advanceBy(2_000);
  expect(readsOf()).toEqual(['0.1', '3.0']);
  standbys.stop();
  await clock.advanceBy(10_000);
  expect(readsOf()).toEqual([]);
});

test('where there are too many, those are kept that follow its own', async () => {
  const { clock, standbys, readsOf } = bench(8, 2);
  await standbys.begin();
  readsOf();
  standbys.keepAllBut([6, 7]);
  await clock.advanceBy(2_000);
  expect(readsOf()).toEqual(['0.0', '1.0']);
  standbys.stop();
});

test('what cannot be read is begun anew, and the others stay', async () => {
  const { clock, standbys, failing, failed, readsOf } = bench(2);
  failing.add('1.0');
  await standbys.begin();
  expect([readsOf(), failed]).toEqual([['0.0'], [1]]);
  await clock.advanceBy(2_000);
  expect(readsOf()).toEqual(['0.0', '1.1']);
  standbys.stop();
});

test("a stop ends the first reading, and what a task has taken by then is nobody else's business", async () => {
  const { standbys, holdUp, failed, readsOf } = bench(2);
  const come = holdUp();
  const begun = standbys.begin();
  standbys.take(0);
  standbys.stop();
  come();
  await begun;
  expect([readsOf(), failed]).toEqual([[], []]);
});

test('one that does not answer holds up a start for 5 s, and never the others', async () => {
  const { clock, standbys, hanging, readsOf } = bench(3);
  hanging.add(1);
  let hasBegun = false;
  void standbys.begin().then(() => {
    hasBegun = true;
  });
  await clock.advanceBy(4_500);
  expect([hasBegun, readsOf()]).toEqual([false, ['0.0', '0.0', '0.0', '2.0', '2.0', '2.0']]);
  await clock.advanceBy(500);
  expect(hasBegun).toBe(true);
  await clock.advanceBy(1_000);
  expect(readsOf()).toEqual(['0.0', '2.0']);
  standbys.stop();
  expect(clock.nextTimerAt()).toBeNull();
});

test('a start waits for what takes long as long as some of it comes', async () => {
  const { clock, standbys, longOnes, readsOf } = bench(2);
  longOnes.set(1, 5);
  let hasBegun = false;
  void standbys.begin().then(() => {
    hasBegun = true;
  });
  await clock.advanceBy(5 * msOfChunk - 100);
  expect([hasBegun, readsOf().includes('1.0')]).toEqual([false, false]);
  await clock.advanceBy(100);
  expect([hasBegun, readsOf().includes('1.0')]).toEqual([true, true]);
  standbys.stop();
  expect(clock.nextTimerAt()).toBeNull();
});

test('it does not wait for ever for what comes bit by bit', async () => {
  const { clock, standbys, longOnes, readsOf } = bench(2);
  longOnes.set(1, 50);
  let hasBegun = false;
  void standbys.begin().then(() => {
    hasBegun = true;
  });
  await clock.advanceBy(19_900);
  expect(hasBegun).toBe(false);
  await clock.advanceBy(100);
  expect([hasBegun, readsOf().includes('1.0')]).toEqual([true, false]);
  standbys.stop();
});

test('a start that waits for one that does not answer ends with a stop', async () => {
  const { clock, standbys, hanging, readsOf } = bench(1);
  hanging.add(0);
  const begun = standbys.begin();
  standbys.stop();
  await begun;
  expect([readsOf(), clock.nextTimerAt()]).toEqual([[], null]);
});
