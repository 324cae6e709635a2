import fc from 'fast-check';
import { collapseNames, strategyNames } from '../../../../lib/config/router-config';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { judgeThread } from '../../../../lib/routing/judge/judge-thread';
import { strategies } from '../../../../lib/routing/judge/strategies/strategies';
import type { RouteOpened, ThreadScore } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { anyOpened, candidateOf, nowMs, openedOf, sum, threadOf } from '../fixtures';
import { cachedValuesOf, policyOf } from '../kept';

const scores = [
  threadOf('BALANCED', [0.1, 0.8, 0.1], { utilities: [0.5, 0.8, 0.2], qualities: [0.6, 0.85, 0.3], durationMs: 0.3 }),
  threadOf('COST_EFFICIENT', [0, 1, 0]),
  threadOf('TASK_OPTIMIZED', [1, 0, 0]),
];

test('a decision says everything about itself', () => {
  const opened = openedOf({
    explorationFloor: 0,
    sessionId: 's',
    routingKey: 's',
    tenantId: 't',
    seed: 3,
    collapse: 'CONSENSUS',
  });
  const decision = recomputeDecision(opened, scores);
  expect(decision).toMatchObject({
    requestId: 'r1',
    decisionId: 'r1',
    sessionId: 's',
    routingKey: 's',
    tenantId: 't',
    model: 'small',
    provider: 'beta',
    propensity: 1,
    strategy: 'BALANCED',
    collapse: 'CONSENSUS',
    cacheHit: false,
    degradedTo: 'NONE',
    seed: 3,
    versions: {
      config: 1,
      tuning: 3,
      policySha256: null,
      basisSha256: null,
      encoder: 'sketch-1',
      profiles: null,
      profilesAgeMs: null,
    },
  });
  expect(decision.fallbacks.map(({ model }) => model)).toEqual(['large', 'swift']);
  expect(decision.threads.map(({ strategy, status, choice, weight }) => [strategy, status, choice, weight])).toEqual([
    ['TASK_OPTIMIZED', 'SUCCESS', 'large', 0],
    ['BALANCED', 'SUCCESS', 'small', 0.5],
    ['COST_EFFICIENT', 'SUCCESS', 'small', 0.5],
  ]);
  expect(decision.threads[1]).toMatchObject({ score: 0.8, durationMs: 0.3, probabilities: [0.1, 0.8, 0.1] });
  expect(decision.reasoning).toBe(
    'small (beta) was chosen for this code request by BALANCED, leading in CONSENSUS, with probability 1. ' +
      'It is expected to reach quality 0.62 for $0.001 in 1500 ms, against quality 0.53 for $0.01 in 3000 ms of large.',
  );
});

test('the order in which scores come changes nothing', () => {
  const decision = recomputeDecision(openedOf(), scores);
  fc.assert(
    fc.property(fc.shuffledSubarray(scores, { minLength: 3 }), (shuffled) => {
      expect(recomputeDecision(openedOf(), shuffled)).toEqual(decision);
    }),
  );
});

test('threads nobody asked for are ignored; missing ones time out and are named', () => {
  const decision = recomputeDecision(openedOf(), [scores[0]!, threadOf('RANDOM', [0, 0, 1])]);
  expect(decision.threads.map(({ strategy, status }) => [strategy, status])).toEqual([
    ['TASK_OPTIMIZED', 'TIMEOUT'],
    ['BALANCED', 'SUCCESS'],
    ['COST_EFFICIENT', 'TIMEOUT'],
  ]);
  expect(decision.threads[0]).toMatchObject({ choice: null, score: null, weight: 0, durationMs: 150 });
  expect(decision.reasoning).toContain('Without TASK_OPTIMIZED (timed out), COST_EFFICIENT (timed out).');
});

test.each<[string, Partial<ThreadScore>]>([
  ['judged 2 candidates of 3', { probabilities: [0, 1] }],
  ['judgement is not finite', { utilities: [0, Number.NaN, 0] }],
  ['probability below 0', { probabilities: [-0.5, 1, 0.5] }],
  ['probabilities sum to 0', { probabilities: [0, 0, 0] }],
  ['confidence is not finite', { confidence: Number.NaN }],
])('a thread with a broken judgement is FAILED: %s', (error, change) => {
  const decision = recomputeDecision(openedOf(), [{ ...scores[0]!, ...change }, scores[1]!, scores[2]!]);
  expect(decision.threads[1]).toMatchObject({ status: 'FAILED', error, weight: 0 });
  expect(decision.degradedTo).toBe('NONE');
});

