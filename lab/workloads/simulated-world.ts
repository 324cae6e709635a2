/**
 * The built-in simulator: ten fictional models of four providers, six kinds of task, prices, failures, one outage and one
 * price change in mid-run. Everything is a pure function of (world, seed, row, model). `docs/simulated-world.md`
 * documents it openly; what is true in here is never shown to the engine.
 */

import type { ModelConfig } from '../../lib/config/router-config';
import { dictionaryOf } from '../../lib/dictionary';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import type { OutcomeStatus } from '../../lib/topics/generated/messages';
import { pick, shuffled } from './draw';
import { type SimulatedTask, simulatedTasks } from './prompt-vocabulary';
import { estimateTokens, writePrompt } from './simulated-prompts';
import { checkRowIndex, type Outcome, type Price, type Workload, type WorkloadRow, type WorldEvent } from './workload';

/** What a kind of model is truly like. Skill: quality at medium difficulty, one per task in the order of `simulatedTasks`. */
interface Archetype {
  readonly label: string;
  readonly skill: readonly number[];
  /** Logits of quality lost from the easiest to the hardest request. */
  readonly difficultySlope: number;
  /** Answer length relative to the task's. */
  readonly verbosity: number;
  readonly firstTokenMs: number;
  readonly perTokenMs: number;
  readonly failureRate: number;
}

// Columns: code, math, extraction, translation, writing, reasoning (before the world permutes them).
const archetypes: readonly Archetype[] = [
  archetype('large generalist', [0.87, 0.85, 0.88, 0.88, 0.86, 0.87], 1.0, 1.2, 900, 11, 0.01),
  archetype('generalist', [0.76, 0.74, 0.8, 0.78, 0.76, 0.74], 1.6, 1.1, 700, 8, 0.01),
  archetype('small generalist', [0.58, 0.54, 0.66, 0.62, 0.6, 0.54], 2.2, 1.0, 500, 5, 0.015),
  archetype('specialist A', [0.91, 0.62, 0.66, 0.35, 0.3, 0.5], 1.6, 1.0, 500, 6, 0.01),
  archetype('specialist B', [0.52, 0.9, 0.45, 0.3, 0.25, 0.68], 1.6, 1.1, 600, 7, 0.015),
  archetype('specialist C', [0.42, 0.62, 0.5, 0.4, 0.35, 0.9], 1.6, 1.3, 800, 8, 0.01),
  archetype('specialist D', [0.25, 0.22, 0.45, 0.64, 0.91, 0.38], 1.6, 1.1, 500, 6, 0.01),
  archetype('specialist E', [0.22, 0.25, 0.62, 0.92, 0.58, 0.3], 1.4, 0.9, 400, 5, 0.015),
  archetype('small specialist F', [0.3, 0.25, 0.91, 0.55, 0.35, 0.25], 1.8, 0.8, 250, 2, 0.02),
  archetype('small', [0.35, 0.3, 0.55, 0.5, 0.46, 0.32], 2.6, 0.8, 200, 2, 0.02),
];

/** Output USD per million tokens; input costs a quarter. The first two belong to the first two archetypes. */
const priceTags: readonly number[] = [45, 22, 14, 9, 6, 4, 2.5, 1.6, 0.8, 0.4];

const catalogue: readonly { readonly name: string; readonly provider: string }[] = [
  { name: 'aurelia-fern', provider: 'aurelia' },
  { name: 'aurelia-oak', provider: 'aurelia' },
  { name: 'aurelia-reed', provider: 'aurelia' },
  { name: 'boreal-chalk', provider: 'boreal' },
  { name: 'boreal-flint', provider: 'boreal' },
  { name: 'boreal-slate', provider: 'boreal' },
  { name: 'cinder-heron', provider: 'cinder' },
  { name: 'cinder-lark', provider: 'cinder' },
  { name: 'dovetail-ash', provider: 'dovetail' },
  { name: 'dovetail-elm', provider: 'dovetail' },
];

