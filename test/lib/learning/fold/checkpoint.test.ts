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
