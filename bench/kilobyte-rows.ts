/** Rows of the simulated world with prompts of about 1 kB, as the bars ask; made beforehand, since writing prompts must not count as routing them. */
import { simulatedWorld } from '../lab/workloads/simulated-world';
import type { Workload, WorkloadRow } from '../lab/workloads/workload';

const distinctRows = 4_096;

/** Ids repeat: give every request a fresh one. */
export function kilobyteRows(
  seed: number,
  count: number = distinctRows,
): { readonly world: Workload; readonly rows: readonly (WorkloadRow & { readonly prompt: string })[] } {
  const world = simulatedWorld({ world: 1, rows: distinctRows, seed });
  const promptOf = (index: number): string => {
    let prompt = '';
    for (let more = 0; prompt.length < 1_000; more++)
      prompt += `${world.row((index + 97 * more) % distinctRows).prompt}\n`;
    return prompt.slice(0, 1_000);
  };
  return {
    world,
    rows: Array.from({ length: count }, (_, index) => ({ ...world.row(index), prompt: promptOf(index) })),
  };
}
