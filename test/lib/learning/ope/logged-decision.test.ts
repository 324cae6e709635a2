import { bytesOf } from '../../../../lib/learning/features/encode';
import { evidenceOf, evidenceOfDecision, isDistribution } from '../../../../lib/learning/ope/logged-decision';
import type { LearningEvent, RouteDecided } from '../../../../lib/topics/generated/messages';

const event = (parts: Partial<LearningEvent>): LearningEvent => ({
  eventId: 'e',
  kind: 'EXPERIENCE',
  decisionId: 'd',
  sessionId: null,
  encoderVersion: 'x',
  sketch: Buffer.alloc(0),
  sketchScale: 0,
  handFeatures: Buffer.alloc(0),
  callerFeatures: bytesOf(Float32Array.of(1, 2)),
  contextFeatures: Buffer.alloc(0),
  taskType: 'code',
  models: ['a', 'b'],
  eligible: [true, true],
  propensities: [0.25, 0.75],
  expectedCostsUsd: [0, 0],
  priceFactors: [1, 1],
  model: 'b',
  quality: 0.5,
  costUsd: 0.002,
  latencyMs: null,
  fullQualities: [],
  fullCostsUsd: [],
  preference: { quality: 1, cost: 0, latency: 0 },
  strategyPropensities: {},
  degraded: false,
  provisional: false,
  source: 'unknown',
  replaces: null,
  safe: null,
  tenantId: null,
  strategy: null,
  pace: null,
  stated: null,
  arms: [],
  revision: 0,
  policySha256: null,
  openedAtMs: 0,
  occurredAtMs: 0,
  ...parts,
});

test('an experience becomes a decision with its exact propensities', () => {
  const { decisions, leftOut } = evidenceOf([event({ sessionId: 's' })]);
  expect(leftOut).toEqual({ degraded: 0, malformed: 0 });
  expect(decisions).toEqual([
    {
      id: 'd',
      cluster: 's',
      models: ['a', 'b'],
      propensities: [0.25, 0.75],
      chosen: 1,
      reward: 0.5,
      task: 'code',
      features: Float32Array.of(1, 2),
    },
  ]);
});

test('the highest revision counts, whatever the order, and CLOSED only where there is nothing else', () => {
  const closed = event({ kind: 'CLOSED', quality: null });
  const first = event({ quality: 0.2 });
  const corrected = event({ quality: 0.9, revision: 2 });
  for (const events of [
    [closed, first, corrected],
    [corrected, first, closed],
    [first, corrected, event({ quality: 0.3, revision: 1 })],
  ]) {
    expect(evidenceOf(events).decisions.map(({ reward }) => reward)).toEqual([0.9]);
  }
  expect(evidenceOf([closed]).decisions[0]!.reward).toBeNull();
});

test('a missing quality stays missing', () => {
  expect(evidenceOf([event({ quality: null })]).decisions[0]!.reward).toBeNull();
});

test('degraded decisions are no evidence, malformed ones are counted, recorded rows are passed over', () => {
  const { decisions, leftOut } = evidenceOf([
    event({ decisionId: '1', degraded: true }),
    event({ decisionId: '2', propensities: [0.5, 0.2] }),
    event({ decisionId: '3', model: 'c' }),
    event({ decisionId: '4', propensities: [1, 0] }),
    event({ decisionId: '5', model: null }),
    event({ decisionId: '6', kind: 'FULL', model: null }),
    event({ decisionId: '7' }),
  ]);
  expect(decisions.map(({ id }) => id)).toEqual(['7']);
  expect(leftOut).toEqual({ degraded: 1, malformed: 4 });
});

test('reward and features can be others', () => {
  const { decisions } = evidenceOf([event({})], {
    rewardOf: ({ quality, costUsd }) => quality! - 100 * costUsd!,
    featuresOf: () => Float32Array.of(7),
  });
  expect(decisions[0]!.reward).toBeCloseTo(0.3);
  expect(decisions[0]!.features).toEqual(Float32Array.of(7));
});

test('what is a distribution', () => {
  expect(isDistribution([0.5, 0.5], 2)).toBe(true);
  expect(isDistribution([0.5, 0.5], 3)).toBe(false);
  expect(isDistribution([1.5, -0.5], 2)).toBe(false);
  expect(isDistribution([Number.NaN, 1], 2)).toBe(false);
  expect(isDistribution([0.5, 0.4], 2)).toBe(false);
});

test('a decision is evidence unless it was degraded', () => {
  const decided = {
    decisionId: 'd',
    sessionId: null,
    model: 'b',
    candidates: [
      { model: 'a', propensity: 0.1 },
      { model: 'b', propensity: 0.9 },
    ] as RouteDecided['candidates'],
    degradedTo: 'NONE' as const,
  };
  const rest = { reward: null, task: 'code', features: Float32Array.of(1) };
  expect(evidenceOfDecision(decided, rest)).toEqual({
    id: 'd',
    cluster: null,
    models: ['a', 'b'],
    propensities: [0.1, 0.9],
    chosen: 1,
    ...rest,
  });
  expect(evidenceOfDecision({ ...decided, degradedTo: 'STATIC_STRATEGIES' }, rest)).toBeNull();
});
