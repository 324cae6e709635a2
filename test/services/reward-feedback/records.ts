/** Records of one route as reward-feedback meets them: three candidates of two providers, `bravo` decided. */
import type {
  Candidate,
  DecidedThread,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../../lib/topics/generated/messages';

export const startMs = 1_700_000_000_000;
const models = ['alpha', 'bravo', 'charlie'];
const providers = ['acme', 'acme', 'zenith'];
const none = { allowedModels: [], deniedModels: [], allowedProviders: [], deniedProviders: [] };

function candidate(model: string, i: number): Candidate {
  return {
    model,
    provider: providers[i]!,
    eligible: i < 2,
    ineligibleReason: i < 2 ? null : 'over the cost limit',
    health: 'CLOSED',
    expectedCostUsd: 0.001 * (i + 1),
    expectedLatencyMs: 1000,
    expectedQuality: 0.5,
    errorRate: 0,
    observations: 0,
    priceFactor: 0.01 * (i + 1),
    declared: null,
  };
}

export function opened(requestId: string, change: Partial<RouteOpened> = {}): RouteOpened {
  return {
    requestId,
    sessionId: null,
    tenantId: null,
    routingKey: requestId,
    replyTo: null,
    openedAtMs: startMs,
    requestedAtMs: startMs,
    encoderVersion: 'test-1',
    sketch: Buffer.from([1, 2, 255]),
    sketchScale: 0.5,
    handFeatures: Buffer.from(Float32Array.of(0.25).buffer),
    callerFeatures: null,
    contextFeatures: Buffer.alloc(0),
    taskType: 'code',
    promptTokens: 10,
    candidates: models.map(candidate),
    preference: { quality: 1, cost: 0.5, latency: 0 },
    limits: { maxCostUsd: null, maxSessionCostUsd: null, maxLatencyMs: null, ...none },
    strategies: ['BALANCED', 'RANDOM'],
    strategyGroups: ['strategy-threads'],
    collapse: 'COMBINED',
    threadTimeoutMs: 150,
    explorationFloor: 0.01,
    budgetUsdPerRequest: null,
    policySha256: 'aa',
    basisSha256: 'bb',
    tuning: {
      version: 1,
      learnedRewards: 0,
      costPricePerUsd: 0,
      costRatios: {},
      priceFactors: {},
      driftOffsets: {},
      neuralWeight: 0.5,
      strategyWeights: {},
      eventOffset: 0,
      regretAllowance: null,
    },
    configVersion: 1,
    utilityScale: { costUsd: 0.01, latencyMs: 10_000 },
    positions: {},
    seed: 7,
    cacheFingerprint: '',
    cached: null,
    sessionSpentUsd: 0,
    sessionRequests: 0,
    sessionLastQuality: null,
    intakeMs: 0.1,
    holds: null,
    contentHash: null,
    priorObservations: 8,
    budgets: [],
    exposures: [],
    ...change,
  };
}

const thread = (strategy: string, change: Partial<DecidedThread>): DecidedThread => ({
  strategy,
  status: 'SUCCESS',
  choice: 'bravo',
  score: 0.4,
  weight: 0.5,
  probabilities: [0.3, 0.7, 0],
  durationMs: 1,
  error: null,
  policySha256: null,
  ...change,
});

export function decided(requestId: string, change: Partial<RouteDecided> = {}): RouteDecided {
  return {
    requestId,
    decisionId: requestId,
    sessionId: null,
    tenantId: null,
    routingKey: requestId,
    model: 'bravo',
    provider: 'acme',
    fallbacks: [{ model: 'alpha', provider: 'acme' }],
    confidence: 0.6,
    propensity: 0.65,
    candidates: models.map((model, i) => ({
      model,
      provider: providers[i]!,
      eligible: i < 2,
      ineligibleReason: null,
      propensity: [0.35, 0.65, 0][i]!,
      predictedQuality: 0.5,
      utility: 0.4,
      expectedCostUsd: 0.001,
      expectedLatencyMs: 1000,
    })),
    strategy: 'BALANCED',
    collapse: 'COMBINED',
    threads: [
      thread('BALANCED', {}),
      thread('RANDOM', { probabilities: [0.5, 0.5, 0] }),
      thread('LEARNING_OPTIMIZED', { status: 'TIMEOUT', probabilities: [] }),
    ],
    reasoning: 'because',
    versions: { config: 1, tuning: 1, policySha256: 'aa', basisSha256: 'bb', encoder: 'test-1' },
    seed: 7,
    explorationFloor: 0.01,
    cacheHit: false,
    degradedTo: 'NONE',
    stagesMs: { queued: 0, intake: 0, strategies: 0, collapse: 0, total: 0 },
    positions: {},
    decidedAtMs: startMs + 5,
    contentHash: null,
    budgets: [],
    exposures: [],
    ...change,
  };
}

export function outcome(decisionId: string, change: Partial<RouteOutcome> = {}): RouteOutcome {
  return {
    decisionId,
    routingKey: decisionId,
    model: 'bravo',
    attempt: 1,
    status: 'SUCCESS',
    latencyMs: 900,
    inputTokens: 10,
    outputTokens: 20,
    costUsd: 0.002,
    quality: 0.8,
    rewardParts: {},
    source: 'judge',
    provisional: false,
    revision: 0,
    occurredAtMs: startMs + 1000,
    ...change,
  };
}
