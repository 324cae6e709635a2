import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { dictionaryOf } from '../../../lib/dictionary';
import type { Breaker, ModelObserved, ModelProfile, ProviderProfiles } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { maxTasksOfProvider } from '../../../services/model-profiler/bound-tasks';
import { noStats } from '../../../services/model-profiler/observe';
import { profileModel } from '../../../services/model-profiler/profile-model';
import { createModelProfiler } from '../../../services/model-profiler/service';
import { createWorld, type World, type WorldOptions } from '../one-service';
import { observed } from './records';

const breaker = {
  openAfterFailures: 3,
  openMs: 1_000,
  maxOpenMs: 4_000,
  closeAfterSuccesses: 2,
  probeShare: 0.05,
  providerOpenAfterFailures: 5,
  rampMs: 2_000,
};

async function withService(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld(options);
  const config = defaultRouterConfig(
    [
      { name: 'alpha', provider: 'acme' },
      { name: 'other', provider: 'zenith' },
    ],
    { breaker, profileHalfLifeObservations: 100 },
  );
  await world.send(topics.config, [
    { version: 1, json: configToJson(config), appliedAtMs: 0, appliedBy: '', fileSha256: null },
  ]);
  await world.start(createModelProfiler({ metrics: world.metrics }));
  return world;
}

const call = (world: World, change: Partial<ModelObserved> = {}): Promise<void> =>
  world.send(topics.modelObserved, [observed({ observedAtMs: world.clock.nowMs(), ...change })]);

/** The newest profile of each model. */
const profiles = (world: World): Record<string, ModelProfile> =>
  Object.fromEntries(world.out(topics.modelProfile).map((profile) => [profile.model, profile]));

