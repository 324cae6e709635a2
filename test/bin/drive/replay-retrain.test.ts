import { backendAt, configAt, publishedAt, type RetrainOptions, retrain } from '../../../bin/drive/replay-retrain';
import { configFromJson, configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import type {
  LateOutcome,
  LearningEvent,
  RouteOutcome,
  WeightsPublished,
} from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createBlobStore } from '../../../lib/weights/blob-store';
import { createFold } from '../../../services/dqn-trainer/fold/create-fold';
import { foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import { createDqnTrainer } from '../../../services/dqn-trainer/service';
import { learningEvent, learningEvents, models } from '../../services/dqn-trainer/records';
import { createWorld, type World } from '../../services/one-service';

const configOf = (settings: Partial<Omit<RouterConfig, 'models'>> = {}): RouterConfig =>
  defaultRouterConfig(
    models.map((name) => ({ name, provider: 'acme' })),
    settings,
  );

async function configure(world: World, version: number, config: RouterConfig): Promise<void> {
  await world.send(topics.config, [
    { version, json: configToJson(config), appliedAtMs: world.clock.nowMs(), appliedBy: '', fileSha256: null },
  ]);
}

async function feed(world: World, events: readonly LearningEvent[]): Promise<void> {
  for (let at = 0; at < events.length; at += 10) {
    await world.send(topics.learningEvents, events.slice(at, at + 10));
    await world.clock.advanceBy(200);
  }
}

/** A log of learning events, and what the trainer published while they came. */
async function trained(events: readonly LearningEvent[], config = configOf()): Promise<World> {
  const world = await createWorld();
  const { broker, keyValue, clock, log, metrics } = world;
  const trainer = createDqnTrainer({
    broker,
    blobs: createBlobStore({ broker, keyValue, clock, log }),
    startFold: createFold('inline'),
    log,
    metrics,
    clock,
    elapsedMs: () => 0,
  });
  await configure(world, 1, config);
  const running = await world.start(trainer);
  await feed(world, events);
  await running.stop();
  return world;
}

async function again({ broker }: World, changes: Partial<RetrainOptions> = {}) {
  const { end } = await broker.offsets({ topic: topics.learningEvents.name, partition: 0 });
  const done: number[] = [];
  const retrained = await retrain({
    broker,
    topicPrefix: '',
    span: { from: 0, to: end },
    settings: foldSettingsOf(configOf()),
    lateOutcomes: true,
    onProgress: (events) => done.push(events),
    signal: new AbortController().signal,
    ...changes,
  });
  expect(done).toEqual([...done].sort((a, b) => a - b));
  return retrained;
}

const shaOf = async (world: World, changes: Partial<RetrainOptions> = {}): Promise<string | undefined> =>
  (await again(world, changes)).weights?.policy.sha256;

test('from the beginning it gives what the trainer published, at every offset, and the same twice', async () => {
  const world = await trained([...learningEvents(0, 90), learningEvent(3)]);
  const published = world.out(topics.weightsPublished);
  expect(published.length).toBeGreaterThan(2);
  for (const { toOffset, policySha256, basisSha256, learnedRewards } of published) {
    const { weights } = await again(world, { span: { from: 0, to: toOffset } });
    expect(weights).toMatchObject({ toOffset, learnedRewards, backend: 'wasm', models });
    expect([weights!.policy.sha256, weights!.basis.sha256]).toEqual([policySha256, basisSha256]);
    expect(await publishedAt({ broker: world.broker, topicPrefix: '' }, toOffset)).toMatchObject({ policySha256 });
  }
  const first = await again(world);
  expect(first).toMatchObject({ events: 91, duplicates: 1, foreign: 0, undecodable: 0, lateOutcomes: 0 });
  expect(await again(world)).toEqual(first);
});

test('says which backend trained, or the nearest there is word of, or nothing', async () => {
  const world = await createWorld();
  const log = { broker: world.broker, topicPrefix: '' };
  expect(await backendAt(log, { from: 0, to: 50 })).toBeNull();
  const published = {
    policySha256: 'p',
    basisSha256: 'b',
    parentSha256: null,
    lineage: '',
    reason: 'FIRST' as const,
    encoderVersion: 'e',
    metrics: {},
  };
  const of = (sequence: number, toOffset: number, backend: string): WeightsPublished => ({
    ...published,
    sequence,
    toOffset,
    backend,
    learnedRewards: toOffset,
    fromOffset: 0,
    seed: 1,
    models: [],
    publishedAtMs: 0,
  });
  await world.send(topics.weightsPublished, [of(1, 40, 'node'), of(2, 60, 'wasm')]);
  expect(await backendAt(log, { from: 0, to: 30 })).toBe('node');
  expect(await backendAt(log, { from: 0, to: 50 })).toBe('node');
  expect(await backendAt(log, { from: 0, to: 60 })).toBe('wasm');
});

test('seed, settings and range each make other weights', async () => {
  const world = await trained(learningEvents(0, 60));
  const shas = [
    await shaOf(world),
    await shaOf(world, { settings: foldSettingsOf(configOf({ seed: 2 })) }),
    await shaOf(world, { span: { from: 20, to: 60 } }),
  ];
  expect(new Set(shas).size).toBe(3);
});

test('too few rewards give no weights; what is no learning event is counted', async () => {
  const world = await createWorld();
  await feed(world, learningEvents(0, 5));
  const topic = topics.learningEvents.name;
  await world.broker.producer('foreign').send([{ topic, partition: 0, key: null, value: Buffer.from('no event') }]);
  expect(await again(world)).toMatchObject({ weights: null, events: 5, undecodable: 1 });
});

test('an aborted signal ends it', async () => {
  const world = await createWorld();
  await feed(world, learningEvents(0, 5));
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await expect(again(world, { signal: stop.signal })).rejects.toThrow('enough');
});

describe('late outcomes', () => {
  const lateOf = (i: number, changes: Partial<RouteOutcome> = {}): LateOutcome => {
    const { decisionId, model, quality, costUsd, latencyMs, occurredAtMs } = learningEvent(i);
    const outcome: RouteOutcome = {
      decisionId,
      routingKey: null,
      model: model!,
      attempt: 1,
      status: 'SUCCESS',
      latencyMs,
      inputTokens: null,
      outputTokens: null,
      costUsd,
      quality,
      rewardParts: {},
      source: 'test',
      firstTokenMs: null,
      cachedInputTokens: null,
      reasoningTokens: null,
      finishReason: null,
      retryAfterMs: null,
      provisional: false,
      revision: 0,
      occurredAtMs,
      ...changes,
    };
    return { outcome, reason: 'its decision was closed', receivedAtMs: 0 };
  };
  const closed = (i: number): LearningEvent =>
    learningEvent(i, { eventId: `d${i}/closed`, kind: 'CLOSED', quality: null, costUsd: null, latencyMs: null });
  const isLate = (i: number): boolean => i % 5 === 0;
  const all = 60;

  /** Every fifth outcome missed its window. */
  async function lateLog(late: readonly LateOutcome[]): Promise<World> {
    const world = await createWorld();
    await feed(
      world,
      Array.from({ length: all }, (_, i) => (isLate(i) ? closed(i) : learningEvent(i))),
    );
    for (const one of late) await world.send(topics.routeOutcomeLate, [one]);
    // Something that comes after them: late outcomes count once a later event ends the range.
    await world.clock.advanceBy(1_000);
    await world.send(topics.learningEvents, [learningEvent(all)]);
    return world;
  }
  const lateOnes = Array.from({ length: all }, (_, i) => i).filter(isLate);

  test('count as if they had come in time', async () => {
    const inTime = await createWorld();
    await feed(inTime, learningEvents(0, all + 1));
    const world = await lateLog(lateOnes.map((i) => lateOf(i)));
    const retrained = await again(world);
    expect(retrained.lateOutcomes).toBe(lateOnes.length);
    expect(retrained.weights?.policy.sha256).toBe(await shaOf(inTime));
    expect((await again(world, { lateOutcomes: false })).lateOutcomes).toBe(0);
    expect(await shaOf(world, { lateOutcomes: false })).not.toBe(await shaOf(inTime));
  });

  test('of a revision higher than another correct it; other attempts and models do not count', async () => {
    const plain = await lateLog(lateOnes.map((i) => lateOf(i)));
    const corrected = await lateLog([
      ...lateOnes.map((i) => lateOf(i, { quality: 0 })),
      ...lateOnes.map((i) => lateOf(i, { revision: 1 })),
      ...lateOnes.map((i) => lateOf(i, { revision: 2, model: 'charlie', quality: 0 })),
      lateOf(0, { attempt: 2, quality: 0, revision: 9 }),
    ]);
    // What is learned is the same; only the numbers of the revisions are not, and weights have none.
    const retrained = await again(corrected);
    expect(retrained.lateOutcomes).toBe(lateOnes.length);
    expect(retrained.weights?.policy.sha256).toBe(await shaOf(plain));
  });

  test('that came after the range was written change nothing', async () => {
    const world = await lateLog([]);
    const before = await again(world);
    await world.clock.advanceBy(1_000);
    await world.send(
      topics.routeOutcomeLate,
      lateOnes.map((i) => lateOf(i)),
    );
    expect(await again(world)).toEqual(before);
    expect(before.lateOutcomes).toBe(0);
  });
});

describe('the configuration', () => {
  const seedAt = async (world: World, span: { from: number; to: number }) => {
    const { applied, changes } = await configAt({ broker: world.broker, topicPrefix: '' }, span);
    return [configFromJson(applied.json).seed, changes];
  };

  test('is the one in force at the end of the range; changes within it are counted', async () => {
    const world = await createWorld();
    for (const seed of [11, 12, 13]) {
      await configure(world, seed, configOf({ seed }));
      await world.clock.advanceBy(1_000);
      await feed(world, learningEvents(20 * seed, 20 * seed + 20));
    }
    expect(await seedAt(world, { from: 0, to: 20 })).toEqual([11, 0]);
    expect(await seedAt(world, { from: 0, to: 40 })).toEqual([12, 1]);
    expect(await seedAt(world, { from: 25, to: 60 })).toEqual([13, 1]);
  });

  test('is the first one after the range where older ones are gone; one that is not valid is passed over', async () => {
    const world = await createWorld();
    await feed(world, learningEvents(0, 20));
    await world.clock.advanceBy(1_000);
    await world.send(topics.config, [{ version: 1, json: '{}', appliedAtMs: 0, appliedBy: '', fileSha256: null }]);
    await expect(seedAt(world, { from: 0, to: 20 })).rejects.toThrow(
      'config has no valid configuration: give one with --config',
    );
    await configure(world, 2, configOf({ seed: 21 }));
    await configure(world, 3, configOf({ seed: 22 }));
    expect(await seedAt(world, { from: 0, to: 20 })).toEqual([21, 0]);
  });
});
