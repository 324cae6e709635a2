/** A recorded row as intake would encode its request. */
import { bytesOf, encodeText } from '../../lib/learning/features/encode';
import { inferTask } from '../../lib/routing/open/infer-task';
import type { WorkloadRow } from './workload';

export interface EncodedRow {
  readonly sketch: Buffer;
  readonly sketchScale: number;
  readonly handFeatures: Buffer;
  /** Instead of text: the row's own vector. */
  readonly callerFeatures: Buffer | null;
  readonly taskType: string;
}

const nothing = Buffer.alloc(0);

export function encodeRow({
  prompt,
  features,
  taskHint,
}: Pick<WorkloadRow, 'prompt' | 'features' | 'taskHint'>): EncodedRow {
  const text = features ? null : encodeText(prompt ?? '');
  return {
    sketch: text ? bytesOf(text.sketch) : nothing,
    sketchScale: text?.sketchScale ?? 0,
    handFeatures: text ? bytesOf(text.handFeatures) : nothing,
    callerFeatures: features ? bytesOf(Float32Array.from(features)) : null,
    taskType: inferTask(taskHint, prompt),
  };
}
