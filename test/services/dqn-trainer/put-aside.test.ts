import type { LearningEvent, WeightsPublished } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold';
import { startFoldInWorker } from '../../../services/dqn-trainer/fold-in-worker';
import { learningEvent, learningEvents } from './records';
import { createTrainerWorld, feed, startInline, type TrainerWorld } from './trainer-world';

/** What is learned, without what depends on when and how often it was written. */
const essence = (published: readonly WeightsPublished[]) =>
  published.map(({ sequence: _sequence, publishedAtMs: _at, ...rest }) => rest);
const invalid = { service: 'dqn-trainer', reason: 'invalid-event' };

/** A fold with a bug: at these events it has changed half of its state, by the event of another, and throws. */
function failingAt(offsets: readonly number[], met: number[] = []): StartFold {
  return async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        const at = batch.findIndex(({ offset }) => offsets.includes(offset));
        if (at < 0) return fold.apply(batch);
        met.push(batch[at]!.offset);
        await fold.apply([...batch.slice(0, at), { ...batch[at]!, event: learningEvent(9_000) }]);
        throw new TypeError('a bug');
      },
    };
  };
}

/** What comes of the same log where somebody has replaced these events by ones that are passed over. */
async function withoutThem(total: number, left: readonly number[]): Promise<WeightsPublished[]> {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  const events = learningEvents(0, total).map(
    (event, i): LearningEvent =>
      left.includes(i) ? { ...event, encoderVersion: 'other', callerFeatures: null } : event,
  );
  await feed(world, events);
  await running.stop();
  return world.published();
}

describe('an event that makes the fold fail', () => {
  test('is put aside by its offset, and the others are learned as if it had never come', async () => {
    const met: number[] = [];
    const world = await createTrainerWorld({ startFold: failingAt([57], met) });
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 90));
    expect(world.fatal).toEqual([]);
    expect(await world.metrics.value('quantum_router_restarts_total', { service: 'dqn-trainer' })).toBe(0);
    expect(essence(world.published())).toEqual(essence(await withoutThem(90, [57])));
    expect(await world.metrics.value('quantum_router_learning_skipped_total', {})).toBe(1);
    expect(world.out(topics.trainerCheckpoint).at(-1)!.skippedOffsets).toEqual([57]);
    // With the others of its batch, and once more alone.
    expect(met).toEqual([57, 57]);
  });

  test('is not met again after a restart, nor where the checkpoint is lost', async () => {
    const met: number[] = [];
    const world = await createTrainerWorld({ startFold: failingAt([33, 57, 58], met) });
    let running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 70));
    await world.crash('dqn-trainer');
    await feed(world, learningEvents(70, 80));
    await running.stop();
    const last = world.out(topics.trainerCheckpoint).at(-1)!;
    await world.send(topics.trainerCheckpoint, [{ ...last, sha256: 'gone', sequence: last.sequence + 1 }]);
    const before = met.length;
    running = await world.start(world.trainer);
    await feed(world, learningEvents(80, 90));
    await running.stop();
    expect(met.length).toBe(before);
    expect(world.fatal).toEqual([]);
    expect(world.out(topics.trainerCheckpoint).at(-1)!.skippedOffsets).toEqual([33, 57, 58]);
    expect(essence(world.published()).at(-1)).toEqual(essence(await withoutThem(90, [33, 57, 58])).at(-1));
  });

  test('what the runtime puts aside is skipped by every fold of the log, too', async () => {
    const world = await createTrainerWorld();
    // A bug beside the fold: the trainer throws at this event, whatever comes with it.
    const inputs = world.trainer.inputs.map((input) =>
      input.kind === 'process' && input.topic.name === topics.learningEvents.name
        ? {
            ...input,
            async process(...[batch, context]: Parameters<typeof input.process>) {
              if (batch.some(({ offset }) => offset === 57)) throw new TypeError('a bug');
              return input.process(batch, context);
            },
          }
        : input,
    );
    const running = await world.start({ ...world.trainer, inputs });
    await feed(world, learningEvents(0, 60));
    await world.clock.advanceBy(60_000);
    await feed(world, learningEvents(60, 90));
    await running.stop();
    expect(world.fatal).toEqual([]);
    const last = world.out(topics.trainerCheckpoint).at(-1)!;
    expect(last.skippedOffsets).toEqual([57]);
    // The checkpoint is lost, and nothing has a bug any more: the log is folded again, and comes to the same.
    await world.send(topics.trainerCheckpoint, [{ ...last, sha256: 'gone', sequence: last.sequence + 1 }]);
    const wanted = essence(await withoutThem(90, [57])).at(-1);
    expect(essence(world.published()).at(-1)).toEqual(wanted);
    const again = await world.start(world.trainer);
    await world.clock.advanceBy(2_000);
    await feed(world, learningEvents(90, 130));
    await again.stop();
    expect(essence(world.published()).at(-1)).toEqual(essence(await withoutThem(130, [57])).at(-1));
  });

  test('a fold that fails once, whatever the event, costs nothing', async () => {
    let failures = 1;
    const startFold: StartFold = async (settings, saved) => {
      const fold = await startInline(settings, saved);
      return {
        ...fold,
        async apply(batch) {
          if (failures > 0 && batch.some(({ offset }) => offset === 45)) {
            failures--;
            throw new Error('the training thread ended with code 1');
          }
          return fold.apply(batch);
        },
      };
    };
    const world = await createTrainerWorld({ startFold });
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 90));
    expect(essence(world.published())).toEqual(essence(await withoutThem(90, [])));
    expect(await world.metrics.value('quantum_router_learning_skipped_total', {})).toBe(0);
  });

  test('a training thread that dies is made anew, and nothing is missing', async () => {
    let deaths = 0;
    const startFold: StartFold = async (settings, saved) => {
      const fold = await startFoldInWorker(settings, saved);
      return {
        ...fold,
        async apply(batch) {
          // As after a crash of the thread: what waits for it fails.
          if (deaths === 0 && batch.at(-1)!.offset >= 45) {
            deaths++;
            await fold.close();
          }
          return fold.apply(batch);
        },
      };
    };
    const world = await createTrainerWorld({ startFold, checkpointEveryEvents: 1_000 });
    const turns = async (until: () => boolean): Promise<void> => {
      while (!until() && world.fatal.length === 0) await world.clock.settle();
    };
    const starting = world.start(world.trainer);
    let isStarted = false;
    starting.then(() => {
      isStarted = true;
    });
    await turns(() => isStarted);
    await world.send(topics.learningEvents, learningEvents(0, 70));
    const wanted = essence(await withoutThem(70, []));
    await turns(() => world.published().length >= wanted.length);
    expect(essence(world.published())).toEqual(wanted);
    expect(deaths).toBe(1);
    expect(await world.metrics.value('quantum_router_learning_skipped_total', {})).toBe(0);
    let isStopped = false;
    (await starting).stop().then(() => {
      isStopped = true;
    });
    await turns(() => isStopped);
    expect(world.fatal).toEqual([]);
  });

  test('many in a row are put aside, too, as long as the fold takes what it has taken before', async () => {
    const poisoned = Array.from({ length: 20 }, (_, i) => i + 50);
    const world = await createTrainerWorld({ startFold: failingAt(poisoned) });
    await world.start(world.trainer);
    await feed(world, learningEvents(0, 90));
    expect(world.fatal).toEqual([]);
    expect(world.out(topics.trainerCheckpoint).at(-1)!.skippedOffsets).toEqual(poisoned);
  });

  test('a fold that fails at everything ends the service instead of throwing the log away', async () => {
    const all = Array.from({ length: 200 }, (_, i) => i + 20);
    const world = await createTrainerWorld({ startFold: failingAt(all) });
    await world.start(world.trainer).catch(() => null);
    await feed(world, learningEvents(0, 60)).catch(() => null);
    await world.clock.advanceBy(600_000);
    expect(world.fatal.length).toBeGreaterThan(0);
    expect(world.out(topics.trainerCheckpoint).flatMap(({ skippedOffsets }) => skippedOffsets)).toEqual([]);
  });
});

