import { sha256Of } from '../../../../lib/learning/fold/blob';
import type { Learner, LearnerOutput } from '../../../../lib/learning/fold/learner';
import { seededRandom } from '../../../../lib/random/seeded';
import type { LearningEvent } from '../../../../lib/topics/generated/messages';
import {
  asText,
  asVector,
  callerFields,
  type Describe,
  eventOf,
  follow,
  learningConfig,
  newLearner,
  noTuning,
  openedOf,
  toyEvents,
  toyModels,
  vectorEvents,
} from '../toy-world';

const digestOf = (learner: Learner): string => sha256Of(learner.checkpoint());
/** Outputs with hashes for bytes: jest compares large buffers value by value. */
const essence = (outputs: readonly LearnerOutput[]): unknown[] =>
  outputs.map((output) =>
    output.kind === 'tuning'
      ? output
      : { ...output, policy: sha256Of(output.policy), basis: output.basis && sha256Of(output.basis) },
  );

/** Probability of the model, mean over fresh prompts of the task. */
function share(
  followed: ReturnType<typeof follow>,
  task: 'code' | 'prose',
  model: string,
  { models = toyModels, describe = asVector }: { models?: readonly string[]; describe?: Describe } = {},
): number {
  const random = seededRandom(77, task);
  let total = 0;
  for (let i = 0; i < 40; i++) {
    const opened = openedOf({ ...describe(task, random), tuning: followed.tuning }, models);
    total += followed.policy!.judge(opened).probabilities[models.indexOf(model)]!;
  }
  return total / 40;
}

// Uniform would be .33; the network alone is slower.
test.each([
  ['full', asText, 0.75],
  ['dqn', asVector, 0.55],
] as const)('pipeline %s learns which model is good at what', async (pipeline, describe, least) => {
  const learner = await newLearner({ config: { ...learningConfig, pipeline } });
  const followed = follow(learner, toyEvents(350, 1, toyModels, describe));
  expect(share(followed, 'code', 'coder', { describe })).toBeGreaterThan(least);
  expect(share(followed, 'prose', 'writer', { describe })).toBeGreaterThan(least);
  if (pipeline === 'dqn') expect(followed.tuning.neuralWeight).toBe(1);
  learner.dispose();
});

test('same events, same seed: same bytes', async () => {
  const [a, b, other] = [await newLearner(), await newLearner(), await newLearner({ seed: 8 })];
  const events = toyEvents(60);
  const outputs = [a, b].map((learner) => essence(follow(learner, events).outputs));
  expect(outputs[0]).toEqual(outputs[1]);
  expect(digestOf(a)).toBe(digestOf(b));
  follow(other, events);
  expect(digestOf(other)).not.toBe(digestOf(a));
  for (const learner of [a, b, other]) learner.dispose();
});

test.each([
  [10, asVector],
  [100, asText],
] as const)('restored after %d events it continues to the byte', async (cut, describe) => {
  // A budget, sessions, a correction and full rows, so that every part of the state is there.
  const events = toyEvents(150, 1, toyModels, describe).map((event, i) => ({
    ...event,
    sessionId: i % 5 === 0 ? `s${i % 3}` : null,
  }));
  events[80] = { ...events[80]!, decisionId: 'd70', model: events[70]!.model, revision: 1, quality: 0.1 };
  events[60] = {
    ...events[60]!,
    kind: 'FULL',
    model: null,
    quality: null,
    fullQualities: [1, null, 0.2],
    fullCostsUsd: [0.01, null, null],
  };
  const options = { budgetUsdPerRequest: 0.003, config: { ...learningConfig, replayRows: 60 } };
  const straight = await newLearner(options);
  follow(straight, events.slice(0, cut));
  const checkpoint = straight.checkpoint();
  const restored = await newLearner({ ...options, checkpoint });
  expect(restored.eventOffset).toBe(cut);
  expect(restored.learnedRewards).toBe(straight.learnedRewards);
  expect(digestOf(restored)).toBe(sha256Of(checkpoint));
  const from = restored.replayFromOffset;
  expect(from).toBe(straight.replayFromOffset);
  for (let i = from; i < cut; i++) restored.reload(events[i]!, i);
  expect(digestOf(restored)).toBe(sha256Of(checkpoint));
  const rest = events.slice(cut);
  expect(essence(follow(restored, rest, cut).outputs)).toEqual(essence(follow(straight, rest, cut).outputs));
  expect(digestOf(restored)).toBe(digestOf(straight));
  straight.dispose();
  restored.dispose();
});

