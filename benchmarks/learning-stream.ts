/**
 * Learner and policy alone on recorded data, serially, with the production publishing rule and no services: the fast way
 * to see what a change of the learning is worth. Only the chosen model's outcome is shown, unless `--train full`.
 *
 *     npx tsx benchmarks/learning-stream.ts --data F [--train chosen|full|none] [--test SPLIT|all] [--seeds 3]
 *       [--budget USD] [--models a,b] [--order shuffle|file] [--pipeline full|dqn] [--publish steps|lockstep] [--frozen]
 *
 * One JSON line per seed and one with the means.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { wasmBackend } from '../lib/adapters/tensor/wasm-backend';
import type { LearningConfig } from '../lib/config/router-config';
import { bytesOf, type Encoded, encoderVersion, encodeText } from '../lib/learning/encode';
import { createLearner, type Learner, type LearnerOutput } from '../lib/learning/learner';
import { budgetedFloors } from '../lib/learning/pacer';
import { parsePolicy } from '../lib/learning/policy';
import type { Random } from '../lib/ports/random';
import { seededRandom } from '../lib/random/seeded';
import type { LearnedPolicy } from '../lib/routing/strategy';
import type { LearningEvent, RouteOpened, Tuning } from '../lib/topics/generated/messages';

export interface Row {
  readonly id: string;
  readonly split: string;
  readonly dataset: string;
  readonly prompt?: string;
  readonly features?: readonly number[];
  readonly outcomes: Readonly<Record<string, { score: number | null; cost: number | null }>>;
}

export interface StreamOptions {
  readonly seed: number;
  readonly pipeline: LearningConfig['pipeline'];
  readonly publish: LearningConfig['publish'];
  readonly budgetUsd: number | null;
  readonly explorationFloor: number;
}

const empty: Tuning = {
  version: 0,
  learnedRewards: 0,
  costPricePerUsd: 0,
  costRatios: {},
  driftOffsets: {},
  neuralWeight: 0.5,
  strategyWeights: {},
  eventOffset: 0,
};

export const readRows = (file: string): Row[] =>
  gunzipSync(readFileSync(file))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

interface Encoding {
  readonly sketch: Buffer;
  readonly sketchScale: number;
  readonly handFeatures: Buffer;
  readonly callerFeatures: Buffer | null;
}
const encodings = new WeakMap<Row, Encoding>();

function encode(row: Row): Encoding {
  let encoding = encodings.get(row);
  if (!encoding) {
    const text: Encoded | null = row.features ? null : encodeText(row.prompt ?? '');
    encoding = {
      sketch: text ? bytesOf(text.sketch) : Buffer.alloc(0),
      sketchScale: text?.sketchScale ?? 0,
      handFeatures: text ? bytesOf(text.handFeatures) : Buffer.alloc(0),
      callerFeatures: row.features ? bytesOf(Float32Array.from(row.features)) : null,
    };
    encodings.set(row, encoding);
  }
  return encoding;
}

/** The engine in miniature: judge, floor, draw, fold, take over what was published. */
export class Stream {
  private tuning = empty;
  private policy: LearnedPolicy | null = null;
  private basis: Buffer | null = null;
  private offset = 0;
  private readonly random: Random;
  readonly shares: Record<string, number> = {};
  judgeMs = 0;
  judged = 0;

  private constructor(
    readonly learner: Learner,
    private readonly models: readonly string[],
    private readonly options: StreamOptions,
  ) {
    this.random = seededRandom(options.seed, 'draw');
  }

  static async create(models: readonly string[], options: StreamOptions): Promise<Stream> {
    const learner = await createLearner({
      seed: options.seed,
      config: {
        pipeline: options.pipeline,
        publish: options.publish,
        networkReplayRows: 2000,
        replayRows: 50_000,
        backend: 'wasm',
      },
      budgetUsdPerRequest: options.budgetUsd,
      encoderVersion,
      backend: wasmBackend(),
      explorationFloor: options.explorationFloor,
    });
    return new Stream(learner, models, options);
  }

  get lastTuning(): Tuning {
    return this.tuning;
  }

