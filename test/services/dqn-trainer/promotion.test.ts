/** How a new lineage comes into force, on the real fold and gate. */
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold';
import type { TrialVerdict } from '../../../services/dqn-trainer/trial';
import { learningEvent, learningEvents } from './records';
import { canBeLoaded, createTrainerWorld, feed, startInline, stateOf, type TrainerWorld } from './trainer-world';

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

/** A trainer with weights of seed 1 in force, started again under seed 7. */
async function underAnotherSeed(options: { startFold?: StartFold; events?: number } = {}): Promise<TrainerWorld> {
  const { events = 100, ...rest } = options;
  const world = await createTrainerWorld({ checkpointEveryEvents: 40, ...rest });
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, events));
  await running.stop();
  await world.configure({ seed: 7 });
  return world;
}

describe('a new lineage', () => {
  test('waits as a candidate while the weights in force stay and the budget is paced, and comes in by the gate', async () => {
    const world = await underAnotherSeed({ events: 300 });
    const before = world.published();
    const tuningBefore = world.out(topics.tuning).at(-1)!;
    await world.start(world.trainer);
    const dearer = learningEvents(300, 340).map((event) => ({ ...event, costUsd: 0.003 }));
    await feed(world, dearer);
    expect(world.published()).toHaveLength(before.length);
    const [candidate] = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
    expect(candidate).toMatchObject({ configVersion: 2, weights: { seed: 7, sequence: 0, reason: 'PROMOTION' } });
    expect(await canBeLoaded(world, candidate!.weights)).toBe(true);
    expect(await world.metrics.value('quantum_router_weights_held', {})).toBe(1);
    const tuning = world.out(topics.tuning).at(-1)!;
    expect(tuning.eventOffset).toBeGreaterThan(tuningBefore.eventOffset);
    expect(tuning).toMatchObject({
      neuralWeight: tuningBefore.neuralWeight,
      driftOffsets: tuningBefore.driftOffsets,
      strategyWeights: tuningBefore.strategyWeights,
    });
    expect(tuning.costRatios).not.toEqual(tuningBefore.costRatios);

    // Until the gate is sure, and two increments further.
    for (let from = 340; from < 1_120 && world.published().length < before.length + 3; from += 20)
      await feed(world, learningEvents(from, from + 20), 20);
    const after = world.published().slice(before.length);
    expect(after[0]).toMatchObject({
      policySha256: candidate!.weights.policySha256,
      seed: 7,
      reason: 'PROMOTION',
      sequence: before.length + 1,
    });
    // What was learned during the trial follows at once, then the increments as ever.
    expect(after[1]).toMatchObject({ reason: 'INCREMENT', lineage: after[0]!.lineage });
    expect(after[1]!.toOffset).toBeGreaterThan(after[0]!.toOffset);
    const promoted = (await world.versions()).find(({ weights }) => weights.reason === 'PROMOTION');
    expect(promoted).toMatchObject({ state: 'PUBLISHED', why: expect.stringContaining('not worse by more than') });
    expect(promoted!.evidence['decisions']).toBeGreaterThanOrEqual(200);
    expect(promoted!.evidence['low']).toBeGreaterThan(-0.01);
    expect(await world.metrics.value('quantum_router_weights_held', {})).toBe(0);
    const last = world.out(topics.tuning).at(-1)!;
    expect(last.driftOffsets).not.toEqual(tuningBefore.driftOffsets);
  });

  test('restarts and crashes neither lose the candidate nor its evidence', async () => {
    const world = await underAnotherSeed();
    let running = await world.start(world.trainer);
    const before = world.published().length;
    await feed(world, learningEvents(100, 200));
    const [candidate] = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
    await running.stop();
    running = await world.start(world.trainer);
    await feed(world, learningEvents(200, 250));
    await world.crash('dqn-trainer');
    await feed(world, learningEvents(250, 290));
    expect((await world.versions()).filter(({ state }) => state === 'CANDIDATE')).toMatchObject([
      { weights: { policySha256: candidate!.weights.policySha256 } },
    ]);
    // 200 decisions since the candidate was made are there only if those before the restart count.
    await feed(world, learningEvents(290, 320), 5);
    const judged = (await world.versions()).find(
      ({ weights }) => weights.policySha256 === candidate!.weights.policySha256,
    );
    expect(judged!.evidence['decisions']).toBeGreaterThanOrEqual(200);
    expect(judged!.evidence['decisions']).toBeLessThan(240);
    expect(world.published().slice(before, before + 1)).toMatchObject(
      judged!.state === 'PUBLISHED' ? [{ reason: 'PROMOTION' }] : [],
    );
  });

  test('a crash in the middle of folding the log again does not make a candidate of half a fold', async () => {
    let tries = 2;
    const startFold: StartFold = async (settings, saved) => {
      const fold = await startInline(settings, saved);
      return {
        ...fold,
        apply: (batch) => {
          const failing = settings.seed === 7 && batch[0]!.offset >= 60 && tries-- > 0;
          return failing ? Promise.reject(new Error('out of memory')) : fold.apply(batch);
        },
      };
    };
    const world = await createTrainerWorld({ startFold, limits: { maxBatchRecords: 20 } });
    const running = await world.start(world.trainer);
    await feed(world, learningEvents(0, 160));
    await running.stop();
    await world.configure({ seed: 7 });
    await world.start(world.trainer);
    await world.clock.advanceBy(10_000);
    const candidates = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
    expect(candidates).toHaveLength(1);
    expect(candidates[0]!.weights.toOffset).toBeGreaterThan(120);
  });

  test('one that is surely worse is refused, stays refused after a restart, and waits for somebody', async () => {
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
    expect(world.published().slice(before.length + 1)).toMatchObject([
      { seed: 7, reason: 'PROMOTION', sequence: before.length + 2 },
    ]);
    expect(await world.command('ROLLBACK', { policySha256: old.policySha256 })).toMatchObject({ status: 'DONE' });
  });
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
