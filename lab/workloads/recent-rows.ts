/**
 * Remembers the newest rows of a workload. Whoever plays one looks at a row several times while its request is under way: to
 * send it, to report on it and to judge what was chosen. A simulated row is drawn anew each time, for every model.
 */
import type { Workload, WorkloadRow } from './workload';

/** The same workload, which has each row at hand until one is asked for that lies `most` rows further on. */
export function rememberRows(workload: Workload, most: number): Workload {
  const kept: ({ readonly index: number; readonly row: WorkloadRow } | undefined)[] = new Array(most);
  return {
    ...workload,
    row(index) {
      const place = index % most;
      const known = kept[place];
      if (known?.index === index) return known.row;
      const row = workload.row(index);
      kept[place] = { index, row };
      return row;
    },
  };
}
