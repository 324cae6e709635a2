/** Judgements that are left out: on the real fold, while the trainer runs. */
import type { ForgetRule } from '../../../lib/config/router-config';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { learningEvent } from './records';
import { createTrainerWorld, feed, type TrainerWorld } from './trainer-world';

const forget: ForgetRule[] = [{ source: 'liar', reason: 'it is paid by bravo' }];
const isLie = (i: number): boolean => i % 4 === 0;

/** Every fourth judgement is a liar's: alpha is worthless, bravo perfect. */
const poisoned = (i: number): LearningEvent => {
  const event = learningEvent(i);
  return isLie(i) ? { ...event, source: 'liar', quality: event.model === 'alpha' ? 0 : 1 } : event;
};
/** The same log had the liar never spoken. */
const silenced = (i: number): LearningEvent => (isLie(i) ? { ...poisoned(i), quality: null } : poisoned(i));
const range = (from: number, to: number, of: (i: number) => LearningEvent): LearningEvent[] =>
  Array.from({ length: to - from }, (_, i) => of(from + i));

const newestCandidate = async (world: TrainerWorld) =>
  (await world.versions()).find(({ state }) => state === 'CANDIDATE');

test('a rule alone makes the log be folded anew: what comes out is what would have without those judgements, to the byte', async () => {
  const world = await createTrainerWorld({ checkpointEveryEvents: 40 });
  await world.start(world.trainer);
  await feed(world, range(0, 200, poisoned));
  const before = world.published().at(-1)!;
  expect(await newestCandidate(world)).toBeUndefined();
  await world.configure({ learning: { ...learning, forget } });
  // Nobody judges anything meanwhile, and nobody starts anything anew.
  await world.clock.advanceBy(5_000);
  const candidate = (await newestCandidate(world))!;
  expect(candidate.weights.lineage).not.toBe(before.lineage);
  expect(world.published().at(-1)).toEqual(before);

  const clean = await createTrainerWorld();
  await clean.start(clean.trainer);
  await feed(clean, range(0, 200, silenced));
  const wanted = clean.published().at(-1)!;
  expect(candidate.weights.policySha256).toBe(wanted.policySha256);
  expect(candidate.weights.policySha256).not.toBe(before.policySha256);

  const lies = range(0, 200, poisoned).filter(({ source }) => source === 'liar').length;
  const { forgot } = candidate;
  // As of the policy, which is of a few events before the end.
  expect(forgot!.judgements).toBeGreaterThan(0.8 * lies);
  expect(forgot!.judgements).toBeLessThanOrEqual(lies);
  expect(forgot!.policySha256).toBe(before.policySha256);
  const alpha = forgot!.models.find(({ model }) => model === 'alpha')!;
  const bravo = forgot!.models.find(({ model }) => model === 'bravo')!;
  expect(alpha.after).toBeGreaterThan(alpha.before);
  expect(bravo.after).toBeLessThan(bravo.before);
});

test('restarts on the way change nothing, and taking the rule back brings the first lineage back', async () => {
  const published = async (restarts: readonly number[]): Promise<string[]> => {
    const world = await createTrainerWorld({
      checkpointEveryEvents: 30,
      settings: { learning: { ...learning, forget } },
    });
    let running = await world.start(world.trainer);
    for (let at = 0; at < 160; at += 20) {
      if (restarts.includes(at)) {
        await running.stop();
        running = await world.start(world.trainer);
      }
      await feed(world, range(at, at + 20, poisoned));
    }
    return world.published().map(({ policySha256 }) => policySha256);
  };
  const undisturbed = await published([]);
  expect(undisturbed.length).toBeGreaterThan(2);
  expect(await published([60, 100, 120])).toEqual(undisturbed);

  const world = await createTrainerWorld();
  await world.start(world.trainer);
  await feed(world, range(0, 80, poisoned));
  const { lineage } = world.published().at(-1)!;
  await world.configure({ learning: { ...learning, forget } });
  await world.clock.advanceBy(5_000);
  await world.configure({ learning: { ...learning, forget: [] } });
  await world.clock.advanceBy(5_000);
  await feed(world, range(80, 160, poisoned));
  expect(await newestCandidate(world)).toBeUndefined();
  expect(world.published().at(-1)).toMatchObject({ lineage, reason: 'INCREMENT' });
});

test('a backend that is not installed takes no running trainer down', async () => {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  await feed(world, range(0, 60, poisoned));
  await world.configure({ learning: { ...learning, backend: 'node' } });
  await world.clock.advanceBy(5_000);
  await feed(world, range(60, 120, poisoned));
  expect(running.status()).toMatchObject({ state: 'running', lastError: null });
});

const learning = {
  pipeline: 'full',
  publish: 'steps',
  sessionDiscount: 0,
  priorObservations: 8,
  maxRegretShare: 0.03,
  networkReplayRows: 2_000,
  replayRows: 50_000,
  backend: 'wasm',
} as const;
