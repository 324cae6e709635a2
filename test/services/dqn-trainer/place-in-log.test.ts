import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { learningEvents } from './records';
import { createTrainerWorld, feed, type TrainerWorld } from './trainer-world';

const kept = [
  topics.weightsBlobs,
  topics.weightsPublished,
  topics.weightsVersions,
  topics.tuning,
  topics.trainerCheckpoint,
];

/** A trainer that has learned from these events and stopped, in a world whose `learning.events` begins anew with others. */
async function withOtherLog(learned: readonly LearningEvent[], now: readonly LearningEvent[]): Promise<TrainerWorld> {
  const before = await createTrainerWorld();
  const running = await before.start(before.trainer);
  await feed(before, learned);
  await running.stop();
  const after = await createTrainerWorld();
  const producer = after.broker.producer('copy');
  for (const { name } of kept)
    await producer.send(
      before.broker.records(name).map(({ topic, partition, key, value }) => ({ topic, partition, key, value })),
    );
  await after.send(topics.learningEvents, now);
  return after;
}

const breaksOf = (world: TrainerWorld, kind: 'expired' | 'shorter' | 'other') =>
  world.metrics.value('quantum_router_learning_log_breaks_total', { kind });
const learnedOf = (world: TrainerWorld) => world.out(topics.tuning).at(-1)!.learnedRewards;
/** Events that this world's trainer has folded in; duplicates are none. */
async function foldedOf(world: TrainerWorld): Promise<number> {
  let sum = 0;
  for (const kind of new Set(learningEvents(0, 100).map((event) => event.kind)))
    sum += await world.metrics.value('quantum_router_learning_events_total', { kind });
  return sum;
}
const others = (from: number, to: number) =>
  learningEvents(from, to).map((event) => ({ ...event, eventId: `other ${event.eventId}` }));

describe('learning goes on where the log', () => {
  test.each([
    ['was made anew and is empty', 0],
    ['was made anew and is shorter than what was learned', 20],
    ['was made anew and is longer by now', 150],
  ])('%s', async (_name, alreadyThere) => {
    const world = await withOtherLog(learningEvents(0, 100), others(0, alreadyThere));
    const published = world.published().length;
    const learnedBefore = learnedOf(world);
    const running = await world.start(world.trainer);
    await feed(world, others(alreadyThere, alreadyThere + 60));
    expect(await foldedOf(world)).toBe(alreadyThere + 60);
    expect(learnedOf(world)).toBeGreaterThan(learnedBefore + 20);
    expect(world.published().length).toBeGreaterThan(published);
    expect(await breaksOf(world, 'other')).toBe(1);
    expect(await world.metrics.value('quantum_router_learning_lag_events', {})).toBe(0);
    // The next start finds the log as it was left, and goes on.
    await running.stop();
    await world.start(world.trainer);
    await feed(world, others(300, 320));
    expect(await foldedOf(world)).toBe(alreadyThere + 80);
    expect(await breaksOf(world, 'other')).toBe(1);
    expect(world.fatal).toEqual([]);
  });

  test('has lost its end: nothing is learned twice', async () => {
    const learned = learningEvents(0, 100);
    const world = await withOtherLog(learned, learned.slice(0, 30));
    await world.start(world.trainer);
    await feed(world, learningEvents(100, 160));
    expect(await foldedOf(world)).toBe(60);
    expect(await breaksOf(world, 'shorter')).toBe(1);
    expect(world.fatal).toEqual([]);
  });

  test('was made anew and the checkpoint is lost: what a short log teaches is put on trial', async () => {
    const world = await withOtherLog(learningEvents(0, 100), []);
    const pointer = world.out(topics.trainerCheckpoint).at(-1)!;
    await world.send(topics.trainerCheckpoint, [{ ...pointer, sha256: 'gone', sequence: pointer.sequence + 1 }]);
    await world.start(world.trainer);
    await feed(world, others(0, 80));
    expect(await breaksOf(world, 'other')).toBe(1);
    expect((await world.versions()).map(({ state }) => state)).toContain('CANDIDATE');
    expect(world.fatal).toEqual([]);
  });

  test('is made anew while the trainer runs', async () => {
    const world = await createTrainerWorld();
    const inputs = world.trainer.inputs.map((input) =>
      input.kind === 'process' && input.topic.name === topics.learningEvents.name
        ? {
            ...input,
            process: (...[batch, context, write]: Parameters<typeof input.process>) =>
              input.process(
                batch.map((one) => ({ ...one, offset: one.offset >= 60 ? one.offset - 60 : one.offset })),
                context,
                write,
              ),
          }
        : input,
    );
    await world.start({ ...world.trainer, inputs });
    await feed(world, learningEvents(0, 120));
    expect(await foldedOf(world)).toBe(120);
    expect(learnedOf(world)).toBeGreaterThan(80);
    expect(await breaksOf(world, 'other')).toBe(1);
    expect(world.fatal).toEqual([]);
  });
});

test('a trainer whose partition went elsewhere shows no lag, however many events come', async () => {
  const world = await createTrainerWorld();
  await world.start(world.trainer);
  await feed(world, learningEvents(0, 30));
  // Another member takes the partition; this process goes on and is asked for its figures.
  await world.broker.join({
    group: 'dqn-trainer',
    topics: world.trainer.inputs.flatMap((input) => (input.kind === 'process' ? [input.topic.name] : [])),
    startAt: 'earliest',
    onAssigned: () => {},
    onFailed: () => {},
  });
  await world.crash('dqn-trainer');
  const behind = { alarm: 'behind' };
  await world.send(topics.learningEvents, learningEvents(30, 90));
  await world.clock.advanceBy(60_000);
  await world.metrics.value('quantum_router_learning_lag_events', {});
  await world.clock.advanceBy(60_000);
  expect(await world.metrics.value('quantum_router_learning_lag_events', {})).toBe(0);
  expect(await world.metrics.value('quantum_router_learning_alarm', behind)).toBe(0);
});
