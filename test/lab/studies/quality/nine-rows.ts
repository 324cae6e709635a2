import { parseRecordedRow, type RecordedData, recordedData } from '../../../../lab/workloads/recorded-data';
import type { WorkloadRow } from '../../../../lab/workloads/workload';

/** Rows row-0 .. row-8: `a` scores .8 for 10 USD, `b` .4 for 1; `c` scores 1 at an unknown cost and is missing in row-4. */
export function nineRows(): RecordedData {
  const rows = Array.from({ length: 9 }, (_, i): WorkloadRow => {
    const outcomes = {
      a: { score: 0.8, cost: 10 },
      b: { score: 0.4, cost: 1 },
      c: { score: i === 4 ? null : 1, cost: null },
    };
    return parseRecordedRow(JSON.stringify({ id: `row-${i}`, prompt: `prompt ${i}`, outcomes }), i + 1);
  });
  return recordedData('nine', rows);
}
