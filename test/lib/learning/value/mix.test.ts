import { createMix, explainedShare, neuralWeightOf, observePredictions } from '../../../../lib/learning/value/mix';
import { seededRandom } from '../../../../lib/random/seeded';

/** Two models, called in turn: one better than their mean by `difference`, the other worse by as much; `hard` is common to both. */
function weightAfter(
  rewards: number,
  say: (world: { difference: number; hard: number }) => { linear: number; neural: number; hardness: [number, number] },
): number {
  const random = seededRandom(1, 'mix');
  const mix = createMix();
  for (let i = 0; i < rewards; i++) {
    const world = { difference: (i % 2 ? 1 : -1) * 0.3, hard: random.normal() };
    const { linear, neural, hardness } = say(world);
    const target = world.hard + world.difference + 0.5 * random.normal();
    observePredictions(
      mix,
      target,
      { called: hardness[0] + linear, mean: hardness[0] },
      { called: hardness[1] + neural, mean: hardness[1] },
    );
  }
  return neuralWeightOf(mix);
}

test('nothing before anything is known', () => {
  expect(neuralWeightOf(createMix())).toBe(0);
});

test('a few rewards that it foretold by luck hardly count against their noise, many do', () => {
  // One unit of gain for each of gap: by the rewards alone the weight would be 1.
  const mix = { ...createMix(), gain: 0.05, gap: 0.05, linear: 1 };
  expect(neuralWeightOf({ ...mix, rewards: 10 })).toBeLessThan(0.15);
  expect(neuralWeightOf({ ...mix, rewards: 1_000 })).toBeGreaterThan(0.9);
  // Where rewards are certain a handful is enough.
  expect(neuralWeightOf({ ...mix, linear: 0.005, rewards: 10 })).toBeGreaterThan(0.9);
});

test('the half that knows the difference is believed', () => {
  expect(weightAfter(2000, ({ difference }) => ({ linear: 0, neural: difference, hardness: [0, 0] }))).toBeGreaterThan(
    0.8,
  );
  expect(weightAfter(2000, ({ difference }) => ({ linear: difference, neural: 0, hardness: [0, 0] }))).toBeLessThan(
    0.2,
  );
});

test('who only knows how hard a request is for all gains nothing by it', () => {
  const weight = weightAfter(2000, ({ difference, hard }) => ({
    linear: difference,
    neural: -difference,
    hardness: [0, hard],
  }));
  expect(weight).toBeLessThan(0.2);
});

test('each knows half of it: half and half', () => {
  const weight = weightAfter(4000, ({ difference }) => ({
    linear: Math.max(difference, 0),
    neural: Math.min(difference, 0),
    hardness: [0, 0],
  }));
  expect(weight).toBeGreaterThan(0.3);
  expect(weight).toBeLessThan(0.7);
});

test('two halves that say the same: the cheaper one', () => {
  expect(weightAfter(50, ({ difference }) => ({ linear: difference, neural: difference, hardness: [0, 0] }))).toBe(0);
});

test('the Q-network alone has an error of its own', () => {
  const mix = createMix();
  observePredictions(mix, 1, null, { called: 0, mean: 0 });
  expect(mix).toMatchObject({ linear: 0, neural: 1, rewards: 1 });
});

test("what the network explains is its error against that of the models' means", () => {
  const explainedBy = (share: number): number => {
    const random = seededRandom(1, 'explained');
    const mix = createMix();
    for (let i = 0; i < 3000; i++) {
      const known = random.normal();
      observePredictions(mix, known + random.normal(), null, { called: share * known, mean: 0 });
    }
    return explainedShare(mix);
  };
  expect(explainedShare(createMix())).toBe(0);
  expect(explainedBy(1)).toBeCloseTo(0.5, 1);
  expect(explainedBy(0)).toBe(0);
  // Worse than saying nothing.
  expect(explainedBy(-1)).toBe(0);
});
