import type { ExperimentConfig } from '../../../lib/config/router-config';
import { experimentSchema } from '../../../lib/config/schema/experiment-schema';
import { sharesOf } from '../../../lib/experiments/assign';
import { definitionOf, rolloutOf } from '../../../lib/experiments/expose';
import { dueAtMs, experimentStateOf, newTally, wantsPublishing, withObserved } from '../../../lib/experiments/tally';
import { seededRandom } from '../../../lib/random/seeded';
import type { ExperimentObserved, ExperimentTally } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';

function experimentOf(changes: Record<string, unknown> = {}): ExperimentConfig {
  return experimentSchema.parse({
    name: 'collapse',
    arms: [{ name: 'control' }, { name: 'weighted', set: { collapse: 'WEIGHTED' } }],
    ...changes,
  });
}

function observed(armIndex: number, unit: string, changes: Partial<ExperimentObserved> = {}): ExperimentObserved {
  return {
    exposure: {
      experiment: 'collapse',
      definition: 'd',
      arm: String(armIndex),
      armIndex,
      unit,
      expectedQuality: 0.5,
      expectedCostUsd: 0.01,
      expectedLatencyMs: 1_000,
    },
    decisionId: unit,
    isExposure: false,
    quality: null,
    costUsd: null,
    latencyMs: null,
    failure: null,
    atMs: 1,
    ...changes,
  };
}

/** `count` units, exposed and reported; the treated ones have this quality. */
function play(experiment: ExperimentConfig, count: number, treatedQuality: number): ExperimentTally {
  const random = seededRandom(1, 'tally');
  const treatedShare = sharesOf(experiment.arms)[1]!;
  let tally = newTally(experiment, definitionOf(experiment), 1);
  for (let i = 0; i < count; i++) {
    const arm = random.next() < treatedShare ? 1 : 0;
    const quality = random.next() < (arm === 1 ? treatedQuality : 0.7) ? 1 : 0;
    tally = withObserved(tally, experiment, observed(arm, `u${i}`, { isExposure: true }), i);
    tally = withObserved(tally, experiment, observed(arm, `u${i}`, { quality, failure: 0, costUsd: 0.01 }), i);
  }
  return tally;
}

test('a difference is found, with an interval that holds it', () => {
  const experiment = experimentOf();
  const state = experimentStateOf(play(experiment, 4_000, 0.8), experiment);
  const quality = state.differences.find(({ metric }) => metric === 'quality')!;
  expect(quality).toMatchObject({ arm: 'weighted' });
  expect(quality.lower).toBeGreaterThan(0);
  expect(quality.upper).toBeGreaterThan(0.1);
  expect(quality.pValue).toBeLessThan(0.01);
  expect(state.arms[0]!.units + state.arms[1]!.units).toBe(4_000);
  expect(state.arms[1]!.quality).toBeCloseTo(0.8, 1);
  expect(state).toMatchObject({ stopped: null, rollout: 1 });
});

test('a guardrail that breaks stops the experiment, and nobody takes part any more', () => {
  const experiment = experimentOf({ guardrails: [{ metric: 'quality', allowed: 0.02 }] });
  const state = experimentStateOf(play(experiment, 3_000, 0.4), experiment);
  expect(state.rollout).toBe(0);
  expect(state.stopped).toMatch(
    /^weighted: quality is worse than the control's by at least 0\.\d+, and 0\.02 is allowed$/,
  );
  expect(experimentStateOf(play(experiment, 3_000, 0.7), experiment).stopped).toBeNull();
});

