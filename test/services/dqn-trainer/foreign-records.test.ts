/** What outsiders can put into the trainer's topics: it is passed over, and nothing else is learned otherwise. */
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { learningEvents } from './records';
import { createTrainerWorld, essence, feed, type TrainerWorld, withoutThem } from './trainer-world';

const invalid = { service: 'dqn-trainer', reason: 'invalid-event' };

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
