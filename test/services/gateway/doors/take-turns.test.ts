/** Calls that come together come apart; where more come than go, all are let in; nobody waits for long, or for ever. */
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createTurns } from '../../../../services/gateway/doors/take-turns';

/** Something that takes `msEach` for each of those that it is given within one turn of time, and is done with all at once. */
function start({ atOnce = 4, msEach = 3 } = {}) {
  const clock = createVirtualClock();
  const turns = createTurns(clock, atOnce);
  let batch: (() => void)[] = [];
  let freeAtMs = 0;
  const sizes: number[] = [];
  const work = (): Promise<void> =>
    new Promise((resolve) => {
      batch.push(resolve);
      if (batch.length > 1) return;
      // One batch at a time, of whatever has come when the one before is done.
      clock.setTimer(Math.max(0, freeAtMs - clock.nowMs()), () => {
        const done = batch;
        batch = [];
        sizes.push(done.length);
        freeAtMs = clock.nowMs() + msEach * done.length;
        clock.setTimer(freeAtMs - clock.nowMs(), () => {
          for (const tell of done) tell();
        });
      });
    });
  /** A caller who calls so many times, each after an answer that took so long: how long each decision took. */
  const caller = async (calls: number, answerMs: number): Promise<number[]> => {
    const waits: number[] = [];
    for (let call = 0; call < calls; call++) {
      const askedMs = clock.nowMs();
      await turns.take(work);
      waits.push(clock.nowMs() - askedMs);
      await new Promise<void>((resolve) => {
        clock.setTimer(answerMs, resolve);
      });
    }
    return waits;
  };
  const callers = async (count: number, calls: number, answerMs: number): Promise<number[][]> => {
    const all = Promise.all(Array.from({ length: count }, () => caller(calls, answerMs)));
    await clock.runUntilIdle();
    return all;
  };
  return { clock, turns, callers, sizes };
}

const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

test('64 callers who begin at once wait for one another the first time, and not from then on', async () => {
  const waits = await start().callers(64, 6, 250);
  expect(medianOf(waits.map((of) => of[0]!))).toBeGreaterThan(80);
  expect(medianOf(waits.map((of) => of[5]!))).toBeLessThan(15);
  // Without turns they do so for ever.
  const together = await start({ atOnce: Infinity }).callers(64, 6, 250);
  expect(medianOf(together.map((of) => of[5]!))).toBeGreaterThan(150);
});

test('where more come than go in turns, all are let in, and turns are taken again when for a while nobody would have waited', async () => {
  const { callers, sizes, clock } = start();
  // Each is away for a moment between two calls, which together are decided and gone.
  await callers(64, 20, 40);
  const full = sizes.filter((size) => size > 32).length;
  // The rounds after patience has ended are of all at once.
  expect(full).toBeGreaterThan(10);
  await clock.advanceBy(250);
  const before = sizes.length;
  await callers(8, 1, 0);
  expect(Math.max(...sizes.slice(before))).toBeLessThanOrEqual(4);
});

test('nobody waits longer for a turn than patience, not even where nothing is ever done', async () => {
  const { clock, turns } = start();
  const begun: number[] = [];
  for (let call = 0; call < 10; call++) {
    void turns.take(() => {
      begun.push(clock.nowMs());
      return new Promise(() => {});
    });
  }
  const startedMs = clock.nowMs();
  await clock.runUntilIdle();
  expect(begun.map((ms) => ms - startedMs)).toEqual([0, 0, 0, 0, 250, 250, 250, 250, 250, 250]);
  expect(clock.nextTimerAt()).toBeNull();
});

test('turns come in order, and work that fails gives its turn on', async () => {
  const { turns } = start({ atOnce: 1 });
  const begun: number[] = [];
  const all = await Promise.allSettled(
    [0, 1, 2, 3].map((call) =>
      turns.take(async () => {
        begun.push(call);
        if (call === 1) throw new Error('not this one');
        return call;
      }),
    ),
  );
  expect(begun).toEqual([0, 1, 2, 3]);
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
});
