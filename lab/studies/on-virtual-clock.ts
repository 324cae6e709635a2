import { createVirtualClock, runToEnd, type VirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { tensorBackendOf } from '../../services/dqn-trainer/tensor-backend';

/** Runs something to its end on a clock of its own, which jumps from timer to timer. Throws when all waits for ever. */
export async function onVirtualClock<T>(run: (clock: VirtualClock) => Promise<T>): Promise<T> {
  // Loading the backend takes real time, which a virtual clock cannot see: before it starts.
  await tensorBackendOf('wasm').ready();
  const clock = createVirtualClock();
  const result = run(clock);
  if (!(await runToEnd(clock, result)))
    throw new Error('everything came to rest before the end: something waits for ever');
  return result;
}
