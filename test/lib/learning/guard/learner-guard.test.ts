import { sha256Of } from '../../../../lib/learning/fold/blob';
import type { Learner } from '../../../../lib/learning/fold/learner';
import type { LearnerState } from '../../../../lib/learning/fold/learner-state';
import { restoreNeuralHalf } from '../../../../lib/learning/value/neural-half';
import { seededRandom } from '../../../../lib/random/seeded';
import type { LearningEvent } from '../../../../lib/topics/generated/messages';
import { callerFields, eventOf, follow, learningConfig, newLearner, toyModels, vectorEvents } from '../toy-world';
import { digestOf, meansOf, policiesOf } from './guarded';

type Change = (value: number) => number;

/** Rewrites the weights of one or both halves in the learner's memory. */
function rewrite(state: LearnerState, change: Change, halves: readonly string[]): void {
  const { linear, neural } = state;
  if (halves.includes('linear') && linear)
    for (const { weights } of [linear.shared, ...linear.arms]) weights.set(weights.map(change));
  if (!halves.includes('network') || !neural) return;
  const { parameters, target } = neural;
  state.neural = restoreNeuralHalf(neural.shape, {
    parameters: parameters.map(change),
    target: target.map(change),
    optimizer: neural.optimizer(),
  });
  neural.dispose();
}

/** A learner that is damaged right before the event at `offset`. */
function damaged(offset: number, change: Change, halves = ['linear', 'network']): Promise<Learner> {
  return newLearner({
    tamper: (state, at) => {
      if (at === offset) rewrite(state, change, halves);
    },
  });
}

const nan: Change = () => Number.NaN;
const huge: Change = (value) => 1_000 * value;
const negated: Change = (value) => -value;

describe('weights that go bad never leave the learner', () => {
  // The damage comes at 110; policies at 120 and 152.
  const events = vectorEvents(160);
  let expected: Float64Array;
  beforeAll(async () => {
    const sound = await newLearner();
    follow(sound, events);
    expected = meansOf(sound);
    sound.dispose();
  });

  test.each([
    ['not a number', nan, ['linear', 'network']],
    ['not a number', nan, ['network']],
    ['not a number', nan, ['linear']],
    ['a thousand times as large', huge, ['linear', 'network']],
    ['a thousand times as large', huge, ['network']],
    ['negated', negated, ['linear', 'network']],
  ] as const)('%s: %#', async (_, change, halves) => {
    const broken = await damaged(110, change, [...halves]);
    const policies = policiesOf(follow(broken, events).outputs);
    const after = policies.filter(({ published }) => published.toOffset > 110);
    // No publication was lost: it was repaired before the next one, which says so.
    expect(after.map(({ refused }) => refused)).toEqual(after.map(() => null));
    // A wrong sign is only seen when a policy is due; a refit that is due by then has made the linear half anew already.
    if (change !== negated) {
      expect(after[0]!.published.metrics['repairs']).toBeGreaterThanOrEqual(1);
      expect(after[0]!.alarms.map(({ name }) => name)).toContain('repaired');
    }
    expect(after.at(-1)!.published.metrics['alarm.repaired']).toBe(0);
    meansOf(broken).forEach((mean, arm) => {
      expect(Math.abs(mean - expected[arm]!)).toBeLessThan(0.1);
    });
    broken.dispose();
  });
});

test('before the first policy a broken network is replaced by a fresh one', async () => {
  const learner = await newLearner({
    tamper: (state, at) => {
      if (at !== 60) return;
      rewrite(state, nan, ['network']);
      state.policy = null;
    },
  });
  const policies = policiesOf(follow(learner, vectorEvents(140)).outputs);
  expect(policies.at(-1)!.refused).toBeNull();
  expect(policies.at(-1)!.published.metrics['repairs']).toBe(1);
  learner.dispose();
});

test('repairs are part of the fold: the same events and the same damage give the same bytes, also after a restart', async () => {
  const events = vectorEvents(170);
  const [a, b] = [await damaged(105, negated), await damaged(105, negated)];
  follow(a, events);
  follow(b, events.slice(0, 140));
  const restored = await newLearner({ checkpoint: b.checkpoint() });
  for (let offset = restored.replayFromOffset; offset < 140; offset++) restored.reload(events[offset]!, offset);
  follow(restored, events.slice(140), 140);
  expect(digestOf(restored)).toBe(digestOf(a));
  for (const learner of [a, b, restored]) learner.dispose();
});

