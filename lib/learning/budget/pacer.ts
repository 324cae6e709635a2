/**
 * Keeps average spending at the budget: learns what each model costs, and finds the price lambda (utility lost per USD)
 * at which the policy, replayed on the last requests, would have spent what may be spent.
 */

import { boundedAmount } from '../../reward/bounded-mean';
import { ratioAt } from '../../reward/price-unit';
import { budgetedFloors } from '../../routing/decide/budgeted-floors';
import type { Features } from '../features/basis';
import { headCount } from '../value/linear-half';
import type { Values } from '../value/policy';
import { type Guarantee, guarantee } from './guarantees';

/** Observations over which a model's mean cost is averaged at most. */
const costMemory = 100;
/** So many calls in a row this far off the expected cost mean a changed price: jump instead of averaging. */
const surpriseCalls = 3;
const surpriseFactor = 4;
/** Requests lambda is solved on. */
const windowRequests = 128;
/** Aim a little below the budget. */
const aim = 0.98;
/**
 * Scale of debts and savings, in budgets: d of debt lower what may be spent by (d / 50)^2, d of savings raise it by d / 50. Where
 * single calls cost tens of budgets, paying back in proportion makes lambda swing and takes quality for nothing, and paying
 * back slowly overspends a stretch of some hundred requests; so small debts wait, and large ones do not.
 */
const debtScale = 50;
/** Nothing is paid back harder than this: below a quarter of the budget quality collapses. */
const leastPayback = 0.25;
/** Overspending that is remembered, in budgets: little credit for savings, which would be wasted in bursts, and much debt. */
const mostCredit = 10;
const mostDebt = 200;
const bisections = 40;
/** Highest lambda: one unit of utility for a hundred-thousandth of the budget. */
const mostPrice = 1e5;
/** ...and no more than this whatever the budget, so that price times any cost is a number. */
const mostLogPrice = Math.log(1e30);
/** A jump goes to so many times the mean at most, in logarithms: another jump may follow it. Three wild reports are no price. */
const mostSurprise = Math.log(10);
/** A mean of fewer calls follows the next ones up by itself. Down it jumps at once: what was too dear is chosen less, and told of less. */
const leastForJump = 8;
/** How many calls what was thought of a call before counts for, when a report is held against it. */
const thoughtCalls = 8;
/** Whatever a mean is: up to here a call may have cost, in nominal requests, or in USD where no price is known. */
const leastMean = 0.01;

/** One of the last requests, and what the newest policy thinks of it, for solving lambda. */
export interface PacedRequest {
  /** Of its event. */
  readonly offset: number;
  /** For judging it anew by the next policy; null after a restore, until its event has been read again. */
  features: Features | null;
  /** Eligible models. */
  readonly models: readonly string[];
  /** Utility per unit of quality. */
  readonly qualityWeight: number;
  /** Utility lost per USD besides lambda. */
  readonly perUsd: number;
  /** models x headCount: quality without drift offset; NaN where the policy does not know the model. */
  readonly heads: Float64Array;
  /** Expected cost relative to the model's mean. */
  readonly costFactors: Float64Array;
}

/** What is published beside the policy and decides with it. */
export interface Published {
  /** Drift offset of a model, in quality. */
  readonly offsetOf: (model: string) => number;
  readonly guaranteeOf: (model: string) => Guarantee | null;
}

export interface ModelCost {
  /** Mean of cost / price factor. */
  ratio: number;
  observations: number;
  /** Logarithms of actual / expected of the last calls, while they all lie beyond the surprise factor on one side. */
  surprises: number[];
}

export interface Pacer {
  readonly budgetUsd: number | null;
  readonly explorationFloor: number;
  readonly costs: Map<string, ModelCost>;
  /** Newest price factor per model. */
  readonly priceFactors: Map<string, number>;
  readonly window: PacedRequest[];
  /** Spent beyond the budget, clipped, in USD. */
  overspentUsd: number;
  /** lambda. */
  costPricePerUsd: number;
}

export function createPacer(budgetUsd: number | null, explorationFloor: number): Pacer {
  return {
    budgetUsd,
    explorationFloor,
    costs: new Map(),
    priceFactors: new Map(),
    window: [],
    overspentUsd: 0,
    costPricePerUsd: 0,
  };
}

/**
 * Folds in what a call cost relative to its price factor. `expectedRatio` is what was expected of it, which the first one is
 * held against; null where nothing needs to be doubted. Returns whether the mean jumped.
 */
