import type { StrategyName } from '../../../lib/config/router-config';
import { strategies } from '../../../lib/routing/judge/strategies/strategies';
import type { LearnedPolicy, Strategies } from '../../../lib/routing/judge/strategy';
import type { WeightsPointer, WeightsSource } from '../../../lib/routing/judge/weights-source';
import type { RouteOpened, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createStrategyThreads, type StrategyThreadsOptions } from '../../../services/strategy-threads/service';
import { openedOf, sum } from '../../lib/routing/fixtures';
import { cachedValuesOf } from '../../lib/routing/kept';
import { createWorld } from '../../lib/stream/toy';

function sourceOf(...known: string[]): WeightsSource & { asked: WeightsPointer[] } {
  const asked: WeightsPointer[] = [];
  return {
    asked,
    async load(pointer): Promise<LearnedPolicy | null> {
      asked.push(pointer);
      const { policySha256 } = pointer;
      if (!known.includes(policySha256)) return null;
      return { policySha256, judge: (opened) => ({ ...strategies.RANDOM(opened, null), policySha256 }) };
    },
  };
}

async function run(opened: RouteOpened[], options: Partial<StrategyThreadsOptions> = {}): Promise<StrategyScored[]> {
  const world = createWorld();
  await world.start(createStrategyThreads({ weights: sourceOf('p1'), clock: world.clock, ...options }));
  await world.put(topics.routeOpened, opened);
  return world.read(topics.strategyScored) as StrategyScored[];
}

const all: StrategyName[] = [
  'LEARNING_OPTIMIZED',
  'TASK_OPTIMIZED',
  'BALANCED',
  'PERFORMANCE',
  'COST_EFFICIENT',
  'RANDOM',
];

test('one record per request, with a result of every strategy asked, in its order', async () => {
  const [scored, ...more] = await run([
    openedOf({ routingKey: 's', strategies: all, policySha256: 'p1', basisSha256: 'b' }),
  ]);
  expect(more).toEqual([]);
  expect(scored).toMatchObject({ requestId: 'r1', routingKey: 's', group: 'strategy-threads' });
  expect(scored!.threads.map(({ strategy, status }) => [strategy, status])).toEqual(
    all.map((name) => [name, 'SUCCESS']),
  );
  expect(scored!.threads[0]).toMatchObject({ policySha256: 'p1', coldStart: false });
  for (const thread of scored!.threads) expect(sum(thread.probabilities)).toBeCloseTo(1, 9);
});

test('a strategy that throws is FAILED with its error, cut short, and harms no other', async () => {
  const broken: Strategies = {
    ...strategies,
    BALANCED: () => {
      throw new Error(`broken ${'x'.repeat(1_000)}`);
    },
  };
  const [scored] = await run([openedOf({ strategies: ['BALANCED', 'RANDOM'] })], { implementations: broken });
  expect(scored!.threads[0]).toMatchObject({
    strategy: 'BALANCED',
    status: 'FAILED',
    probabilities: [],
    utilities: [],
  });
  expect(scored!.threads[0]!.error).toMatch(/^broken x{193}$/);
  expect(scored!.threads[1]!.status).toBe('SUCCESS');
});

test('before the first weights the learned strategy explores', async () => {
  const [scored] = await run([openedOf({ strategies: ['LEARNING_OPTIMIZED'] })]);
  expect(scored!.threads[0]).toMatchObject({
    status: 'SUCCESS',
    coldStart: true,
    probabilities: [1 / 3, 1 / 3, 1 / 3],
  });
});

test('weights that cannot be loaded: FAILED, or the last good ones, said openly', async () => {
  const asked = (requestId: string, policySha256: string) =>
    openedOf({ requestId, routingKey: requestId, strategies: ['LEARNING_OPTIMIZED'], policySha256, basisSha256: 'b' });
  const scored = await run([asked('r1', 'missing'), asked('r2', 'p1'), asked('r3', 'missing2')]);
  expect(scored.map(({ threads: [thread] }) => [thread!.status, thread!.policySha256])).toEqual([
    ['FAILED', null],
    ['SUCCESS', 'p1'],
    ['SUCCESS', 'p1'],
  ]);
  expect(scored[0]!.threads[0]!.error).toBe('weights missing could not be loaded');
});