test('what cannot be repaired is refused, the policy before it stays until it fits again, also over a restart', async () => {
  // Two numbers for features, which is quick; one model is good where they agree, the other where they do not.
  const random = seededRandom(5, 'refused');
  const events = Array.from({ length: 900 }, (_, i): LearningEvent => {
    const [x, y] = [random.normal(), random.normal()];
    const model = toyModels[random.integer(2)]!;
    const isGood = ((model === 'coder') === x * y > 0) === random.next() < 0.95;
    return eventOf({ decisionId: `d${i}`, ...callerFields([x, y, x * y]), model, quality: isGood ? 1 : 0 });
  });
  // The linear half is broken, and all but the newest of what it could be made from anew.
  const tamper = (state: LearnerState, at: number): void => {
    if (at !== 600) return;
    rewrite(state, negated, ['linear', 'network']);
    // And a refit is due, so that the policy that stays is of another basis than the learner.
    state.rewardsAtRefit = 100;
    for (const { outcomes } of state.replay.rows.slice(0, 320))
      for (const outcome of outcomes) outcome.quality = 1 - outcome.quality;
  };
  const learner = await newLearner({ tamper });
  const outputs = follow(learner, events.slice(0, 640)).outputs;
  const checkpoint = learner.checkpoint();
  const restored = await newLearner({ checkpoint });
  expect(digestOf(restored)).toBe(sha256Of(checkpoint));
  const { policy, basis } = (restored as unknown as { state: LearnerState }).state;
  expect(policy!.basis.sha256).not.toBe(basis!.sha256);
  restored.dispose();
  const policies = policiesOf([...outputs, ...follow(learner, events.slice(640), 640, basis!.bytes).outputs]);
  const refused = policies.filter((policy) => policy.refused !== null);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]!.refused).toContain('squared error');
  expect(refused[0]!.alarms.map(({ name }) => name)).toEqual(expect.arrayContaining(['refused', 'repaired']));
  // The parent of a policy is the one that was in force.
  const inForce = policies.filter((policy) => policy.refused === null);
  inForce.slice(1).forEach(({ published }, i) => {
    expect(published.parentSha256).toBe(inForce[i]!.policySha256);
  });
  expect(policies.at(-1)!.refused).toBeNull();
  expect(policies.at(-1)!.published.metrics['refused']).toBe(refused.length);
  learner.dispose();
});

test('what cannot be rebuilt ends the fold, and is not saved', async () => {
  const learner = await newLearner({
    tamper: (state, at) => {
      if (at === 100) state.rewardMean = Number.NaN;
    },
  });
  expect(() => follow(learner, vectorEvents(140))).toThrow('start again from its checkpoint and the log');
  expect(() => learner.checkpoint()).toThrow('rewardMean is NaN');
  learner.dispose();
});

test('a world that turns round is no damage: its increments pass', async () => {
  const events = vectorEvents(600).map(
    (event, i): LearningEvent => (i < 300 ? event : { ...event, quality: 1 - event.quality! }),
  );
  const learner = await newLearner();
  const policies = policiesOf(follow(learner, events).outputs);
  expect(policies.filter(({ refused }) => refused !== null)).toEqual([]);
  expect(policies.at(-1)!.published.metrics).toMatchObject({ refused: 0, repairs: 0 });
  learner.dispose();
});

test('where every reward is published, only every thirty-second policy is compared, but all have to be finite', async () => {
  const learner = await newLearner({ config: { ...learningConfig, publish: 'lockstep' } });
  const policies = policiesOf(follow(learner, vectorEvents(100)).outputs);
  const compared = policies.filter(({ published }) => published.metrics['step'] !== 0);
  expect(policies.length).toBeGreaterThan(70);
  expect(compared.length).toBeGreaterThan(0);
  expect(compared.length).toBeLessThan(5);
  learner.dispose();
});