/** Share of requests and mean answer length in tokens. Code and math answers are tested: they score 0 or 1. */
const tasks: Readonly<Record<SimulatedTask, { share: number; outputTokens: number; passOrFail: boolean }>> = {
  code: { share: 0.22, outputTokens: 600, passOrFail: true },
  math: { share: 0.16, outputTokens: 500, passOrFail: true },
  extraction: { share: 0.18, outputTokens: 200, passOrFail: false },
  translation: { share: 0.16, outputTokens: 250, passOrFail: false },
  writing: { share: 0.14, outputTokens: 600, passOrFail: false },
  reasoning: { share: 0.14, outputTokens: 550, passOrFail: false },
};

const hintShare = 0.2;
const priceRise = 10;
const outage = { fromShare: 0.45, toShare: 0.53 };
const priceChangeShare = 0.65;

export interface TrueModel {
  readonly archetype: Archetype;
  /** Quality at medium difficulty. */
  readonly skill: Readonly<Record<SimulatedTask, number>>;
}

export interface SimulatedWorld extends Workload {
  readonly world: number;
  /** The truth, for yardsticks and documentation. Aligned with `models`. */
  readonly truth: readonly TrueModel[];
  priceAt(index: number, model: string): Price;
  isDown(index: number, provider: string): boolean;
  /** True difficulty of a row, 0..1; its true task is its `group`. */
  difficultyAt(index: number): number;
}

export interface WorldOptions {
  /** Which world: permutes skills and prices, and draws beliefs and events anew. 1, 2, 3 … */
  readonly world: number;
  readonly rows: number;
  /** Luck of the requests and outcomes within the world. */
  readonly seed: number;
}

/** Throws RangeError when `rows` is not a positive integer. */
export function simulatedWorld(options: WorldOptions): SimulatedWorld {
  const { world, rows, seed } = options;
  if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`rows must be a positive integer, not ${rows}`);
  const { truth, tags } = castWorld(world);
  const models = describeModels(world, truth, tags);
  const modelIndex = new Map(models.map((m, index) => [m.name, index]));
  const events = planEvents(world, rows, truth, models);

  const modelOf = (name: string): number => {
    const index = modelIndex.get(name);
    if (index === undefined) throw new RangeError(`the world has no model ${name}`);
    return index;
  };
  const priceAt = (index: number, name: string): Price => {
    let price = models[modelOf(name)]!.price;
    for (const event of events) {
      if (event.kind === 'priceChanged' && event.model === name && event.atIndex <= index) price = event.price;
    }
    return price;
  };
  const isDown = (index: number, provider: string): boolean => {
    let down = false;
    for (const event of events) {
      const outage = event.kind === 'outageBegan' || event.kind === 'outageEnded';
      if (outage && event.provider === provider && event.atIndex <= index) {
        down = event.kind === 'outageBegan';
      }
    }
    return down;
  };
  const row = (index: number): WorkloadRow => {
    checkRowIndex(index, rows);
    const request = drawRequest(world, seed, index);
    const outcomes = new Map<string, Outcome>();
    models.forEach((model, m) => {
      const state = { price: priceAt(index, model.name), down: isDown(index, model.provider) };
      outcomes.set(model.name, drawOutcome(truth[m]!, request, state, seededRandom(seed, 'outcome', world, index, m)));
    });
    return {
      id: `sim-${world}-${seed}-${String(index).padStart(6, '0')}`,
      split: null,
      group: request.task,
      prompt: request.prompt,
      features: null,
      taskHint: request.hinted ? request.task : null,
      outcomes,
    };
  };
  return {
    name: `simulated world ${world}`,
    simulated: true,
    world,
    models,
    rows,
    row,
    events,
    utility: { preference: { quality: 0.8, cost: 0.15, latency: 0.05 }, scale: { costUsd: 0.015, latencyMs: 5_000 } },
    truth,
    priceAt,
    isDown,
    difficultyAt: (index) => drawRequest(world, seed, index).difficulty,
  };
}

interface SimulatedRequest {
  readonly task: SimulatedTask;
  readonly difficulty: number;
  readonly hinted: boolean;
  readonly prompt: string;
  readonly inputTokens: number;
  /** Good or bad luck that all models share. */
  readonly sharedLuck: number;
}

