/**
 * Learner and policy alone on recorded data, serially, with the production publishing rule and no services: the fast way
 * to see what a change of the learning is worth. Only the chosen model's outcome is shown, unless `--train full`.
 *
 *     npx tsx benchmarks/learning-stream.ts --data F [--train chosen|full|none] [--test SPLIT|all] [--seeds 3]
 *       [--budget USD] [--models a,b] [--order shuffle|file] [--pipeline full|dqn] [--publish steps|lockstep] [--frozen]
 *     npx tsx benchmarks/learning-stream.ts --world 1,2 [--rows 4000] [--seeds 1]
 *
 * The second form plays simulated worlds for utility, without services, threads or collapse.
 *
 * One JSON line per seed and one with the means.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { wasmBackend } from '../lib/adapters/tensor/wasm-backend';
import type { LearningConfig } from '../lib/config/router-config';
import { simulatedWorld } from '../lib/evaluation/simulated-world';
import { bytesOf, type Encoded, encoderVersion, encodeText } from '../lib/learning/encode';
import { createLearner, type Learner, type LearnerOutput } from '../lib/learning/learner';
import { parsePolicy } from '../lib/learning/policy';
import type { Random } from '../lib/ports/random';
import { seededRandom } from '../lib/random/seeded';
import { budgetedFloors } from '../lib/routing/budgeted-floors';
import { inferTask } from '../lib/routing/infer-task';
import type { LearnedPolicy } from '../lib/routing/strategy';
import { utilityOf, utilityWeights } from '../lib/routing/utility';
import type { LearningEvent, Preference, RouteOpened, Tuning, UtilityScale } from '../lib/topics/generated/messages';

export interface Row {
  readonly id: string;
  readonly split: string;
  readonly dataset: string;
  readonly prompt?: string;
  readonly features?: readonly number[];
  readonly taskHint?: string | null;
  readonly outcomes: Readonly<Record<string, { score: number | null; cost: number | null }>>;
}

export interface StreamOptions {
  readonly seed: number;
  readonly pipeline: LearningConfig['pipeline'];
  readonly publish: LearningConfig['publish'];
  readonly budgetUsd: number | null;
  readonly explorationFloor: number;
  /** What is wished for; quality alone by default. */
  readonly wish?: { readonly preference: Preference; readonly scale: UtilityScale };
}

/** What is known of the models at one request, beside the recorded data. */
export interface Circumstances {
  readonly frozen?: boolean;
  readonly prices?: (model: string) => number;
  readonly latencyMs?: (model: string) => number;
  readonly available?: (model: string) => boolean;
}

const qualityOnly = { preference: { quality: 1, cost: 0, latency: 0 }, scale: { costUsd: 0.01, latencyMs: 10_000 } };

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
  readonly taskType: string;
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
      taskType: inferTask(row.taskHint ?? null, row.prompt ?? null),
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
    { frozen = false, prices = () => 1, latencyMs = () => 0, available = () => true }: Circumstances = {},
  ): { model: string; score: number; costUsd: number } {
    const eligible = this.models.map((model) => typeof row.outcomes[model]?.score === 'number' && available(model));
    const probabilities = this.probabilities(row, eligible, prices, latencyMs);
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
    const costUsd = outcome.cost;
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

  private probabilities(
    row: Row,
    eligible: readonly boolean[],
    prices: (model: string) => number,
    latencyMs: (model: string) => number,
  ): number[] {
    const count = eligible.filter(Boolean).length;
    if (!this.policy) return eligible.map((is) => (is ? 1 / count : 0));
    const started = performance.now();
    const opened = this.opened(row, eligible, prices, latencyMs);
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

  private opened(
    row: Row,
    eligible: readonly boolean[],
    prices: (model: string) => number,
    latencyMs: (model: string) => number,
  ): RouteOpened {
    const { preference, scale } = this.options.wish ?? qualityOnly;
    const candidates = this.models.map((model, i) => ({
      model,
      provider: 'p',
      eligible: eligible[i]!,
      ineligibleReason: null,
      health: 'CLOSED' as const,
      expectedCostUsd: 0,
      expectedLatencyMs: latencyMs(model),
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
      preference,
      utilityScale: scale,
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

/** Requests a provider is passed over after three failures in a row: the engine's breakers in miniature. */
const passedOver = 100;

/** One simulated world; prints the mean utility and that of each tenth of the run. */
async function playWorld(number: number, rows: number, seed: number): Promise<void> {
  const world = simulatedWorld({ world: number, rows, seed });
  const models = world.models.map(({ name }) => name);
  const { preference, scale } = world.utility ?? qualityOnly;
  const weights = utilityWeights(preference, scale, 0);
  const stream = await Stream.create(models, {
    seed,
    pipeline: 'full',
    publish: 'steps',
    budgetUsd: null,
    explorationFloor: 0.01,
    wish: { preference, scale },
  });
  const latencies = new Map(world.models.map((model) => [model.name, model.expectedLatencyMs ?? 1000]));
  const providers = new Map(world.models.map((model) => [model.name, model.provider]));
  const failures = new Map<string, number>();
  const skippedUntil = new Map<string, number>();
  const tenths = new Array<number>(10).fill(0);
  const used = process.cpuUsage();
  for (let i = 0; i < rows; i++) {
    const { id, group, prompt, taskHint, outcomes } = world.row(i);
    const row: Row = {
      id,
      split: '',
      dataset: group ?? '',
      prompt: prompt ?? '',
      taskHint,
      outcomes: Object.fromEntries(
        models.map((model) => [
          model,
          { score: outcomes.get(model)!.score, cost: outcomes.get(model)!.costUsd as number | null },
        ]),
      ),
    };
    const { model } = stream.route(row, {
      prices: (name) => {
        const price = world.priceAt(i, name);
        return (750 * price.inputPerMillionUsd + 250 * price.outputPerMillionUsd) / 1e6;
      },
      latencyMs: (name) => latencies.get(name)!,
      available: (name) => (skippedUntil.get(providers.get(name)!) ?? 0) <= i,
    });
    const outcome = outcomes.get(model)!;
    const provider = providers.get(model)!;
    latencies.set(model, latencies.get(model)! + 0.05 * (outcome.latencyMs - latencies.get(model)!));
    failures.set(provider, outcome.status === 'SUCCESS' ? 0 : (failures.get(provider) ?? 0) + 1);
    if (failures.get(provider)! >= 3) skippedUntil.set(provider, i + passedOver);
    const utility = utilityOf(weights, outcome.score, outcome.costUsd ?? 0, outcome.latencyMs);
    tenths[Math.floor((10 * i) / rows)]! += (10 * utility) / rows;
  }
  const { user, system } = process.cpuUsage(used);
  console.log(
    JSON.stringify({
      world: number,
      seed,
      utility: round(tenths.reduce((sum, value) => sum + value, 0) / 10),
      tenths: tenths.map((value) => Math.round(value * 1000) / 1000),
      neuralWeight: round(stream.lastTuning.neuralWeight),
      cpuMsPerRequest: round((user + system) / 1000 / rows),
    }),
  );
  stream.learner.dispose();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      world: { type: 'string' },
      rows: { type: 'string', default: '4000' },
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
  if (values.world) {
    for (const world of values.world.split(',').map(Number))
      for (let seed = 1; seed <= Number(values.seeds); seed++) await playWorld(world, Number(values.rows), seed);
    return;
  }
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
