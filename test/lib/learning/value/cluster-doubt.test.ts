import { maxClusters, phiSize } from '../../../../lib/learning/features/basis';
import type { Learner } from '../../../../lib/learning/fold/learner';
import type { FoldParts } from '../../../../lib/learning/fold/learner-state';
import { doubtClusters } from '../../../../lib/learning/value/cluster-doubt';
import { headCount, triangle, weightRows } from '../../../../lib/learning/value/linear-half';
import { follow, learningConfig, newLearner, vectorEvents } from '../toy-world';

/** What is added to every weight: models x weightRows x phi. */
function addedBy(fold: FoldParts): { readonly rows: Float32Array; readonly size: number } {
  const size = phiSize(fold.state.basis!.fitted);
  const rows = new Float32Array(fold.state.models.length * weightRows * size);
  doubtClusters(fold, rows, size);
  return { rows, size };
}

async function grown(options: Parameters<typeof newLearner>[0] = {}): Promise<Learner & FoldParts> {
  const learner = await newLearner(options);
  follow(learner, vectorEvents(60));
  return learner as unknown as Learner & FoldParts;
}

test('heads disagree on a model within a cluster as far as few rewards of it were seen there', async () => {
  const fold = await grown();
  const { linear, basis, models } = fold.state;
  const { noise, precision } = linear!;
  const seen = [0, 95, 9_995];
  // What so many rewards of a request wholly within the first cluster leave of its variance.
  seen.forEach((rewards, arm) => {
    linear!.arms[arm]!.covariance[triangle(1) + 1] = 1 / (precision + rewards / noise);
  });
  const variances = [0, 0, 0];
  const rounds = 100;
  for (let round = 0; round < rounds; round++) {
    fold.state.toOffset = 1_000 + round;
    const { rows, size } = addedBy(fold);
    const drawn = (arm: number, row: number, place: number): number => rows[(arm * weightRows + row) * size + place]!;
    for (let arm = 0; arm < models.length; arm++) {
      const draws = Array.from({ length: headCount }, (_, m) => drawn(arm, m + 1, 1));
      expect(draws.reduce((sum, draw) => sum + draw, 0)).toBeCloseTo(0, 5);
      variances[arm] = variances[arm]! + draws.reduce((sum, draw) => sum + draw * draw, 0) / (headCount - 1) / rounds;
      for (let place = 0; place < size; place++) {
        const isCluster = place >= 1 && place <= basis!.fitted.clusters;
        for (const row of [0, headCount + 1]) expect(drawn(arm, row, place)).toBe(0);
        if (!isCluster) expect(drawn(arm, 1, place)).toBe(0);
      }
    }
  }
  seen.forEach((rewards, arm) => {
    const share = (variances[arm]! * (rewards + 5)) / noise / 0.2 ** 2;
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(1.2);
  });
  expect(basis!.fitted.clusters).toBeLessThan(maxClusters);
  fold.dispose();
});

test('the same offset draws the same, the next another, and nothing is drawn from the fold', async () => {
  const fold = await grown();
  const before = fold.state.random.state();
  const first = addedBy(fold);
  expect(addedBy(fold)).toEqual(first);
  fold.state.toOffset++;
  expect(addedBy(fold)).not.toEqual(first);
  expect(fold.state.random.state()).toEqual(before);
  fold.dispose();
});

test('a variance that is no number leaves the draws finite, and a network alone has none', async () => {
  const fold = await grown();
  fold.state.linear!.arms[0]!.covariance.fill(Number.NaN);
  fold.state.linear!.arms[1]!.covariance.fill(0);
  expect(addedBy(fold).rows.every(Number.isFinite)).toBe(true);
  fold.dispose();
  const alone = await grown({ config: { ...learningConfig, pipeline: 'dqn' } });
  expect(addedBy(alone).rows.every((value) => value === 0)).toBe(true);
  alone.dispose();
});

test('a published policy has the draws in the weights of its heads, and nowhere else', async () => {
  const fold = await grown({ config: { ...learningConfig, publish: 'lockstep' } });
  const { linear, basis } = fold.state;
  const { linear: published } = fold.scratch.inForce!.weights;
  const { size } = linear!;
  const moved = (row: number, place: number): number =>
    Math.abs(published[row * size + place]! - linear!.arms[0]!.weights[row * size + place]!);
  for (let place = 1; place < size; place++) {
    expect(moved(0, place)).toBeLessThan(1e-5);
    if (place <= basis!.fitted.clusters) expect(moved(1, place)).toBeGreaterThan(1e-5);
    else expect(moved(1, place)).toBeLessThan(1e-5);
  }
  fold.dispose();
});
