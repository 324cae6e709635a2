import { nodeBackend } from '../../lib/adapters/tensor/node-backend';
import { wasmBackend } from '../../lib/adapters/tensor/wasm-backend';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import { createFold } from '../../services/dqn-trainer/fold/create-fold';
import { type Fold, foldSettingsOf } from '../../services/dqn-trainer/fold/fold';
import type { FoldBatch } from '../../services/dqn-trainer/fold/fold-settings';
import { learningEvents, models } from '../services/dqn-trainer/records';
import { describeWithNode, distance, tensorBackendContract, trained } from './tensor-backend-contract';

describe('wasm', () => tensorBackendContract(wasmBackend()));

describeWithNode('node', () => {
  tensorBackendContract(nodeBackend());

  test('agrees with wasm to rounding, and each keeps its own bytes when they take turns', async () => {
    await wasmBackend().ready();
    const wasm = trained(30);
    await nodeBackend().ready();
    const node = trained(30);
    expect(distance(wasm.parameters, node.parameters)).toBeLessThan(1e-3);
    await wasmBackend().ready();
    expect(trained(30)).toEqual(wasm);
    await nodeBackend().ready();
    expect(trained(30)).toEqual(node);
  });

  describe('in the training thread', () => {
    const open: Fold[] = [];
    const start = async (host: 'worker' | 'inline', saved: Buffer | null = null): Promise<Fold> => {
      const fold = await createFold(host)(settings, saved);
      open.push(fold);
      return fold;
    };
    const settings = foldSettingsOf(defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' }))), 'node');
    const batch = (from: number, to: number): FoldBatch =>
      learningEvents(from, to).map((event, i) => ({ event, offset: from + i }));
    afterEach(async () => {
      for (const fold of open.splice(0)) await fold.close();
    });

    test('the same weights as here, named after their backend', async () => {
      const [worker, inline] = [await start('worker'), await start('inline')];
      const { outputs } = await worker.apply(batch(0, 60));
      expect(outputs).toEqual((await inline.apply(batch(0, 60))).outputs);
      expect(outputs.find(({ kind }) => kind === 'policy')).toMatchObject({ published: { backend: 'node' } });
    });

    test('threads that end in the middle of a step harm nobody else', async () => {
      const [survivor, alone] = [await start('worker'), await start('inline')];
      for (let from = 0; from < 60; from += 20) {
        const doomed = await start('worker');
        const cutOff = expect(doomed.apply(batch(0, 200))).rejects.toThrow('the training thread ended');
        const [kept] = await Promise.all([survivor.apply(batch(from, from + 20)), doomed.close()]);
        await cutOff;
        expect(kept).toEqual({ ...(await alone.apply(batch(from, from + 20))), threadMs: expect.any(Number) });
      }
    });
  });
});
