/**
 * Keeps average spending at the budget: learns what each model costs, and finds the price lambda (utility lost per USD)
 * at which the policy, replayed on the last requests, would have spent what may be spent.
 */
import { budgetedFloors } from '../routing/budgeted-floors';
import { headCount } from './linear-half';

/** Observations over which a model's mean cost is averaged at most. */
const costMemory = 100;
/** So many calls in a row this far off the expected cost mean a changed price: jump instead of averaging. */
const surpriseCalls = 3;
const surpriseFactor = 4;
/** Requests lambda is solved on. */
const windowRequests = 128;
/** Aim a little below the budget. */
const aim = 0.99;
/** Overspending is paid back over this many requests... */
const paybackRequests = 100;
/** ...but no harder than this: below a quarter of the budget quality collapses, above 1.3 saved money is wasted in bursts. */
const leastPayback = 0.25;
const mostPayback = 1.3;
/** Overspending that is remembered, in budgets: little credit for savings, much debt. */
const mostCredit = 20;
const mostDebt = 200;
const bisections = 40;
/** Highest lambda: one unit of utility for a hundred-thousandth of the budget. */
const mostPrice = 1e5;

/** What the policy thought of one request, for solving lambda. Models by their arm in `Pacer.models`. */
export interface PacedRequest {
  /** Eligible models. */
  readonly models: readonly string[];
  /** models x headCount: utility without its cost part that lambda adds to. */
  readonly heads: Float64Array;
  /** Utility lost per USD besides lambda. */
  readonly perUsd: number;
  /** Expected cost relative to the model's mean. */
  readonly costFactors: Float64Array;
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

/** Folds in what a call cost relative to its price factor. Returns whether the mean jumped. */
export function observeCost(pacer: Pacer, model: string, ratio: number, expectedFactor: number): boolean {
  const cost = pacer.costs.get(model);
  if (!cost) {
    pacer.costs.set(model, { ratio, observations: 1, surprises: [] });
    return false;
  }
  cost.observations++;
  const off = ratio / (cost.ratio * expectedFactor || 1e-300);
  const surprising = off > surpriseFactor || off < 1 / surpriseFactor;
  const sameSide = cost.surprises.length === 0 || Math.sign(cost.surprises[0]!) === Math.sign(Math.log(off));
  cost.surprises = surprising && off > 0 ? [...(sameSide ? cost.surprises : []), Math.log(off)] : [];
  if (cost.surprises.length >= surpriseCalls) {
    const mean = cost.surprises.reduce((sum, value) => sum + value, 0) / cost.surprises.length;
    cost.ratio *= Math.exp(mean);
    cost.observations = surpriseCalls;
    cost.surprises = [];
    return true;
  }
  cost.ratio += (ratio - cost.ratio) / Math.min(cost.observations, costMemory);
  return false;
}

/** Returns whether a price has changed. */
export function observePrice(pacer: Pacer, model: string, priceFactor: number): boolean {
  const before = pacer.priceFactors.get(model);
  pacer.priceFactors.set(model, priceFactor);
  return before !== undefined && before !== priceFactor;
}

export function observeSpending(pacer: Pacer, costUsd: number): void {
  if (pacer.budgetUsd === null) return;
  const budget = pacer.budgetUsd;
  pacer.overspentUsd = Math.max(
    -mostCredit * budget,
    Math.min(mostDebt * budget, pacer.overspentUsd + costUsd - budget),
  );
}

export function remember(pacer: Pacer, request: PacedRequest): void {
  pacer.window.push(request);
  if (pacer.window.length > windowRequests) pacer.window.shift();
}

/** Finds lambda anew. */
export function solvePrice(pacer: Pacer): void {
  if (pacer.budgetUsd === null || pacer.window.length === 0) {
    pacer.costPricePerUsd = 0;
    return;
  }
  const budget = pacer.budgetUsd;
  const payback = Math.max(leastPayback, Math.min(mostPayback, 1 - pacer.overspentUsd / (paybackRequests * budget)));
  const wanted = aim * budget * payback;
  const requests = pacer.window.map((request) => {
    const costs = Float64Array.from(request.models, (model, i) => {
      const ratio = pacer.costs.get(model)?.ratio ?? 0;
      return ratio * (pacer.priceFactors.get(model) ?? 1) * request.costFactors[i]!;
    });
    const floors = budgetedFloors(pacer.explorationFloor, budget, [...costs]);
    let floorCost = 0;
    let floorTotal = 0;
    floors.forEach((floor, i) => {
      floorCost += floor * costs[i]!;
      floorTotal += floor;
    });
    return { request, costs, floorCost, voted: 1 - floorTotal };
  });
  const spendingAt = (price: number): number => {
    let total = 0;
    for (const { request, costs, floorCost, voted } of requests) {
      total += floorCost + voted * votedCost(request, costs, price);
    }
    return total / requests.length;
  };
  if (spendingAt(0) <= wanted) {
    pacer.costPricePerUsd = 0;
    return;
  }
  // Bisection on the logarithm: prices span orders of magnitude.
  let low = Math.log(1e-4 / budget);
  let high = Math.log(mostPrice / budget);
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2;
    if (spendingAt(Math.exp(middle)) > wanted) low = middle;
    else high = middle;
  }
  pacer.costPricePerUsd = Math.exp(high);
}

/** Below any value; bound once: see encode.ts. */
const lowest = -Infinity;

function votedCost(request: PacedRequest, costs: Float64Array, price: number): number {
  let total = 0;
  for (let m = 0; m < headCount; m++) {
    let best = lowest;
    let cost = 0;
    for (let i = 0; i < costs.length; i++) {
      const value = request.heads[i * headCount + m]! - (request.perUsd + price) * costs[i]!;
      if (value > best) {
        best = value;
        cost = costs[i]!;
      }
    }
    total += cost / headCount;
  }
  return total;
}
