/** A small world for tests of the learner: two kinds of prompts, three models, each best at something or at nothing. */
import { wasmBackend } from '../../../lib/adapters/tensor/wasm-backend';
import type { LearningConfig } from '../../../lib/config/router-config';
import { bytesOf, encoderVersion, encodeText } from '../../../lib/learning/features/encode';
import {
  createLearner,
  type Learner,
  type LearnerOptions,
  type LearnerOutput,
} from '../../../lib/learning/fold/learner';
import { parsePolicy } from '../../../lib/learning/value/policy';
import type { Random } from '../../../lib/ports/random';
import { seededRandom } from '../../../lib/random/seeded';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { Candidate, LearningEvent, RouteOpened, Tuning } from '../../../lib/topics/generated/messages';

export const toyModels = ['coder', 'writer', 'dunce'];
const words = {
  code: ['function', 'return', 'array', 'index', 'class', 'const', 'loop', 'null', 'string'],
  prose: ['river', 'evening', 'letter', 'garden', 'mother', 'winter', 'silence', 'horse', 'sea'],
};
export type ToyTask = keyof typeof words;

export function toyPrompt(task: ToyTask, random: Random): string {
  return Array.from({ length: 12 }, () => words[task][random.integer(9)]).join(' ');
}

/** Mean quality: each specialist .9 at its task and .4 at the other; the dunce .3. */
export function toyQuality(task: ToyTask, model: string): number {
  if (model === 'dunce') return 0.3;
  return (model === 'coder') === (task === 'code') ? 0.9 : 0.4;
}

export const learningConfig: LearningConfig = {
  pipeline: 'full',
  publish: 'steps',
  sessionDiscount: 0,
  networkReplayRows: 2000,
  replayRows: 50_000,
  priorObservations: 8,
  maxRegretShare: 0.03,
  backend: 'wasm',
};

export function newLearner(options: Partial<LearnerOptions> = {}): Promise<Learner> {
  return createLearner({
    seed: 7,
    config: learningConfig,
    budgetUsdPerRequest: null,
    encoderVersion,
    backend: wasmBackend(),
    ...options,
  });
}

export function featureFields(
  text: string,
): Pick<LearningEvent, 'sketch' | 'sketchScale' | 'handFeatures' | 'callerFeatures' | 'contextFeatures' | 'taskType'> {
  const encoded = encodeText(text);
  return {
    sketch: bytesOf(encoded.sketch),
    sketchScale: encoded.sketchScale,
    handFeatures: bytesOf(encoded.handFeatures),
    callerFeatures: null,
    contextFeatures: Buffer.alloc(0),
    taskType: 'general',
  };
}

export function callerFields(values: readonly number[]): ReturnType<typeof featureFields> {
  return {
    sketch: Buffer.alloc(0),
    sketchScale: 0,
    handFeatures: Buffer.alloc(0),
    callerFeatures: bytesOf(Float32Array.from(values)),
    contextFeatures: Buffer.alloc(0),
    taskType: 'general',
  };
}

export function eventOf(fields: Partial<LearningEvent>, models: readonly string[] = toyModels): LearningEvent {
  return {
    eventId: 'e',
    kind: 'EXPERIENCE',
    decisionId: 'd',
    sessionId: null,
    encoderVersion,
    ...featureFields('hello'),
    models: [...models],
    eligible: models.map(() => true),
    propensities: models.map(() => 1 / models.length),
    expectedCostsUsd: models.map(() => 0.001),
    priceFactors: models.map(() => 1),
    model: models[0]!,
    quality: 0.5,
    costUsd: null,
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
    ...fields,
  };
}

/** How an event says what was asked. */
export type Describe = (task: ToyTask, random: Random) => ReturnType<typeof featureFields>;
export const asText: Describe = (task, random) => featureFields(toyPrompt(task, random));
/** Two numbers, the first tells the tasks apart: a third of the work of text, for all that is not about text. */
export const asVector: Describe = (task, random) =>
  callerFields([(task === 'code' ? 1 : -1) + 0.3 * random.normal(), random.normal()]);

/** A stream of uniformly explored events, with costs: the coder is ten times as dear as the others. */
export function toyEvents(
  count: number,
  seed = 1,
  models: readonly string[] = toyModels,
  describe = asText,
): LearningEvent[] {
  const random = seededRandom(seed, 'toy');
  return Array.from({ length: count }, (_, i) => {
    const task: ToyTask = random.next() < 0.5 ? 'code' : 'prose';
    const model = models[random.integer(models.length)]!;
    return eventOf(
      {
        decisionId: `d${i}`,
        ...describe(task, random),
        model,
        quality: random.next() < toyQuality(task, model) ? 1 : 0,
        costUsd: (model === 'coder' ? 0.01 : 0.001) * (0.8 + 0.4 * random.next()),
      },
      models,
    );
  });
}

export const noTuning: Tuning = {
  version: 0,
  learnedRewards: 0,
  costPricePerUsd: 0,
  costRatios: {},
  priceFactors: {},
  driftOffsets: {},
  neuralWeight: 0.5,
  strategyWeights: {},
  eventOffset: 0,
  regretAllowance: null,
  regretLeft: null,
  countedToMs: 0,
  requestGapMs: 0,
  setGaps: {},
  strategyFactors: {},
  confidenceCurve: [],
};

export function openedOf(
  fields: Partial<RouteOpened>,
  models: readonly string[] = toyModels,
  candidate: (model: string) => Partial<Candidate> = () => ({}),
): RouteOpened {
  return {
    requestId: 'r',
    encoderVersion,
    ...featureFields('hello'),
    candidates: models.map((model) => ({
      model,
      provider: 'p',
      eligible: true,
      ineligibleReason: null,
      health: 'CLOSED',
      expectedCostUsd: 0.001,
      expectedLatencyMs: 100,
      expectedQuality: 0.5,
      errorRate: 0,
      observations: 0,
      priceFactor: 1,
      declared: null,
      ...candidate(model),
    })),
    tuning: noTuning,
    preference: { quality: 1, cost: 0, latency: 0 },
    utilityScale: { costUsd: 0.01, latencyMs: 10_000 },
    budgetUsdPerRequest: null,
    ...fields,
  } as RouteOpened;
}

/** The same with vectors for text. */
export const vectorEvents = (count: number, seed?: number, models?: readonly string[]): LearningEvent[] =>
  toyEvents(count, seed, models, asVector);

/** What a follower of the learner's outputs holds. */
export interface Followed {
  policy: LearnedPolicy | null;
  policyBytes: Buffer | null;
  basis: Buffer | null;
  tuning: Tuning;
  outputs: LearnerOutput[];
}

/** `basis`: the one in force before, for a learner that was restored. */
export function follow(
  learner: Learner,
  events: readonly LearningEvent[],
  from = 0,
  basis: Buffer | null = null,
): Followed {
  const followed: Followed = { policy: null, policyBytes: null, basis, tuning: noTuning, outputs: [] };
  events.forEach((event, i) => {
    for (const output of learner.apply(event, from + i)) {
      followed.outputs.push(output);
      if (output.kind === 'tuning') followed.tuning = output.tuning;
      else {
        followed.basis = output.basis ?? followed.basis;
        followed.policyBytes = output.policy;
        if (followed.basis) followed.policy = parsePolicy(followed.basis, output.policy, output);
      }
    }
  });
  return followed;
}
