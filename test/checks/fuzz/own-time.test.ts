import { performance } from 'node:perf_hooks';
import { createOwnTime } from '../../../checks/fuzz/own-time';

test('own time is what the thread has worked and slept, and never more than has passed', () => {
  const ownMs = createOwnTime();
  const [startMs, startOwnMs] = [performance.now(), ownMs()];
  const before = process.cpuUsage();
  let workedMs = 0;
  while (workedMs < 50) {
    const { user, system } = process.cpuUsage(before);
    workedMs = (user + system) / 1_000;
  }
  const workOwnMs = ownMs() - startOwnMs;
  const passedMs = performance.now() - startMs;
  expect(workOwnMs).toBeLessThanOrEqual(passedMs);
  // Other threads of this process may have worked a little of it.
  expect(workOwnMs).toBeGreaterThan(20);
  const sleepFromMs = ownMs();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
  expect(ownMs() - sleepFromMs).toBeGreaterThan(20);
});
