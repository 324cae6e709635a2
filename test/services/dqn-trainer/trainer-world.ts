/** The trainer alone on a memory broker, fed with events and commands. */
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import type { Encoder } from '../../../lib/learning/features/encoder-key';
import { sleep } from '../../../lib/ports/clock';
import type { ServiceDefinition } from '../../../lib/stream/define-service';
import type {
  LearningEvent,
  WeightsAnswer,
  WeightsCommand,
  WeightsPublished,
  WeightsVersion,
} from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { type BlobStore, createBlobStore } from '../../../lib/weights/blob-store';
import { readWeights } from '../../../lib/weights/read-weights';
import { createWeightsSource } from '../../../lib/weights/weights-source';
import { createFold } from '../../../services/dqn-trainer/fold/create-fold';
import type { StartFold } from '../../../services/dqn-trainer/fold/fold';
import { createDqnTrainer } from '../../../services/dqn-trainer/service';
import { createWorld, type World } from '../one-service';
import { learningEvents, models } from './records';

export interface TrainerWorld extends World {
  readonly blobs: BlobStore;
  readonly trainer: ServiceDefinition;
  configure(settings: Partial<Omit<RouterConfig, 'models'>>): Promise<void>;
  published(): WeightsPublished[];
  tunings(): (readonly [number, number])[];
  /** In the table now, newest first. */
  versions(): Promise<readonly WeightsVersion[]>;
  /** Sends a command and returns its answer. */
  command(kind: WeightsCommand['kind'], change?: Partial<WeightsCommand>): Promise<WeightsAnswer | undefined>;
}

export const startInline = createFold('inline');

function slowFold(clock: World['clock'], eventMs: number): StartFold {
  return async (settings, saved) => {
    const fold = await startInline(settings, saved);
    // Like the thread it stands for, one batch after another.
    let before: Promise<unknown> = Promise.resolve();
    const apply: typeof fold.apply = (batch) => {
      const answer = before.then(async () => {
        const tried = await fold.apply(batch);
        await sleep(clock, batch.length * eventMs * (tried.pace?.rewards ?? 1));
        return tried;
      });
      before = answer.catch(() => undefined);
      return answer;
    };
    return { ...fold, apply };
  };
}

export async function createTrainerWorld(
  options: {
    checkpointEveryEvents?: number;
    startFold?: StartFold;
    settings?: Partial<Omit<RouterConfig, 'models'>>;
    encoder?: Encoder;
    /** The fold takes so long for each event that it learns from, on the virtual clock. */
    eventMs?: number;
  } = {},
): Promise<TrainerWorld> {
  const world = await createWorld();
  const { broker, keyValue, clock, log, metrics } = world;
  const blobs = createBlobStore({ broker, keyValue, clock, log });
  const trainer = createDqnTrainer({
    broker,
    blobs,
    startFold: options.startFold ?? (options.eventMs ? slowFold(clock, options.eventMs) : startInline),
    log,
    metrics,
    clock,
    elapsedMs: () => clock.monotonicMs(),
    checkpointEveryEvents: options.checkpointEveryEvents ?? 40,
    encoder: options.encoder ?? null,
  });
  let version = 0;
  let commands = 0;
  const configure = (settings: Partial<Omit<RouterConfig, 'models'>>): Promise<void> => {
    const config = defaultRouterConfig(
      models.map((name) => ({ name, provider: 'acme' })),
      settings,
    );
    return world.send(topics.config, [
      { version: ++version, json: configToJson(config), appliedAtMs: 0, appliedBy: '', fileSha256: null },
    ]);
  };
  await configure(options.settings ?? {});
  return {
    ...world,
    blobs,
    trainer,
    configure,
    published: () => world.out(topics.weightsPublished),
    versions: async () => (await readWeights(broker, '')).versions,
    async command(kind, change = {}) {
      const command: WeightsCommand = {
        commandId: `c${++commands}`,
        kind,
        policySha256: null,
        force: false,
        requestedBy: 'tester',
        requestedAtMs: clock.nowMs(),
        ...change,
      };
      await world.send(topics.weightsCommands, [command]);
      await clock.advanceBy(200);
      return world.out(topics.weightsAnswers).findLast(({ commandId }) => commandId === command.commandId);
    },
    tunings: () => world.out(topics.tuning).map(({ version: of, eventOffset }) => [of, eventOffset] as const),
  };
}

/** State of the version with this policy; undefined when there is none. */
export const stateOf = async (
  world: TrainerWorld,
  policySha256: string,
): Promise<WeightsVersion['state'] | undefined> =>
  (await world.versions()).find(({ weights }) => weights.policySha256 === policySha256)?.state;

/** Whether these weights lie in the log, the cache being empty. */
export async function canBeLoaded(
  world: TrainerWorld,
  { policySha256, basisSha256 }: WeightsVersion['weights'],
): Promise<boolean> {
  await world.keyValue.deleteMany(await world.keyValue.keys('weights/', 1_000));
  return (await createWeightsSource(createBlobStore(world)).load({ policySha256, basisSha256 })) !== null;
}

/** Sends events in small batches, as they come in life. */
export async function feed(world: World, events: readonly LearningEvent[], batch = 10): Promise<void> {
  for (let at = 0; at < events.length; at += batch) {
    await world.send(topics.learningEvents, events.slice(at, at + batch));
    await world.clock.advanceBy(200);
  }
}

/** What is learned, without what depends on when and how often it was written. */
export const essence = (published: readonly WeightsPublished[]) =>
  published.map(({ sequence: _sequence, publishedAtMs: _at, ...rest }) => rest);

const published = new Map<string, Promise<readonly WeightsPublished[]>>();

/** What comes of the same log where somebody has replaced these events by ones that are passed over. */
export function withoutThem(total: number, left: readonly number[]): Promise<readonly WeightsPublished[]> {
  const key = `${total} without ${left}`;
  const known = published.get(key) ?? publishedWithout(total, left);
  published.set(key, known);
  return known;
}

async function publishedWithout(total: number, left: readonly number[]): Promise<WeightsPublished[]> {
  const world = await createTrainerWorld();
  const running = await world.start(world.trainer);
  const events = learningEvents(0, total).map(
    (event, i): LearningEvent =>
      left.includes(i) ? { ...event, encoderVersion: 'other', callerFeatures: null } : event,
  );
  await feed(world, events);
  await running.stop();
  return world.published();
}

/** A trainer with weights of seed 1 in force, started again under seed 7. */
export async function underAnotherSeed(
  options: { startFold?: StartFold; events?: number } = {},
): Promise<TrainerWorld> {
  const { events = 100, ...rest } = options;
  const world = await createTrainerWorld({ checkpointEveryEvents: 40, ...rest });
  const running = await world.start(world.trainer);
  await feed(world, learningEvents(0, events));
  await running.stop();
  await world.configure({ seed: 7 });
  return world;
}
