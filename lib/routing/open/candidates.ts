/**
 * The candidates of a request: every configured model with price, health and expectations as they are now. Whether it may
 * serve is `eligibility.ts`'s to say. Intake pins the result in `route.opened`.
 *
 * What does not depend on the request is computed once per configuration, task type, profile and tuning. A candidate whose cost
 * does not depend on its tokens either is shared by all requests: nobody may change one.
 */
import type { ModelConfig, RouterConfig } from '../../config/router-config';
import { ownEntry } from '../../dictionary';
import { priceOfTokens } from '../../reward/price-of-call';
import { ratioAt, unpricedFactor } from '../../reward/price-unit';
import type { Breaker, Candidate, DecayedStats, Health, ModelProfile, Tuning } from '../../topics/generated/messages';
import { taskPseudoCount } from '../judge/declared';
import { isNewer, mayBeProbed } from './admission';
import { copyCandidate } from './copy-candidate';
import { quantileMs } from './latency-sketch';

/** What is known about the models at this moment. */
export interface World {
  readonly config: RouterConfig;
  readonly profileOf: (model: string) => ModelProfile | undefined;
  readonly tuning: Pick<Tuning, 'costRatios' | 'priceFactors'>;
  readonly nowMs: number;
}

/** What expectations depend on besides the world. */
export interface ExpectedRequest {
  readonly taskType: string;
  readonly promptTokens: number;
  /** Null: as many as the model is used to write. */
  readonly expectedOutputTokens: number | null;
}

/** The request a catalogue price is measured with, in tokens. */
export const nominalInputTokens = 750;
const nominalOutputTokens = 250;

/** A declared latency or length counts like this many observations of all tasks. */
export const configPseudoCount = 8;
/** A latency limit is held against the time that this share of the calls does not exceed... */
const tailShare = 0.95;
/** ...once so many were timed: of fewer the slowest is all there is to see. */
const leastTimed = 20;
/** Two imagined successes in front of every model's calls, so that one failure is not an error rate of 1. */
const errorPseudoCount = 2;

/** Task types remembered per configuration: hints are the caller's own words, and there is no end to them. */
const maxTaskTypes = 32;

/** What all requests of one task type have in common. Arrays are in config order. */
interface TaskTable {
  /** What the rest was computed from; a row is computed again when its profile is another one. */
  readonly profiles: (ModelProfile | undefined)[];
  costRatios: Tuning['costRatios'] | null;
  priceFactors: Tuning['priceFactors'] | null;
  /** Tokens that an answer is expected to have. */
  readonly outputTokens: Float64Array;
  /** 1: the cost follows from a learned ratio, whatever the tokens. */
  readonly isLearnedCost: Uint8Array;
  /** Of each provider, the newest word. */
  providerBreakers: (Breaker | undefined)[];
  /** Whether any breaker is not closed: then health depends on the time. */
  isRestless: boolean;
  /** Never changed once it was handed out, only replaced. */
  candidates: readonly Candidate[];
}

interface Catalogue {
  readonly priceFactors: Float64Array;
  /** The number of the provider of each model. */
  readonly providers: Int32Array;
  readonly providerCount: number;
  readonly tasks: Map<string, TaskTable>;
  /** Positions of the models that each is akin to: variants and deployments of one model. Null where none is akin to another. */
  readonly kin: readonly (readonly number[])[] | null;
}

const catalogues = new WeakMap<RouterConfig, Catalogue>();

/** One candidate per configured model, in config order, each as if nothing forbade it. They may be shared: change none. */
export function expectCandidates(world: World, request: ExpectedRequest): readonly Candidate[] {
  const catalogue = catalogueOf(world.config);
  const table = tableOf(catalogue, request.taskType, world.config.models.length);
  refresh(table, catalogue, world, request.taskType);
  if (table.isRestless) refreshHealth(table, catalogue, world.nowMs);
  return withTokenCosts(table, world, request);
}

function catalogueOf(config: RouterConfig): Catalogue {
  let catalogue = catalogues.get(config);
  if (!catalogue) {
    const numbers = new Map<string, number>();
    const providers = Int32Array.from(config.models, ({ provider }) => {
      if (!numbers.has(provider)) numbers.set(provider, numbers.size);
      return numbers.get(provider)!;
    });
    const priceFactors = Float64Array.from(config.models, priceFactor);
    catalogue = { priceFactors, providers, providerCount: numbers.size, tasks: new Map(), kin: kinOf(config.models) };
    catalogues.set(config, catalogue);
  }
  return catalogue;
}

