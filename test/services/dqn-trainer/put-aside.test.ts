import { systemClock } from '../../../lib/adapters/system';
import { sleep } from '../../../lib/ports/clock';
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { startFoldInWorker } from '../../../services/dqn-trainer/fold/fold-in-worker';
import { learningEvent, learningEvents } from './records';
import { createTrainerWorld, essence, feed, startInline, withoutThem } from './trainer-world';

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
            async process(...[batch, ...rest]: Parameters<typeof input.process>) {
              if (batch.some(({ offset }) => offset === 57)) throw new TypeError('a bug');
              return input.process(batch, ...rest);
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
      while (!until() && world.fatal.length === 0) {
        await world.clock.settle();
        // The thread has the processor meanwhile.
        await sleep(systemClock(), 2);
      }
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
