/** A simulated world through the whole engine: the workload of `make run` on a virtual clock, so that the same seed gives the same figures everywhere. */

import { createLog } from '../../lib/telemetry/log';
import { createStatusLine } from '../../lib/terminal/status-line';
import { type EngineHome, memoryHome } from '../../services/home';
import { plainEveryMs } from '../report/progress';
import { defaultRunRate, type RunResult, runWorkload } from '../runs/run';
import type { Workload } from '../workloads/workload';
import { onVirtualClock } from './on-virtual-clock';

/** What came of it, and where its topics can still be read. */
export async function playWorld(
  workload: Workload,
  seed: number,
  write: (text: string) => void,
): Promise<RunResult & { readonly home: EngineHome }> {
  return onVirtualClock(async (clock) => {
    const home = memoryHome({ clock, seed });
    const result = await runWorkload({
      workload,
      home,
      http: null,
      trainer: 'inline',
      ratePerSecond: defaultRunRate,
      seed,
      log: createLog({ level: 'warn' }),
      line: createStatusLine({ write, isTerminal: false, columns: 100 }, clock, plainEveryMs),
      stopped: () => false,
    });
    return { ...result, home };
  });
}
