import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { warmUp } from '../../../../lib/learning/fold/warm-up';
import { eventOf, featureFields, learningConfig, newLearner, toyModels } from '../toy-world';

const options = { config: learningConfig, backend: wasmBackend() };

test('gets as far as fits, steps and policies', async () => {
  // One at the end of the cold start, and one every sixteen rewards from there on.
  expect(await warmUp(options)).toBeGreaterThanOrEqual(7);
});

test('leaves nothing behind: what is learned in the same thread is the same to the byte', async () => {
  const learn = async (): Promise<Buffer> => {
    const learner = await newLearner();
    for (let i = 0; i < 60; i++) {
      const model = toyModels[i % toyModels.length]!;
      const fields = {
        ...featureFields(`text number ${i}`),
        eventId: `${i}`,
        decisionId: `${i}`,
        model,
        quality: (i % 7) / 7,
      };
      learner.apply(eventOf(fields), i);
    }
    return learner.checkpoint();
  };
  const before = await learn();
  await warmUp(options);
  expect((await learn()).equals(before)).toBe(true);
});
