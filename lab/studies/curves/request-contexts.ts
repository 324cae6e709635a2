/**
 * What LinUCB reads of a request: the engine's own short description X (`lib/learning/features/basis.ts`) under one basis, fitted
 * once to prompts of the data before anything is played. The engine has to fit its basis on the way.
 */

import { describe, fitBasis, maxFitRows, phiSize } from '../../../lib/learning/features/basis';
import { encoderVersion } from '../../../lib/learning/features/encode';
import { featuresOf } from '../../../lib/learning/value/policy';
import { seededRandom } from '../../../lib/random/seeded';
import { shuffled } from '../../workloads/draw';
import { encodeRow } from '../../workloads/encode-row';
import type { Workload } from '../../workloads/workload';

const noContext = Buffer.alloc(0);

/** One vector per row; the basis is fitted to at most `maxFitRows` random rows, outcomes unseen. */
export function requestContexts(workload: Workload, seed: number): Float32Array[] {
  const features = Array.from({ length: workload.rows }, (_, index) =>
    featuresOf({ ...encodeRow(workload.row(index)), contextFeatures: noContext }),
  );
  const random = seededRandom(seed, 'LinUCB basis');
  const fitted = shuffled(features.length, random).slice(0, maxFitRows);
  const basis = fitBasis(
    fitted.map((index) => features[index]!),
    encoderVersion,
    null,
    random,
  );
  const phi = new Float32Array(phiSize(basis));
  return features.map((row) => {
    const x = new Float32Array(basis.xSize);
    describe(basis, row, x, phi);
    return x;
  });
}