/** By what a model says that it is one of, else by its name. */
function kinOf(models: readonly ModelConfig[]): Catalogue['kin'] {
  const families = new Map<string, number[]>();
  for (const [i, { name, variantOf, deploymentOf }] of models.entries()) {
    const family = deploymentOf === undefined ? `model ${variantOf ?? name}` : `deployment ${deploymentOf}`;
    families.set(family, [...(families.get(family) ?? []), i]);
  }
  if (families.size === models.length) return null;
  const kin = models.map((): readonly number[] => []);
  for (const members of families.values()) for (const i of members) kin[i] = members.filter((other) => other !== i);
  return kin;
}

function tableOf({ tasks }: Catalogue, taskType: string, models: number): TaskTable {
  let table = tasks.get(taskType);
  if (!table) {
    if (tasks.size >= maxTaskTypes) tasks.clear();
    table = {
      profiles: new Array<ModelProfile | undefined>(models).fill(undefined),
      costRatios: null,
      priceFactors: null,
      outputTokens: new Float64Array(models),
      isLearnedCost: new Uint8Array(models),
      providerBreakers: [],
      isRestless: false,
      candidates: [],
    };
    tasks.set(taskType, table);
  }
  return table;
}

/** Computes again what has changed since the last request of this task type. */
function refresh(table: TaskTable, catalogue: Catalogue, world: World, taskType: string): void {
  const { models } = world.config;
  const { costRatios, priceFactors } = world.tuning;
  const all = table.costRatios !== costRatios || table.priceFactors !== priceFactors;
  const { kin } = catalogue;
  // What is known of one concerns all that are akin to it.
  const isNews = kin && models.map(({ name }, i) => world.profileOf(name) !== table.profiles[i]);
  const hasNewKin = (i: number): boolean => kin !== null && kin[i]!.some((other) => isNews![other]);
  let rows: Candidate[] | null = null;
  for (let i = 0; i < models.length; i++) {
    const model = models[i]!;
    const profile = world.profileOf(model.name);
    if (!all && profile === table.profiles[i] && !hasNewKin(i)) continue;
    // Filled from the front, so that it has no holes: engines are quicker with those.
    rows ??= all ? [] : table.candidates.slice();
    table.profiles[i] = profile;
    rows[i] = expectCandidate(table, i, {
      model,
      profile,
      factor: catalogue.priceFactors[i]!,
      world,
      taskType,
      kin: kin?.[i] ?? none,
    });
  }
  if (rows === null) return;
  table.costRatios = costRatios;
  table.priceFactors = priceFactors;
  table.candidates = rows;
  refreshBreakers(table, catalogue);
  refreshHealth(table, catalogue, world.nowMs);
}

interface Row {
  readonly model: ModelConfig;
  readonly profile: ModelProfile | undefined;
  readonly factor: number;
  readonly world: World;
  readonly taskType: string;
  readonly kin: readonly number[];
}

const none: readonly number[] = [];

/** Health is left to `refreshHealth`, a cost that depends on tokens to `withTokenCosts`. */
function expectCandidate(
  table: TaskTable,
  i: number,
  { model, profile: seen, factor, world, taskType, kin }: Row,
): Candidate {
  const profile = seen && isOfVersion(seen, model) ? seen : undefined;
  const task = profile && ownEntry(profile.tasks, taskType);
  const declared = ownEntry(model.taskQuality, taskType) ?? model.expectedQuality;
  const akin = kin.map((at) => surpriseOf(world.config.models[at]!, world));
  const quality = expectedQuality(model, declared, world.config.learning.priorObservations, profile, task, akin);
  const ratio = ownEntry(world.tuning.costRatios, model.name);
  table.isLearnedCost[i] = ratio === undefined ? 0 : 1;
  table.outputTokens[i] = expectedOutputTokens(model, profile, task);
  return {
    model: model.name,
    provider: model.provider,
    eligible: true,
    ineligibleReason: null,
    health: 'CLOSED',
    expectedCostUsd:
      ratio === undefined
        ? 0
        : ratioAt(ratio, ownEntry(world.tuning.priceFactors, model.name) ?? factor, factor) * factor,
    expectedLatencyMs: shrunkMean(model.expectedLatencyMs, profile?.overall, task, 'latencyMs', 'latencyWeight'),
    expectedQuality: quality.mean,
    errorRate: profile
      ? (profile.overall.errorRate * profile.overall.weight) / (profile.overall.weight + errorPseudoCount)
      : 0,
    observations: quality.observations,
    priceFactor: factor,
    declared: { quality: declared, costUsd: 0, latencyMs: model.expectedLatencyMs },
    p95LatencyMs: world.config.latencyLimit === 'mean' ? null : p95Of(profile?.overall, task),
    bar: null,
  };
}

