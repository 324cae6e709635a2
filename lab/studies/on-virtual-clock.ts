import { createVirtualClock, type VirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { tensorBackendOf } from '../../services/dqn-trainer/tensor-backend';

/** Runs something to its end on a clock of its own, which jumps from timer to timer. Throws when all waits for ever. */
export async function onVirtualClock<T>(run: (clock: VirtualClock) => Promise<T>): Promise<T> {
  // Loading the backend takes real time, which a virtual clock cannot see: before it starts.
  await tensorBackendOf('wasm').ready();
  const clock = createVirtualClock();
  let ended = false;
  const result = run(clock).finally(() => {
    ended = true;
  });
  // Whoever awaits the result sees a failure; until then it is nobody's.
  result.catch(() => {});
  await clock.runUntilIdle({ until: () => ended });
  if (!ended) throw new Error('everything came to rest before the end: something waits for ever');
  return result;
}
