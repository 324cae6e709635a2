/**
 * Times of the learning parts, medians in this process: encoding a 1 kB prompt, the Q-network's forward pass, a whole
 * judgement over 10 models, and how many rewards one core folds in. JSON lines.
 *
 *     npx tsx bench/learning-speed.ts
 */

import { report, reportBar, runCheck } from '../lab/report/report-line';
import { wasmBackend } from '../lib/adapters/tensor/wasm-backend';
import { type Circumstances, encodeContext } from '../lib/learning/features/context';
import { bytesOf, encoderVersion, encodeText } from '../lib/learning/features/encode';
import { emptyEvent } from '../lib/learning/fold/empty-event';
import { createLearner } from '../lib/learning/fold/learner';
import { hiddenLayer, initialParameters, outputLayer } from '../lib/learning/rl/network';
import { headCount } from '../lib/learning/value/linear-half';
import { parsePolicy } from '../lib/learning/value/policy';
import { seededRandom } from '../lib/random/seeded';
import type { LearnedPolicy } from '../lib/routing/judge/strategy';
import { taskTypes } from '../lib/routing/open/infer-task';
import type { LearningEvent, RouteOpened, Tuning } from '../lib/topics/generated/messages';

/** Up to these numbers of events a gradient step is taken so often that it is most of the work (network-training.ts). */
const dearest = 1_000;
const dear = 10_000;
const lastEvent = 16_000;
/** Events made at a time, before they are folded: making one costs a third of folding it. */
const blockEvents = 500;
/** As the trainer does. */
const checkpointEvents = 2_000;
const speed = '1/s of one core';

const models = Array.from({ length: 10 }, (_, i) => `model-${i}`);
const random = seededRandom(1, 'speed');
const vocabulary = Array.from({ length: 500 }, () =>
  String.fromCharCode(...Array.from({ length: 3 + random.integer(7) }, () => 97 + random.integer(26))),
);
const prompt = (): string => {
  let text = '';
  while (text.length < 1000) text += `${vocabulary[random.integer(500)]}${random.next() < 0.1 ? ', ' : ' '}`;
  return text;
};
/** Circumstances that differ in every column, the dearest kind. */
const circumstances = (): Circumstances => ({
  candidates: models.map((model) => ({
    model,
    provider: model,
    eligible: random.next() < 0.9,
    ineligibleReason: null,
    health: random.next() < 0.1 ? 'OPEN' : random.next() < 0.1 ? 'HALF_OPEN' : 'CLOSED',
    expectedCostUsd: 0.01 * random.next(),
    expectedLatencyMs: 2000 * random.next(),
    expectedQuality: 0.5,
    errorRate: random.next(),
    observations: 0,
    priceFactor: 1,
    declared: null,
    p95LatencyMs: null,
    bar: null,
  })),
  limits: {
    maxCostUsd: random.next() < 0.5 ? null : random.next(),
    maxSessionCostUsd: random.next() < 0.5 ? null : random.next(),
    maxLatencyMs: random.next() < 0.5 ? null : 2000 * random.next(),
    allowedModels: [],
    deniedModels: [],
    allowedProviders: [],
    deniedProviders: [],
  },
  preference: { quality: random.next(), cost: random.next(), latency: random.next() },
  sessionId: random.next() < 0.5 ? null : 's',
  sessionRequests: random.integer(20),
  sessionSpentUsd: random.next(),
  sessionLastQuality: random.next() < 0.5 ? null : random.next(),
});
const fields = () => {
  const { sketch, sketchScale, handFeatures } = encodeText(prompt());
  return {
    sketch: bytesOf(sketch),
    sketchScale,
    handFeatures: bytesOf(handFeatures),
    callerFeatures: null,
    contextFeatures: bytesOf(encodeContext(circumstances())),
    taskType: taskTypes[random.integer(taskTypes.length)]!,
  };
};

function medianUs(rounds: number, run: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    run();
    times.push(1000 * (performance.now() - started));
  }
  return times.slice(rounds / 10).sort((a, b) => a - b)[Math.floor(rounds * 0.45)]!;
}

const eventOf = (i: number): LearningEvent => ({
  ...emptyEvent({ eventId: `${i}`, decisionId: `${i}`, encoderVersion }, 1_000 + 4 * i),
  kind: 'EXPERIENCE',
  ...fields(),
  models,
  eligible: models.map(() => true),
  propensities: models.map(() => 1 / models.length),
  expectedCostsUsd: models.map(() => 0.001),
  priceFactors: models.map(() => 1),
  model: models[random.integer(models.length)]!,
  quality: random.next(),
  costUsd: 0.001,
  latencyMs: 500,
  preference: { quality: 1, cost: 0, latency: 0 },
  source: 'benchmark',
  occurredAtMs: 1_500 + 4 * i,
  safe: { model: models[0]!, expectedUtility: 0.5 },
});

