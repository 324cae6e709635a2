import type { LearningEvent } from '../../../../lib/topics/generated/messages';
import { follow, newLearner, vectorEvents } from '../toy-world';
import { digestOf, meansOf, policiesOf } from './guarded';

/** From event 300 on, nineteen of twenty events come from a source nobody knows, and say 0 of the coder. */
const flooded = vectorEvents(640).map((event, i): LearningEvent => {
  const source = i % 2 === 0 ? 'editors' : 'users';
  if (i < 300 || i % 20 === 0) return { ...event, source };
  return { ...event, source: 'flooder', model: 'coder', quality: 0 };
});

test('judgements of a source that says too much are passed over, and what they said of costs is not', async () => {
  const learner = await newLearner();
  const outputs = follow(learner, flooded).outputs;
  const { metrics } = policiesOf(outputs).at(-1)!.published;
  expect(metrics['passedOver']).toBeGreaterThan(200);
  expect(learner.learnedRewards).toBeLessThan(450);
  const [coder, writer, dunce] = meansOf(learner);
  expect(coder).toBeGreaterThan(dunce! + 0.1);
  expect(writer).toBeGreaterThan(dunce! + 0.1);
  learner.dispose();
});

test('they are passed over again after a restart, corrections included', async () => {
  const events = flooded
    .slice(0, 420)
    .map(
      (event, i): LearningEvent =>
        event.source === 'flooder' && i % 3 === 0 ? { ...event, decisionId: `d${i - 200}`, revision: 1 } : event,
    );
  const straight = await newLearner();
  follow(straight, events);
  const before = await newLearner();
  follow(before, events.slice(0, 380));
  const restored = await newLearner({ checkpoint: before.checkpoint() });
  for (let offset = restored.replayFromOffset; offset < 380; offset++) restored.reload(events[offset]!, offset);
  expect(digestOf(restored)).toBe(digestOf(before));
  follow(restored, events.slice(380), 380);
  expect(digestOf(restored)).toBe(digestOf(straight));
  for (const learner of [straight, before, restored]) learner.dispose();
});

test('an impossible judgement is none', async () => {
  const learner = await newLearner();
  const events = vectorEvents(3).map((event, i) => ({ ...event, quality: [Number.NaN, 7, -0.1][i]! }));
  follow(learner, events);
  expect(learner.learnedRewards).toBe(0);
  learner.dispose();
});
