import { fingerprintOf } from '../../../../lib/routing/open/fingerprint';
import type { RouteOpened } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { openedOf, tuningOf } from '../fixtures';

const base = fingerprintOf(openedOf());

test('equal requests have equal fingerprints, whoever asks and whenever', () => {
  expect(base).toMatch(/^[0-9a-f]{64}$/);
  const other = openedOf({
    requestId: 'other',
    routingKey: 's',
    sessionId: 's',
    tenantId: 't',
    openedAtMs: 1,
    seed: 7,
    replyTo: 'g',
    explorationFloor: 0.5,
    positions: {},
    intakeMs: 9,
  });
  expect(fingerprintOf(other)).toBe(base);
});

test('what moves all the time is rounded', () => {
  const opened = openedOf();
  const candidates = opened.candidates.map((candidate) => ({
    ...candidate,
    expectedCostUsd: candidate.expectedCostUsd * 1.001,
    expectedQuality: candidate.expectedQuality + 0.0001,
    observations: candidate.observations + 1,
  }));
  expect(fingerprintOf({ ...opened, candidates })).toBe(base);
  expect(fingerprintOf(openedOf({ tuning: tuningOf({ version: 4, learnedRewards: 508, eventOffset: 900 }) }))).toBe(
    base,
  );
});

const candidateChange = (change: object): Partial<RouteOpened> => {
  const [first, ...rest] = openedOf().candidates;
  return { candidates: [{ ...first!, ...change }, ...rest] };
};

test.each<[string, Partial<RouteOpened>]>([
  ['sketch', { sketch: Buffer.alloc(1024, 4) }],
  ['hand features', { handFeatures: Buffer.alloc(160, 1) }],
  ['caller features', { callerFeatures: Buffer.alloc(8) }],
  ['encoder', { encoderVersion: 'sketch-2' }],
  ['task', { taskType: 'math' }],
  ['size', { promptTokens: 101 }],
  ['preference', { preference: { quality: 1, cost: 1, latency: 0 } }],
  ['limits', { limits: { ...noLimits, maxCostUsd: 1 } }],
  ['strategies', { strategies: ['BALANCED'] }],
  ['their order', { strategies: ['BALANCED', 'TASK_OPTIMIZED', 'COST_EFFICIENT'] }],
  ['collapse', { collapse: 'CONSENSUS' }],
  ['weights', { policySha256: 'a' }],
  ['basis', { basisSha256: 'a' }],
  ['config', { configVersion: 2 }],
  ['budget price', { tuning: tuningOf({ costPricePerUsd: 3 }) }],
  ['drift', { tuning: tuningOf({ driftOffsets: { large: -0.2 } }) }],
  ['mix', { tuning: tuningOf({ neuralWeight: 0.9 }) }],
  ['trust', { tuning: tuningOf({ strategyWeights: { BALANCED: 1 } }) }],
  ['eligibility', candidateChange({ eligible: false })],
  ['health', candidateChange({ health: 'HALF_OPEN' })],
  ['cost', candidateChange({ expectedCostUsd: 0.02 })],
  ['latency', candidateChange({ expectedLatencyMs: 9_000 })],
  ['quality', candidateChange({ expectedQuality: 0.5 })],
  ['price', candidateChange({ priceFactor: 0.1 })],
  ['model', candidateChange({ model: 'larger' })],
])('another %s, another fingerprint', (_name, change) => {
  expect(fingerprintOf(openedOf(change))).not.toBe(base);
});
