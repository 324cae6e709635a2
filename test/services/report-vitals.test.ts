/** What a process says of itself: lag only of what is read, readiness, dead letters; and that it never ends anything. */
import type { Broker } from '../../lib/ports/broker';
import type { ServiceStatus } from '../../lib/stream/run-service';
import { topics } from '../../lib/topics/topics';
import { reportVitals } from '../../services/report-vitals';
import { createWorld, type World } from './one-service';

const statusOf = (group: string, ready: boolean): ServiceStatus => ({
  ...{ group, ready, state: 'running', partitions: [0], rows: 0, restarts: 0, lastError: null },
});
const newest = (world: World) => world.out(topics.engineVitals).at(-1)!;

test('the delay of an input counts while something is read from it, and a service that is not ready is behind', async () => {
  const world = await createWorld();
  const { clock, metrics } = world;
  let isReady = true;
  const status = () => [statusOf('budgets', isReady), statusOf('analytics', true)];
  const vitals = reportVitals({ ...world.host, process: 'engine', status });
  const input = { service: 'budgets', topic: 'budget.events' };
  metrics.count('quantum_router_records_in_total', input, 3);
  metrics.set('quantum_router_input_delay_seconds', input, 7);
  metrics.count('quantum_router_dead_letters_total', input, 2);
  metrics.count('quantum_router_dead_letters_total', { service: 'budgets', topic: 'another' }, 1);
  metrics.set('quantum_router_learning_lag_seconds', {}, 4);
  metrics.set('quantum_router_weights_held', {}, 1);
  await clock.settle();
  expect(newest(world)).toMatchObject({
    process: 'engine',
    atMs: clock.nowMs(),
    services: [
      { service: 'budgets', lagMs: 7_000, deadLetters: 3 },
      { service: 'analytics', lagMs: 0, deadLetters: 0 },
    ],
    learningLagMs: 4_000,
    weightsHeld: true,
    disk: null,
  });
  // The gauge stays where it was, and nothing comes any more.
  await clock.advanceBy(15_000);
  expect(newest(world).services[0]).toMatchObject({ lagMs: 0 });
  isReady = false;
  await clock.advanceBy(30_000);
  expect(newest(world).services[0]).toMatchObject({ lagMs: 30_000 });
  const stopped = vitals.stop();
  await clock.settle();
  await stopped;
  expect(newest(world)).toMatchObject({ services: [], weightsHeld: false });
  expect(clock.nextTimerAt()).toBeNull();
});

test('a log that takes nothing is tried again, and a disk that cannot be asked is left out', async () => {
  const world = await createWorld();
  const { clock, metrics } = world;
  let fails = true;
  const broker: Broker = {
    ...world.broker,
    producer(name) {
      const producer = world.broker.producer(name);
      return { ...producer, send: (records) => (fails ? Promise.reject(new Error('no')) : producer.send(records)) };
    },
  };
  let isGone = true;
  const disk = () => {
    if (isGone) throw new Error('no such directory');
    return { freeBytes: 5, usedBytes: 1 };
  };
  const vitals = reportVitals({ ...world.host, broker, process: 'engine', status: () => [], disk });
  await clock.advanceBy(30_000);
  expect(await metrics.value('quantum_router_vitals_failures_total', {})).toBe(3);
  fails = false;
  await clock.advanceBy(15_000);
  expect(newest(world).disk).toBeNull();
  isGone = false;
  await clock.advanceBy(15_000);
  expect(newest(world).disk).toMatchObject({ freeBytes: 5, usedBytes: 1 });
  const stopped = vitals.stop();
  await clock.settle();
  await stopped;
});