export function observeCost(
  pacer: Pacer,
  model: string,
  ratio: number,
  expectedFactor: number,
  expectedRatio: number | null,
): boolean {
  const cost = pacer.costs.get(model);
  if (!cost) {
    const believed = bounded(ratio, expectedRatio, 0);
    pacer.costs.set(model, { ratio: believed, observations: 1, surprises: [] });
    return false;
  }
  const before = Math.min(cost.observations, costMemory - 1);
  cost.observations++;
  const off = ratio / (cost.ratio * expectedFactor || 1e-300);
  const surprising = off > surpriseFactor || off < 1 / surpriseFactor;
  const sameSide = cost.surprises.length === 0 || Math.sign(cost.surprises[0]!) === Math.sign(Math.log(off));
  const surprise = Math.max(-mostSurprise, Math.min(mostSurprise, Math.log(off)));
  cost.surprises = surprising && off > 0 ? [...(sameSide ? cost.surprises : []), surprise].slice(-surpriseCalls) : [];
  const mayJump = before >= leastForJump || surprise < 0;
  if (cost.surprises.length >= surpriseCalls && mayJump) {
    const mean = cost.surprises.reduce((sum, value) => sum + value, 0) / cost.surprises.length;
    cost.ratio *= Math.exp(mean);
    cost.observations = surpriseCalls;
    cost.surprises = [];
    forgetSavings(pacer);
    return true;
  }
  const believed = bounded(ratio, expectedRatio === null ? null : cost.ratio, before);
  cost.ratio += (believed - cost.ratio) / Math.min(cost.observations, costMemory);
  return false;
}

/** What may go into a mean of so many calls: no one report moves it far. */
function bounded(ratio: number, mean: number | null, calls: number): number {
  if (mean === null) return ratio;
  const thought = Math.max(mean, leastMean);
  return boundedAmount(ratio, { mean: thought, weight: calls, prior: thought, priorWeight: thoughtCalls });
}

/** A call cost more by so much, relative to its price factor, than was said before: its share of the mean, at most. */
export function correctCost(pacer: Pacer, model: string, ratioDifference: number): void {
  const cost = pacer.costs.get(model);
  if (!cost) return;
  const calls = Math.min(cost.observations, costMemory);
  // As if the mean were told of one call that differs by so much.
  const difference = bounded(cost.ratio + ratioDifference, cost.ratio, calls - 1) - cost.ratio;
  cost.ratio = Math.max(0, cost.ratio + difference / calls);
}

/** Returns whether a price has changed. */
export function observePrice(pacer: Pacer, model: string, priceFactor: number): boolean {
  const before = pacer.priceFactors.get(model);
  pacer.priceFactors.set(model, priceFactor);
  if (before === undefined || before === priceFactor) return false;
  const cost = pacer.costs.get(model);
  if (cost) cost.ratio = ratioAt(cost.ratio, before, priceFactor);
  forgetSavings(pacer);
  return true;
}

export function observeSpending(pacer: Pacer, costUsd: number): void {
  correctSpending(pacer, costUsd - (pacer.budgetUsd ?? 0));
}

/** A request that was counted before has cost more by so much. */
export function correctSpending(pacer: Pacer, differenceUsd: number): void {
  if (pacer.budgetUsd === null) return;
  const budget = pacer.budgetUsd;
  pacer.overspentUsd = Math.max(-mostCredit * budget, Math.min(mostDebt * budget, pacer.overspentUsd + differenceUsd));
}

/** What was saved at old prices buys little at new ones, or far too much. */
function forgetSavings(pacer: Pacer): void {
  pacer.overspentUsd = Math.max(0, pacer.overspentUsd);
}

export function remember(pacer: Pacer, request: PacedRequest): void {
  pacer.window.push(request);
  if (pacer.window.length > windowRequests) pacer.window.shift();
}

/** A request no policy has judged yet. */
export function unjudged(
  fields: Pick<PacedRequest, 'offset' | 'features' | 'models' | 'qualityWeight' | 'perUsd'>,
): PacedRequest {
  return {
    ...fields,
    heads: new Float64Array(fields.models.length * headCount).fill(Number.NaN),
    costFactors: new Float64Array(fields.models.length).fill(1),
  };
}

