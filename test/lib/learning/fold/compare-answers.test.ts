import type { LearnerOutput } from '../../../../lib/learning/fold/learner';
import { newLearner, vectorEvents } from '../toy-world';

const gapsOf = (outputs: readonly LearnerOutput[]): Readonly<Record<string, number>>[] =>
  outputs.flatMap((output) => (output.kind === 'tuning' ? [output.tuning.setGaps] : []));

test('the fold calibrates sets of risk from what it predicted, wider ones for more coverage, and a restart keeps them', async () => {
  const learner = await newLearner();
  const events = vectorEvents(400);
  const before = events.slice(0, 392).flatMap((event, i) => gapsOf(learner.apply(event, i)));
  expect(before[0]).toEqual({});
  const last = before.at(-1)!;
  expect(Object.keys(last)).toContain('0.8');
  expect(last['0.8']).toBeGreaterThanOrEqual(0);
  expect(last['0.9']).toBeGreaterThanOrEqual(last['0.8']!);
  const restored = await newLearner({ checkpoint: learner.checkpoint() });
  events.slice(0, 392).forEach((event, i) => {
    if (i >= restored.replayFromOffset) restored.reload(event, i);
  });
  const rest = (from: typeof learner) => events.slice(392).flatMap((event, i) => gapsOf(from.apply(event, 392 + i)));
  expect(rest(restored)).toEqual(rest(learner));
  learner.dispose();
  restored.dispose();
});
