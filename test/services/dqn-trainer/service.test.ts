import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { bytesOf } from '../../../lib/learning/features/encode';
import { commonEncoder, keyedEncoder } from '../../../lib/learning/features/encoder-key';
import type { LearningEvent, WeightsPublished } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createBlobStore } from '../../../lib/weights/blob-store';
import { createWeightsSource } from '../../../lib/weights/weights-source';
import { foldSettingsOf, type StartFold } from '../../../services/dqn-trainer/fold/fold';
import type { FoldSettings } from '../../../services/dqn-trainer/fold/fold-settings';
import { readFoldState } from '../../../services/dqn-trainer/fold/fold-state';
import { lineageIdOf } from '../../../services/dqn-trainer/lineage';
import { learningEvent, learningEvents, models } from './records';
import { createTrainerWorld, feed, startInline } from './trainer-world';

/** What is learned, without what depends on when and how often it was written. */
const essence = (published: readonly WeightsPublished[]) =>
  published.map(({ sequence: _sequence, publishedAtMs: _at, ...rest }) => rest);

async function uninterrupted(total: number): Promise<WeightsPublished[]> {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, total));
  await running.stop();
  return world.published();
}

describe('dqn-trainer', () => {
  test('publishes policies, bases and tunings that can be loaded by hash and served', async () => {
    const world = await createTrainerWorld();
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 160));
    const published = world.published();
    expect(published.length).toBeGreaterThan(2);
    expect(published.map(({ sequence }) => sequence)).toEqual(published.map((_, i) => i + 1));
    const versions = world.tunings().map(([version]) => version);
    expect(versions).toEqual(versions.map((_, i) => i + 1));
    expect(versions.length).toBeGreaterThan(10);
    const last = published.at(-1)!;
    expect(last).toMatchObject({ models, backend: 'wasm', seed: 1, parentSha256: published.at(-2)!.policySha256 });
    // From the log alone, by somebody who has never seen them.
    const { broker, keyValue, clock, log } = world;
    await keyValue.deleteMany(await keyValue.keys('weights/', 100));
    const elsewhere = createWeightsSource(createBlobStore({ broker, keyValue, clock, log }));
    for (const { policySha256, basisSha256 } of published) {
      const policy = await elsewhere.load({ policySha256, basisSha256 });
      expect(policy?.policySha256).toBe(policySha256);
    }
  });

  test('a restart in the middle changes nothing: the same bytes as without one', async () => {
    const whole = essence(await uninterrupted(160));
    for (const stops of [[110], [35, 90, 91]]) {
      const world = await createTrainerWorld();
      let running = await world.start(world.trainer);
      let at = 0;
      for (const stop of [...stops, 160]) {
        await feed(world, learningEvents(at, stop));
        at = stop;
        if (stop % 2 === 0) await world.crash('dqn-trainer');
        else {
          await running.stop();
          running = await world.start(world.trainer);
        }
      }
      expect(essence(world.published())).toEqual(whole);
      const sequences = world.published().map(({ sequence }) => sequence);
      expect(sequences).toEqual(sequences.map((_, i) => i + 1));
      expect(world.fatal).toEqual([]);
    }
  });

  test('how events are batched makes no difference', async () => {
    const whole = essence(await uninterrupted(100));
    const world = await createTrainerWorld();
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 100), 37);
    expect(essence(world.published())).toEqual(whole);
  });

  test('an event written twice is learned once, before and after a restart', async () => {
    const world = await createTrainerWorld();
    const running = await world.start(world.trainer);
    const events = learningEvents(0, 100);
    await feed(world, [...events.slice(0, 50), ...events.slice(30, 50)]);
    await running.stop();
    await world.start(world.trainer);
    await feed(world, [...events.slice(40, 50), ...events.slice(50)]);
    const reason = { service: 'dqn-trainer', reason: 'duplicate-event' };
    expect(await world.metrics.value('quantum_router_drops_total', reason)).toBe(30);
    expect(world.out(topics.tuning).at(-1)!.learnedRewards).toBeLessThanOrEqual(100);
    expect(await world.metrics.value('quantum_router_learning_events_total', { kind: 'EXPERIENCE' })).toBe(100);
  });

  test('a clean stop leaves a checkpoint at the very end; older ones are removed', async () => {
    const world = await createTrainerWorld();
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 130));
    await running.stop();
    const checkpoints = world.out(topics.trainerCheckpoint);
    expect(checkpoints.map(({ eventOffset }) => eventOffset)).toEqual([40, 80, 120, 130]);
    expect(checkpoints.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    world.broker.clean();
    const fresh = createBlobStore(world);
    await world.keyValue.deleteMany(await world.keyValue.keys('weights/', 100));
    const found = await Promise.all(checkpoints.map(({ sha256 }) => fresh.load(sha256)));
    expect(found.map((bytes) => bytes !== null)).toEqual([false, false, true, true]);
  });

  test('an idle trainer that stops writes nothing', async () => {
    const world = await createTrainerWorld();
    const running = await world.start(world.trainer);
    await running.stop();
    expect(world.out(topics.trainerCheckpoint)).toEqual([]);
  });

  test('without its checkpoint it folds the log again, and does not publish the past', async () => {
    const world = await createTrainerWorld();
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 120));
    await running.stop();
    const before = world.published();
    const tuningsBefore = world.tunings().length;
    // The pointer names a blob that is nowhere.
    await world.send(topics.trainerCheckpoint, [
      { sha256: 'gone', eventOffset: 120, replayFromOffset: 0, sequence: 99, savedAtMs: 0, skippedOffsets: [] },
    ]);
    await world.start(world.trainer);
    await feed(world, learningEvents(120, 180));
    const after = world.published().slice(before.length);
    const whole = essence(await uninterrupted(180)).slice(before.length);
    // Once it has caught up it finds its newest in force; from there on all is as it would have been.
    expect(essence(after)).toEqual(whole);
    expect(after[0]).toMatchObject({ sequence: before.length + 1, reason: 'INCREMENT' });
    expect(
      world
        .tunings()
        .slice(tuningsBefore)
        .every(([, offset]) => offset >= 120),
    ).toBe(true);
  });

  test('a changed budget takes effect between two batches, and a checkpoint says so', async () => {
    const world = await createTrainerWorld({ checkpointEveryEvents: 1_000 });
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 60));
    await world.configure({ budgetUsdPerRequest: 0.0015 });
    await feed(world, learningEvents(60, 80));
    const [checkpoint] = world.out(topics.trainerCheckpoint);
    expect(checkpoint).toMatchObject({ eventOffset: 60 });
    expect(readFoldState((await world.blobs.load(checkpoint!.sha256))!).settings.budgetUsdPerRequest).toBe(0.0015);
    // A crash right after it repeats just that.
    await world.crash('dqn-trainer');
    await feed(world, learningEvents(80, 140));
    await running.stop();
    const again = await createTrainerWorld({ checkpointEveryEvents: 1_000 });
    await again.start(again.trainer);
    await feed(again, learningEvents(0, 60));
    await again.configure({ budgetUsdPerRequest: 0.0015 });
    await feed(again, learningEvents(60, 140));
    expect(essence(world.published())).toEqual(essence(again.published()));
  });

  test('a budget changed while the trainer was down is recorded before it goes on', async () => {
    const world = await createTrainerWorld();
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 45));
    await running.stop();
    await world.configure({ budgetUsdPerRequest: 0.0015 });
    await world.start(world.trainer);
    await feed(world, learningEvents(45, 55));
    const last = world.out(topics.trainerCheckpoint).at(-1)!;
    expect(last.eventOffset).toBe(45);
    expect(readFoldState((await world.blobs.load(last.sha256))!).settings.budgetUsdPerRequest).toBe(0.0015);
  });

  test('events of another encoder are skipped, unless the features are the caller’s own', async () => {
    const world = await createTrainerWorld();
    await world.start(world.trainer);
    await feed(world, [
      learningEvent(0, {
        encoderVersion: 'old',
        callerFeatures: null,
        sketch: Buffer.alloc(1024),
        handFeatures: Buffer.alloc(160),
      }),
      learningEvent(1, { encoderVersion: 'old' }),
    ]);
    const dropped = await world.metrics.value('quantum_router_drops_total', {
      service: 'dqn-trainer',
      reason: 'other-encoder',
    });
    expect(dropped).toBe(1);
    expect(await world.metrics.value('quantum_router_learning_events_total', { kind: 'EXPERIENCE' })).toBe(1);
  });

  test('texts hashed with the key of the installation and texts hashed without it never mix', async () => {
    const keyed = keyedEncoder('a key of the installation');
    const textEvent = (i: number): LearningEvent => {
      const encoder = i % 3 === 0 ? commonEncoder : keyed;
      const { sketch, sketchScale, handFeatures } = encoder.encode(`text number ${i}`);
      const features = { sketch: bytesOf(sketch), sketchScale, handFeatures: bytesOf(handFeatures) };
      return learningEvent(i, { ...features, encoderVersion: encoder.version, callerFeatures: null });
    };
    const world = await createTrainerWorld({ settings: { encoder: { keyed: true } }, encoder: keyed });
    await world.start(world.trainer);
    await feed(
      world,
      Array.from({ length: 90 }, (_, i) => textEvent(i)),
    );
    const dropped = { service: 'dqn-trainer', reason: 'other-encoder' };
    expect(await world.metrics.value('quantum_router_drops_total', dropped)).toBe(30);
    expect(await world.metrics.value('quantum_router_learning_events_total', { kind: 'EXPERIENCE' })).toBe(60);
    const { encoderVersion, lineage } = world.published().at(-1)!;
    expect(encoderVersion).toBe(keyed.version);
    expect(lineage).not.toBe(lineageIdOf(foldSettingsOf(defaultRouterConfig([{ name: 'a', provider: 'b' }]))));
  });

  test('a rejected policy is not published: the one before it stays', async () => {
    let spoil = false;
    const startFold: StartFold = async (settings: FoldSettings, saved: Buffer | null) => {
      const fold = await startInline(settings, saved);
      return {
        ...fold,
        async apply(batch) {
          const folded = await fold.apply(batch);
          if (!spoil) return folded;
          const outputs = folded.outputs.map((output) =>
            output.kind === 'policy' ? { ...output, rejected: 'NaN' } : output,
          );
          return { ...folded, outputs };
        },
      };
    };
    const world = await createTrainerWorld({ startFold });
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 80));
    const before = world.published().length;
    spoil = true;
    await feed(world, learningEvents(80, 160));
    expect(world.published()).toHaveLength(before);
    expect(await world.metrics.value('quantum_router_weights_rejected_total', {})).toBeGreaterThan(0);
    spoil = false;
    await feed(world, learningEvents(160, 200));
    expect(world.published().length).toBeGreaterThan(before);
    // Its basis came while policies were rejected and is there all the same.
    const { policySha256, basisSha256 } = world.published().at(-1)!;
    expect(await createWeightsSource(createBlobStore(world)).load({ policySha256, basisSha256 })).not.toBeNull();
  });

  test('a fold that fails goes back to checkpoint and log, and nothing is missing', async () => {
    let failAt = 3;
    const startFold: StartFold = async (settings, saved) => {
      const fold = await startInline(settings, saved);
      const apply = fold.apply.bind(fold);
      fold.apply = (batch) => (failAt-- === 0 ? Promise.reject(new Error('the training thread ended')) : apply(batch));
      return fold;
    };
    const world = await createTrainerWorld({ startFold });
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 100));
    await world.clock.advanceBy(5_000);
    expect(running.status().restarts).toBe(0);
    const whole = essence(await uninterrupted(100));
    expect(essence(world.published())).toEqual(whole);
  });
});
