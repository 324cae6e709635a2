import { systemClock, systemIds } from '../../../lib/adapters/system';
import { sleep } from '../../../lib/ports/clock';

describe('system', () => {
  test('both clocks go forward with their timers', async () => {
    const clock = systemClock();
    const [wall, monotonic] = [clock.nowMs(), clock.monotonicMs()];
    await sleep(clock, 2);
    expect(clock.nowMs()).toBeGreaterThan(wall);
    expect(clock.monotonicMs()).toBeGreaterThan(monotonic);
  });

  test('a cancelled timer never fires', async () => {
    const clock = systemClock();
    let fired = false;
    const cancel = clock.setTimer(1, () => {
      fired = true;
    });
    cancel();
    await sleep(clock, 5);
    cancel();
    expect(fired).toBe(false);
  });

  test('ids are all different', () => {
    const next = systemIds();
    expect(new Set(Array.from({ length: 100 }, () => next())).size).toBe(100);
  });
});