test('what a failed thread says is kept, and nothing else of it', () => {
  const failed = threadOf('BALANCED', [0, 0, 1], { status: 'FAILED', error: 'out of luck', durationMs: 2 });
  const decision = recomputeDecision(openedOf(), [failed, scores[2]!]);
  expect(decision.threads[1]).toMatchObject({
    status: 'FAILED',
    error: 'out of luck',
    durationMs: 2,
    probabilities: [],
  });
  expect(decision.reasoning).toContain('BALANCED (out of luck)');
});

describe('the ladder is visible', () => {
  test('no thread has answered: the static ones decide as they would have, and the reason says so', () => {
    const opened = openedOf({ explorationFloor: 0, strategies: ['LEARNING_OPTIMIZED', 'TASK_OPTIMIZED', 'BALANCED'] });
    const decision = recomputeDecision(opened, []);
    const heard = (['TASK_OPTIMIZED', 'BALANCED'] as const).map((name) => judgeThread(name, opened, null));
    const intended = recomputeDecision(opened, heard);
    expect(decision).toMatchObject({ degradedTo: 'STATIC_STRATEGIES', strategy: 'TASK_OPTIMIZED' });
    // Quality is all that this request asks for: the cheapest would be another one.
    expect(decision.candidates).toEqual(intended.candidates);
    expect(decision.model).toBe('large');
    expect(decision.threads.map(({ strategy, status }) => `${strategy} ${status}`)).toEqual([
      'LEARNING_OPTIMIZED TIMEOUT',
      'TASK_OPTIMIZED TIMEOUT',
      'BALANCED TIMEOUT',
      'TASK_OPTIMIZED SUCCESS',
      'BALANCED SUCCESS',
    ]);
    expect(decision.reasoning).toContain(
      'Degraded to STATIC_STRATEGIES: no thread answered in time, and TASK_OPTIMIZED, BALANCED judged without one.',
    );
  });

  test('nobody can judge: cheapest healthy, with its stand-in among the threads', () => {
    const opened = openedOf({ explorationFloor: 0 });
    for (const candidate of opened.candidates) candidate.expectedQuality = Number.NaN;
    const decision = recomputeDecision(opened, []);
    expect(decision).toMatchObject({ model: 'small', degradedTo: 'CHEAPEST_HEALTHY', strategy: 'CHEAPEST_HEALTHY' });
    expect(decision.threads.at(-1)).toMatchObject({ strategy: 'CHEAPEST_HEALTHY', weight: 1 });
    expect(decision.reasoning).toContain('Degraded to CHEAPEST_HEALTHY.');
  });

  test('overdue: static strategies at once', () => {
    const decision = recomputeDecision(openedOf({ strategies: [], strategyGroups: [], threadTimeoutMs: 0 }), []);
    expect(decision).toMatchObject({ degradedTo: 'STATIC_STRATEGIES', strategy: 'BALANCED' });
    expect(decision.reasoning).toContain('because the request was overdue');
  });

  test('nobody healthy', () => {
    const candidates = [
      candidateOf('a', 'p', { health: 'OPEN', ineligibleReason: 'health: OPEN, but nothing healthier is left' }),
    ];
    const decision = recomputeDecision(openedOf({ candidates }), []);
    expect(decision).toMatchObject({ model: 'a', propensity: 1, fallbacks: [] });
    expect(decision.reasoning).toContain('No candidate is healthy');
    expect(decision.reasoning).toContain('no other candidate was eligible');
  });
});