describe('model-profiler', () => {
  test('one observation, one profile: overall and per task', async () => {
    const world = await withService();
    await call(world, { taskType: 'code', quality: 1 });
    await call(world, { taskType: 'chat', quality: 0 });
    expect(world.out(topics.modelProfile)).toHaveLength(2);
    const profile = profiles(world)['alpha']!;
    expect(profile).toMatchObject({
      provider: 'acme',
      overall: { weight: expect.closeTo(2, 1) },
      breaker: { health: 'CLOSED' },
    });
    expect(profile.tasks['code']).toMatchObject({ quality: 1, qualityWeight: 1, latencyMs: 500, costUsd: 0.01 });
    expect(profile.tasks['chat']).toMatchObject({ quality: 0, qualityWeight: 1 });
    expect(profile.overall.quality).toBeCloseTo(0.5, 2);
  });

  test('a failing model opens, is probed after the wait, and comes back', async () => {
    const world = await withService();
    for (let i = 0; i < 3; i++) await call(world, { status: 'TIMEOUT', quality: 0 });
    expect(profiles(world)['alpha']).toMatchObject({
      breaker: { health: 'OPEN' },
      providerBreaker: { health: 'CLOSED' },
    });
    await world.clock.advanceBy(999);
    expect(profiles(world)['alpha']!.breaker.health).toBe('OPEN');
    await world.clock.advanceBy(1);
    expect(profiles(world)['alpha']!.breaker.health).toBe('HALF_OPEN');
    await call(world);
    await call(world);
    // Its traffic comes back bit by bit, and meanwhile it remembers.
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'CLOSED', failures: 0, openings: 1 });
    await world.clock.advanceBy(breaker.rampMs);
    await call(world);
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'CLOSED', failures: 0, openings: 0 });
  });

  test('rate limits are bad health but no bad quality; cancelled calls and corrections are neither', async () => {
    const world = await withService();
    await call(world);
    for (let i = 0; i < 5; i++) await call(world, { status: 'CANCELLED', quality: 0 });
    for (let i = 0; i < 5; i++) await call(world, { status: 'FAILURE', quality: 0, replacedQuality: 0.8, revision: 1 });
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'CLOSED', failures: 0 });
    expect(
      await world.metrics.value('quantum_router_drops_total', { service: 'model-profiler', reason: 'cancelled-call' }),
    ).toBe(5);
    await call(world);
    const { quality } = profiles(world)['alpha']!.overall;
    for (let i = 0; i < 3; i++) await call(world, { status: 'RATE_LIMITED', quality: null });
    expect(profiles(world)['alpha']).toMatchObject({
      breaker: { health: 'CLOSED', failures: expect.closeTo(0.6, 9) },
      capacity: { share: expect.closeTo(0.7, 9) },
      overall: { quality },
    });
    // Where everything is refused it opens in the end.
    for (let i = 0; i < 12; i++) await call(world, { status: 'RATE_LIMITED', quality: null });
    expect(profiles(world)['alpha']!.breaker.health).toBe('OPEN');
  });

  test('a provider opens when several of its models fail together, and all its models hear of it', async () => {
    const world = await withService();
    await call(world, { model: 'bystander' });
    await call(world, { model: 'other', provider: 'zenith' });
    for (let i = 0; i < 2; i++) {
      await call(world, { model: 'alpha', status: 'FAILURE', quality: 0 });
      await call(world, { model: 'bravo', status: 'FAILURE', quality: 0 });
    }
    expect(profiles(world)['bystander']!.providerBreaker.health).toBe('CLOSED');
    await call(world, { model: 'alpha', status: 'FAILURE', quality: 0 });
    const after = profiles(world);
    expect(['alpha', 'bravo', 'bystander'].map((model) => after[model]!.providerBreaker.health)).toEqual([
      'OPEN',
      'OPEN',
      'OPEN',
    ]);
    expect(after['bystander']!.breaker.health).toBe('CLOSED');
    expect(after['other']!.providerBreaker.health).toBe('CLOSED');
    await world.clock.advanceBy(1_000);
    expect(profiles(world)['bystander']!.providerBreaker.health).toBe('HALF_OPEN');
  });

  test('providers that nobody has configured make no rows, however many somebody names', async () => {
    const world = await withService();
    for (let i = 0; i < 1_100; i++) await call(world, { provider: `nobody-${i}` });
    await call(world);
    expect(world.out(topics.modelProfile).map(({ provider }) => provider)).toEqual(['acme']);
    const dropped = { service: 'model-profiler', reason: 'unknown-provider' };
    expect(await world.metrics.value('quantum_router_drops_total', dropped)).toBe(1_100);
  });

  test('one bad model does not take its provider down', async () => {
    const world = await withService();
    await call(world, { model: 'bravo' });
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) await call(world, { status: 'FAILURE', quality: 0 });
      await world.clock.advanceBy(5_000);
    }
    expect(profiles(world)['alpha']).toMatchObject({
      breaker: { health: 'HALF_OPEN' },
      providerBreaker: { health: 'CLOSED' },
    });
  });

  test('a restart continues from where it was, waits included', async () => {
    // What was not committed is decided anew, and its waits begin anew.
    const world = await withService({ limits: { fewRecords: 0 } });
    for (let i = 0; i < 3; i++) await call(world, { status: 'FAILURE', quality: 0 });
    await world.clock.advanceBy(200);
    await world.crash('model-profiler');
    expect(profiles(world)['alpha']!.breaker.health).toBe('OPEN');
    await world.clock.advanceBy(800);
    const { breaker: half, overall } = profiles(world)['alpha']!;
    expect(half).toMatchObject({ health: 'HALF_OPEN', openings: 1 });
    expect(overall.errorRate).toBeCloseTo(1, 12);
    await call(world, { status: 'FAILURE', quality: 0, latencyMs: null });
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'OPEN', openings: 2 });
  });

  test('a probe whose outcome is reported at once, with a latency that has not passed, is a probe', async () => {
    const world = await withService();
    for (let i = 0; i < 3; i++) await call(world, { status: 'FAILURE', quality: 0 });
    await world.clock.advanceBy(1_000);
    const now = { observedAtMs: world.clock.nowMs(), latencyMs: 60_000, status: 'FAILURE' as const, quality: 0 };
    await call(world, { ...now, openedAtMs: world.clock.nowMs() - 1_000 });
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'HALF_OPEN', openings: 1 });
    await call(world, { ...now, openedAtMs: world.clock.nowMs() });
    expect(profiles(world)['alpha']!.breaker).toMatchObject({ health: 'OPEN', openings: 2 });
  });

  test('observations from the past count for the statistics', async () => {
    const world = await withService();
    await call(world, { quality: 1 });
    await call(world, { quality: 0, observedAtMs: 0 });
    expect(profiles(world)['alpha']!.overall.quality).toBeCloseTo(0.5, 2);
  });

  test('a task type may be any word', async () => {
    const world = await withService();
    for (const taskType of ['constructor', 'toString', '__proto__']) await call(world, { taskType, quality: 1 });
    const { tasks, overall } = profiles(world)['alpha']!;
    expect(tasks).toMatchObject({ constructor: { quality: 1 }, toString: { quality: 1 } });
    expect(overall.qualityWeight).toBeGreaterThan(2.9);
    expect(world.fatal).toEqual([]);
  });

  test('changes of breakers are counted, the first observation is none', async () => {
    const world = await withService();
    const changes = (name: string, to: string) =>
      world.metrics.value('quantum_router_breaker_transitions_total', { name, to });
    await call(world);
    for (let i = 0; i < 3; i++) await call(world, { status: 'FAILURE', quality: 0 });
    await world.clock.advanceBy(1_000);
    expect(
      await Promise.all([changes('alpha', 'OPEN'), changes('alpha', 'HALF_OPEN'), changes('acme', 'OPEN')]),
    ).toEqual([1, 1, 0]);
    expect(await changes('alpha', 'CLOSED')).toBe(0);
  });

  test('task types beyond the limit share one entry, the frequent ones keep theirs', async () => {
    const world = await withService();
    for (let i = 0; i < 3; i++) await call(world, { taskType: 'code', quality: 1 });
    for (let i = 0; i < 100; i++) await call(world, { taskType: `task-${i}`, quality: 0 });
    await call(world, { taskType: 'x'.repeat(65), quality: 0 });
    const { tasks, overall } = profiles(world)['alpha']!;
    expect(Object.keys(tasks)).toHaveLength(64);
    expect(tasks['code']).toMatchObject({ quality: 1, qualityWeight: expect.closeTo(2.98, 1) });
    // 101 rare words, 62 of them with an entry of their own, the newest of 100 among them.
    expect(tasks['task-99']).toMatchObject({ quality: 0, qualityWeight: 1 });
    expect(tasks['other']).toMatchObject({ quality: 0, qualityWeight: expect.closeTo(39, 0) });
    expect(overall.weight).toBeGreaterThan(70);
  });

  test('the largest row, as many models and words as there can be with the longest names, fits into a record', () => {
    const settings = defaultRouterConfig([{ name: 'none', provider: 'none' }]);
    // Three bytes a character, for the words, too.
    const name = (i: number): string => `${'語'.repeat(196)}${String(i).padStart(4, '0')}`;
    let row: ProviderProfiles | undefined;
    for (let i = 0; i < 270; i++) {
      for (let task = 0; task < 7; task++) {
        const observation = observed({
          model: name(i),
          provider: name(0),
          taskType: `${'語'.repeat(61)}${String(task).padStart(3, '0')}`,
          // No two calls fall into one bucket of a sketch.
          latencyMs: 100 * 1.2 ** (i % 20),
          firstTokenMs: 10 * 1.2 ** task,
        });
        row = profileModel(row, observation, settings, i).row;
      }
    }
    expect(Object.keys(row!.models)).toHaveLength(256);
    // Those not seen for longest are gone.
    expect(Object.keys(row!.models)[0]).toBe(name(14));
    const words = Object.values(row!.models).reduce((sum, { tasks }) => sum + Object.keys(tasks).length, 0);
    expect(words).toBeGreaterThan(500);
    // Each breaker with as many changes as it remembers.
    const changes = Array.from({ length: 12 }, (_, i) => ({ health: 'OPEN' as const, atMs: 1.7e12 + i }));
    const flapping = (breaker: Breaker): Breaker => ({ ...breaker, changes });
    const models = Object.values(row!.models).map(
      (profile) =>
        [
          profile.model,
          { ...profile, breaker: flapping(profile.breaker), providerBreaker: flapping(profile.providerBreaker) },
        ] as const,
    );
    const largest = { ...row!, breaker: flapping(row!.breaker), models: dictionaryOf(models) };
    const bytes = topics.providerProfiles.codec.encode(largest).length;
    expect(bytes).toBeGreaterThan(840_000);
    expect(bytes).toBeLessThan(970_000);
  });

  test('a row of an earlier version with thousands of words too many is bounded at once; a new word gets its chance', () => {
    const settings = defaultRouterConfig([{ name: 'none', provider: 'none' }]);
    const stats = { ...noStats(), weight: 3 };
    const words = dictionaryOf(Array.from({ length: 64 }, (_, i) => [`task-${i}`, stats] as const));
    const first = profileModel(undefined, observed({ model: 'm0' }), settings, 0).row;
    const models = Array.from({ length: 110 }, (_, i) => `m${i}`).map(
      (model) => [model, { ...first.models['m0']!, model, tasks: words }] as const,
    );
    const before = process.cpuUsage();
    let { row } = profileModel({ ...first, models: dictionaryOf(models) }, observed({ model: 'm7' }), settings, 1);
    const { user } = process.cpuUsage(before);
    // Some 100 ms; it took ten seconds where the lightest was looked for again and again. What others do on the machine is no part of it.
    expect(user / 1_000).toBeLessThan(3_000);
    const count = () => Object.values(row.models).reduce((sum, { tasks }) => sum + Object.keys(tasks).length, 0);
    expect(count()).toBe(maxTasksOfProvider);
    const weight = Object.values(row.models).flatMap(({ tasks }) => Object.values(tasks).map((task) => task.weight));
    expect(weight.reduce((a, b) => a + b)).toBeCloseTo(110 * 64 * 3 + 1, 3);
    for (let i = 0; i < 5; i++)
      ({ row } = profileModel(row, observed({ model: 'm9', taskType: 'new' }), settings, 2 + i));
    expect(row.models['m9']!.tasks['new']!.weight).toBeGreaterThan(4);
    expect(count()).toBe(maxTasksOfProvider);
  });

  test('works by default settings until a configuration is applied', async () => {
    const world = await createWorld();
    await world.start(createModelProfiler({ metrics: world.metrics }));
    for (let i = 0; i < 5; i++) await call(world, { status: 'FAILURE', quality: 0 });
    expect(profiles(world)['alpha']!.breaker.health).toBe('OPEN');
  });

  test('models and tasks with names that every object inherits have profiles like any others', async () => {
    const profilesOf = async (names: readonly string[]) => {
      const world = await withService();
      for (const taskType of names) for (const model of names) await call(world, { model, taskType });
      // The provider's breaker opens: every profile of its row is written anew.
      for (let i = 0; i < 6; i++)
        for (const model of names) await call(world, { model, taskType: 'code', status: 'FAILURE', quality: 0 });
      expect(world.fatal).toEqual([]);
      return names.map((model) => {
        const newest = world.out(topics.modelProfile).findLast((profile) => profile.model === model)!;
        const { overall, providerBreaker, tasks } = newest;
        return { overall, health: providerBreaker.health, tasks: Object.values(tasks) };
      });
    };
    const inherited = await profilesOf(['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
    expect(inherited).toEqual(await profilesOf(['alpha', 'beta', 'gamma', 'delta']));
    // Four answers each, and what failed before the breaker opened.
    for (const { overall, health, tasks } of inherited) {
      expect(overall.weight).toBeGreaterThan(4);
      expect([health, tasks.length]).toEqual(['OPEN', 5]);
    }
  });
});
