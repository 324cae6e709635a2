/** A simulated world through the whole engine: the workload of `make run` on a virtual clock, so that the same seed gives the same figures everywhere. */

import type { Clock } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createStatusLine } from '../../lib/terminal/status-line';
import type { TrainerHost } from '../../services/dqn-trainer/fold/create-fold';
import { type EngineHome, memoryHome } from '../../services/home';
import { plainEveryMs } from '../report/progress';
import { defaultRunRate, type RunResult, runWorkload } from '../runs/run';
import type { Workload } from '../workloads/workload';
import { onVirtualClock } from './on-virtual-clock';

export interface WorldPlay {
  readonly ratePerSecond: number;
  /** Where the fold runs, on this clock. */
  readonly trainerOn: (clock: Clock) => TrainerHost;
}

const asMakeRun: WorldPlay = { ratePerSecond: defaultRunRate, trainerOn: () => 'inline' };

/** What came of it, and where its topics can still be read. */
export async function playWorld(
  workload: Workload,
  seed: number,
  write: (text: string) => void,
  { ratePerSecond, trainerOn }: WorldPlay = asMakeRun,
): Promise<RunResult & { readonly home: EngineHome }> {
  return onVirtualClock(async (clock) => {
    const home = memoryHome({ clock, seed });
    const result = await runWorkload({
      workload,
      home,
      http: null,
      trainer: trainerOn(clock),
      ratePerSecond,
      seed,
      log: createLog({ level: 'warn' }),
      line: createStatusLine({ write, isTerminal: false, columns: 100 }, clock, plainEveryMs),
      stopped: () => false,
    });
    return { ...result, home };
  });
}
