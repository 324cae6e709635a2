import { nodeBackend, nodeBackendInstalled } from '../../lib/adapters/tensor/node-backend';
import { wasmBackend } from '../../lib/adapters/tensor/wasm-backend';
import { configToJson, defaultRouterConfig } from '../../lib/config/parse-config';
import type { LearningConfig, RouterConfig } from '../../lib/config/router-config';
import type { ServiceDefinition } from '../../lib/stream/define-service';
import { topics } from '../../lib/topics/topics';
import { createBlobStore } from '../../lib/weights/blob-store';
import { createFold } from '../../services/dqn-trainer/fold/create-fold';
import { foldSettingsOf } from '../../services/dqn-trainer/fold/fold';
import { createDqnTrainer } from '../../services/dqn-trainer/service';
import { learningEvents, models } from '../services/dqn-trainer/records';
import { createWorld, type World } from '../services/one-service';
import { describeWithNode } from './tensor-backend-contract';

// A virtual clock cannot see how long a backend takes to load.
beforeAll(async () => {
  if (nodeBackendInstalled()) await nodeBackend().ready();
  await wasmBackend().ready();
});

/** `extraModels`: configured, but never asked; they only make the network look large. */
function configOf(backend: LearningConfig['backend'], extraModels = 0): RouterConfig {
  const names = [...models, ...Array.from({ length: extraModels }, (_, i) => `extra-${i}`)];
  const config = defaultRouterConfig(names.map((name) => ({ name, provider: 'acme' })));
  return { ...config, learning: { ...config.learning, backend } };
}

interface TrainerWorld extends World {
  configure(config: RouterConfig): Promise<void>;
  feed(from: number, to: number): Promise<void>;
  readonly trainer: ServiceDefinition;
  backends(): string[];
}

async function createTrainerWorld(checkpointEveryEvents: number): Promise<TrainerWorld> {
  const world = await createWorld();
  const { broker, keyValue, clock, log, metrics } = world;
  const blobs = createBlobStore({ broker, keyValue, clock, log });
  const startFold = createFold('inline');
  let version = 0;
  return {
    ...world,
    trainer: createDqnTrainer({
      broker,
      blobs,
      startFold,
      log,
      metrics,
      clock,
      elapsedMs: () => 0,
      checkpointEveryEvents,
    }),
    configure: (config) =>
      world.send(topics.config, [
        { version: ++version, json: configToJson(config), appliedAtMs: 0, appliedBy: '', fileSha256: null },
      ]),
    async feed(from, to) {
      for (let at = from; at < to; at += 10) {
        await world.send(topics.learningEvents, learningEvents(at, Math.min(to, at + 10)));
        await clock.advanceBy(200);
      }
    },
    backends: () => world.out(topics.weightsPublished).map(({ backend }) => backend),
  };
}

describeWithNode('the backend of a lineage', () => {
  for (const checkpointEveryEvents of [20, 1_000]) {
    test(`auto keeps it over a restart, whatever would be faster by now (checkpoint every ${checkpointEveryEvents})`, async () => {
      const world = await createTrainerWorld(checkpointEveryEvents);
      await world.configure(configOf('auto'));
      await world.start(world.trainer);
      await world.feed(0, 60);
      await world.configure(configOf('auto', 200));
      await world.feed(60, 80);
      await world.crash('dqn-trainer');
      await world.feed(80, 120);
      expect(new Set(world.backends())).toEqual(new Set(['wasm']));
      const shas = world.out(topics.weightsPublished).map(({ policySha256 }) => policySha256);
      const parents = world.out(topics.weightsPublished).map(({ parentSha256 }) => parentSha256);
      expect(parents).toEqual([null, ...shas.slice(0, -1)]);
    });

    test(`another one asked for waits for the next start and is then a lineage of its own (checkpoint every ${checkpointEveryEvents})`, async () => {
      const world = await createTrainerWorld(checkpointEveryEvents);
      await world.configure(configOf('wasm'));
      await world.start(world.trainer);
      await world.feed(0, 60);
      await world.configure(configOf('node'));
      await world.feed(60, 100);
      expect(new Set(world.backends())).toEqual(new Set(['wasm']));
      await world.crash('dqn-trainer');
      await world.feed(100, 160);
      // The weights in force stay until the new lineage has passed the gate.
      expect(new Set(world.backends())).toEqual(new Set(['wasm']));
      const candidates = world
        .out(topics.weightsVersions)
        .flatMap(({ state, weights }) => (state === 'CANDIDATE' ? [weights] : []));
      expect(candidates.map(({ backend }) => backend)).toEqual(['node']);
      // On trial as soon as it has caught up with the log as it was at the start.
      expect(candidates[0]!.toOffset).toBeLessThanOrEqual(100);
      // It is the whole log's, not a continuation of the other backend's.
      const fold = await createFold('inline')(foldSettingsOf(configOf('node'), 'node'), null);
      const alone = await fold.apply(learningEvents(0, 160).map((event, offset) => ({ event, offset })));
      await fold.close();
      const policies = alone.outputs.flatMap((output) => (output.kind === 'policy' ? [output.policySha256] : []));
      expect(policies).toContain(candidates[0]!.policySha256);
    });
  }
});