  /** Routes one row; learns from the chosen outcome unless frozen. */
  route(
    row: Row,
    { frozen = false, prices = () => 1 }: { frozen?: boolean; prices?: (model: string) => number } = {},
  ): { model: string; score: number; costUsd: number } {
    const eligible = this.models.map((model) => typeof row.outcomes[model]?.score === 'number');
    const probabilities = this.probabilities(row, eligible, prices);
    let left = this.random.next();
    let chosen = -1;
    for (let i = 0; i < this.models.length; i++) {
      if (probabilities[i]! <= 0) continue;
      chosen = i;
      left -= probabilities[i]!;
      if (left < 0) break;
    }
    const model = this.models[chosen]!;
    this.shares[model] = (this.shares[model] ?? 0) + 1;
    const outcome = row.outcomes[model]!;
    const costUsd = outcome.cost === null ? null : outcome.cost * prices(model);
    if (!frozen) {
      this.fold({
        ...this.event(row, prices),
        kind: 'EXPERIENCE' as LearningEvent['kind'],
        eligible,
        propensities: probabilities,
        model,
        quality: outcome.score,
        costUsd,
      });
    }
    return { model, score: outcome.score!, costUsd: costUsd ?? 0 };
  }

  /** Shows all outcomes of one row. */
  show(row: Row): void {
    this.fold({
      ...this.event(row, () => 1),
      fullQualities: this.models.map((model) => row.outcomes[model]?.score ?? null),
      fullCostsUsd: this.models.map((model) => row.outcomes[model]?.cost ?? null),
    });
  }

  private probabilities(row: Row, eligible: readonly boolean[], prices: (model: string) => number): number[] {
    const count = eligible.filter(Boolean).length;
    if (!this.policy) return eligible.map((is) => (is ? 1 / count : 0));
    const started = performance.now();
    const opened = this.opened(row, eligible, prices);
    const judgement = this.policy.judge(opened);
    this.judgeMs += performance.now() - started;
    this.judged++;
    const costs = this.models.map((model) => (this.tuning.costRatios[model] ?? 0) * prices(model));
    const floors = budgetedFloors(this.options.explorationFloor, this.options.budgetUsd, costs).map((floor, i) =>
      eligible[i] ? floor : 0,
    );
    const floored = floors.reduce((sum, floor) => sum + floor, 0);
    return judgement.probabilities.map((probability, i) => floors[i]! + (1 - floored) * probability);
  }

  private opened(row: Row, eligible: readonly boolean[], prices: (model: string) => number): RouteOpened {
    const candidates = this.models.map((model, i) => ({
      model,
      provider: 'p',
      eligible: eligible[i]!,
      ineligibleReason: null,
      health: 'CLOSED' as const,
      expectedCostUsd: 0,
      expectedLatencyMs: 0,
      expectedQuality: 0.5,
      errorRate: 0,
      observations: 0,
      priceFactor: prices(model),
    }));
    return {
      requestId: row.id,
      ...encode(row),
      candidates,
      tuning: this.tuning,
      preference: { quality: 1, cost: 0, latency: 0 },
      utilityScale: { costUsd: 0.01, latencyMs: 10_000 },
    } as unknown as RouteOpened;
  }

  private event(row: Row, prices: (model: string) => number): LearningEvent {
    return {
      eventId: row.id,
      kind: 'FULL' as LearningEvent['kind'],
      decisionId: `${this.offset}`,
      sessionId: null,
      encoderVersion,
      ...encode(row),
      taskType: 'general',
      models: [...this.models],
      eligible: this.models.map(() => true),
      propensities: [],
      expectedCostsUsd: this.models.map(() => 0),
      priceFactors: this.models.map(prices),
      model: null,
      quality: null,
      costUsd: null,
      latencyMs: null,
      fullQualities: [],
      fullCostsUsd: [],
      preference: { quality: 1, cost: 0, latency: 0 },
      strategyPropensities: {},
      degraded: false,
      provisional: false,
      revision: 0,
      policySha256: null,
      openedAtMs: 0,
      occurredAtMs: 0,
    };
  }