/** Takes over what a policy with these arms thinks of the request. */
export function judgeAnew(request: PacedRequest, arms: readonly string[], values: Values): void {
  request.models.forEach((model, i) => {
    const arm = arms.indexOf(model);
    for (let m = 0; m < headCount; m++)
      request.heads[i * headCount + m] = arm < 0 ? Number.NaN : values.heads[arm * headCount + m]!;
    request.costFactors[i] = arm < 0 ? 1 : values.costFactors[arm]!;
  });
}

/** Finds lambda anew. */
export function solvePrice(pacer: Pacer, published: Published): void {
  const judged = pacer.window.filter(({ heads }) => heads.some((value) => !Number.isNaN(value)));
  if (pacer.budgetUsd === null || judged.length === 0) {
    pacer.costPricePerUsd = 0;
    return;
  }
  const budget = pacer.budgetUsd;
  const wanted = aim * budget * paybackOf(pacer.overspentUsd / budget);
  const requests = judged.map((request) => pricedRequest(pacer, request, published));
  const spendingAt = (price: number): number => {
    let total = 0;
    for (const request of requests) total += expectedCost(request, price, budget);
    return total / requests.length;
  };
  if (spendingAt(0) <= wanted) {
    pacer.costPricePerUsd = 0;
    return;
  }
  // Bisection on the logarithm: prices span orders of magnitude.
  let low = Math.min(mostLogPrice, Math.log(1e-4 / budget));
  let high = Math.min(mostLogPrice, Math.log(mostPrice / budget));
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2;
    if (spendingAt(Math.exp(middle)) > wanted) low = middle;
    else high = middle;
  }
  pacer.costPricePerUsd = Math.exp(high);
}

/** Share of the budget that may be spent at a debt of so many budgets; savings are debts below 0. */
function paybackOf(debt: number): number {
  return debt > 0 ? Math.max(leastPayback, 1 - (debt / debtScale) ** 2) : 1 - debt / debtScale;
}

/** A request at today's costs and offsets: all but lambda. */
interface PricedRequest {
  /** models x headCount, utility; NaN: takes no part in the votes. */
  readonly utilities: Float64Array;
  /** Expected, USD. */
  readonly costs: Float64Array;
  readonly candidates: readonly { readonly guarantee: Guarantee | null; readonly costUsd: number }[];
  /** Expected USD spent by the exploration floor, and what is left of the probability. */
  readonly floorCost: number;
  readonly voted: number;
}

function pricedRequest(pacer: Pacer, request: PacedRequest, published: Published): PricedRequest {
  const { models, heads, qualityWeight, perUsd, costFactors } = request;
  const costs = Float64Array.from(models, (model, i) => {
    const ratio = pacer.costs.get(model)?.ratio ?? 0;
    return ratio * (pacer.priceFactors.get(model) ?? 1) * costFactors[i]!;
  });
  const utilities = new Float64Array(heads.length);
  models.forEach((model, i) => {
    const offset = published.offsetOf(model);
    for (let m = 0; m < headCount; m++)
      utilities[i * headCount + m] = qualityWeight * (heads[i * headCount + m]! + offset) - perUsd * costs[i]!;
  });
  const floors = budgetedFloors(pacer.explorationFloor, pacer.budgetUsd, [...costs]);
  let floorCost = 0;
  let floorTotal = 0;
  floors.forEach((floor, i) => {
    floorCost += floor * costs[i]!;
    floorTotal += floor;
  });
  const candidates = models.map((model, i) => ({ guarantee: published.guaranteeOf(model), costUsd: costs[i]! }));
  return { utilities, costs, candidates, floorCost, voted: 1 - floorTotal };
}

/** Below any value; bound once: see encode.ts. */
const lowest = -Infinity;

/** What a request would have cost at a price of lambda, drawn as decisions are: by votes, guarantees and floors. */
function expectedCost(request: PricedRequest, price: number, budgetUsd: number): number {
  const { utilities, costs } = request;
  const shares: number[] = new Array(costs.length).fill(0);
  for (let m = 0; m < headCount; m++) {
    let best = -1;
    let most = lowest;
    for (let i = 0; i < costs.length; i++) {
      const value = utilities[i * headCount + m]! - price * costs[i]!;
      if (value > most) {
        most = value;
        best = i;
      }
    }
    if (best >= 0) shares[best] = shares[best]! + 1 / headCount;
  }
  guarantee(shares, request.candidates, budgetUsd);
  let total = 0;
  for (let i = 0; i < costs.length; i++) total += shares[i]! * costs[i]!;
  return request.floorCost + request.voted * total;
}
