import { phiSize } from '../../../../lib/learning/features/basis';
import type { FoldParts } from '../../../../lib/learning/fold/learner-state';
import { outputBiasAt } from '../../../../lib/learning/rl/network';
import { headCount, weightRows } from '../../../../lib/learning/value/linear-half';
import { doubtMeans } from '../../../../lib/learning/value/mean-doubt';
import { seededRandom } from '../../../../lib/random/seeded';
import { asVector, eventOf, follow, learningConfig, newLearner, openedOf, vectorEvents } from '../toy-world';

/** What is added to the heads' biases: per model, in the linear half and in the network. */
function drawsOf(fold: FoldParts): { linear: number[][]; network: number[][] } {
  const { state } = fold;
  const size = phiSize(state.basis!.fitted);
  const rows = new Float32Array(state.models.length * weightRows * size);
  const network = new Float32Array(state.neural!.parameters.length);
  doubtMeans(fold, rows, size, network);
  const heads = Array.from({ length: headCount }, (_, m) => m);
  const biases = outputBiasAt(state.neural!.shape);
  return {
    linear: state.models.map((_, arm) => heads.map((m) => rows[(arm * weightRows + m + 1) * size]!)),
    network: state.models.map((_, arm) => heads.map((m) => network[biases + arm * headCount + m]!)),
  };
}

const deviationOf = (draws: readonly number[]): number =>
  Math.sqrt(draws.reduce((sum, draw) => sum + draw * draw, 0) / (draws.length - 1));

test.each(['full', 'dqn'] as const)('%s: heads disagree on a mean as far as few rewards tell it', async (pipeline) => {
  const learner = await newLearner({ config: { ...learningConfig, pipeline } });
  follow(learner, vectorEvents(60));
  const fold = learner as unknown as FoldParts;
  fold.state.pulls = [0, 98, 9998];
  const spreads = [0, 0, 0];
  for (let i = 0; i < 50; i++) {
    fold.state.toOffset = 1000 + i;
    const { linear, network } = drawsOf(fold);
    const [doubted, sure] = pipeline === 'full' ? [linear, network] : [network, linear];
    expect(sure.flat().every((draw) => draw === 0)).toBe(true);
    doubted.forEach((draws, arm) => {
      expect(draws.reduce((sum, draw) => sum + draw, 0)).toBeCloseTo(0, 5);
      spreads[arm] = spreads[arm]! + deviationOf(draws) ** 2 / 50;
    });
  }
  const noise = pipeline === 'full' ? fold.state.linear!.noise : fold.state.mix.neural;
  const share = pipeline === 'full' ? 1 : 0.6;
  [2, 100, 10_000].forEach((rewards, arm) => {
    expect((spreads[arm]! * rewards) / noise).toBeGreaterThan(0.8 * share ** 2);
    expect((spreads[arm]! * rewards) / noise).toBeLessThan(1.2 * share ** 2);
  });
  learner.dispose();
});

test.each([
  [10, 0, 10],
  [40, 0, 10],
  [10, 30, 10],
])('%i models, and %i that are gone, are doubted as much together as %i in full', async (models, gone, inFull) => {
  const learner = await newLearner();
  follow(learner, vectorEvents(60));
  const fold = learner as unknown as FoldParts;
  fold.state.models = Array.from({ length: models + gone }, (_, i) => `m${i}`);
  fold.state.configured = fold.state.models.slice(0, models);
  fold.state.pulls = fold.state.models.map(() => 98);
  let doubts = 0;
  for (let i = 0; i < 50; i++) {
    fold.state.toOffset = 1000 + i;
    for (const draws of drawsOf(fold).linear.slice(0, models)) doubts += deviationOf(draws) ** 2 / 50;
  }
  expect((doubts * 100) / fold.state.linear!.noise / inFull).toBeGreaterThan(0.9);
  expect((doubts * 100) / fold.state.linear!.noise / inFull).toBeLessThan(1.1);
  learner.dispose();
});

test('the same offset draws the same, the next another, and nothing is drawn from the fold', async () => {
  const learner = await newLearner();
  follow(learner, vectorEvents(40));
  const fold = learner as unknown as FoldParts;
  const before = fold.state.random.state();
  const first = drawsOf(fold);
  expect(drawsOf(fold)).toEqual(first);
  fold.state.toOffset++;
  expect(drawsOf(fold)).not.toEqual(first);
  expect(fold.state.random.state()).toEqual(before);
  learner.dispose();
});

test('a restart after many models have gone publishes what would have been published without it', async () => {
  const many = Array.from({ length: 14 }, (_, i) => `m${i}`);
  const events = [...vectorEvents(100, 1, many), ...vectorEvents(100, 2, many.slice(0, 3))].map((event, i) => ({
    ...event,
    decisionId: `d${i}`,
  }));
  const [straight, stopped] = [await newLearner(), await newLearner()];
  const whole = follow(straight, events);
  follow(stopped, events.slice(0, 120));
  const { models, configured } = (stopped as unknown as FoldParts).state;
  expect([models.length, configured.length]).toEqual([14, 3]);
  const restored = await newLearner({ checkpoint: stopped.checkpoint() });
  for (let at = restored.replayFromOffset; at < 120; at++) restored.reload(events[at]!, at);
  const rest = follow(restored, events.slice(120), 120);
  expect(rest.policyBytes).not.toBeNull();
  expect(rest.policyBytes!.equals(whole.policyBytes!)).toBe(true);
  for (const learner of [straight, stopped, restored]) learner.dispose();
});

test('a model that was a little unlucky at the start is tried again', async () => {
  const models = ['lucky', 'unlucky'];
  const random = seededRandom(3, 'prompts');
  const prompt = () => asVector('code', random);
  // 12 rewards each: 8 of 12 against 6 of 12 says next to nothing.
  const events = Array.from({ length: 24 }, (_, i) =>
    eventOf(
      {
        decisionId: `d${i}`,
        ...prompt(),
        model: models[i % 2]!,
        quality: Math.floor(i / 2) % 12 < (i % 2 ? 6 : 8) ? 1 : 0,
      },
      models,
    ),
  );
  let share = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const learner = await newLearner({ seed });
    const { policy, tuning } = follow(learner, events);
    share += policy!.judge(openedOf({ ...prompt(), tuning }, models)).probabilities[1]! / 8;
    learner.dispose();
  }
  // P(unlucky is better) is .2 by Beta posteriors.
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.45);
});