async function main(): Promise<void> {
  const prompts = Array.from({ length: 200 }, prompt);
  let at = 0;
  const encodeUs = medianUs(4000, () => encodeText(prompts[at++ % 200]!));
  reportBar('encode 1 kB', encodeUs, 'us p50', '<=', 100);

  const moments = Array.from({ length: 200 }, circumstances);
  const contextUs = medianUs(4000, () => encodeContext(moments[at++ % 200]!));
  reportBar('encode context, 10 models', contextUs, 'us p50', '<=', 20);

  const shape = { inputs: 88, hidden: 64, actions: models.length, heads: headCount };
  const parameters = initialParameters(shape, random);
  const [x, first, second] = [new Float32Array(88).fill(0.3), new Float32Array(64), new Float32Array(64)];
  const out = new Float32Array(models.length * headCount);
  const forwardUs = medianUs(4000, () => {
    hiddenLayer(shape, parameters, x, 1, first, second);
    outputLayer(shape, parameters, second, out);
  });
  reportBar('Q-network forward', forwardUs, 'us p50', '<=', 20);

  const config = {
    pipeline: 'full',
    publish: 'steps',
    sessionDiscount: 0,
    networkReplayRows: 2000,
    replayRows: 50_000,
    priorObservations: 8,
    maxRegretShare: 0.03,
    backend: 'wasm',
  } as const;
  const learner = await createLearner({
    seed: 1,
    config,
    budgetUsdPerRequest: null,
    encoderVersion,
    backend: wasmBackend(),
  });
  let policy: LearnedPolicy | null = null;
  let tuning: Tuning | null = null;
  let basis: Buffer | null = null;
  let firstUs = 0;
  let usedUs = 0;
  let usedFrom = 0;
  let slowestMs = 0;
  const perSecond = (to: number): number => {
    const rate = (1e6 * (to - usedFrom)) / usedUs;
    [usedUs, usedFrom] = [0, to];
    return rate;
  };
  for (let from = 0; from < lastEvent; from += blockEvents) {
    const events = Array.from({ length: blockEvents }, (_, i) => eventOf(from + i));
    const before = process.cpuUsage();
    events.forEach((event, i) => {
      const started = performance.now();
      const outputs = learner.apply(event, from + i);
      slowestMs = Math.max(slowestMs, performance.now() - started);
      for (const output of outputs) {
        if (output.kind === 'tuning') tuning = output.tuning;
        else {
          basis = output.basis ?? basis;
          policy = parsePolicy(basis!, output.policy, output);
        }
      }
    });
    const to = from + blockEvents;
    if (to % checkpointEvents === 0) learner.checkpoint();
    const { user, system } = process.cpuUsage(before);
    usedUs += user + system;
    if (to === dearest) firstUs = usedUs;
    if (to === dearest) perSecond(to);
    if (to === dear) {
      report('rewards folded in, the first 10,000, all included', (1e6 * dear) / (firstUs + usedUs), speed);
      report('rewards folded in while steps are dear, refits included', perSecond(to), speed);
    }
  }
  reportBar('rewards folded in later, refits included', perSecond(lastEvent), speed, '>=', 600);
  reportBar('slowest event (refit)', slowestMs, 'ms', '<=', 5000);
  reportBar('checkpoint', learner.checkpoint().length / 1e6, 'MB', '<=', 5);

  const opened = Array.from(
    { length: 200 },
    () =>
      ({
        ...fields(),
        candidates: models.map((model) => ({
          model,
          eligible: true,
          expectedCostUsd: 0.001,
          expectedLatencyMs: 1,
          priceFactor: 1,
        })),
        tuning: { ...tuning!, neuralWeight: 0.3 },
        preference: { quality: 1, cost: 0, latency: 0 },
        utilityScale: { costUsd: 0.01, latencyMs: 10_000 },
      }) as unknown as RouteOpened,
  );
  const judgeUs = medianUs(4000, () => policy!.judge(opened[at++ % 200]!));
  reportBar('judge 10 models, both halves', judgeUs, 'us p50', '<=', 200);
  learner.dispose();
}

runCheck(main);
