/** A simulated world through the whole engine: the workload of `make run` on a virtual clock, so that the same seed gives the same figures everywhere. */
import { defaultRunRate, type RunResult, runWorkload } from '../bin/drive/run';
import { createVirtualClock } from '../lib/adapters/memory/virtual-clock';
import type { Workload } from '../lib/evaluation/workload';
import { createLog } from '../lib/telemetry/log';
import { tensorBackendOf } from '../services/dqn-trainer/tensor-backend';
import { memoryHome } from '../services/home';

export async function playWorld(workload: Workload, seed: number, write: (text: string) => void): Promise<RunResult> {
  // Loading the backend takes real time, which a virtual clock cannot see: before it starts.
  await tensorBackendOf('wasm').ready();
  const clock = createVirtualClock();
  const home = memoryHome({ clock, seed });
  let result: RunResult | null = null;
  let failure: Error | null = null;
  runWorkload({
    workload,
    home,
    http: null,
    trainer: 'inline',
    ratePerSecond: defaultRunRate,
    seed,
    log: createLog({ level: 'warn' }),
    progress: { write, isTerminal: false, columns: 100 },
    stopped: () => false,
  }).then(
    (done) => {
      result = done;
    },
    (error: Error) => {
      failure = error;
    },
  );
  await clock.runUntilIdle({ until: () => result !== null || failure !== null });
  if (failure) throw failure;
  return result!;
}
