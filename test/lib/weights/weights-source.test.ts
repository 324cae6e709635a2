import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { sha256Of } from '../../../lib/learning/fold/blob';
import { createLog } from '../../../lib/telemetry/log';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { BlobStore } from '../../../lib/weights/blob-store';
import { createWeightsSource } from '../../../lib/weights/weights-source';
import { foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import { startFoldInline } from '../../../services/dqn-trainer/fold/fold-inline';
import { learningEvents, models } from '../../services/dqn-trainer/records';

/** A real policy and its basis, learned from a few events. */
async function learned() {
  const config = defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' })));
  const fold = await startFoldInline(foldSettingsOf(config), null);
  const { outputs } = await fold.apply(learningEvents(0, 40).map((event, offset) => ({ event, offset })));
  await fold.close();
  for (const output of outputs) {
    if (output.kind === 'policy' && output.basis) return { ...output, basis: output.basis };
  }
  throw new Error('no policy was learned');
}

function storeOf(blobs: ReadonlyMap<string, Buffer>): BlobStore & { loads: number } {
  const store = {
    loads: 0,
    async load(sha256: string) {
      store.loads++;
      return blobs.get(sha256) ?? null;
    },
  };
  return store as unknown as BlobStore & { loads: number };
}

describe('weights source', () => {
  test('parses a policy once, however many ask', async () => {
    const { policy, policySha256, basis, basisSha256 } = await learned();
    const blobs = storeOf(
      new Map([
        [policySha256, policy],
        [basisSha256, basis],
      ]),
    );
    const metrics = createMetrics();
    const source = createWeightsSource(blobs, { metrics });
    const pointer = { policySha256, basisSha256 };
    const [one, other] = await Promise.all([source.load(pointer), source.load(pointer)]);
    expect(one?.policySha256).toBe(policySha256);
    expect(other).toBe(one);
    expect(await source.load(pointer)).toBe(one);
    expect(blobs.loads).toBe(2);
    expect(await metrics.value('quantum_router_weights_loads_total', { result: 'loaded' })).toBe(1);
  });

  test('what is missing is null, and asked for again', async () => {
    const { policy, policySha256, basis, basisSha256 } = await learned();
    const known = new Map([[policySha256, policy]]);
    const source = createWeightsSource(storeOf(known));
    expect(await source.load({ policySha256, basisSha256: null })).toBeNull();
    expect(await source.load({ policySha256, basisSha256 })).toBeNull();
    known.set(basisSha256, basis);
    expect(await source.load({ policySha256, basisSha256 })).not.toBeNull();
  });

  test('what is invalid is null, reported once and not parsed again', async () => {
    const { basis, basisSha256 } = await learned();
    const policy = Buffer.from('no policy at all');
    const blobs = storeOf(
      new Map([
        [sha256Of(policy), policy],
        [basisSha256, basis],
      ]),
    );
    const metrics = createMetrics();
    const source = createWeightsSource(blobs, { metrics, log: createLog({ level: 'silent' }) });
    const pointer = { policySha256: sha256Of(policy), basisSha256 };
    expect(await source.load(pointer)).toBeNull();
    expect(await source.load(pointer)).toBeNull();
    expect(blobs.loads).toBe(2);
    expect(await metrics.value('quantum_router_weights_loads_total', { result: 'invalid' })).toBe(1);
  });
});
