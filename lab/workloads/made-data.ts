/**
 * Kinds of data that recorded sets do not show, made from a seed: text of up to fourteen kinds of task, models whose strengths
 * are drawn anew for each seed, and outcomes drawn from probabilities that are known, so that a choice can be judged by what it
 * was worth instead of by its luck.
 */
import type { ModelConfig } from '../../lib/config/router-config';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { type MadeKind, type MadeName, madeKinds } from './made-kinds';
import { simulatedTasks, templates } from './prompt-vocabulary';
import { fillTemplate } from './simulated-prompts';
import { checkRowIndex, type Outcome, type Workload, type WorkloadRow } from './workload';

export interface MadeWorkload extends Workload {
  readonly kind: MadeKind;
  /** The same rows with what every call was expected to be worth: true quality, without luck and without the judge's faults. */
  readonly truth: Workload;
  /** Requests after which the outcome of a row is reported; null: it never is. */
  feedbackAfter(index: number): number | null;
}

/** Text falls into so many kinds at most. */
const mostTasks = 14;
/** How much harder the hardest text is than the easiest, in deviations of a request's luck. */
const difficultySlope = 0.8;
/** Answers of a model whose wrong ones please the judge pass with this probability. */
const gamedShare = 0.8;
/** Tokens of an answer; costs follow from the price. */
const answerTokens = 400;

/** Throws RangeError for a bad number of rows. */
export function madeWorkload(
  name: MadeName,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): MadeWorkload {
  if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`rows must be a positive integer, not ${rows}`);
  const kind = madeKinds[name];
  const cast = castOf(name, kind, seed);
  const models = cast.map((_, m) => modelConfig(kind, m, seededRandom(seed, 'made', name, 'price', m)));
  const drawAt = (index: number): Draw => {
    checkRowIndex(index, rows);
    return draw(name, kind, cast, seed, index);
  };
  const rowOf = (index: number, scores: (draw: Draw) => readonly number[]): WorkloadRow => {
    const drawn = drawAt(index);
    const own = scores(drawn);
    const outcomes = new Map(models.map((model, m): [string, Outcome] => [model.name, outcomeOf(own[m]!, cast[m]!)]));
    const group = `task ${drawn.task}`;
    return {
      id: `${name}-${seed}-${index}`,
      split: null,
      group,
      prompt: drawn.prompt,
      features: null,
      taskHint: null,
      outcomes,
    };
  };
  const workload: Workload = {
    name,
    simulated: true,
    models,
    rows,
    row: (index) => rowOf(index, ({ judged }) => judged),
    events:
      kind.joinsAt === null
        ? []
        : [{ kind: 'modelJoined', atIndex: Math.floor(kind.joinsAt * rows), model: models.at(-1)!.name }],
    utility: kind.costCounts
      ? { preference: { quality: 0.7, cost: 0.3, latency: 0 }, scale: { costUsd: 0.01, latencyMs: 5_000 } }
      : null,
  };
  return {
    ...workload,
    kind,
    truth: { ...workload, row: (index) => rowOf(index, ({ expected }) => expected) },
    feedbackAfter(index) {
      const random = seededRandom(seed, 'made', name, 'feedback', index);
      if (random.next() >= kind.feedbackShare) return null;
      return random.next() < kind.lateShare ? kind.lateRequests : 0;
    },
  };
}

/** One of the models as it is: what its answers are worth per task, in deviations of a request's luck. */
interface TrueModel {
  readonly skill: readonly number[];
  /** Beyond what the text's difficulty costs every model. */
  readonly slope: number;
  /** Its wrong answers please the judge. */
  readonly games: boolean;
  /** USD of a call. */
  readonly costUsd: number;
}

function castOf(name: MadeName, kind: MadeKind, seed: number): TrueModel[] {
  const random = seededRandom(seed, 'made', name, 'cast');
  return Array.from({ length: kind.models }, (_, m) => {
    const games = kind.gamed && m === 0;
    const strength = kind.level + kind.strengthSpread * random.normal() - (games ? 0.5 : 0);
    return {
      skill: kind.taskShares.map(() => strength + kind.taskSpread * random.normal()),
      slope: kind.slopeSpread * random.normal(),
      games,
      costUsd: (trueOutputPrice(kind, m) * answerTokens) / 1e6,
    };
  });
}

interface Draw {
  readonly task: number;
  readonly prompt: string;
  /** True quality to be expected of each model. */
  readonly expected: readonly number[];
  /** What the judge says. */
  readonly judged: readonly number[];
}

function draw(name: MadeName, kind: MadeKind, cast: readonly TrueModel[], seed: number, index: number): Draw {
  const random = seededRandom(seed, 'made', name, 'row', index);
  const task = drawTask(kind.taskShares, random.next());
  const difficulty = (random.next() + random.next() + random.next()) / 3 - 0.5;
  const shared = Math.sqrt(kind.sharedLuck) * random.normal();
  const expected: number[] = [];
  const judged: number[] = [];
  for (const model of cast) {
    const mean = model.skill[task]! - (difficultySlope + model.slope) * difficulty;
    expected.push(normalShare(mean));
    const isRight = mean + shared + Math.sqrt(1 - kind.sharedLuck) * random.normal() > 0;
    const pleases = random.next() < gamedShare && model.games;
    const coin = random.next() < kind.coinShare;
    const side = random.next() < 0.5;
    judged.push((coin ? side : isRight || pleases) ? 1 : 0);
  }
  return {
    task,
    prompt: writeText(task, difficulty + 0.5, seededRandom(seed, 'made', name, 'text', index)),
    expected,
    judged,
  };
}

function drawTask(shares: readonly number[], uniform: number): number {
  let left = uniform * shares.reduce((sum, share) => sum + share, 0);
  const task = shares.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return task < 0 ? shares.length - 1 : task;
}

const allTemplates = simulatedTasks.flatMap((task) => [...templates[task]]);

/** Templates of neighbouring subjects belong to one task. */
function writeText(task: number, difficulty: number, random: Random): string {
  const from = Math.floor((task * allTemplates.length) / mostTasks);
  const to = Math.floor(((task + 1) * allTemplates.length) / mostTasks);
  return fillTemplate(allTemplates[from + random.integer(to - from)]!, difficulty, random);
}

/** USD per million output tokens: neighbours are a factor of three apart. */
function trueOutputPrice({ models }: MadeKind, m: number): number {
  return 0.5 * 3 ** (m % Math.min(models, 4));
}

/** Nothing is declared that differs but, where it counts, the price, which may be wrong. */
function modelConfig(kind: MadeKind, m: number, random: Random): ModelConfig {
  const wrong = kind.priceError ** (random.next() < 0.5 ? 1 : -1);
  const announced = kind.costCounts ? trueOutputPrice(kind, m) * wrong : 0;
  return {
    name: `model-${m + 1}`,
    provider: `provider-${m + 1}`,
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: announced, perRequestUsd: 0 },
    capabilities: [],
    contextTokens: 1_000_000,
    expectedLatencyMs: 1_000,
    expectedOutputTokens: answerTokens,
    expectedQuality: 0.5,
    taskQuality: {},
  };
}

function outcomeOf(score: number, { costUsd }: TrueModel): Outcome {
  return { score, costUsd, latencyMs: 1_000, status: 'SUCCESS', inputTokens: 0, outputTokens: answerTokens };
}

/** The normal distribution's share below x (Abramowitz and Stegun 26.2.17, right to 1e-7). */
export function normalShare(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) *
    t *
    0.3989422804014327 *
    Math.exp(-0.5 * x * x);
  return x > 0 ? 1 - tail : tail;
}