test('a checkpoint of another encoder is refused, one without its log is usable', async () => {
  const learner = await newLearner();
  const events = vectorEvents(120);
  follow(learner, events);
  const checkpoint = learner.checkpoint();
  await expect(newLearner({ checkpoint, encoderVersion: 'sketch-0' })).rejects.toThrow('retrain from the log');
  const bare = await newLearner({ checkpoint });
  expect(follow(bare, vectorEvents(100, 2), 120).outputs.length).toBeGreaterThan(0);
  expect(() => bare.apply(events[0]!, 5)).toThrow('folded in already');
  expect(() => newLearner({ checkpoint: checkpoint.subarray(0, 99) })).rejects.toThrow('cut off');
  learner.dispose();
  bare.dispose();
});

test('publishes the policy at the end of the cold start and every 16 rewards at first, the tuning every 8 events', async () => {
  const learner = await newLearner();
  const at: Record<string, number[]> = { policy: [], tuning: [] };
  vectorEvents(100).forEach((event, i) => {
    for (const output of learner.apply(event, i)) at[output.kind]!.push(i + 1);
  });
  expect(at['policy']).toEqual([24, 40, 56, 72, 88]);
  expect(at['tuning']).toEqual([8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96]);
  const lockstep = await newLearner({ config: { ...learningConfig, publish: 'lockstep' } });
  const { outputs } = follow(lockstep, vectorEvents(40));
  expect(outputs.filter(({ kind }) => kind === 'tuning').length).toBe(40);
  expect(outputs.filter(({ kind }) => kind === 'policy').length).toBe(17);
  learner.dispose();
  lockstep.dispose();
});

test('what is published says where it comes from; a basis is sent once', async () => {
  const learner = await newLearner();
  const policies = follow(learner, vectorEvents(60)).outputs.filter((output) => output.kind === 'policy');
  const [first, second, third] = policies;
  expect(first?.published).toMatchObject({
    parentSha256: null,
    learnedRewards: 24,
    fromOffset: 0,
    toOffset: 24,
    backend: 'wasm',
    seed: 7,
    models: expect.arrayContaining(toyModels),
  });
  expect(first?.basis).not.toBeNull();
  expect(second?.published.parentSha256).toBe(first?.policySha256);
  expect(second?.basis).toBeNull();
  expect(third?.published.parentSha256).toBe(second?.policySha256);
  // Fitted anew in between.
  expect(third?.basis).not.toBeNull();
  learner.dispose();
});

test('a missing reward is not a reward; closed decisions teach nothing', async () => {
  const learner = await newLearner();
  const events = vectorEvents(30).map(
    (event, i): LearningEvent => (i % 2 ? { ...event, quality: null } : { ...event, kind: 'CLOSED' }),
  );
  follow(learner, events);
  expect(learner.learnedRewards).toBe(0);
  expect(learner.replayFromOffset).toBe(30);
  learner.dispose();
});

test('full rows count as one reward for each known outcome', async () => {
  const learner = await newLearner();
  const full = eventOf({
    kind: 'FULL',
    model: null,
    quality: null,
    fullQualities: [1, 0.5, null],
    fullCostsUsd: [null, 0.1, null],
  });
  const { tuning } = follow(
    learner,
    Array.from({ length: 40 }, (_, i) => ({ ...full, decisionId: `f${i}` })),
  );
  expect(learner.learnedRewards).toBe(80);
  expect(tuning.costRatios).toEqual({ writer: expect.closeTo(0.1) });
  learner.dispose();
});

test('a correction replaces the earlier judgement and is no second reward; without an earlier one it is the reward', async () => {
  const learner = await newLearner();
  learner.apply(eventOf({ decisionId: 'x', quality: 1 }), 0);
  learner.apply(eventOf({ decisionId: 'x', quality: 0, revision: 1 }), 1);
  expect(learner.learnedRewards).toBe(1);
  learner.apply(eventOf({ decisionId: 'y', quality: 0, revision: 1 }), 2);
  expect(learner.learnedRewards).toBe(2);
  learner.dispose();

  // All of one model's rewards corrected from 0 to 1: after the next refit it is the best.
  const corrected = await newLearner();
  const events = vectorEvents(60).map((event) => ({ ...event, quality: event.model === 'dunce' ? 0 : 0.5 }));
  const corrections = events
    .filter(({ model }) => model === 'dunce')
    .map((event) => ({ ...event, quality: 1, revision: 1 }));
  const more = vectorEvents(60, 2).map((event, i) => ({
    ...event,
    decisionId: `m${i}`,
    quality: event.model === 'dunce' ? 1 : 0.5,
  }));
  const followed = follow(corrected, [...events, ...corrections, ...more]);
  expect(share(followed, 'code', 'dunce')).toBeGreaterThan(0.8);
  corrected.dispose();
});

