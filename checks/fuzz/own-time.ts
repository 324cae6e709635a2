/**
 * How long something took beyond what the machine itself explains. While other work has the processors, a thread that
 * could run stands in line; the kernel counts that time for each thread, and it is not the engine's.
 */
import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** Milliseconds that have passed for the thread that made it: wall time without waiting for a processor. */
export type OwnTime = () => number;

/**
 * Where the kernel does not tell (only Linux does), the processor time of the process bounds what the thread did itself:
 * what its event loop was busy beyond that, it waited.
 */
export function createOwnTime(): OwnTime {
  const waitedMs = kernelWait() ?? busyBeyondProcessorTime();
  return () => performance.now() - waitedMs();
}

/** Time this thread has stood in line, from its "run time, time in line, time slices" in nanoseconds. */
function kernelWait(): (() => number) | null {
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r');
    const text = Buffer.alloc(128);
    const read = (): number =>
      Number(text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)).split(' ')[1]) / 1e6;
    return Number.isFinite(read()) ? read : null;
  } catch {
    return null;
  }
}

function busyBeyondProcessorTime(): () => number {
  return () => {
    const { user, system } = process.cpuUsage();
    return Math.max(0, performance.eventLoopUtilization().active - (user + system) / 1_000);
  };
}