  private fold(event: LearningEvent): void {
    const outputs = this.learner.apply(event, this.offset++);
    for (const output of outputs) this.takeOver(output);
  }

  private takeOver(output: LearnerOutput): void {
    if (output.kind === 'tuning') this.tuning = output.tuning;
    else {
      if (output.basis) this.basis = output.basis;
      this.policy = parsePolicy(this.basis!, output.policy, output);
    }
  }
}

/** Fisher-Yates. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/** Rows of uniform random's expectation and of the best model per row, for regret. */
function references(rows: readonly Row[], models: readonly string[]): { random: number; oracle: number } {
  let random = 0;
  let oracle = 0;
  for (const row of rows) {
    const scores = models.map((model) => row.outcomes[model]?.score).filter((score) => typeof score === 'number');
    random += scores.reduce((sum, score) => sum + score, 0) / scores.length / rows.length;
    oracle += Math.max(...scores) / rows.length;
  }
  return { random, oracle };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      train: { type: 'string', default: 'none' },
      test: { type: 'string', default: 'all' },
      seeds: { type: 'string', default: '3' },
      budget: { type: 'string' },
      models: { type: 'string' },
      without: { type: 'string', default: '' },
      order: { type: 'string', default: 'shuffle' },
      pipeline: { type: 'string', default: 'full' },
      publish: { type: 'string', default: 'steps' },
      frozen: { type: 'boolean', default: false },
    },
  });
  const rows = readRows(values.data!);
  const without = values.without!.split(',').filter(Boolean);
  const models = (values.models?.split(',') ?? [...new Set(rows.flatMap((row) => Object.keys(row.outcomes)))]).filter(
    (model) => !without.some((part) => model.includes(part)),
  );
  const usable = rows.filter((row) => models.some((model) => typeof row.outcomes[model]?.score === 'number'));
  const test = usable.filter((row) => values.test === 'all' || row.split === values.test);
  const train = values.train === 'none' ? [] : usable.filter((row) => row.split !== values.test);
  const { random, oracle } = references(test, models);
  const scores: number[] = [];
  const regrets: number[] = [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const order = (some: readonly Row[], label: string): readonly Row[] =>
      values.order === 'file' ? some : shuffled(some, seededRandom(seed, label));
    const stream = await Stream.create(models, {
      seed,
      pipeline: values.pipeline as 'full',
      publish: values.publish as 'steps',
      budgetUsd: values.budget ? Number(values.budget) : null,
      explorationFloor: 0.01,
    });
    let trainScore = 0;
    for (const row of order(train, 'train')) {
      if (values.train === 'full') stream.show(row);
      else trainScore += stream.route(row).score / train.length;
    }
    let score = 0;
    let costUsd = 0;
    let lateScore = 0;
    let lateCost = 0;
    order(test, 'test').forEach((row, i) => {
      const routed = stream.route(row, { frozen: values.frozen! });
      score += routed.score / test.length;
      costUsd += routed.costUsd / test.length;
      if (i < test.length / 2) return;
      lateScore += routed.score / (test.length - Math.ceil(test.length / 2));
      lateCost += routed.costUsd / (test.length - Math.ceil(test.length / 2));
    });
    const regret = (oracle - score) / (oracle - random);
    scores.push(score);
    regrets.push(regret);
    const { tuning, line } = { tuning: stream.lastTuning, line: basename(values.data!) };
    console.log(
      JSON.stringify({
        data: line,
        seed,
        score: round(score),
        regretShare: round(regret),
        trainScore: round(trainScore),
        costUsd,
        lateScore: round(lateScore),
        ...(values.budget ? { lateSpend: round(lateCost / Number(values.budget)) } : {}),
        neuralWeight: round(tuning.neuralWeight),
        judgeUs: round((1000 * stream.judgeMs) / stream.judged),
      }),
    );
    stream.learner.dispose();
  }
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  console.log(
    JSON.stringify({
      data: basename(values.data!),
      meanScore: round(mean(scores)),
      meanRegretShare: round(mean(regrets)),
      random,
      oracle,
    }),
  );
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

if (require.main === module) void main();
