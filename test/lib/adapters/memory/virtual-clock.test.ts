import fc from 'fast-check';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { sleep } from '../../../../lib/ports/clock';

describe('createVirtualClock', () => {
  test('time stands still until it is moved', async () => {
    const clock = createVirtualClock({ startMs: 1_000 });
    expect([clock.nowMs(), clock.monotonicMs(), clock.nextTimerAt()]).toEqual([1_000, 0, null]);
    await clock.settle();
    expect(clock.nowMs()).toBe(1_000);
    await clock.advanceBy(250);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250]);
    await expect(clock.advanceTo(1_249)).rejects.toThrow('cannot go back');
  });

  test('timers fire by time, then in the order they were set', () => {
    const delays = fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() }), {
      maxLength: 200,
    });
    return fc.assert(
      fc.asyncProperty(delays, async (timers) => {
        const clock = createVirtualClock();
        const fired: number[] = [];
        const cancels = timers.map(({ delayMs }, i) => clock.setTimer(delayMs, () => fired.push(i)));
        for (const [i, { cancelled }] of timers.entries()) if (cancelled) cancels[i]!();
        await clock.runUntilIdle();
        const expected = timers.map((timer, i) => ({ ...timer, i })).filter(({ cancelled }) => !cancelled);
        expected.sort((a, b) => a.delayMs - b.delayMs || a.i - b.i);
        expect(fired).toEqual(expected.map(({ i }) => i));
      }),
      { numRuns: 50 },
    );
  });

  test('what follows a timer runs before the next time', async () => {
    const clock = createVirtualClock({ startMs: 0 });
    const log: string[] = [];
    const worker = async (name: string, delayMs: number): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, delayMs);
        await Promise.resolve();
        log.push(`${name}@${clock.nowMs()}`);
      }
    };
    void worker('a', 10);
    void worker('b', 15);
    await clock.runUntilIdle();
    expect(log).toEqual(['a@10', 'b@15', 'a@20', 'b@30', 'a@30', 'b@45']);
  });

  test('a timer set for now fires, after those that were due already', async () => {
    const clock = createVirtualClock();
    const log: string[] = [];
    clock.setTimer(5, () => {
      log.push('first');
      clock.setTimer(0, () => log.push('set for now'));
      clock.setTimer(-1, () => log.push('set for the past'));
    });
    clock.setTimer(5, () => log.push('second'));
    await clock.advanceBy(5);
    expect(log).toEqual(['first', 'second', 'set for now', 'set for the past']);
  });

  test('a timer can cancel another of the same time', async () => {
    const clock = createVirtualClock();
    const log: string[] = [];
    let cancel = (): void => {};
    clock.setTimer(5, () => cancel());
    cancel = clock.setTimer(5, () => log.push('cancelled'));
    await clock.runUntilIdle();
    expect(log).toEqual([]);
  });

  test('running stops at a time, at a condition, or when it never ends', async () => {
    const clock = createVirtualClock({ startMs: 0 });
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      clock.setTimer(10, tick);
    };
    clock.setTimer(10, tick);
    await clock.runUntilIdle({ untilMs: 35 });
    expect([ticks, clock.nowMs(), clock.nextTimerAt()]).toEqual([3, 30, 40]);
    await clock.runUntilIdle({ until: () => ticks === 7 });
    expect([ticks, clock.nowMs()]).toEqual([7, 70]);
    await expect(clock.runUntilIdle({ maxTimers: 100 })).rejects.toThrow('100 timers');
  });

  test('time waits for work that no timer shows', async () => {
    const clock = createVirtualClock({ startMs: 0 });
    let turns = 0;
    let firedAtTurn = -1;
    const work = (): void => void (++turns < 5 && setImmediate(work));
    setImmediate(work);
    clock.setTimer(10, () => {
      firedAtTurn = turns;
    });
    await clock.runUntilIdle({ busy: () => turns < 5 });
    expect(firedAtTurn).toBe(5);
  });

  test('many cancelled timers do not pile up in front of the live ones', async () => {
    const clock = createVirtualClock({ startMs: 0 });
    let fired = 0;
    for (let i = 0; i < 5_000; i++) clock.setTimer(1_000 + i, () => fired++)();
    clock.setTimer(20_000, () => fired++);
    expect(clock.nextTimerAt()).toBe(20_000);
    await clock.runUntilIdle();
    expect(fired).toBe(1);
  });
});
