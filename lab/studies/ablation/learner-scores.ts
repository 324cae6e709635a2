/** The whole learner, cold, on chosen outcomes: what it scored on every row. */
import type { EncodedRow } from '../../workloads/encode-row';
import type { WorkloadRow } from '../../workloads/workload';
import { LearnerStream } from '../quality/learner-stream';

export interface LearnerRun {
  readonly rows: readonly WorkloadRow[];
  readonly models: readonly string[];
  readonly seed: number;
  readonly encode?: (row: WorkloadRow) => EncodedRow;
  /** Encoded circumstances of row `index`; unknown by default. */
  readonly context?: (index: number) => Buffer;
}

const explorationFloor = 0.01;

/** One score per row, in order. */
export async function learnerScores(run: LearnerRun): Promise<Float64Array> {
  const stream = await LearnerStream.create(run.models, {
    seed: run.seed,
    pipeline: 'full',
    publish: 'steps',
    budgetUsd: null,
    explorationFloor,
    ...(run.encode && { encode: run.encode }),
  });
  const scores = Float64Array.from(run.rows, (row, index) => {
    return stream.route(row, run.context && { context: run.context(index) }).outcome.score;
  });
  stream.learner.dispose();
  return scores;
}
