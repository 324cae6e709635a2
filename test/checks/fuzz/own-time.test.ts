import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createOwnTime } from '../../../checks/fuzz/own-time';
import { patienceMs } from '../../patience';

/** What this thread has worked, from the kernel's own count; of the whole process, where the kernel does not tell. */
function workedMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }
}

test('own time is what the thread has worked and slept, and never more than has passed', () => {
  const ownMs = createOwnTime();
  const [startMs, startOwnMs, startWorkedMs] = [performance.now(), ownMs(), workedMs()];
  while (workedMs() - startWorkedMs < 50) {
    if (performance.now() - startMs > patienceMs) throw new Error('what the thread works is not counted here');
  }
  const workOwnMs = ownMs() - startOwnMs;
  expect(workOwnMs).toBeLessThanOrEqual(performance.now() - startMs);
  // The kernel counts work in ticks of up to ten milliseconds, and where it does not count by thread, others have worked, too.
  expect(workOwnMs).toBeGreaterThan(20);
  const sleepFromMs = ownMs();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
  expect(ownMs() - sleepFromMs).toBeGreaterThan(20);
});
