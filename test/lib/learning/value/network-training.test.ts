import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { fitBasis } from '../../../../lib/learning/features/basis';
import { addRow, createReplay } from '../../../../lib/learning/fold/replay';
import type { Batch } from '../../../../lib/learning/rl/training-step';
import { headCount } from '../../../../lib/learning/value/linear-half';
import { trainOnReplay } from '../../../../lib/learning/value/network-training';
import { createNeuralHalf, type NeuralHalf } from '../../../../lib/learning/value/neural-half';
import { featuresOf } from '../../../../lib/learning/value/policy';
import { seededRandom } from '../../../../lib/random/seeded';
import { callerFields, eventOf, follow, learningConfig, newLearner, noTuning, openedOf } from '../toy-world';

beforeAll(() => wasmBackend().ready());

/** A session of two requests: the first pays .2 and leads to the second, which pays .6 and ends it. */
function batchOf(discount: number, newest: number, eligible: string[] = ['a']): { batch: Batch; neural: NeuralHalf } {
  const replay = createReplay(10);
  const rows = [callerFields([1, 0]), callerFields([0, 1])].map((fields, offset) => ({
    offset,
    decisionId: `d${offset}`,
    features: featuresOf(fields),
    outcomes: [{ model: 'a', quality: offset === 0 ? 0.2 : 0.6, drift: 0, costRatio: null, priceFactor: 1 }],
    openedAtMs: offset,
    eligible,
    next: null,
    described: null,
    firstHeads: null,
  }));
  for (const row of rows) addRow(replay, row, 's');
  const random = seededRandom(1);
  const fitted = fitBasis(
    rows.map((row) => row.features),
    'v',
    null,
    random,
  );
  const neural = createNeuralHalf({ inputs: fitted.xSize, hidden: 8, actions: 2, heads: headCount }, random);
  let seen: Batch | null = null;
  const spy: NeuralHalf = {
    ...neural,
    train(batch) {
      seen = batch;
      return neural.train(batch);
    },
  };
  const source = { replay, newest, basis: { fitted, number: 1 }, seed: 1, discount, random };
  trainOnReplay(
    spy,
    {},
    {
      ...source,
      armOf: (model) => (model === 'a' ? 0 : -1),
      targetOf: (_arm, outcome) => outcome.quality,
      armMeans: [10, 0],
    },
  );
  return { batch: seen!, neural };
}
const targetsOf = (batch: Batch): Set<number> => {
  const outputs = 2 * headCount;
  const known = [...batch.targets].filter((_, i) => batch.weights[i]! > 0 && i % outputs < headCount);
  return new Set(known.map((value) => Math.round(value * 1e4) / 1e4));
};

test('without discount the target is the reward; only arms with an outcome count', () => {
  const { batch, neural } = batchOf(0, 10);
  expect(targetsOf(batch)).toEqual(new Set([0.2, 0.6]));
  const outputs = 2 * headCount;
  expect([...batch.weights].every((weight, i) => i % outputs < headCount || weight === 0)).toBe(true);
  neural.dispose();
});

test("with discount a session's request is worth its reward and what comes next", () => {
  const { batch, neural } = batchOf(0.5, 10);
  const targets = targetsOf(batch);
  expect(targets.has(0.6)).toBe(true);
  expect(targets.has(0.2)).toBe(false);
  expect(targets.size).toBeGreaterThan(5); // one per head
  neural.dispose();
});

test('the next request is worth the best model that could serve it: its mean, and what the network says on top', () => {
  const best = (eligible: string[]): number => {
    const { batch, neural } = batchOf(1, 10, eligible);
    neural.dispose();
    return Math.max(...targetsOf(batch));
  };
  expect(best(['a', 'gone'])).toBeGreaterThan(9);
  expect(best(['gone'])).toBe(0.6);
});

test('only the newest rows are drawn', () => {
  const { batch, neural } = batchOf(0, 1);
  expect(targetsOf(batch)).toEqual(new Set([0.6]));
  neural.dispose();
});

/** How far qualities of the Q-network alone lie from each model's mean, after rewards that are luck but for `known` of them. */
async function spreadAfter(known: number): Promise<number> {
  const random = seededRandom(5, 'luck');
  const learner = await newLearner({ config: { ...learningConfig, pipeline: 'dqn' } });
  const models = ['a', 'b'];
  const vector = (): number[] => Array.from({ length: 12 }, () => random.normal());
  const events = Array.from({ length: 700 }, (_, i) => {
    const features = vector();
    const chance = 0.5 + known * Math.sign(features[0]!);
    const fullQualities = models.map(() => (random.next() < chance ? 1 : 0));
    return eventOf({ ...callerFields(features), kind: 'FULL', decisionId: `d${i}`, fullQualities }, models);
  });
  const { policy, tuning } = follow(learner, events);
  learner.dispose();
  let spread = 0;
  for (let i = 0; i < 50; i++) {
    const opened = openedOf({ ...callerFields(vector()), tuning: tuning ?? noTuning }, models);
    for (const quality of policy!.judge(opened).qualities) spread += Math.abs(quality - 0.5) / 100;
  }
  return spread;
}

test('the Q-network alone does not learn luck by heart, and keeps what proves right', async () => {
  // Without the decay .30.
  expect(await spreadAfter(0)).toBeLessThan(0.22);
  expect(await spreadAfter(0.5)).toBeGreaterThan(0.35);
});