function drawRequest(world: number, seed: number, index: number): SimulatedRequest {
  const random = seededRandom(seed, 'request', world, index);
  const task = drawTask(random.next());
  // The mean of three uniforms: mostly medium.
  const difficulty = (random.next() + random.next() + random.next()) / 3;
  const hinted = random.next() < hintShare;
  const sharedLuck = random.normal();
  const prompt = writePrompt(task, difficulty, seededRandom(seed, 'prompt', world, index));
  return { task, difficulty, hinted, prompt, sharedLuck, inputTokens: estimateTokens(prompt) };
}

function drawTask(uniform: number): SimulatedTask {
  let left = uniform;
  for (const task of simulatedTasks) {
    left -= tasks[task].share;
    if (left < 0) return task;
  }
  return 'reasoning';
}

function drawOutcome(
  model: TrueModel,
  request: SimulatedRequest,
  state: { readonly price: Price; readonly down: boolean },
  random: Random,
): Outcome {
  const { archetype: kind } = model;
  const { outputTokens: typicalTokens, passOrFail } = tasks[request.task];
  const lengthLuck = Math.exp(0.35 * random.normal());
  const outputTokens = Math.round(typicalTokens * kind.verbosity * (0.6 + 0.8 * request.difficulty) * lengthLuck);
  const latencyMs = (kind.firstTokenMs + kind.perTokenMs * outputTokens) * Math.exp(0.3 * random.normal());
  const failure = drawFailure(random.next() < kind.failureRate, state.down, random.next());
  const trueLogit = logit(model.skill[request.task]) - kind.difficultySlope * (request.difficulty - 0.5) * 2;
  const graded = sigmoid(trueLogit + 0.4 * request.sharedLuck + 0.5 * random.normal());
  const passed = random.next() < sigmoid(trueLogit + 0.4 * request.sharedLuck) ? 1 : 0;
  if (failure !== null) {
    return {
      score: 0,
      costUsd: 0,
      latencyMs: failure.latencyMs,
      status: failure.status,
      inputTokens: 0,
      outputTokens: 0,
    };
  }
  const { inputTokens } = request;
  const costUsd = (inputTokens * state.price.inputPerMillionUsd + outputTokens * state.price.outputPerMillionUsd) / 1e6;
  return { score: passOrFail ? passed : graded, costUsd, latencyMs, status: 'SUCCESS', inputTokens, outputTokens };
}

/** During an outage every call fails; otherwise rarely, in one of three ways. */
function drawFailure(
  unlucky: boolean,
  down: boolean,
  kind: number,
): { status: OutcomeStatus; latencyMs: number } | null {
  if (down) return { status: 'FAILURE', latencyMs: 800 + 800 * kind };
  if (!unlucky) return null;
  if (kind < 0.4) return { status: 'RATE_LIMITED', latencyMs: 120 };
  return kind < 0.8 ? { status: 'FAILURE', latencyMs: 1_500 } : { status: 'TIMEOUT', latencyMs: 15_000 };
}

/** Which model is which archetype, which task each skill column belongs to, and who wears which price tag. */
function castWorld(world: number): { truth: TrueModel[]; tags: number[] } {
  const random = seededRandom(world, 'cast');
  const taskOrder = shuffled(simulatedTasks.length, random);
  const cast = shuffled(archetypes.length, random);
  const others = shuffled(archetypes.length - 2, random).map((i) => i + 2);
  const tagOfArchetype = [0, 1, ...others].map((i) => priceTags[i]!);
  const truth = cast.map((a) => {
    const kind = archetypes[a]!;
    const skill = dictionaryOf(simulatedTasks.map((task, t) => [task, kind.skill[taskOrder[t]!]!] as const));
    return { archetype: kind, skill };
  });
  return { truth, tags: cast.map((a) => tagOfArchetype[a]!) };
}

/** Where an operator's belief about a task comes from; two tasks each. */
interface Sources {
  /** Public leaderboards: nearly the truth. */
  readonly measured: readonly SimulatedTask[];
  /** Reputation, except for one model, which its vendor advertises for the task though it is not good at it. */
  readonly advertised: ReadonlyMap<SimulatedTask, number>;
}

