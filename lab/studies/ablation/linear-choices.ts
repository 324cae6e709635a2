/**
 * The linear half alone on full feedback, frozen: seconds where the whole learner takes minutes, and every part of phi can
 * be left out. The basis and the regression are the engine's own.
 */

import { describe, type Features, fitBasis, maxFitRows, phiSize } from '../../../lib/learning/features/basis';
import { encoderVersion } from '../../../lib/learning/features/encode';
import {
  type LinearHalf,
  type LinearRow,
  predictTargets,
  rebuildLinear,
} from '../../../lib/learning/value/linear-half';
import { featuresOf } from '../../../lib/learning/value/policy';
import { seededRandom } from '../../../lib/random/seeded';
import type { Workload, WorkloadRow } from '../../workloads/workload';
import type { Choices } from '../quality/play';
import type { TextVariant } from './text-groups';

/** Residual variance in units of the rewards', as in a first refit. Measuring it changes the scores by .001. */
const unknownNoise = 1;
/** As in refits: a model's mean is shrunk towards 0 as by so many rewards. */
const meanShrinkage = 2;

interface Training {
  readonly rows: readonly LinearRow[];
  readonly armMeans: readonly number[];
}

/** The model chosen for each row of `workload` from position `trained` on, learned from all outcomes of those before. */
export function linearChoices(workload: Workload, trained: number, variant: TextVariant, seed: number): Choices {
  const rows = Array.from({ length: workload.rows }, (_, i) => workload.row(i));
  const features = rows.map((row): Features => featuresOf({ ...variant.encode(row), contextFeatures: noContext }));
  const random = seededRandom(seed, 'linear choices');
  const basis = fitBasis(features.slice(0, trained).slice(0, maxFitRows), encoderVersion, null, random);
  const size = phiSize(basis);
  const phis = new Float64Array(rows.length * size);
  const x = new Float32Array(basis.xSize);
  const phi = new Float32Array(size);
  features.forEach((one, i) => {
    describe(basis, one, x, phi);
    for (const [from, to] of variant.zeroed) phi.fill(0, from, to);
    phis.set(phi, i * size);
  });
  const models = workload.models.map(({ name }) => name);
  const training = trainingOf(rows.slice(0, trained), models);
  const half = rebuildLinear(phis, size, training.rows, models.length, unknownNoise, random);
  return rows.slice(trained).map((row, i) => {
    const at = (trained + i) * size;
    return bestOf(row, models, half, training.armMeans, phis.subarray(at, at + size));
  });
}

const noContext = Buffer.alloc(0);

function trainingOf(rows: readonly WorkloadRow[], models: readonly string[]): Training {
  const rewards: { phi: number; arm: number; score: number }[] = [];
  rows.forEach((row, phi) => {
    models.forEach((model, arm) => {
      const outcome = row.outcomes.get(model);
      if (outcome) rewards.push({ phi, arm, score: outcome.score });
    });
  });
  const mean = rewards.reduce((sum, { score }) => sum + score, 0) / rewards.length;
  const deviation = Math.sqrt(rewards.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / rewards.length) || 1;
  const sums = models.map(() => 0);
  const counts = models.map(() => meanShrinkage);
  for (const { arm, score } of rewards) {
    sums[arm]! += (score - mean) / deviation;
    counts[arm]!++;
  }
  const armMeans = sums.map((sum, arm) => sum / counts[arm]!);
  return {
    armMeans,
    rows: rewards.map(({ phi, arm, score }) => ({
      phi,
      arm,
      target: (score - mean) / deviation - armMeans[arm]!,
      costTarget: null,
    })),
  };
}

function bestOf(
  row: WorkloadRow,
  models: readonly string[],
  half: LinearHalf,
  armMeans: readonly number[],
  phi: Float64Array,
): string {
  let best = '';
  let highest = -Infinity;
  const targets = predictTargets(half, phi);
  models.forEach((model, arm) => {
    if (!row.outcomes.get(model)) return;
    const value = armMeans[arm]! + targets[arm]!;
    if (value <= highest) return;
    highest = value;
    best = model;
  });
  return best;
}
