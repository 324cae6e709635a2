/** Recorded rows as requests of sessions, in parts of which one at a time is held out. */

import { describe, type Features, fitBasis, maxFitRows, phiSize } from '../../../lib/learning/features/basis';
import { encoderVersion, encodeText } from '../../../lib/learning/features/encode';
import { taskSlotOf } from '../../../lib/learning/features/task-slot';
import { seededRandom } from '../../../lib/random/seeded';
import { inferTask } from '../../../lib/routing/open/infer-task';
import { shuffled } from '../../workloads/draw';
import { incompleteModels } from '../../workloads/incomplete-models';
import { readRecordedData } from '../../workloads/recorded-data';
import type { Workload, WorkloadRow } from '../../workloads/workload';
import type { SessionRow } from './sessions';

/** Parts the rows are cut into, the same for every seed: with so many seeds each row is held out once. */
export const parts = 5;

/** Three models whose prices span a factor of 500; the fourth was not measured on every row. */
export function readSessionData(path: string): Promise<Workload> {
  return readRecordedData(path, { excludeModels: incompleteModels('paretobandit-val') });
}

export interface SplitRows {
  readonly train: readonly SessionRow[];
  readonly test: readonly SessionRow[];
}

/** Holds one part, 0 .. `parts` - 1, out. The state space is fitted to the other rows. Throws for rows without text or costs. */
export function splitRows(workload: Workload, heldOut: number): SplitRows {
  const order = shuffled(workload.rows, seededRandom(0, 'sessions', 'parts'));
  const rows = order.map((index) => workload.row(index));
  const isHeldOut = (_: WorkloadRow, i: number): boolean => i % parts === heldOut;
  const [test, train] = [rows.filter(isHeldOut), rows.filter((row, i) => !isHeldOut(row, i))];
  const fitted = train.slice(0, maxFitRows).map(featuresOf);
  const basis = fitBasis(fitted, encoderVersion, null, seededRandom(0, 'sessions', 'basis'));
  const toSessionRow = (row: WorkloadRow): SessionRow => {
    const x = new Float32Array(basis.xSize);
    describe(basis, featuresOf(row), x, new Float32Array(phiSize(basis)));
    const outcomes = workload.models.map(({ name }) => row.outcomes.get(name));
    return {
      features: x.map((value) => value * basis.networkScale),
      scores: outcomes.map((outcome) => known(outcome?.score, row)),
      costsUsd: outcomes.map((outcome) => known(outcome?.costUsd, row)),
    };
  };
  return { train: train.map(toSessionRow), test: test.map(toSessionRow) };
}

function known(value: number | null | undefined, row: WorkloadRow): number {
  if (value === null || value === undefined) throw new Error(`row ${row.id}: every model needs a score and a cost`);
  return value;
}

function featuresOf(row: WorkloadRow): Features {
  if (row.prompt === null) throw new Error(`row ${row.id} has no prompt`);
  const { sketch, sketchScale, handFeatures } = encodeText(row.prompt);
  const task = taskSlotOf(inferTask(row.taskHint, row.prompt));
  return { sketch, sketchScale, hand: handFeatures, caller: null, context: null, task };
}