function drawSources(world: number, truth: readonly TrueModel[]): Sources {
  const random = seededRandom(world, 'sources');
  const order = shuffled(simulatedTasks.length, random).map((t) => simulatedTasks[t]!);
  const advertised = order.slice(2, 4).map((task): [SimulatedTask, number] => {
    const best = Math.max(...truth.map((model) => model.skill[task]));
    const mediocre = truth.map((_, m) => m).filter((m) => !isGeneralist(truth[m]!) && truth[m]!.skill[task] < best);
    return [task, pick(mediocre, random)];
  });
  return { measured: order.slice(0, 2), advertised: new Map(advertised) };
}

/**
 * What the operator writes into the config. List prices are true. Beliefs about quality come from what is public: how good
 * a model is on average (dear ones are thought better than they are), and per task from the sources above; where there is
 * none but reputation, little is known of what a model is good at.
 */
function describeModels(world: number, truth: readonly TrueModel[], tags: readonly number[]): ModelConfig[] {
  const byPrice = [...tags].sort((a, b) => a - b);
  const { measured, advertised } = drawSources(world, truth);
  return truth.map((model, m) => {
    const random = seededRandom(world, 'belief', m);
    const tag = tags[m]!;
    const priceHalo = 0.2 * (byPrice.indexOf(tag) / (tags.length - 1) - 0.5);
    const meanSkill = meanOver(simulatedTasks.map((task) => model.skill[task]));
    const taskQuality = dictionaryOf<string, number>();
    for (const task of simulatedTasks) {
      const known = measured.includes(task) ? 0.8 : 0.3;
      const reputation = meanSkill + known * (model.skill[task] - meanSkill) + priceHalo;
      const belief = (advertised.get(task) === m ? 0.85 : reputation) + 0.03 * random.normal();
      taskQuality[task] = hundredths(Math.min(0.98, Math.max(0.05, belief)));
    }
    const kind = model.archetype;
    return {
      ...catalogue[m]!,
      price: { inputPerMillionUsd: tag / 4, outputPerMillionUsd: tag, perRequestUsd: 0 },
      capabilities: [],
      contextTokens: 128_000,
      expectedLatencyMs: Math.round((kind.firstTokenMs + kind.perTokenMs * 450) * (0.6 + 0.6 * random.next())),
      expectedOutputTokens: 450,
      expectedQuality: hundredths(meanOver(Object.values(taskQuality))),
      taskQuality,
    };
  });
}

function isGeneralist(model: TrueModel): boolean {
  return model.archetype.label.includes('generalist');
}

/** One provider fails for 8 % of the run; later one specialist of middling price becomes ten times as dear, announced. */
function planEvents(
  world: number,
  rows: number,
  truth: readonly TrueModel[],
  models: readonly ModelConfig[],
): WorldEvent[] {
  const random = seededRandom(world, 'events');
  const specialists = models.filter((_, m) => truth[m]!.archetype.label.includes('specialist'));
  const provider = pick(specialists, random).provider;
  const dearer = specialists
    .filter((m) => m.provider !== provider)
    .reduce((best, m) => (distanceToMiddle(m) < distanceToMiddle(best) ? m : best));
  const { price } = dearer;
  const changed = {
    inputPerMillionUsd: price.inputPerMillionUsd * priceRise,
    outputPerMillionUsd: price.outputPerMillionUsd * priceRise,
    perRequestUsd: 0,
  };
  return [
    { kind: 'outageBegan', atIndex: Math.floor(rows * outage.fromShare), provider },
    { kind: 'outageEnded', atIndex: Math.floor(rows * outage.toShare), provider },
    { kind: 'priceChanged', atIndex: Math.floor(rows * priceChangeShare), model: dearer.name, price: changed },
  ];
}

function distanceToMiddle(model: ModelConfig): number {
  return Math.abs(Math.log(model.price.outputPerMillionUsd / 5));
}

function archetype(
  label: string,
  skill: readonly number[],
  difficultySlope: number,
  verbosity: number,
  firstTokenMs: number,
  perTokenMs: number,
  failureRate: number,
): Archetype {
  return { label, skill, difficultySlope, verbosity, firstTokenMs, perTokenMs, failureRate };
}

function meanOver(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function hundredths(value: number): number {
  return Math.round(100 * value) / 100;
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
