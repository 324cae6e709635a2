/** Builders for tests of the request path: small worlds with sensible values, to be changed where a test cares. */
import fc from 'fast-check';
import type { RouterConfig } from '../../../lib/config/router-config';
import { completeConfig, configSchema } from '../../../lib/config/schema/config-schema';
import type {
  Breaker,
  Candidate,
  DecayedStats,
  ModelProfile,
  RouteOpened,
  RouteRequested,
  ThreadScore,
  Tuning,
} from '../../../lib/topics/generated/messages';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { noStats } from '../../../services/model-profiler/observe';

export const nowMs = 1_700_000_000_000;

/** Three models of two providers: `large` (dear, good), `small` (cheap), `swift` (fast; same provider as small). */
export function configOf(changes: Record<string, unknown> = {}): RouterConfig {
  return completeConfig(
    configSchema.parse({
      models: [
        {
          name: 'large',
          provider: 'alpha',
          price: { inputPerMillionUsd: 4, outputPerMillionUsd: 16 },
          capabilities: ['tools', 'vision'],
          expectedQuality: 0.9,
          expectedLatencyMs: 3_000,
        },
        {
          name: 'small',
          provider: 'beta',
          price: { inputPerMillionUsd: 0.4, outputPerMillionUsd: 1.6 },
          capabilities: ['tools'],
          expectedQuality: 0.7,
          expectedLatencyMs: 1_500,
          taskQuality: { code: 0.85 },
        },
        {
          name: 'swift',
          provider: 'beta',
          price: { inputPerMillionUsd: 1, outputPerMillionUsd: 2 },
          expectedQuality: 0.6,
          expectedLatencyMs: 500,
          contextTokens: 8_000,
        },
      ],
      ...changes,
    }),
  );
}

export function requestOf(changes: Partial<RouteRequested> = {}): RouteRequested {
  return {
    requestId: 'r1',
    sessionId: null,
    tenantId: null,
    userId: null,
    budgetApproved: null,
    prompt: 'What is the capital of France?',
    messages: [],
    holds: null,
    features: null,
    taskHint: null,
    requiredCapabilities: [],
    contextTokens: null,
    expectedOutputTokens: null,
    limits: noLimits,
    preference: null,
    strategies: [],
    collapse: null,
    threadTimeoutMs: null,
    replyTo: null,
    requestedAtMs: nowMs,
    ...changes,
  };
}

export function closed(changes: Partial<Breaker> = {}): Breaker {
  return {
    health: 'CLOSED',
    failures: 0,
    changedAtMs: 0,
    openings: 0,
    probeAtMs: null,
    probesSucceeded: 0,
    changes: [],
    ...changes,
  };
}

export function statsOf(changes: Partial<DecayedStats> = {}): DecayedStats {
  return { ...noStats(), ...changes };
}

export function profileOf(model: string, provider: string, changes: Partial<ModelProfile> = {}): ModelProfile {
  return {
    model,
    provider,
    overall: statsOf(),
    tasks: {},
    breaker: closed(),
    providerBreaker: closed(),
    capacity: null,
    providerCapacity: null,
    declaredVersion: null,
    declaredPrice: null,
    firstTokens: null,
    updatedAtMs: nowMs,
    ...changes,
  };
}

export function tuningOf(changes: Partial<Tuning> = {}): Tuning {
  return {
    version: 3,
    learnedRewards: 500,
    costPricePerUsd: 0,
    costRatios: {},
    priceFactors: {},
    driftOffsets: {},
    neuralWeight: 0.5,
    strategyWeights: { LEARNING_OPTIMIZED: 0.94, TASK_OPTIMIZED: 0.03, BALANCED: 0.02, COST_EFFICIENT: 0.01 },
    eventOffset: 500,
    regretAllowance: null,
    regretLeft: null,
    countedToMs: 0,
    requestGapMs: 0,
    setGaps: {},
    strategyFactors: {},
    confidenceCurve: [],
    ...changes,
  };
}

export function candidateOf(model: string, provider: string, changes: Partial<Candidate> = {}): Candidate {
  return {
    model,
    provider,
    eligible: true,
    ineligibleReason: null,
    health: 'CLOSED',
    expectedCostUsd: 0.001,
    expectedLatencyMs: 1_000,
    expectedQuality: 0.5,
    errorRate: 0,
    observations: 10,
    priceFactor: 0.001,
    declared: null,
    p95LatencyMs: null,
    bar: null,
    ...changes,
  };
}

