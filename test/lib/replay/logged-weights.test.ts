import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { createLoggedWeights } from '../../../lib/replay/logged-weights';
import { topics } from '../../../lib/topics/topics';
import { createBlobStore } from '../../../lib/weights/blob-store';
import { foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import { startFoldInline } from '../../../services/dqn-trainer/fold/fold-inline';
import { learningEvents, models } from '../../services/dqn-trainer/records';
import { createWorld } from '../../services/one-service';

test('weights come from the log by hash, with the basis given or the one the policy names', async () => {
  const world = await createWorld();
  const { broker, keyValue, clock, log } = world;
  const settings = foldSettingsOf(defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' }))));
  const fold = await startFoldInline(settings, null);
  const { outputs } = await fold.apply(learningEvents(0, 40).map((event, offset) => ({ event, offset })));
  await fold.close();
  const made = outputs.find((output) => output.kind === 'policy')!;
  if (made.kind !== 'policy') throw new Error('no policy');
  // In several chunks each, so that they have to be put together.
  const blobs = createBlobStore({ broker, keyValue, clock, log, chunkBytes: 10_000 });
  const chunks = [
    ...blobs.putToRecords(made.policySha256, made.policy),
    ...blobs.putToRecords(made.basisSha256, made.basis!),
  ];
  await world.send(
    topics.weightsBlobs,
    chunks.map(({ value }) => value as never),
  );

  const load = createLoggedWeights({ broker, topicPrefix: '', log });
  const { policySha256, basisSha256 } = made;
  expect((await load({ policySha256, basisSha256 }))?.policySha256).toBe(policySha256);
  expect((await load({ policySha256, basisSha256: null }))?.policySha256).toBe(policySha256);
  expect(await load({ policySha256: 'f'.repeat(64), basisSha256: null })).toBeNull();
  expect(await load({ policySha256, basisSha256: 'f'.repeat(64) })).toBeNull();
  // A blob that is no policy names no basis.
  expect(await load({ policySha256: basisSha256, basisSha256: null })).toBeNull();
  // A chunk is lost: nothing is served from the rest.
  const { topic, partition, key } = broker.records(topics.weightsBlobs.name)[1]!;
  await broker.producer('test').send([{ topic, partition, key, value: null }]);
  const later = createLoggedWeights({ broker, topicPrefix: '', log });
  expect(await later({ policySha256, basisSha256 })).toBeNull();
});
