/**
 * What LinUCB reads of a request: the engine's own short description X (`lib/learning/basis.ts`) under one basis, fitted
 * once to prompts of the data before anything is played. The engine has to fit its basis on the way.
 */
import { shuffled } from '../../lib/evaluation/draw';
import { encodeRow } from '../../lib/evaluation/encode-row';
import type { Workload } from '../../lib/evaluation/workload';
import { describe, fitBasis, maxFitRows, phiSize } from '../../lib/learning/basis';
import { encoderVersion } from '../../lib/learning/encode';
import { featuresOf } from '../../lib/learning/policy';
import { seededRandom } from '../../lib/random/seeded';

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