test('weights are asked for once per version, and not at all when nobody needs them', async () => {
  const weights = sourceOf('p1');
  const learned = { strategies: ['LEARNING_OPTIMIZED'], policySha256: 'p1', basisSha256: 'b' };
  await run(
    [
      openedOf({ requestId: 'r1', ...learned }),
      openedOf({ requestId: 'r2', ...learned }),
      openedOf({ requestId: 'r3', ...learned, strategies: ['BALANCED'], policySha256: 'other' }),
    ],
    { weights },
  );
  expect(weights.asked).toEqual([{ policySha256: 'p1', basisSha256: 'b' }]);
});

test('a cached or overdue request has no threads', async () => {
  const cached = {
    models: ['large', 'small', 'swift'],
    probabilities: [1, 0, 0],
    qualities: [1, 0, 0],
    strategy: 'RANDOM',
    confidence: 0.6,
    cachedAtMs: 1,
  };
  const cachedValues = cachedValuesOf();
  const opened = [
    openedOf({ cached }),
    openedOf({ requestId: 'r2', strategies: [] }),
    openedOf({ requestId: 'r3', cachedValues }),
  ];
  expect(await run(opened)).toEqual([]);
  const checked = await run([openedOf({ cachedValues: { ...cachedValues, isCheck: true } })]);
  expect(checked).toHaveLength(1);
});

test('a group of its own hosts only its strategies and keeps silent about the rest', async () => {
  const scored = await run(
    [openedOf({ strategies: ['BALANCED', 'RANDOM'] }), openedOf({ requestId: 'r2', strategies: ['BALANCED'] })],
    {
      group: 'random-threads',
      strategies: ['RANDOM'],
    },
  );
  expect(scored).toHaveLength(1);
  expect(scored[0]).toMatchObject({ requestId: 'r1', group: 'random-threads' });
  expect(scored[0]!.threads.map(({ strategy }) => strategy)).toEqual(['RANDOM']);
});

test('at most eight threads, unknown strategies left out', async () => {
  const [scored] = await run([openedOf({ strategies: ['MAGIC', ...new Array(9).fill('RANDOM')] })]);
  expect(scored!.threads).toHaveLength(7);
});

test('a strategy that breaks the deadline is seen in its duration, and then not asked; the others go on', async () => {
  const world = createWorld();
  let elapsedMs = 0;
  const slow: Strategies = {
    ...strategies,
    BALANCED: (opened, learned) => {
      elapsedMs += 400;
      return strategies.BALANCED(opened, learned);
    },
  };
  const options = { weights: sourceOf(), clock: world.clock, implementations: slow };
  await world.start(createStrategyThreads(options), { elapsedMs: () => elapsedMs });
  for (const requestId of ['r1', 'r2', 'r3', 'r4']) {
    const wanted = { requestId, routingKey: requestId, strategies: ['BALANCED', 'RANDOM'], threadTimeoutMs: 250 };
    await world.put(topics.routeOpened, [openedOf(wanted)]);
    // Another batch: time is read once for each.
    await world.clock.advanceBy(5);
  }
  const scored = world.read(topics.strategyScored) as StrategyScored[];
  const durations = scored.map(({ threads }) => threads.map(({ strategy, durationMs }) => [strategy, durationMs]));
  const both = [
    ['BALANCED', 400],
    ['RANDOM', 0],
  ];
  expect(durations).toEqual([both, both, both, [['RANDOM', 0]]]);
});

test('what has been scored is not scored again after a restart', async () => {
  const world = createWorld();
  const declared = createStrategyThreads({ weights: sourceOf(), clock: world.clock });
  await world.start(declared);
  await world.put(topics.routeOpened, [openedOf({ strategies: ['RANDOM'] })]);
  // Before anything is committed: the request comes again.
  world.broker.rebalance('strategy-threads');
  await world.clock.advanceBy(1_000);
  expect(world.read(topics.strategyScored)).toHaveLength(1);
});