/** What was seen of another version says nothing of this one, from the moment that it is declared. */
function isOfVersion({ declaredVersion, declaredPrice }: ModelProfile, { version }: ModelConfig): boolean {
  return declaredPrice === null || declaredVersion === (version ?? null);
}

/** Of the task where that many of its calls were timed, else of all. */
function p95Of(overall: DecayedStats | undefined, task: DecayedStats | undefined): number | null {
  return (
    quantileMs(task?.latencies ?? null, tailShare, leastTimed) ??
    quantileMs(overall?.latencies ?? null, tailShare, leastTimed)
  );
}

/** Every profile carries its provider's breaker as it was when the profile was written: the newest is right. */
function refreshBreakers(table: TaskTable, { providers, providerCount }: Catalogue): void {
  const newest = new Array<Breaker | undefined>(providerCount).fill(undefined);
  table.isRestless = false;
  for (let i = 0; i < providers.length; i++) {
    const profile = table.profiles[i];
    if (!profile) continue;
    const { breaker, providerBreaker } = profile;
    const known = newest[providers[i]!];
    if (!known || isNewer(providerBreaker, known)) newest[providers[i]!] = providerBreaker;
    if (breaker.health !== 'CLOSED' || providerBreaker.health !== 'CLOSED') table.isRestless = true;
  }
  table.providerBreakers = newest;
}

function refreshHealth(table: TaskTable, { providers }: Catalogue, nowMs: number): void {
  let rows: Candidate[] | null = null;
  for (let i = 0; i < providers.length; i++) {
    const profile = table.profiles[i];
    const provider = table.providerBreakers[providers[i]!];
    const health = worse(
      profile ? healthAt(profile.breaker, nowMs) : 'CLOSED',
      provider ? healthAt(provider, nowMs) : 'CLOSED',
    );
    if (table.candidates[i]!.health === health) continue;
    rows ??= table.candidates.slice();
    rows[i] = copyCandidate(table.candidates[i]!);
    rows[i]!.health = health;
  }
  if (rows !== null) table.candidates = rows;
}

/**
 * What depends on the tokens of the request. What is declared to cost: tokens times price. What is expected to cost, where
 * no ratio was learned: the same with the length seen so far, else what calls have cost, else 0.
 */
function withTokenCosts(table: TaskTable, { config }: World, request: ExpectedRequest): readonly Candidate[] {
  const { promptTokens, expectedOutputTokens } = request;
  return table.candidates.map((candidate, i) => {
    const model = config.models[i]!;
    const declaredUsd = priceOf(model, promptTokens, expectedOutputTokens ?? model.expectedOutputTokens);
    const isLearnedCost = table.isLearnedCost[i] === 1;
    if (declaredUsd === 0 && isLearnedCost) return candidate;
    const { quality, latencyMs } = candidate.declared!;
    const priced = copyCandidate(candidate);
    if (!isLearnedCost) priced.expectedCostUsd = tokenCost(table, i, model, request);
    priced.declared = { quality, costUsd: declaredUsd, latencyMs };
    return priced;
  });
}

function tokenCost(table: TaskTable, i: number, model: ModelConfig, request: ExpectedRequest): number {
  const priced = priceOf(model, request.promptTokens, request.expectedOutputTokens ?? table.outputTokens[i]!);
  const overall = table.profiles[i]?.overall;
  const paid = overall && overall.costWeight > 0 ? overall.costUsd : 0;
  return priced > 0 ? priced : paid;
}

/** USD for the nominal request at the catalogue price; 1 where no price is known, so that ratios are then costs. */
export function priceFactor(model: Pick<ModelConfig, 'price'>): number {
  return priceOf(model, nominalInputTokens, nominalOutputTokens) || unpricedFactor;
}

