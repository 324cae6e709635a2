import { systemClock } from '../../../../lib/adapters/system';
import { configToJson, defaultRouterConfig } from '../../../../lib/config/parse-config';
import { sleep } from '../../../../lib/ports/clock';
import { topics } from '../../../../lib/topics/topics';
import { createBlobStore } from '../../../../lib/weights/blob-store';
import { createFold } from '../../../../services/dqn-trainer/fold/create-fold';
import { foldSettingsOf, type TrainerFold } from '../../../../services/dqn-trainer/fold/fold';
import type { FoldBatch } from '../../../../services/dqn-trainer/fold/fold-settings';
import { createDqnTrainer } from '../../../../services/dqn-trainer/service';
import { createWorld } from '../../one-service';
import { learningEvents, models } from '../records';

const config = defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' })));
const settings = foldSettingsOf(config);
const batch = (from: number, to: number): FoldBatch =>
  learningEvents(from, to).map((event, i) => ({ event, offset: from + i }));

const open: TrainerFold[] = [];
const start = async (host: 'worker' | 'inline', saved: Buffer | null = null): Promise<TrainerFold> => {
  const fold = await createFold(host)(settings, saved);
  open.push(fold);
  return fold;
};
afterEach(async () => {
  for (const fold of open.splice(0)) await fold.close();
});

describe('fold in a worker thread', () => {
  test('gives the same outputs and the same state as the calling thread, and resumes from it', async () => {
    const worker = await start('worker');
    const inline = await start('inline');
    const expected = await inline.apply(batch(0, 60));
    expect(expected.outputs.some(({ kind }) => kind === 'policy')).toBe(true);
    const threadMs = expect.any(Number);
    expect(await worker.apply(batch(0, 60))).toEqual({ ...expected, threadMs });
    const saved = await worker.checkpoint();
    expect(saved).toEqual(await inline.checkpoint());
    const resumed = await start('worker', saved.bytes);
    expect(resumed).toMatchObject({ eventOffset: 60, replayFromOffset: saved.replayFromOffset });
    await resumed.reload(batch(saved.replayFromOffset, 60));
    expect(await resumed.apply(batch(60, 100))).toEqual({ ...(await inline.apply(batch(60, 100))), threadMs });
  });

  test('a fault in the thread reaches the caller, and the thread goes on', async () => {
    const worker = await start('worker');
    await worker.apply(batch(0, 5));
    const again = batch(5, 6).map(({ event }) => ({ event, offset: 2 }));
    await expect(worker.apply(again)).rejects.toThrow('has been folded in already');
    await expect(worker.apply(batch(6, 8))).resolves.toMatchObject({ folded: new Map([['EXPERIENCE', 2]]) });
  });

  test('tries a candidate and comes to the same verdict as the calling thread', async () => {
    const verdictOf = async (host: 'worker' | 'inline') => {
      const fold = await start(host);
      const { outputs } = await fold.apply(batch(0, 60));
      const policy = outputs.find((output) => output.kind === 'policy')!;
      if (policy.kind !== 'policy' || !policy.basis) throw new Error('no policy with its basis');
      const blobs = { ...policy, basis: policy.basis };
      expect(await fold.judge()).toBeNull();
      await fold.tryCandidate({ candidate: blobs, current: blobs, fromOffset: 20, tuning: null });
      await fold.addEvidence(batch(0, 60));
      const { verdict } = await fold.apply(batch(60, 230));
      expect(verdict).not.toBeNull();
      expect(await fold.judge()).toEqual(verdict);
      await fold.tryCandidate(null);
      expect(await fold.judge()).toBeNull();
      return verdict;
    };
    expect(await verdictOf('worker')).toEqual(await verdictOf('inline'));
  });

  test('a state that cannot be read fails the start', async () => {
    await expect(start('worker', Buffer.from('not a fold at all'))).rejects.toThrow('fold blob');
  });

  test('a thread that is gone fails whoever waits for it and whoever asks later', async () => {
    const worker = await start('worker');
    const waiting = expect(worker.apply(batch(0, 50))).rejects.toThrow('the training thread ended');
    await worker.close();
    await waiting;
    await expect(worker.checkpoint()).rejects.toThrow('the training thread ended');
  });

  test('the service trains in the thread', async () => {
    const world = await createWorld();
    await world.send(topics.config, [
      { version: 1, json: configToJson(config), appliedAtMs: 0, appliedBy: '', fileSha256: null },
    ]);
    const blobs = createBlobStore(world);
    const startFold = createFold('worker');
    const trainer = createDqnTrainer({ ...world, blobs, startFold, elapsedMs: () => 0 });
    const starting = world.start(trainer);
    const turns = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        await world.clock.settle();
        // The thread has the processor meanwhile.
        await sleep(systemClock(), 2);
      }
    };
    let started = false;
    starting.then(() => {
      started = true;
    });
    await turns(() => started);
    await world.send(topics.learningEvents, learningEvents(0, 60));
    await turns(() => world.out(topics.weightsPublished).length > 0);
    let stopped = false;
    (await starting).stop().then(() => {
      stopped = true;
    });
    await turns(() => stopped);
    expect(world.out(topics.trainerCheckpoint)).toMatchObject([{ eventOffset: 60 }]);
    expect(world.fatal).toEqual([]);
  });
});
