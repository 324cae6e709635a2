/** Rewards of a toy world: `alpha` is good where the first feature is positive, `bravo` elsewhere. */
import { encoderVersion } from '../../../lib/learning/features/encode';
import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent } from '../../../lib/topics/generated/messages';

export const models = ['alpha', 'bravo'];

export function learningEvent(i: number, change: Partial<LearningEvent> = {}): LearningEvent {
  const random = seededRandom(1, 'event', i);
  const features = Float32Array.from({ length: 4 }, () => random.normal());
  const model = models[random.integer(2)]!;
  const good = features[0]! > 0 === (model === 'alpha');
  return {
    eventId: `d${i}/1/0`,
    kind: 'EXPERIENCE',
    decisionId: `d${i}`,
    sessionId: null,
    encoderVersion,
    sketch: Buffer.alloc(0),
    sketchScale: 0,
    handFeatures: Buffer.alloc(0),
    callerFeatures: Buffer.from(features.buffer),
    contextFeatures: Buffer.alloc(0),
    taskType: 'toy',
    models,
    eligible: [true, true],
    propensities: [0.5, 0.5],
    expectedCostsUsd: [0.001, 0.002],
    priceFactors: [0.01, 0.02],
    model,
    quality: (good ? 0.9 : 0.3) + 0.05 * random.next(),
    costUsd: 0.001,
    latencyMs: 100,
    fullQualities: [],
    fullCostsUsd: [],
    preference: { quality: 1, cost: 0, latency: 0 },
    strategyPropensities: { RANDOM: 0.5 },
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
    openedAtMs: 1_700_000_000_000,
    occurredAtMs: 1_700_000_000_000 + i,
    ...change,
  };
}

export const learningEvents = (from: number, to: number): LearningEvent[] =>
  Array.from({ length: to - from }, (_, i) => learningEvent(from + i));