test('a ramp whose steps are changed goes on from the last one that lets in no more, and leaps over none', () => {
  const ramp = (steps: number[]) => experimentOf({ ramp: { steps, unitsPerStep: 100 } });
  const long = ramp([0.1, 0.5, 1]);
  const wide = play(long, 1_000, 0.7);
  expect(experimentStateOf(wide, long).rollout).toBe(1);
  const short = ramp([0.1, 0.5]);
  expect(experimentStateOf(wide, short).rollout).toBe(0.5);
  expect(rolloutOf(short, 'd', () => ({ ...experimentStateOf(wide, long), definition: 'd' }))).toBe(0.5);
  // Narrowed in the middle, it counts before anything is observed.
  const stateOf = (experiment: ExperimentConfig, tally: ExperimentTally) => () => ({
    ...experimentStateOf(tally, experiment),
    definition: 'd',
  });
  expect(rolloutOf(ramp([0.1, 0.2, 1]), 'd', stateOf(short, wide))).toBe(0.2);
  expect(rolloutOf(ramp([0.7, 1]), 'd', stateOf(short, wide))).toBe(0.5);
  const shortened = withObserved(wide, short, observed(0, 'next', { isExposure: true }), 1);
  // Longer again: what it was once seen to bear was under other steps.
  expect(experimentStateOf(shortened, long).rollout).toBe(0.5);
  let tally = shortened;
  for (let i = 0; i < 220; i++) tally = withObserved(tally, long, observed(i % 2, `l${i}`, { isExposure: true }), i);
  expect(experimentStateOf(tally, long).rollout).toBe(1);
  expect(experimentStateOf(newTally(long, 'd', 1), ramp([0.05, 0.2, 1])).rollout).toBe(0.05);
  // A row of an earlier release says no share.
  expect(experimentStateOf({ ...wide, rampShare: null }, short).rollout).toBe(0.5);
});

test('a ramp grows with what was seen, until it is stopped', () => {
  const experiment = experimentOf({ ramp: { steps: [0.1, 0.5, 1], unitsPerStep: 100 } });
  expect(experimentStateOf(newTally(experiment, 'd', 1), experiment).rollout).toBe(0.1);
  expect(experimentStateOf(play(experiment, 300, 0.7), experiment).rollout).toBe(0.5);
  expect(experimentStateOf(play(experiment, 1_000, 0.7), experiment).rollout).toBe(1);
});

test('a session counts once in every figure, however many requests it has; a request always', () => {
  const bySession = experimentOf({ unit: 'session' });
  const twice = (experiment: ExperimentConfig): ExperimentTally => {
    let tally = newTally(experiment, 'd', 1);
    for (let i = 0; i < 2; i++) {
      tally = withObserved(tally, experiment, observed(1, 'same', { isExposure: true }), i);
      tally = withObserved(tally, experiment, observed(1, 'same', { quality: i }), i);
    }
    return tally;
  };
  expect(experimentStateOf(twice(bySession), bySession).arms[1]).toMatchObject({ units: 1, quality: 0 });
  expect(experimentStateOf(twice(experimentOf()), experimentOf()).arms[1]).toMatchObject({ units: 2, quality: 0.5 });
});

test('what changes intake is shown at once, figures once a second', () => {
  const experiment = experimentOf();
  const first = withObserved(newTally(experiment, 'd', 1), experiment, observed(1, 'a', { isExposure: true }), 5);
  expect(wantsPublishing(undefined, first, 5)).toBe(true);
  const shown = { ...first, isPublished: true, publishedAtMs: 5 };
  const later = withObserved(shown, experiment, observed(0, 'b', { isExposure: true }), 6);
  expect(wantsPublishing(shown, later, 6)).toBe(false);
  expect(dueAtMs(later)).toBe(1_005);
  expect(wantsPublishing(shown, { ...later, stopped: 'why' }, 6)).toBe(true);
});

test('numbers that are none change nothing, and the largest experiment fits into a record', () => {
  const arms = Array.from({ length: 8 }, (_, i) => ({
    name: 'a'.repeat(99) + i,
    set: i === 0 ? {} : { explorationFloor: i / 10 },
  }));
  const experiment = experimentOf({ unit: 'session', arms });
  const tally = newTally(experiment, 'd', 1);
  const hostile = observed(1, 'a', { quality: Number.NaN, costUsd: Number.POSITIVE_INFINITY });
  expect(withObserved(tally, experiment, hostile, 1)).toBe(tally);
  expect(topics.experimentTallies.codec.encode(tally).length).toBeLessThan(100_000);
  expect(topics.experimentStates.codec.encode(experimentStateOf(tally, experiment)).length).toBeLessThan(100_000);
});
