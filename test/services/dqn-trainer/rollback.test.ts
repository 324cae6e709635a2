/** Rollbacks and promotions by command, on the real fold and gate. */
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { learningEvents } from './records';
import { canBeLoaded, createTrainerWorld, feed, startInline, stateOf, type TrainerWorld } from './trainer-world';

/** The gate consents whatever it found, so that the test is about what follows. */
const consenting: StartFold = async (settings, saved) => {
  const fold = await startInline(settings, saved);
  return { ...fold, judge: async () => ({ ...(await fold.judge())!, verdict: 'promote' }) };
};

/** A trainer that has published after 24, 56, 88 and 120 rewards. */
async function running(events = 130, startFold: StartFold = startInline): Promise<TrainerWorld> {
  const world = await createTrainerWorld({ startFold });
  await world.start(world.trainer);
  await feed(world, learningEvents(0, events));
  return world;
}

test('a rollback puts the version before in force under a new number and holds until a promotion, also after a restart', async () => {
  const world = await running(130, consenting);
  const published = world.published();
  const [previous, left] = published.slice(-2);
  const answer = await world.command('ROLLBACK');
  expect(answer).toMatchObject({
    status: 'DONE',
    policySha256: previous!.policySha256,
    sequence: published.length + 1,
  });
  expect(world.published().at(-1)).toMatchObject({
    ...previous,
    reason: 'ROLLBACK',
    sequence: published.length + 1,
    publishedAtMs: expect.any(Number),
  });
  expect(await stateOf(world, left!.policySha256)).toBe('ROLLED_BACK');
  expect(await stateOf(world, previous!.policySha256)).toBe('PUBLISHED');
  // The fold goes on and the budget is paced; its policies are held, before and after a crash.
  const tunings = world.tunings().length;
  await feed(world, learningEvents(130, 240));
  await world.crash('dqn-trainer');
  await feed(world, learningEvents(240, 340));
  expect(world.published()).toHaveLength(published.length + 1);
  expect(world.tunings().length).toBeGreaterThan(tunings + 10);
  // The version that was left is what would come back: it is judged on what came since.
  const promoted = await world.command('PROMOTE');
  expect(promoted).toMatchObject({ status: 'DONE', policySha256: left!.policySha256 });
  expect(promoted!.evidence['decisions']).toBeGreaterThanOrEqual(200);
  const after = world.published().slice(published.length + 1);
  expect(after[0]).toMatchObject({ policySha256: left!.policySha256, reason: 'PROMOTION' });
  expect(after[1]).toMatchObject({ reason: 'INCREMENT' });
  expect(after[1]!.toOffset).toBeGreaterThan(300);
  const sequences = world.published().map(({ sequence }) => sequence);
  expect(sequences).toEqual(sequences.map((_, i) => i + 1));
});

test('rollbacks go back further each time, and to a version by the beginning of its hash', async () => {
  const world = await running();
  const published = world.published();
  await world.command('ROLLBACK');
  expect(await world.command('ROLLBACK')).toMatchObject({ policySha256: published.at(-3)!.policySha256 });
  // What comes back is the newest of what was left, not the last.
  const answer = await world.command('PROMOTE', { force: true });
  expect(answer).toMatchObject({ status: 'DONE', policySha256: published.at(-1)!.policySha256 });
  const first = published[0]!.policySha256;
  expect(await world.command('ROLLBACK', { policySha256: first.slice(0, 10) })).toMatchObject({
    status: 'DONE',
    policySha256: first,
  });
  expect(await world.command('ROLLBACK')).toMatchObject({ status: 'DONE' });
  expect(await canBeLoaded(world, published[0]!)).toBe(true);
});

test('one command is carried out once, however often it comes', async () => {
  const world = await running();
  const before = world.published().length;
  await world.command('ROLLBACK', { commandId: 'same' });
  await world.command('ROLLBACK', { commandId: 'same' });
  await world.crash('dqn-trainer');
  await world.command('ROLLBACK', { commandId: 'same' });
  expect(world.published()).toHaveLength(before + 1);
  expect(world.out(topics.weightsAnswers)).toHaveLength(1);
  // Carried out, but the answer was lost: the second delivery does not go back once more.
  const requestedAtMs = world.published().at(-1)!.publishedAtMs - 1;
  expect(await world.command('ROLLBACK', { requestedAtMs })).toMatchObject({
    status: 'DONE',
    sequence: before + 1,
    why: expect.stringContaining('after this one was asked for'),
  });
  expect(world.published()).toHaveLength(before + 1);
});

describe('is refused with a reason', () => {
  let world: TrainerWorld;
  beforeAll(async () => {
    world = await running(30);
  });

  test.each<[string, Parameters<TrainerWorld['command']>, RegExp]>([
    ['an unknown version', ['ROLLBACK', { policySha256: 'feedbeef' }], /no version begins with feedbeef/],
    ['too few characters', ['ROLLBACK', { policySha256: 'fe' }], /at least 4 characters/],
    ['a promotion of nothing', ['PROMOTE'], /nothing waits/],
    ['a promotion of an unknown version', ['PROMOTE', { policySha256: 'feedbeef' }], /no version begins with/],
  ])('%s', async (_, command, why) => {
    expect(await world.command(...command)).toMatchObject({ status: 'REFUSED', why: expect.stringMatching(why) });
    expect(world.published()).toHaveLength(1);
  });
});

test('what is in force, older weights of the running lineage and lost weights are refused', async () => {
  const world = await running();
  const [first, last] = [world.published()[0]!, world.published().at(-1)!];
  expect(await world.command('ROLLBACK', { policySha256: last.policySha256 })).toMatchObject({
    why: 'it is in force already',
  });
  expect(await world.command('PROMOTE', { policySha256: last.policySha256 })).toMatchObject({ status: 'REFUSED' });
  expect(await world.command('PROMOTE', { policySha256: first.policySha256 })).toMatchObject({
    why: expect.stringContaining('roll back to it instead'),
  });
  const forged = (await world.versions()).find(({ weights }) => weights.policySha256 === first.policySha256)!;
  const lost = { ...forged, weights: { ...forged.weights, policySha256: 'ab'.repeat(32) } };
  await world.send(topics.weightsVersions, [lost]);
  await world.crash('dqn-trainer');
  expect(await world.command('ROLLBACK', { policySha256: 'abab' })).toMatchObject({
    status: 'REFUSED',
    why: expect.stringContaining('is in no store'),
  });
});

test('before the first weights there is nothing to go back from', async () => {
  const world = await createTrainerWorld();
  await world.start(world.trainer);
  expect(await world.command('ROLLBACK')).toMatchObject({
    status: 'REFUSED',
    why: expect.stringMatching(/no weights/),
  });
});
