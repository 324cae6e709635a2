import fc from 'fast-check';
import { type Assignable, assign, sharesOf } from '../../../lib/experiments/assign';
import { brokenReason, harmOf } from '../../../lib/experiments/guardrails';
import { nextPlace, shareAt } from '../../../lib/experiments/ramp';
import { noCounts, ratioPValue, withArm } from '../../../lib/experiments/sample-ratio';
import { seededRandom } from '../../../lib/random/seeded';

function experiment(changes: Partial<Assignable> = {}): Assignable {
  return {
    name: 'collapse',
    layer: 'default',
    from: 0,
    to: 1,
    rollout: 1,
    arms: [
      { name: 'control', weight: 3 },
      { name: 'treated', weight: 1 },
    ],
    ...changes,
  };
}

const units = Array.from({ length: 8_000 }, (_, i) => `unit-${i}`);
const shareIn = (of: Assignable, arm: number) => units.filter((unit) => assign(of, unit) === arm).length / units.length;

test('a unit has the same arm whenever it is asked, in the shares of the weights', () => {
  // Of experiments that are equal and not the same, as two processes read them.
  const [here, there] = [experiment(), experiment()];
  fc.assert(fc.property(fc.string(), (unit) => assign(here, unit) === assign(there, unit)));
  expect(sharesOf(experiment().arms)).toEqual([0.75, 0.25]);
  expect(shareIn(experiment(), 1)).toBeCloseTo(0.25, 1);
});

test('a roll-out that grows moves nobody who takes part', () => {
  const before = units.map((unit) => assign(experiment({ rollout: 0.1 }), unit));
  const grown = units.map((unit) => assign(experiment({ rollout: 0.5 }), unit));
  for (const [at, arm] of before.entries()) if (arm !== null) expect(grown[at]).toBe(arm);
  expect(before.filter((arm) => arm !== null).length / units.length).toBeCloseTo(0.1, 1);
  expect(units.some((unit) => assign(experiment({ rollout: 0 }), unit) !== null)).toBe(false);
});

test('experiments of one layer share no unit; those of different layers do not depend on one another', () => {
  const first = experiment({ to: 0.5 });
  const second = experiment({ name: 'other', from: 0.5 });
  expect(units.filter((unit) => assign(first, unit) !== null && assign(second, unit) !== null)).toEqual([]);
  const elsewhere = experiment({ name: 'other', layer: 'another' });
  const treated = units.filter((unit) => assign(experiment(), unit) === 1);
  expect(treated.filter((unit) => assign(elsewhere, unit) === 1).length / treated.length).toBeCloseTo(0.25, 1);
});

test('a ratio that is not as assigned is noticed, and one that is hardly ever', () => {
  const pOf = (seed: number, treatedShare: number, count: number): number => {
    const random = seededRandom(seed, 'ratio');
    let counts = noCounts(2);
    for (let i = 0; i < count; i++) counts = withArm(counts, random.next() < treatedShare ? 1 : 0, [0.75, 0.25]);
    return ratioPValue(counts);
  };
  expect(pOf(1, 0.22, 20_000)).toBeLessThan(0.001);
  const alarms = Array.from({ length: 200 }, (_, seed) => pOf(seed, 0.25, 2_000)).filter((p) => p < 0.05);
  expect(alarms.length).toBeLessThanOrEqual(10);
});

test('a guardrail breaks when the harm is beyond what is allowed with confidence, in the direction of the metric', () => {
  expect(harmOf('quality', { lower: -0.3, upper: -0.1 })).toEqual({ lower: 0.1, upper: 0.3 });
  expect(brokenReason({ metric: 'quality', allowed: 0.05 }, { lower: -0.3, upper: -0.1 })).toBe(
    "quality is worse than the control's by at least 0.1, and 0.05 is allowed",
  );
  expect(brokenReason({ metric: 'quality', allowed: 0.05 }, { lower: -0.3, upper: -0.04 })).toBeNull();
  expect(brokenReason({ metric: 'costUsd', allowed: 0 }, { lower: 0.001, upper: 0.1 })).not.toBeNull();
  expect(brokenReason({ metric: 'costUsd', allowed: 0 }, { lower: -0.1, upper: 0.1 })).toBeNull();
});

test('a ramp goes on once enough was seen in its step, and ends at its last', () => {
  const ramp = { steps: [0.01, 0.1, 1], unitsPerStep: 100 };
  let place = { step: 0, unitsBefore: 0 };
  place = nextPlace(ramp, place, 99);
  expect(shareAt(ramp, place)).toBe(0.01);
  place = nextPlace(ramp, place, 130);
  expect(shareAt(ramp, place)).toBe(0.1);
  expect(nextPlace(ramp, place, 229)).toBe(place);
  place = nextPlace(ramp, place, 230);
  expect(nextPlace(ramp, place, 10_000)).toEqual({ step: 2, unitsBefore: 230 });
});