test('an event that makes no sense is passed over and counted, and so it is at every fold', async () => {
  const wrong: Partial<LearningEvent>[] = [
    { propensities: [0.5] },
    { priceFactors: [0, 1] },
    { model: '__proto__' },
    { callerFeatures: Buffer.from(Float32Array.of(1, Number.NaN, 0, 0).buffer) },
    { costUsd: -1 },
  ];
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  const events = learningEvents(0, 90).map((event, i) => (i >= 50 && i < 55 ? { ...event, ...wrong[i - 50]! } : event));
  await feed(world, events.slice(0, 70));
  await running.stop();
  await world.start(world.trainer);
  await feed(world, events.slice(70));
  expect(await world.metrics.value('quantum_router_drops_total', invalid)).toBe(5);
  expect(essence(world.published())).toEqual(essence(await withoutThem(90, [50, 51, 52, 53, 54])));
});

test('outcomes of sources and models with names that every object inherits are learned', async () => {
  const world: TrainerWorld = await createTrainerWorld();
  const sources = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  const names = ['__proto__', 'constructor'];
  await world.start(world.trainer);
  await feed(
    world,
    learningEvents(0, 100).map((event, i) => ({
      ...event,
      source: sources[i % 4]!,
      models: names,
      model: event.model === 'alpha' ? names[0]! : names[1]!,
    })),
  );
  expect(world.fatal).toEqual([]);
  expect(world.published().at(-1)!.models).toEqual(names);
  expect(world.published().length).toBeGreaterThan(2);
});

test('garbage beside the checkpoint, or among the events, does not keep the trainer from starting again', async () => {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, 50));
  const producer = world.broker.producer('foreign');
  for (const topic of [topics.trainerCheckpoint, topics.weightsVersions, topics.tuning, topics.learningEvents])
    await producer.send([{ topic: topic.name, partition: 0, key: 'current', value: Buffer.from('no record') }]);
  await world.clock.advanceBy(200);
  await running.stop();
  await world.start(world.trainer);
  await feed(world, learningEvents(50, 100));
  expect(world.fatal).toEqual([]);
  expect(world.published().at(-1)!.learnedRewards).toBeGreaterThan(60);
});

test('a command that fails every time is refused in the end', async () => {
  const world = await createTrainerWorld();
  await world.start(world.trainer);
  await feed(world, learningEvents(0, 100));
  world.blobs.load = async () => {
    throw new TypeError('a bug');
  };
  const answer = world.command('ROLLBACK', { policySha256: world.published()[0]!.policySha256 });
  await world.clock.advanceBy(60_000);
  await answer;
  expect(world.out(topics.weightsAnswers)).toMatchObject([{ status: 'REFUSED' }]);
  expect(world.fatal).toEqual([]);
});
