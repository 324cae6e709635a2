/**
 * A request as a few dozen numbers for the model of rewards: stateless, so that nothing fitted to the judged rewards can
 * leak into it. The reward model only lowers variance; a coarse description is enough.
 */
import type { LearningEvent } from '../../topics/generated/messages';
import { float32Of, handSize, int8Of } from '../features/encode';

/** The sketch shrunk to this many values. Its values are sums of signed hashes, so sums of them are a smaller sketch. */
export const shrunkSize = 32;
/** A longer vector of the caller's own is shrunk likewise: regressions cost the square of it. */
export const mostCallerFeatures = 128;

type Encoded = Pick<LearningEvent, 'sketch' | 'sketchScale' | 'handFeatures' | 'callerFeatures'>;

/** The caller's own vector where there is one, else the hand-made features and the shrunk sketch. */
export function describeContext(record: Encoded): Float32Array {
  if (record.callerFeatures !== null) {
    const caller = float32Of(record.callerFeatures);
    return caller.length <= mostCallerFeatures ? caller.slice() : shrunk(caller, 1, mostCallerFeatures);
  }
  const described = new Float32Array(handSize + shrunkSize);
  described.set(float32Of(record.handFeatures).subarray(0, handSize));
  described.set(shrunk(int8Of(record.sketch), record.sketchScale, shrunkSize), handSize);
  return described;
}

function shrunk(values: Int8Array | Float32Array, scale: number, size: number): Float32Array {
  const sums = new Float32Array(size);
  for (let i = 0; i < values.length; i++) sums[i % size] = sums[i % size]! + values[i]! * scale;
  return sums;
}