export function openedOf(changes: Partial<RouteOpened> = {}): RouteOpened {
  return {
    requestId: 'r1',
    sessionId: null,
    tenantId: null,
    routingKey: 'r1',
    replyTo: null,
    openedAtMs: nowMs,
    requestedAtMs: nowMs - 5,
    encoderVersion: 'sketch-1',
    sketch: Buffer.alloc(1024, 3),
    sketchScale: 0.01,
    handFeatures: Buffer.alloc(160),
    callerFeatures: null,
    contextFeatures: Buffer.alloc(0),
    taskType: 'code',
    promptTokens: 100,
    candidates: [
      candidateOf('large', 'alpha', { expectedQuality: 0.9, expectedCostUsd: 0.01, expectedLatencyMs: 3_000 }),
      candidateOf('small', 'beta', { expectedQuality: 0.85, expectedCostUsd: 0.001, expectedLatencyMs: 1_500 }),
      candidateOf('swift', 'beta', { expectedQuality: 0.6, expectedCostUsd: 0.002, expectedLatencyMs: 400 }),
    ],
    preference: { quality: 1, cost: 0, latency: 0 },
    limits: noLimits,
    strategies: ['TASK_OPTIMIZED', 'BALANCED', 'COST_EFFICIENT'],
    strategyGroups: ['strategy-threads'],
    collapse: 'COMBINED',
    threadTimeoutMs: 150,
    explorationFloor: 0.03,
    budgetUsdPerRequest: null,
    policySha256: null,
    basisSha256: null,
    tuning: tuningOf(),
    configVersion: 1,
    utilityScale: { costUsd: 0.01, latencyMs: 10_000 },
    positions: { 'route.requested': 7 },
    seed: 42,
    cacheFingerprint: 'f'.repeat(64),
    cached: null,
    cachedValues: null,
    sessionSpentUsd: 0,
    sessionRequests: 0,
    sessionLastQuality: null,
    intakeMs: 0.2,
    holds: null,
    contentHash: null,
    priorObservations: 8,
    budgets: [],
    sets: null,
    rewardsPerModel: 4,
    exposures: [],
    tenantSettings: [],
    shadowGroups: [],
    profilesAtMs: null,
    deployments: [],
    warmCache: null,
    complexity: null,
    tiesShare: true,
    ...changes,
  };
}

/** A successful thread of the opened request's three candidates. */
export function threadOf(strategy: string, probabilities: number[], changes: Partial<ThreadScore> = {}): ThreadScore {
  return {
    strategy,
    status: 'SUCCESS',
    probabilities,
    utilities: probabilities.map((_, i) => 0.9 - i / 10),
    qualities: probabilities.map(() => 0.5),
    confidence: 0.8,
    durationMs: 0.1,
    error: null,
    policySha256: null,
    coldStart: false,
    ...changes,
  };
}

/** Opened requests of one to eight candidates, at least one of them eligible. */
export const anyOpened: fc.Arbitrary<RouteOpened> = fc
  .record({
    candidates: fc.array(
      fc.record({
        eligible: fc.boolean(),
        provider: fc.constantFrom('alpha', 'beta', 'gamma'),
        health: fc.constantFrom('CLOSED' as const, 'HALF_OPEN' as const, 'OPEN' as const),
        expectedCostUsd: fc.double({ min: 0, max: 0.1, noNaN: true }),
        expectedLatencyMs: fc.double({ min: 1, max: 60_000, noNaN: true }),
        expectedQuality: fc.double({ min: 0, max: 1, noNaN: true }),
        errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
        observations: fc.double({ min: 0, max: 1_000, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    preference: fc.record({
      quality: fc.double({ min: 0.01, max: 1, noNaN: true }),
      cost: fc.double({ min: 0, max: 1, noNaN: true }),
      latency: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    explorationFloor: fc.double({ min: 0, max: 1, noNaN: true }),
    budgetUsdPerRequest: fc.option(fc.double({ min: 1e-6, max: 0.1, noNaN: true })),
    seed: fc.nat(),
  })
  .filter(({ candidates }) => candidates.some((candidate) => candidate.eligible))
  .map(({ candidates, ...rest }) =>
    openedOf({
      ...rest,
      candidates: candidates.map(({ provider, ...changes }, i) =>
        candidateOf(`model-${i}`, provider, {
          ...changes,
          ineligibleReason: changes.eligible ? null : 'limits.deniedModels: denied',
        }),
      ),
    }),
  );

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
