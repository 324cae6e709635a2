/**
 * Circumstances as they come and go: an outage, strain, requests in a hurry, requests that should be cheap, sessions that
 * run out of money. Made up, so that each group of context features can be decisive; the figures say whether it is used.
 */

import {
  type ContextGroup,
  contextColumns,
  contextGroups,
  type Circumstances as Facts,
} from '../../../lib/learning/features/context';
import type { Random } from '../../../lib/ports/random';
import type { Candidate } from '../../../lib/topics/generated/messages';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { pick } from '../../workloads/draw';
import { simulatedTasks } from '../../workloads/prompt-vocabulary';
import { writePrompt } from '../../workloads/simulated-prompts';
import type { Outcome, WorkloadRow } from '../../workloads/workload';

/** `steady` never changes; `fair` is better until the circumstances are bad; `other` is the one that has outages. */
export const weatherModels = ['steady', 'fair', 'other'] as const;

export interface Moment {
  readonly facts: Facts;
  /** Per group: whether its circumstances are bad now. */
  readonly bad: Readonly<Record<ContextGroup, boolean>>;
}

const steadyScore = 0.6;
const fairScore = 0.8;
const fairScoreInBadWeather = 0.35;
const otherScore = 0.3;
const scoreDeviation = 0.2;
/** Bad stretches begin and end with these probabilities per request. */
const begins = 0.03;
const ends = 0.06;
/** Share of the requests in a hurry, and of those that should be cheap. */
const wishShare = 0.35;
const sessionRequests = 8;
const costsUsd = [0.001, 0.004, 0.002];

/** The circumstances of one request after another. */
export function* weather(random: Random): Generator<Moment, never> {
  let outage = false;
  let strain = false;
  let spentUsd = 0;
  let budgetUsd = 0;
  for (let i = 0; ; i++) {
    outage = random.next() < (outage ? 1 - ends : begins);
    strain = random.next() < (strain ? 1 - ends : begins);
    const hurry = random.next() < wishShare;
    const cheap = random.next() < wishShare;
    if (i % sessionRequests === 0) {
      spentUsd = 0;
      budgetUsd = 0.01 + 0.02 * random.next();
    }
    yield {
      facts: {
        candidates: weatherModels.map((model, at) => candidateOf(model, costsUsd[at]!, outage, strain, random)),
        limits: { ...noLimits, maxLatencyMs: hurry ? 800 : null, maxSessionCostUsd: budgetUsd },
        preference: cheap ? { quality: 1, cost: 1, latency: 0 } : { quality: 1, cost: 0, latency: 0 },
        sessionId: `session ${Math.floor(i / sessionRequests)}`,
        sessionRequests: i % sessionRequests,
        sessionSpentUsd: spentUsd,
        sessionLastQuality: i % sessionRequests === 0 ? null : random.next(),
      },
      bad: {
        availability: outage,
        history: strain,
        limits: hurry,
        preference: cheap,
        session: spentUsd > budgetUsd / 2,
      },
    };
    spentUsd += pick(costsUsd, random);
  }
}

function candidateOf(model: string, costUsd: number, outage: boolean, strain: boolean, random: Random): Candidate {
  const down = outage && model === 'other';
  return {
    model,
    provider: model,
    eligible: !down,
    ineligibleReason: down ? 'health: OPEN' : null,
    health: down ? 'OPEN' : 'CLOSED',
    expectedCostUsd: costUsd * (0.8 + 0.4 * random.next()),
    expectedLatencyMs: (strain ? 3000 : 1000) * (0.8 + 0.4 * random.next()),
    expectedQuality: 0.5,
    errorRate: strain ? 0.2 : 0.02,
    observations: 0,
    priceFactor: 1,
    declared: null,
    p95LatencyMs: null,
    bar: null,
  };
}

/** A request of the simulated kind, whose text says nothing of what the circumstances of `group` make of it. */
export function rowIn(moment: Moment, group: ContextGroup, index: number, random: Random): WorkloadRow {
  const scores = [steadyScore, moment.bad[group] ? fairScoreInBadWeather : fairScore, otherScore];
  const outcomes = weatherModels.map((model, at): [string, Outcome | null] => {
    const score = Math.max(0, Math.min(1, scores[at]! + scoreDeviation * random.normal()));
    const eligible = moment.facts.candidates[at]!.eligible;
    return [
      model,
      eligible
        ? { score, costUsd: costsUsd[at]!, latencyMs: 1000, status: 'SUCCESS', inputTokens: null, outputTokens: null }
        : null,
    ];
  });
  return {
    id: `${index}`,
    split: null,
    group: null,
    prompt: writePrompt(pick(simulatedTasks, random), random.next(), random),
    features: null,
    taskHint: null,
    outcomes: new Map(outcomes),
  };
}

/** The context with the columns of one group at 0. */
export function withoutGroup(context: Float32Array, group: ContextGroup): Float32Array {
  const names: readonly string[] = contextGroups[group];
  return context.map((value, i) => (i > 0 && names.includes(contextColumns[i - 1]!) ? 0 : value));
}
