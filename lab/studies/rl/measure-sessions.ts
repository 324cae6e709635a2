/**
 * One agent that sees a session through and one that sees single requests, alike in everything else, on sessions of rows
 * that neither has seen; and what a fixed price of costs would have made of the second at best.
 */

import { type Agent, createAgent } from '../../../lib/learning/rl/agent';
import { defaultAgentSettings } from '../../../lib/learning/rl/settings';
import { seededRandom } from '../../../lib/random/seeded';
import type { Workload } from '../../workloads/workload';
import { trainAgent } from './run-agent';
import { parts, type SplitRows, splitRows } from './session-rows';
import {
  budgetAt,
  createSessions,
  type Session,
  type SessionTask,
  type SessionWorld,
  sessionRequests,
  withinEvenShare,
  worldOf,
} from './sessions';

/** Each held-out session is played under so many budgets, evenly spread on a logarithmic scale; it counts once. */
const budgetsPerSession = 16;

/** Prices of a USD tried in hindsight, in units of score: none, and .1 to 100,000 in steps of a quarter of a decade. */
const prices = [0, ...Array.from({ length: 25 }, (_, i) => 10 ** (i / 4 - 1))];

/** Chooses an action among the allowed ones. */
type Policy = (features: Float32Array, allowed: Uint8Array) => number;

/** Mean score per request, 0..1, of each held-out session (major) under each budget. */
type Cells = Float64Array;

export interface SessionFigures {
  /** Names of the held-out sessions, unique over all parts. */
  readonly ids: readonly string[];
  /** Discount 1. */
  readonly dqn: Cells;
  /** Discount 0: every request for itself. */
  readonly oneStep: Cells;
  /** The one-step learner under the one price that would have been best. */
  readonly fixedPrice: Cells;
  readonly pricePerUsd: number;
  /** The same, had there been a price for each budget. */
  readonly priceOfBudget: Cells;
  /** The one-step learner's choice among the models that cost no more than an even share of what is left. */
  readonly evenShare: Cells;
}

/** Trains on all parts but one, which follows from the seed, and measures on that one. The tensor backend must be ready. */
export function measureSessions(workload: Workload, seed: number, steps: number): SessionFigures {
  const heldOut = (seed - 1) % parts;
  const rows = splitRows(workload, heldOut);
  const world = worldOf(rows.train);
  const ahead = trained(rows, world, { seed, steps, discount: 1 });
  const single = trained(rows, world, { seed, steps, discount: 0 });
  const play = (policy: Policy): Cells => playAll(rows, world, policy);
  const priced = prices.map((price) =>
    play((features, allowed) => best(single, features, allowed, world.costsUsd, price)),
  );
  const fixedPrice = priced.reduce((a, b) => (meanOf(b) > meanOf(a) ? b : a));
  const figures = {
    ids: Array.from({ length: fixedPrice.length / budgetsPerSession }, (_, i) => `${heldOut}.${i}`),
    dqn: play((features, allowed) => ahead.greedy(features, allowed)),
    oneStep: play((features, allowed) => single.greedy(features, allowed)),
    fixedPrice,
    pricePerUsd: prices[priced.indexOf(fixedPrice)]!,
    priceOfBudget: bestOfEachBudget(priced),
    evenShare: play((features, allowed) => {
      const even = allowed.map((may, model) => (may && withinEvenShare(features, world, model) ? 1 : 0));
      return best(single, features, even.includes(1) ? even : cheapest(allowed, world), world.costsUsd, 0);
    }),
  };
  ahead.dispose();
  single.dispose();
  return figures;
}

/** Mean over the budgets, per session. */
export function bySession(cells: Cells): Float64Array {
  return Float64Array.from({ length: cells.length / budgetsPerSession }, (_, session) =>
    meanOf(cells.subarray(session * budgetsPerSession, (session + 1) * budgetsPerSession)),
  );
}

/** Mean over the sessions, per budget from the least to the most. */
export function byBudget(cells: Cells): number[] {
  return Array.from({ length: budgetsPerSession }, (_, budget) =>
    meanOf(cells.filter((_score, i) => i % budgetsPerSession === budget)),
  );
}

/** The same trainer for both cases: only the discount differs. */
function trained(
  { train }: SplitRows,
  world: SessionWorld,
  { seed, steps, discount }: { readonly seed: number; readonly steps: number; readonly discount: number },
): Agent {
  const task = createSessions(train, world);
  // Prices are tried on the newest weights, so the agent is measured by these as well.
  const settings = { ...defaultAgentSettings(steps), discount, goesBack: false };
  const agent = createAgent({ inputs: task.typicalObservation.length, actions: task.actions, seed, settings });
  trainAgent(agent, task, { steps, rewardScale: 1, random: seededRandom(seed, task.name, 'training') });
  return agent;
}

function playAll({ test }: SplitRows, world: SessionWorld, policy: Policy): Cells {
  const task = createSessions(test, world);
  const sessions = Math.floor(test.length / sessionRequests);
  return Float64Array.from({ length: sessions * budgetsPerSession }, (_, i) => {
    const first = Math.floor(i / budgetsPerSession) * sessionRequests;
    const budgetUsd = budgetAt(world, ((i % budgetsPerSession) + 0.5) / budgetsPerSession);
    return meanScore(task, world, { rows: test.slice(first, first + sessionRequests), budgetUsd }, policy);
  });
}

function meanScore(task: SessionTask, { typicalScore }: SessionWorld, session: Session, policy: Policy): number {
  let features = task.start(session);
  let total = 0;
  for (let running = true; running; ) {
    const { observation, reward, end } = task.step(policy(features, task.allowed()));
    total += reward + typicalScore;
    features = observation;
    running = end === 'none';
  }
  return total / sessionRequests;
}

/** The allowed action of highest value less its expected cost at this price. */
function best(
  agent: Agent,
  features: Float32Array,
  allowed: Uint8Array,
  costsUsd: readonly number[],
  pricePerUsd: number,
): number {
  const values = agent.trainer.predict(features, 1, 'target');
  const worth = (action: number): number => values[action]! - pricePerUsd * (costsUsd[action] ?? 0);
  return [...allowed.keys()].filter((action) => allowed[action] === 1).reduce((a, b) => (worth(b) > worth(a) ? b : a));
}

/** The first of the cheapest allowed actions, alone. */
function cheapest(allowed: Uint8Array, { costsUsd }: SessionWorld): Uint8Array {
  const cost = (action: number): number => (allowed[action] ? (costsUsd[action] ?? 0) : Number.POSITIVE_INFINITY);
  const least = [...allowed.keys()].reduce((a, b) => (cost(b) < cost(a) ? b : a));
  return allowed.map((_, action) => (action === least ? 1 : 0));
}

function bestOfEachBudget(priced: readonly Cells[]): Cells {
  const means = priced.map(byBudget);
  return priced[0]!.map((_, i) => {
    const budget = i % budgetsPerSession;
    const at = means.reduce((a, mean, price) => (mean[budget]! > means[a]![budget]! ? price : a), 0);
    return priced[at]![i]!;
  });
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