/** Without traffic nobody writes a new profile, so an open breaker's waiting time ends here. */
function healthAt(breaker: Breaker, nowMs: number): Health {
  return mayBeProbed(breaker, nowMs) ? 'HALF_OPEN' : breaker.health;
}

function worse(a: Health, b: Health): Health {
  if (a === 'OPEN' || b === 'OPEN') return 'OPEN';
  return a === 'HALF_OPEN' || b === 'HALF_OPEN' ? 'HALF_OPEN' : 'CLOSED';
}

function priceOf(model: Pick<ModelConfig, 'price'>, inputTokens: number, outputTokens: number): number {
  return priceOfTokens(model.price, inputTokens, 0, outputTokens, 0);
}

/**
 * The task's mean, shrunk to what is declared of it and to how far the model is off what is declared of it in all tasks:
 * a model that is good at one task is not thought good at another that nobody declares it for.
 */
function expectedQuality(
  model: ModelConfig,
  declared: number,
  priorObservations: number,
  profile: ModelProfile | undefined,
  task: DecayedStats | undefined,
  akin: readonly Surprise[],
): { mean: number; observations: number } {
  const overallWeight = profile?.overall.qualityWeight ?? 0;
  // What all tasks together say counts as at most `taskPseudoCount` observations of this one.
  const borrowed = (taskPseudoCount * overallWeight) / (overallWeight + priorObservations);
  const base = Math.max(0, Math.min(1, declared + surprise(model, profile, priorObservations, akin)));
  return {
    mean: task
      ? (task.quality * task.qualityWeight + base * taskPseudoCount) / (task.qualityWeight + taskPseudoCount)
      : base,
    observations: (task?.qualityWeight ?? 0) + borrowed,
  };
}

/** By how much judged answers have been better than declared, all in all, and how many they are. */
interface Surprise {
  readonly sum: number;
  readonly weight: number;
}

const noSurprise: Surprise = { sum: 0, weight: 0 };
/** What is seen of a model that is akin counts like so much of what is seen of it. */
const kinShare = 0.5;

/** By how much a model's answers are better than declared, shrunk to nothing by the prior. */
function surprise(
  model: ModelConfig,
  profile: ModelProfile | undefined,
  priorObservations: number,
  akin: readonly Surprise[],
): number {
  let { sum, weight } = profile ? surpriseIn(model, profile) : noSurprise;
  for (const other of akin) {
    sum += kinShare * other.sum;
    weight += kinShare * other.weight;
  }
  return sum / (weight + priorObservations);
}

function surpriseOf(model: ModelConfig, { profileOf }: World): Surprise {
  const profile = profileOf(model.name);
  return profile && isOfVersion(profile, model) ? surpriseIn(model, profile) : noSurprise;
}

function surpriseIn(model: ModelConfig, profile: ModelProfile): Surprise {
  let sum = 0;
  let weight = 0;
  const add = (declared: number, { quality, qualityWeight }: DecayedStats): void => {
    sum += qualityWeight * (quality - declared);
    weight += qualityWeight;
  };
  // Where nothing is declared by task the mean over all is enough.
  if (Object.keys(model.taskQuality).length === 0) add(model.expectedQuality, profile.overall);
  else
    for (const task in profile.tasks)
      add(ownEntry(model.taskQuality, task) ?? model.expectedQuality, profile.tasks[task]!);
  return { sum, weight };
}

function expectedOutputTokens(
  model: ModelConfig,
  profile: ModelProfile | undefined,
  task: DecayedStats | undefined,
): number {
  return shrunkMean(model.expectedOutputTokens, profile?.overall, task, 'outputTokens', 'outputTokensWeight');
}

function shrunkMean(
  prior: number,
  overall: DecayedStats | undefined,
  task: DecayedStats | undefined,
  mean: 'latencyMs' | 'outputTokens',
  weight: 'latencyWeight' | 'outputTokensWeight',
): number {
  const base = overall
    ? (overall[mean] * overall[weight] + prior * configPseudoCount) / (overall[weight] + configPseudoCount)
    : prior;
  if (!task) return base;
  return (task[mean] * task[weight] + base * taskPseudoCount) / (task[weight] + taskPseudoCount);
}
