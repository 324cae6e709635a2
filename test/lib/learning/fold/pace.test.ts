import type { LearnerOutput } from '../../../../lib/learning/fold/learner';
import type { LearningEvent, LearningPace } from '../../../../lib/topics/generated/messages';
import { asVector, callerFields, eventOf, newLearner, toyEvents, toyModels } from '../toy-world';

const paced = (steps: number, rewards: number): LearningEvent => eventOf({ models: [], pace: { steps, rewards } });
const half: LearningPace = { steps: 0.5, rewards: 0.5 };

/** A log in which the pace changes: half of it is learned from between the 100th and the 300th event. */
function log(): LearningEvent[] {
  const events = toyEvents(400, 1, undefined, asVector);
  return [
    ...events.slice(0, 100),
    paced(half.steps, half.rewards),
    ...events.slice(100, 300),
    paced(1, 1),
    ...events.slice(300),
  ];
}

const policies = (outputs: readonly LearnerOutput[]): string[] =>
  outputs.flatMap((output) => (output.kind === 'policy' ? [output.policySha256] : []));

test('a share of the decisions is left out of what is learned, none of what they cost', async () => {
  const learner = await newLearner();
  const learned: number[] = [];
  const costs: number[] = [];
  log().forEach((event, offset) => {
    for (const output of learner.apply(event, offset))
      if (output.kind === 'tuning') costs.push(Object.keys(output.tuning.costRatios).length);
    learned.push(learner.learnedRewards);
  });
  expect(learner.pace).toEqual({ steps: 1, rewards: 1 });
  expect(learned[99]).toBe(100);
  const between = learned[300]! - learned[99]!;
  expect(between).toBeGreaterThan(70);
  expect(between).toBeLessThan(130);
  expect(learned.at(-1)! - learned[301]!).toBe(100);
  expect(costs.length).toBe(50);
  learner.dispose();
});

test('what was likelier to be chosen is left out first', async () => {
  const learner = await newLearner();
  learner.apply(paced(0, 0.1), 0);
  let offset = 0;
  const learnedOf = (model: number, propensities: number[]): number => {
    const before = learner.learnedRewards;
    for (let i = 0; i < 200; i++) {
      offset++;
      const called = { model: toyModels[model]!, quality: 0.5, propensities };
      const decisionId = `${offset}`;
      learner.apply(eventOf({ ...callerFields([i % 7, i % 3]), ...called, decisionId }), offset);
    }
    return (learner.learnedRewards - before) / 200;
  };
  const likeliest = learnedOf(0, [0.9, 0.06, 0.04]);
  expect(likeliest).toBeGreaterThan(0.03);
  expect(likeliest).toBeLessThan(0.2);
  expect(learnedOf(1, [0.9, 0.06, 0.04])).toBe(1);
  const third = learnedOf(1, [0.6, 0.2, 0.2]);
  expect(third).toBeGreaterThan(0.2);
  expect(third).toBeLessThan(0.4);
  expect(learnedOf(2, [1 / 3, 1 / 3, 1 / 3])).toBeLessThan(0.2);
  learner.dispose();
});

test('the same log gives the same bytes, a restart in the middle of a pace included', async () => {
  const whole = await newLearner();
  const all = log().flatMap((event, offset) => policies(whole.apply(event, offset)));
  const first = await newLearner();
  const firstPart = log()
    .slice(0, 200)
    .flatMap((event, offset) => policies(first.apply(event, offset)));
  const second = await newLearner({ checkpoint: first.checkpoint() });
  expect(second.pace).toEqual(half);
  log().forEach((event, offset) => {
    if (offset >= second.replayFromOffset && offset < 200) second.reload(event, offset);
  });
  const rest = log().flatMap((event, offset) => (offset < 200 ? [] : policies(second.apply(event, offset))));
  expect([...firstPart, ...rest]).toEqual(all);
  expect(all.length).toBeGreaterThan(3);
  for (const one of [whole, first, second]) one.dispose();
});

test('a correction of a decision that is learned from counts at every pace, recorded data always, and the rest not', async () => {
  const learner = await newLearner();
  const events = toyEvents(40, 1, undefined, asVector);
  for (const [offset, event] of events.entries()) learner.apply(event, offset);
  learner.apply(paced(0, 0), 40);
  const judged = { quality: events[3]!.quality, costUsd: null };
  learner.apply({ ...events[3]!, revision: 1, replaces: judged, quality: 0.4 }, 41);
  learner.apply(eventOf({ decisionId: 'new', callerFeatures: events[0]!.callerFeatures }), 42);
  expect(learner.learnedRewards).toBe(40);
  const full: Partial<LearningEvent> = {
    kind: 'FULL',
    decisionId: 'row',
    fullQualities: [1, 0, 0],
    fullCostsUsd: [null, null, null],
  };
  learner.apply(eventOf({ ...full, callerFeatures: events[0]!.callerFeatures, model: null }), 43);
  expect(learner.learnedRewards).toBe(43);
  learner.dispose();
});