describe('the cache', () => {
  const cached = {
    models: ['large', 'small', 'swift'],
    probabilities: [0, 0, 1],
    qualities: [0.9, 0.8, 0.7],
    strategy: 'BALANCED',
    confidence: 0.6,
    cachedAtMs: 1,
  };

  test('a cached distribution is the only thread and is drawn from afresh', () => {
    const decision = recomputeDecision(openedOf({ cached, explorationFloor: 0.3 }), scores);
    expect(decision).toMatchObject({ cacheHit: true, degradedTo: 'NONE', strategy: 'BALANCED' });
    expect(decision.candidates.map(({ propensity }) => propensity)).toEqual(
      [0.1, 0.1, 0.8].map((p) => expect.closeTo(p, 12)),
    );
    expect(decision.threads).toEqual([expect.objectContaining({ strategy: 'BALANCED', status: 'SUCCESS', weight: 1 })]);
    expect(decision.reasoning).toMatch(/cached judgement/);
    // As sure as the threads were whose judgement it is, and no surer for having been kept.
    const certain = recomputeDecision(openedOf({ cached, explorationFloor: 0 }), []);
    expect(certain.confidence).toBeCloseTo(0.6, 12);
  });

  test.each<[string, Partial<typeof cached>, string]>([
    ['more than there is', { probabilities: [0, 4, 1] }, 'cached: probabilities sum to 5'],
    ['nothing', { probabilities: [0, 0, 0] }, 'cached: probabilities sum to 0'],
    ['less than nothing', { probabilities: [-1, 1, 1] }, 'cached: probability below 0'],
    ['no numbers', { probabilities: [Number.NaN, 0, 1] }, 'cached: judgement is not finite'],
    ['other models', { models: ['large', 'small', 'else'] }, 'cached: probabilities sum to 0'],
    ['qualities beyond 1', { qualities: [1e9, 0, 0] }, 'cached: a quality is not 0 to 1'],
    ['no confidence', { confidence: Number.NaN }, 'cached: confidence is not finite'],
  ])('a pinned distribution of %s is a failed thread, and static strategies decide', (_name, change, error) => {
    const decision = recomputeDecision(openedOf({ cached: { ...cached, ...change } }), []);
    expect(decision).toMatchObject({ cacheHit: false, degradedTo: 'STATIC_STRATEGIES' });
    expect(decision.threads).toMatchObject([
      { strategy: 'BALANCED', status: 'FAILED', error },
      { strategy: 'BALANCED', status: 'SUCCESS', weight: 1 },
    ]);
  });

  test('limits and health are checked again: what is not eligible now cannot be drawn', () => {
    const opened = openedOf({ cached, explorationFloor: 0 });
    opened.candidates[2]!.eligible = false;
    expect(recomputeDecision(opened, []).candidates[2]!.propensity).toBe(0);
  });

  test('cached values are judged with everything else as it is now, all strategies heard, and drawn from afresh', () => {
    const names = ['LEARNING_OPTIMIZED', 'BALANCED', 'COST_EFFICIENT'] as const;
    const tuning = { ...openedOf().tuning, learnedRewards: 1_000 };
    const opened = openedOf({ strategies: [...names], tuning, policySha256: 'p2', cachedValues: cachedValuesOf() });
    const decision = recomputeDecision(opened, []);
    expect(decision).toMatchObject({ cacheHit: true, degradedTo: 'NONE' });
    expect(decision.reasoning).toMatch(/by cached values/);
    expect(decision.threads.map(({ strategy, status }) => [strategy, status])).toEqual(
      names.map((strategy) => [strategy, 'SUCCESS']),
    );
    const threads = names.map((name) => judgeThread(name, opened, policyOf()));
    const fresh = recomputeDecision({ ...opened, cachedValues: null, policySha256: 'p1' }, threads);
    decision.candidates.forEach(({ propensity }, i) => {
      expect(propensity).toBeCloseTo(fresh.candidates[i]!.propensity, 6);
    });
  });

  test('a check waits for its threads, whatever the cache said', () => {
    const opened = openedOf({ cachedValues: cachedValuesOf({ isCheck: true }) });
    expect(recomputeDecision(opened, scores)).toEqual(recomputeDecision(openedOf(), scores));
  });

  test('values that are none are a failed thread, and the other strategies decide', () => {
    const names = ['LEARNING_OPTIMIZED', 'BALANCED'];
    const tuning = { ...openedOf().tuning, learnedRewards: 1_000 };
    const cachedValues = { ...cachedValuesOf(), values: Buffer.alloc(3) };
    const decision = recomputeDecision(openedOf({ strategies: names, tuning, cachedValues }), []);
    expect(decision).toMatchObject({ cacheHit: false, degradedTo: 'STATIC_STRATEGIES', strategy: 'BALANCED' });
    expect(decision.threads[0]).toMatchObject({
      status: 'FAILED',
      error: 'cached values: 3 bytes are not the values of 3 models',
    });
  });
});

