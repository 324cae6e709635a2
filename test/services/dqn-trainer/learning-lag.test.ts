import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { createLearningLag } from '../../../services/dqn-trainer/learning-lag';
import { createWorld } from '../one-service';
import { learningEvents } from './records';
import { createTrainerWorld, feed, startInline } from './trainer-world';

const behind = { alarm: 'behind' };

async function lagWorld(lagAlarmMs: number) {
  const world = await createWorld();
  const told: boolean[] = [];
  const lag = createLearningLag({ ...world, lagAlarmMs, onChange: (isBehind) => told.push(isBehind) });
  const figures = async () => ({
    events: await world.metrics.value('quantum_router_learning_lag_events', {}),
    seconds: await world.metrics.value('quantum_router_learning_lag_seconds', {}),
    alarm: await world.metrics.value('quantum_router_learning_alarm', behind),
  });
  return { ...world, lag, told, figures };
}

test('what is not folded in is counted, in events and as the age of the oldest', async () => {
  const { clock, send, lag, told, figures } = await lagWorld(10_000);
  const writtenMs = clock.nowMs();
  await send(topics.learningEvents, learningEvents(0, 50));
  await clock.advanceBy(4_000);
  await lag.show({ position: 20, sinceMs: writtenMs });
  expect(await figures()).toEqual({ events: 30, seconds: 4, alarm: 0 });
  await clock.advanceBy(2_000);
  await lag.show({ position: 50, sinceMs: writtenMs });
  expect(await figures()).toEqual({ events: 0, seconds: 0, alarm: 0 });
  expect(told).toEqual([]);
});

test('the figures go on while a batch is folded, and the alarm rings once and ends once', async () => {
  const { clock, send, lag, told, figures } = await lagWorld(10_000);
  const writtenMs = clock.nowMs();
  await send(topics.learningEvents, learningEvents(0, 50));
  let finish = (): void => {};
  const work = lag.during(
    { position: 0, sinceMs: writtenMs },
    () => new Promise<void>((resolve) => (finish = resolve)),
  );
  await clock.advanceBy(9_000);
  expect(await figures()).toEqual({ events: 50, seconds: 9, alarm: 0 });
  await send(topics.learningEvents, learningEvents(50, 60));
  await clock.advanceBy(88_000);
  expect(await figures()).toEqual({ events: 60, seconds: 97, alarm: 1 });
  finish();
  await clock.settle();
  await work;
  expect(clock.nextTimerAt()).toBeNull();
  // Not before half of the bound is left: it must not ring at every other batch.
  await lag.show({ position: 55, sinceMs: clock.nowMs() - 7_000 });
  expect(told).toEqual([true]);
  await lag.show({ position: 55, sinceMs: clock.nowMs() - 5_000 });
  expect(told).toEqual([true, false]);
  expect((await figures()).alarm).toBe(0);
});

test('what comes while nobody folds is seen whenever somebody looks', async () => {
  const { clock, send, lag, metrics, figures } = await lagWorld(10_000);
  await lag.show({ position: 0, sinceMs: clock.nowMs() });
  await clock.advanceBy(3_600_000);
  await send(topics.learningEvents, learningEvents(0, 5));
  const scrape = async (): Promise<void> => {
    await metrics.text();
    await clock.settle();
  };
  await scrape();
  await clock.advanceBy(2_000);
  await scrape();
  await clock.advanceBy(30_000);
  await scrape();
  // Since it was noticed, not since the last event an hour before.
  expect(await figures()).toEqual({ events: 5, seconds: 32, alarm: 1 });
});

test('nothing is said to have converged while the fold is behind', async () => {
  // The figures of policies that stand still, whatever the toy world makes of them.
  const startFold: StartFold = async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        const folded = await fold.apply(batch);
        const outputs = folded.outputs.map((output) =>
          output.kind === 'policy'
            ? { ...output, published: { ...output.published, metrics: { ...output.published.metrics, converged: 1 } } }
            : output,
        );
        return { ...folded, outputs };
      },
    };
  };
  const world = await createTrainerWorld({ startFold });
  const running = await world.start(world.trainer);
  const converged = async () => [
    await world.metrics.value('quantum_router_learning_converged', {}),
    await world.metrics.value('quantum_router_learning_figure', { figure: 'converged' }),
  ];
  await feed(world, learningEvents(0, 100));
  expect(await converged()).toEqual([1, 1]);
  await running.stop();
  // Written while the trainer is away, and old when it comes back.
  await world.send(topics.learningEvents, learningEvents(100, 400));
  await world.clock.advanceBy(97_000);
  const seen: number[] = [];
  const counting = world.metrics.set.bind(world.metrics);
  world.metrics.set = (name, labels, value) => {
    counting(name, labels, value);
    if (name === 'quantum_router_learning_converged') seen.push(value);
  };
  await world.start(world.trainer);
  await world.clock.advanceBy(1_000);
  expect(seen[0]).toBe(0);
  expect(await converged()).toEqual([1, 1]);
  expect(await world.metrics.value('quantum_router_learning_lag_events', {})).toBe(0);
});

test('what is due is written while there is more of its batch to fold', async () => {
  // A thread that takes its time: each portion ends when it is told to.
  const waiting: (() => void)[] = [];
  const startFold: StartFold = async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return fold.apply(batch);
      },
    };
  };
  const world = await createTrainerWorld({ startFold });
  await world.send(topics.learningEvents, learningEvents(0, 200));
  await world.start(world.trainer);
  await world.clock.advanceBy(1_000);
  // All have been asked: the thread need not wait for what is written meanwhile.
  expect(waiting.length).toBe(Math.ceil(200 / 32));
  const published: number[] = [];
  for (const end of waiting) {
    published.push(world.published().length);
    end();
    await world.clock.advanceBy(1_000);
  }
  expect(published[0]).toBe(0);
  expect(published.at(-1)).toBeGreaterThan(1);
  expect(new Set(published).size).toBeGreaterThan(3);
  expect(world.published().at(-1)!.toOffset).toBeGreaterThan(160);
});

test('a fold that fails in the middle of a batch loses nothing of it', async () => {
  const startFold: StartFold = async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        if (batch.some(({ offset }) => offset === 70)) throw new Error('no such event');
        return fold.apply(batch);
      },
    };
  };
  const world = await createTrainerWorld({ startFold });
  await world.send(topics.learningEvents, learningEvents(0, 200));
  await world.start(world.trainer);
  await world.clock.advanceBy(1_000);
  const plain = await createTrainerWorld();
  await plain.send(
    topics.learningEvents,
    learningEvents(0, 200).filter((_, i) => i !== 70),
  );
  await plain.start(plain.trainer);
  await plain.clock.advanceBy(1_000);
  expect(world.out(topics.trainerCheckpoint).at(-1)!.skippedOffsets).toEqual([70]);
  expect(world.out(topics.tuning).at(-1)!.learnedRewards).toBe(plain.out(topics.tuning).at(-1)!.learnedRewards);
});