test('models come and go without starting from nothing', async () => {
  const learner = await newLearner({ config: { ...learningConfig, replayRows: 100 } });
  const first = follow(learner, vectorEvents(120));
  const wider = [...toyModels, 'genius'];
  const [joined, ...rest] = vectorEvents(200, 3, wider).map((event, i) => ({
    ...event,
    decisionId: `w${i}`,
    quality: event.model === 'genius' ? 1 : event.quality,
  }));
  // The change of the model set is published at once.
  expect(learner.apply(joined!, 120).map(({ kind }) => kind)).toEqual(['policy', 'tuning']);
  const second = follow(learner, rest, 121);
  second.basis ??= first.basis;
  expect(share(second, 'code', 'genius', { models: wider })).toBeGreaterThan(0.7);
  const narrow = toyModels.slice(0, 2);
  const third = follow(
    learner,
    vectorEvents(250, 4, narrow).map((event, i) => ({ ...event, decisionId: `n${i}` })),
    320,
  );
  expect(share(third, 'code', 'coder', { models: narrow })).toBeGreaterThan(0.8);
  const policies = third.outputs.filter((output) => output.kind === 'policy');
  expect(policies.at(-1)?.published.models.slice().sort()).toEqual(narrow.slice().sort());
  learner.dispose();
});

test('under a budget the dear model is priced out, and a price change is published at once', async () => {
  const learner = await newLearner({ budgetUsdPerRequest: 0.002, explorationFloor: 0.01 });
  const followed = follow(learner, vectorEvents(200));
  expect(followed.tuning.costPricePerUsd).toBeGreaterThan(10);
  expect(followed.tuning.costRatios['coder']).toBeCloseTo(0.01, 3);
  expect(share(followed, 'code', 'coder')).toBeLessThan(0.3);
  const cheaper = { ...vectorEvents(1, 9)[0]!, priceFactors: [0.1, 1, 1] };
  expect(learner.apply(cheaper, 200).map(({ kind }) => kind)).toContain('tuning');
  learner.dispose();
});

test('the first policy comes with a price: the pacer judges what it has seen in the cold start by it', async () => {
  const learner = await newLearner({ budgetUsdPerRequest: 0.002, explorationFloor: 0.01 });
  const { outputs } = follow(learner, vectorEvents(24));
  expect(outputs.at(-2)).toMatchObject({ kind: 'policy' });
  const last = outputs.at(-1)!;
  expect(last.kind === 'tuning' && last.tuning.costPricePerUsd).toBeGreaterThan(1);
  learner.dispose();
});

test('a silent drop of quality raises an alarm: published at once, offset lowered', async () => {
  const learner = await newLearner();
  follow(learner, vectorEvents(250));
  const broken = vectorEvents(120, 5).map((event, i) => ({
    ...event,
    decisionId: `b${i}`,
    model: 'coder',
    quality: 0,
  }));
  const policiesAt: number[] = [];
  let offset = 0;
  broken.forEach((event, i) => {
    for (const output of learner.apply(event, 250 + i)) {
      if (output.kind === 'policy') policiesAt.push(i);
      else offset = output.tuning.driftOffsets['coder']!;
    }
  });
  expect(offset).toBeLessThan(-0.05);
  const steps = policiesAt.slice(1).map((at, i) => at - policiesAt[i]!);
  expect(Math.min(...steps)).toBeLessThan(32);
  learner.dispose();
});

test("a caller's own vectors instead of text", async () => {
  const learner = await newLearner();
  const random = seededRandom(6, 'vectors');
  const events = toyEvents(200).map((event) => {
    const x = random.normal();
    const quality = (event.model === 'coder') === x > 0 ? 1 : 0;
    return { ...event, ...callerFields([x, random.normal()]), quality };
  });
  const { policy, tuning } = follow(learner, events);
  const judged = policy!.judge(openedOf({ ...callerFields([2, 0]), tuning }));
  expect(judged.probabilities[0]).toBeGreaterThan(0.8);
  expect(policy!.judge(openedOf({ ...callerFields([-2, 0]), tuning })).probabilities[0]).toBeLessThan(0.1);
  // Then text comes: the basis follows the stream at the next refit.
  const more = follow(
    learner,
    toyEvents(220, 8).map((event, i) => ({ ...event, decisionId: `t${i}` })),
    200,
  );
  expect(share(more, 'code', 'coder', { describe: asText })).toBeGreaterThan(0.5);
  learner.dispose();
});

test('experience with strategies moves their weights', async () => {
  const learner = await newLearner();
  const events = vectorEvents(200).map((event) => ({
    ...event,
    strategyPropensities: {
      LEARNING_OPTIMIZED: event.model === 'dunce' ? 0.1 : 0.45,
      RANDOM: event.model === 'dunce' ? 0.9 : 0.05,
    },
  }));
  expect(follow(learner, events).tuning.strategyWeights['RANDOM']).toBeLessThan(0.005);
  expect(noTuning.strategyWeights).toEqual({});
  learner.dispose();
});
