/** What becomes of a candidate that the gate does not let in, on the real fold. */
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import type { TrialVerdict } from '../../../services/dqn-trainer/trial';
import { learningEvent, learningEvents } from './records';
import { createTrainerWorld, feed, startInline, stateOf, underAnotherSeed } from './trainer-world';

/** A verdict instead of the gate's; null leaves it to the gate. */
function withVerdicts(next: () => Partial<TrialVerdict> | null): StartFold {
  const base: TrialVerdict = {
    verdict: 'keep',
    reason: 'made up',
    isWorse: false,
    isLast: false,
    figures: { low: -1 },
  };
  return async (settings, saved) => {
    const fold = await startInline(settings, saved);
    return {
      ...fold,
      async apply(batch) {
        const tried = await fold.apply(batch);
        const verdict = next();
        return verdict ? { ...tried, verdict: { ...base, ...verdict } } : tried;
      },
    };
  };
}

test('a candidate that is surely worse is refused, stays refused after a restart, and waits for somebody', async () => {
  let verdict: Partial<TrialVerdict> | null = null;
  const world = await underAnotherSeed({ startFold: withVerdicts(() => verdict) });
  let running = await world.start(world.trainer);
  await feed(world, learningEvents(100, 120));
  const before = world.published().length;
  const [candidate] = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
  verdict = { verdict: 'keep', isWorse: true };
  await feed(world, learningEvents(120, 130));
  expect(await stateOf(world, candidate!.weights.policySha256)).toBe('REJECTED');
  // Nobody decides by itself any more, whatever the gate says.
  verdict = { verdict: 'promote' };
  await feed(world, learningEvents(130, 200));
  await running.stop();
  running = await world.start(world.trainer);
  await feed(world, learningEvents(200, 260));
  expect(world.published()).toHaveLength(before);
  // What it has learned since waits in its place.
  const waiting = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
  expect(waiting).toHaveLength(1);
  expect(await world.command('PROMOTE', { force: true })).toMatchObject({
    status: 'DONE',
    policySha256: waiting[0]!.weights.policySha256,
    sequence: before + 1,
  });
  expect(world.published()[before]).toMatchObject({ seed: 7, reason: 'PROMOTION' });
});

test('where the log cannot tell, the newest policy takes the place of the candidate', async () => {
  let verdict: Partial<TrialVerdict> | null = null;
  const world = await underAnotherSeed({ startFold: withVerdicts(() => verdict) });
  await world.start(world.trainer);
  await feed(world, learningEvents(100, 200));
  const [first] = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
  verdict = { verdict: 'refuse', isLast: true, reason: 'too little support' };
  await feed(world, learningEvents(200, 210));
  verdict = null;
  await feed(world, learningEvents(210, 280));
  const [second, ...others] = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
  expect(others).toEqual([]);
  expect(second!.weights.toOffset).toBeGreaterThan(first!.weights.toOffset);
  expect(second!.why).toContain(first!.weights.policySha256);
  expect(await stateOf(world, first!.weights.policySha256)).toBeUndefined();
});

test('back to the settings in force: the lineage in force goes on, no candidate is left to be taken for one', async () => {
  const world = await underAnotherSeed();
  let running = await world.start(world.trainer);
  await feed(world, learningEvents(100, 140));
  await running.stop();
  const before = world.published();
  await world.configure({ seed: 1 });
  running = await world.start(world.trainer);
  await feed(world, learningEvents(140, 200));
  const after = world.published().slice(before.length);
  expect(after.length).toBeGreaterThan(0);
  expect(after.every(({ seed, reason }) => seed === 1 && reason === 'INCREMENT')).toBe(true);
  expect(new Set(world.published().map(({ lineage }) => lineage)).size).toBe(1);
});

test('what another encoder made cannot serve: the new lineage comes in at once', async () => {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, 100));
  await running.stop();
  const before = world.published();
  const old = { ...before.at(-1)!, encoderVersion: 'old', lineage: 'of-old', sequence: before.length + 1 };
  await world.send(topics.weightsPublished, [old]);
  await world.configure({ seed: 7 });
  await world.start(world.trainer);
  await feed(world, learningEvents(100, 110));
  expect(world.published().slice(before.length + 1, before.length + 2)).toMatchObject([
    { seed: 7, reason: 'PROMOTION', sequence: before.length + 2 },
  ]);
  expect(await world.command('ROLLBACK', { policySha256: old.policySha256 })).toMatchObject({ status: 'DONE' });
});

test('a promotion without enough evidence is refused, and says so; by force it is done', async () => {
  const world = await underAnotherSeed();
  await world.start(world.trainer);
  await feed(world, [learningEvent(100), learningEvent(101)]);
  const refused = await world.command('PROMOTE');
  expect(refused).toMatchObject({ status: 'REFUSED', why: expect.stringMatching(/gate says refuse.*--force/) });
  const before = world.published().length;
  expect(await world.command('PROMOTE', { force: true })).toMatchObject({ status: 'DONE', sequence: before + 1 });
  expect(world.published().at(-1)).toMatchObject({ seed: 7, reason: 'PROMOTION' });
  await feed(world, learningEvents(102, 180) as LearningEvent[]);
  expect(world.published().at(-1)).toMatchObject({ seed: 7, reason: 'INCREMENT' });
});
