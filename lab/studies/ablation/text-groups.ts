/** What a request's description can do without: each variant leaves one group of features out, by zeroing it. */

import { componentCount, maxClusters } from '../../../lib/learning/features/basis';
import { bytesOf, encodeText, handSize, ngramWeights } from '../../../lib/learning/features/encode';
import { taskSlots } from '../../../lib/learning/features/task-slot';
import { type EncodedRow, encodeRow } from '../../workloads/encode-row';
import type { WorkloadRow } from '../../workloads/workload';
import { encodingOnce } from '../quality/learner-stream';

export interface TextVariant {
  /** The group left out; `nothing` for all groups in place. */
  readonly without: string;
  /** Encodes a row without it. */
  readonly encode: (row: WorkloadRow) => EncodedRow;
  /** What to zero in phi besides, from one position up to another; only in the linear half's figures. */
  readonly zeroed: readonly (readonly [number, number])[];
}

const [word, pair, trigram] = ngramWeights;
const oneTask = (encoding: EncodedRow): EncodedRow => ({ ...encoding, taskType: 'general' });
const noHand = (encoding: EncodedRow): EncodedRow => ({
  ...encoding,
  handFeatures: Buffer.alloc(encoding.handFeatures.length),
});
const sketched =
  (weights: typeof ngramWeights) =>
  (row: WorkloadRow): EncodedRow => {
    const { sketch, sketchScale } = encodeText(row.prompt ?? '', weights);
    return { ...encodeRow(row), sketch: bytesOf(sketch), sketchScale };
  };

const components = 1 + maxClusters;
const all: TextVariant = { without: 'nothing', encode: encodingOnce(encodeRow), zeroed: [] };

/** Groups that can be left out while encoding, so that they can be measured on the whole learner as well. */
export const encodedVariants: readonly TextVariant[] = [
  all,
  { without: 'sketch', encode: encodingOnce(sketched([0, 0, 0])), zeroed: [] },
  { without: 'hand features', encode: encodingOnce((row) => noHand(encodeRow(row))), zeroed: [] },
  { without: 'task type', encode: encodingOnce((row) => oneTask(encodeRow(row))), zeroed: [] },
];

/** All groups, the parts of the sketch, and the parts of phi that are made of several of them. */
export const textVariants: readonly TextVariant[] = [
  ...encodedVariants,
  { without: 'word 1-grams', encode: encodingOnce(sketched([0, pair, trigram])), zeroed: [] },
  { without: 'word 2-grams', encode: encodingOnce(sketched([word, 0, trigram])), zeroed: [] },
  { without: 'character 3-grams', encode: encodingOnce(sketched([word, pair, 0])), zeroed: [] },
  { ...all, without: 'clusters', zeroed: [[1, components]] },
  { ...all, without: 'components in phi', zeroed: [[components, components + componentCount]] },
  {
    ...all,
    without: 'components and hand features in phi',
    zeroed: [[components, components + componentCount + handSize]],
  },
  { ...all, without: 'everything', zeroed: [[1, components + componentCount + handSize + taskSlots]] },
];