/** Any request, with threads of which some died, are missing or talk nonsense. */
const anyRoute: fc.Arbitrary<{ opened: RouteOpened; threads: ThreadScore[] }> = fc
  .record({
    opened: anyOpened,
    collapse: fc.constantFrom(...collapseNames),
    asked: fc.subarray([...strategyNames]),
    fates: fc.array(fc.constantFrom('ok', 'failed', 'missing', 'nonsense'), { minLength: 6, maxLength: 6 }),
  })
  .map(({ opened, collapse, asked, fates }) => ({
    opened: { ...opened, collapse, strategies: asked },
    threads: asked.flatMap((strategy, i): ThreadScore[] => {
      const { probabilities, utilities, qualities, ...rest } = strategies[strategy](opened, null);
      const thread = {
        ...threadOf(strategy, [...probabilities]),
        ...rest,
        utilities: [...utilities],
        qualities: [...qualities],
      };
      if (fates[i] === 'missing') return [];
      if (fates[i] === 'failed') return [{ ...thread, status: 'FAILED', error: 'x' }];
      return [fates[i] === 'nonsense' ? { ...thread, probabilities: [Number.NaN] } : thread];
    }),
  }));

test('whatever happened to the threads: one eligible model, exact propensities, a record that can be written, twice the same', () => {
  fc.assert(
    fc.property(anyRoute, ({ opened, threads }) => {
      const decision = recomputeDecision(opened, threads);
      expect(sum(decision.candidates.map(({ propensity }) => propensity))).toBeCloseTo(1, 9);
      const chosen = decision.candidates.find(({ model }) => model === decision.model)!;
      expect(chosen.eligible).toBe(true);
      expect(decision.propensity).toBe(chosen.propensity);
      expect(decision.propensity).toBeGreaterThan(0);
      expect(decision.confidence).toBeGreaterThanOrEqual(0);
      expect(decision.confidence).toBeLessThanOrEqual(1);
      expect(decision.fallbacks.map(({ model }) => model)).not.toContain(decision.model);
      expect(sum(decision.threads.map(({ weight }) => weight))).toBeCloseTo(1, 9);
      expect(decision.threads.length).toBeGreaterThanOrEqual(opened.strategies.length);
      expect(recomputeDecision(opened, threads)).toEqual(decision);
      const stagesMs = { queued: 0, intake: 0, strategies: 0, collapse: 0, total: 0 };
      const record = { ...decision, stagesMs, positions: {}, decidedAtMs: 1 };
      const { codec } = topics.routeDecided;
      expect(codec.decode(codec.encode(record))).toEqual(record);
    }),
    { numRuns: 300 },
  );
});

test('a decision says by which state of health and capacity it was made, and how old that was', () => {
  const at = { profilesAtMs: nowMs - 40, openedAtMs: nowMs, positions: { 'model.profile': 17 } };
  expect(recomputeDecision(openedOf(at), []).versions).toMatchObject({ profiles: 17, profilesAgeMs: 40 });
  // Written by a process whose clock is ahead.
  expect(recomputeDecision(openedOf({ ...at, profilesAtMs: nowMs + 9 }), []).versions.profilesAgeMs).toBe(0);
  // A record from before it was pinned is decided as it was.
  expect(recomputeDecision(openedOf({ ...at, profilesAtMs: null }), []).versions).toMatchObject({
    profiles: null,
    profilesAgeMs: null,
  });
});

test('whoever has no capacity left is no fallback either, nor whom a budget bars', () => {
  const [large, small, swift] = openedOf().candidates;
  const candidates = [large!, { ...small!, eligible: false, ineligibleReason: 'capacity: at its rate limit' }, swift!];
  const opened = openedOf({ candidates, strategies: ['BALANCED'], explorationFloor: 0 });
  const { fallbacks } = recomputeDecision(opened, [threadOf('BALANCED', [1, 0, 0])]);
  expect(fallbacks.map(({ model }) => model)).toEqual(['swift']);
});
