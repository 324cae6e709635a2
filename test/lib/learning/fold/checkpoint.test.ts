import { readBlob, writeBlob } from '../../../../lib/learning/fold/blob';
import { newLearner, toyEvents } from '../toy-world';

/** Tables of words as releases before had them: objects, and among the plain fields. */
function asBefore(checkpoint: Buffer): Buffer {
  const blob = readBlob(checkpoint, 'checkpoint');
  // biome-ignore lint/suspicious/noExplicitAny: the inside of a checkpoint is nobody else's business
  const { guard, trust, ...meta } = blob.meta as any;
  const { influence, good } = guard;
  const before = {
    ...guard,
    influence: {
      ...influence,
      admittedOf: Object.fromEntries(influence.admittedOf),
      sources: Object.fromEntries(
        influence.sources.map(([name, source]: [string, { models: [string, unknown][] }]) => [
          name,
          { ...source, models: Object.fromEntries(source.models) },
        ]),
      ),
    },
    good: good && { ...good, drifts: Object.fromEntries(good.drifts) },
  };
  const plain = { ...meta.plain, guard: before, trust: Object.fromEntries(trust) };
  return writeBlob({ ...blob, meta: { ...meta, plain } });
}

test('a checkpoint of a release whose tables were objects is taken up to the byte', async () => {
  const learner = await newLearner();
  toyEvents(120).forEach((event, offset) => {
    learner.apply({ ...event, source: `s${offset % 3}`, strategyPropensities: { RANDOM: 1 / 3 } }, offset);
  });
  const checkpoint = learner.checkpoint();
  const restored = await newLearner({ checkpoint: asBefore(checkpoint) });
  expect(asBefore(checkpoint).equals(checkpoint)).toBe(false);
  expect(restored.checkpoint().equals(checkpoint)).toBe(true);
  for (const one of [learner, restored]) one.dispose();
});

test('a restart keeps what is known of strategies by task, and one of a release that told no tasks apart begins with none', async () => {
  const events = toyEvents(260).map((event, offset) => ({
    ...event,
    taskType: offset % 2 === 0 ? 'code' : 'prose',
    strategyPropensities: { LEARNING_OPTIMIZED: 1 / 3, RANDOM: offset % 3 === 0 ? 0.9 : 0.1 },
  }));
  const [learner, restarted] = [await newLearner(), await newLearner()];
  for (const [offset, event] of events.entries()) learner.apply(event, offset);
  for (const [offset, event] of events.slice(0, 150).entries()) restarted.apply(event, offset);
  const checkpoint = restarted.checkpoint();
  const restored = await newLearner({ checkpoint });
  events.slice(0, 150).forEach((event, offset) => {
    if (offset >= restored.replayFromOffset) restored.reload(event, offset);
  });
  for (const [i, event] of events.slice(150).entries()) restored.apply(event, 150 + i);
  expect(restored.checkpoint().equals(learner.checkpoint())).toBe(true);
  const { taskTrust } = readBlob(learner.checkpoint(), 'checkpoint').meta as { taskTrust: [string, unknown][] };
  expect(taskTrust.map(([task]) => task)).toEqual(['code', 'prose']);
  const blob = readBlob(checkpoint, 'checkpoint');
  const { taskTrust: _unknown, ...meta } = blob.meta as Record<string, unknown>;
  const earlier = await newLearner({ checkpoint: writeBlob({ ...blob, meta }) });
  expect(readBlob(earlier.checkpoint(), 'checkpoint').meta).toMatchObject({ taskTrust: [] });
  for (const one of [learner, restarted, restored, earlier]) one.dispose();
});
