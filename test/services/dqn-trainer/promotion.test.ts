/** How a new lineage comes into force, on the real fold and gate. */
import { topics } from '../../../lib/topics/topics';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { learningEvents } from './records';
import { canBeLoaded, createTrainerWorld, feed, startInline, underAnotherSeed } from './trainer-world';

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
    const world = await createTrainerWorld({ startFold });
    // Several batches.
    const trainer = { ...world.trainer, maxBatchRecords: 20 };
    const running = await world.start(trainer);
    await feed(world, learningEvents(0, 160));
    await running.stop();
    await world.configure({ seed: 7 });
    await world.start(trainer);
    await world.clock.advanceBy(10_000);
    const candidates = (await world.versions()).filter(({ state }) => state === 'CANDIDATE');
    expect(candidates).toHaveLength(1);
    expect(candidates[0]!.weights.toOffset).toBeGreaterThan(120);
  });
});
