/**
 * The first fits of a learner take a multiple of later ones, since nothing of their code is compiled yet, and they come just
 * when each request waits for what is learned. So what folds keeps a learner to throw away at its start.
 */
import { seededRandom } from '../../random/seeded';
import { taskTypes } from '../../routing/open/infer-task';
import type { LearningEvent } from '../../topics/generated/messages';
import { contextSize } from '../features/context';
import { bytesOf, encoderVersion, encodeText } from '../features/encode';
import { emptyEvent } from './empty-event';
import { createLearner, type LearnerOptions } from './learner';

const models = Array.from({ length: 8 }, (_, i) => `warm-up ${i}`);
/** Past the cold start of so many models, and three fits. */
const eventCount = 144;

/**
 * Folds made-up rewards; nothing of them stays but compiled code. Takes about half a second of a core. Resolves with the number
 * of policies that came of it.
 */
export async function warmUp({ config, backend }: Pick<LearnerOptions, 'config' | 'backend'>): Promise<number> {
  const learner = await createLearner({ seed: 1, config, backend, budgetUsdPerRequest: null, encoderVersion });
  let policies = 0;
  for (let i = 0; i < eventCount; i++)
    for (const { kind } of learner.apply(madeUpEvent(i), i)) if (kind === 'policy') policies++;
  learner.dispose();
  return policies;
}

function madeUpEvent(i: number): LearningEvent {
  const random = seededRandom(1, 'warm-up', String(i));
  const words = Array.from({ length: 60 }, () => `word${random.integer(400)}`);
  const { sketch, sketchScale, handFeatures } = encodeText(words.join(' '));
  const model = models[i % models.length]!;
  return {
    ...emptyEvent({ eventId: `${i}`, decisionId: `${i}`, encoderVersion }, 1_000 + i),
    kind: 'EXPERIENCE',
    sketch: bytesOf(sketch),
    sketchScale,
    handFeatures: bytesOf(handFeatures),
    contextFeatures: bytesOf(Float32Array.from({ length: contextSize }, () => random.next())),
    taskType: taskTypes[i % taskTypes.length]!,
    models,
    eligible: models.map(() => true),
    propensities: models.map(() => 1 / models.length),
    expectedCostsUsd: models.map(() => 0.001),
    priceFactors: models.map(() => 1),
    model,
    quality: random.next(),
    costUsd: 0.001,
    latencyMs: 500,
    preference: { quality: 1, cost: 1, latency: 1 },
    strategyPropensities: { TASK_OPTIMIZED: 1 / models.length },
    source: 'warm-up',
    occurredAtMs: 1_500 + i,
    safe: { model: models[0]!, expectedUtility: 0.5 },
  };
}
