/** What can be asked of the windows: each metric with what it means, and which dimensions know of it. */
import type { Dimension, Figure } from './window';

type Source = 'decisions' | 'calls' | 'rewards' | 'late';

export interface AnalyticsMetric {
  readonly doc: string;
  readonly source: Source;
  readonly sum?: Figure;
  /** It is a mean, of so many. */
  readonly per?: Figure;
  /** Of a sketch, which share of its values is below. */
  readonly quantile?: { readonly of: 'decisionMs' | 'latencyMs'; readonly share: number };
}

export const analyticsMetrics = {
  decisions: { source: 'decisions', doc: 'decisions made; by task, requests opened', sum: 'decisions' },
  degradedShare: {
    source: 'decisions',
    doc: 'share of decisions below the top of the degradation ladder, 0..1',
    sum: 'degraded',
    per: 'decisions',
  },
  cacheHitShare: {
    source: 'decisions',
    doc: 'share of decisions from the routing cache, 0..1',
    sum: 'cacheHits',
    per: 'decisions',
  },
  flooredShare: {
    source: 'decisions',
    doc: 'share of decisions in which all models but one had the exploration floor alone, 0..1',
    sum: 'floored',
    per: 'decisions',
  },
  expectedCostUsd: {
    source: 'decisions',
    doc: 'expected cost of the chosen models, mean per decision, in USD',
    sum: 'expectedCostUsd',
    per: 'decisions',
  },
  decisionMs: {
    source: 'decisions',
    doc: 'time from request to decision, mean, in milliseconds',
    sum: 'decisionMs',
    per: 'decisions',
  },
  decisionMsP50: {
    source: 'decisions',
    doc: 'the same, median (2 % of itself exact)',
    quantile: { of: 'decisionMs', share: 0.5 },
  },
  decisionMsP95: { source: 'decisions', doc: 'the same, 95th percentile', quantile: { of: 'decisionMs', share: 0.95 } },
  decisionMsP99: { source: 'decisions', doc: 'the same, 99th percentile', quantile: { of: 'decisionMs', share: 0.99 } },
  calls: { source: 'calls', doc: 'calls of models that were reported', sum: 'calls' },
  errors: { source: 'calls', doc: 'of these, ended in FAILURE, TIMEOUT or RATE_LIMITED', sum: 'errors' },
  errorRate: { source: 'calls', doc: 'share of calls that ended so, 0..1', sum: 'errors', per: 'calls' },
  costUsd: { source: 'calls', doc: 'what calls cost together, in USD, as far as it is known', sum: 'costUsd' },
  costPerCallUsd: {
    source: 'calls',
    doc: 'mean cost of a call of known cost, in USD',
    sum: 'costUsd',
    per: 'costed',
  },
  latencyMs: {
    source: 'calls',
    doc: 'latency of successful calls, mean, in milliseconds',
    sum: 'latencyMs',
    per: 'timed',
  },
  latencyMsP50: {
    source: 'calls',
    doc: 'the same, median (2 % of itself exact)',
    quantile: { of: 'latencyMs', share: 0.5 },
  },
  latencyMsP95: { source: 'calls', doc: 'the same, 95th percentile', quantile: { of: 'latencyMs', share: 0.95 } },
  latencyMsP99: { source: 'calls', doc: 'the same, 99th percentile', quantile: { of: 'latencyMs', share: 0.99 } },
  inputTokens: { source: 'calls', doc: 'tokens read', sum: 'inputTokens' },
  outputTokens: { source: 'calls', doc: 'tokens written', sum: 'outputTokens' },
  judged: { source: 'rewards', doc: 'decisions whose answer was judged', sum: 'judged' },
  quality: { source: 'rewards', doc: 'quality of judged answers, mean, 0..1', sum: 'quality', per: 'judged' },
  utility: {
    source: 'rewards',
    doc: 'what judged answers were worth under the preference of their request, mean, in units of utility',
    sum: 'utility',
    per: 'judged',
  },
  lateOutcomes: {
    source: 'late',
    sum: 'late',
    doc: 'reports of calls that came when nobody waited for them any more, or that belong to no decision: counted when they came, and in none of the others',
  },
} as const satisfies Record<string, AnalyticsMetric>;

export type MetricName = keyof typeof analyticsMetrics;
export const metricNames = Object.keys(analyticsMetrics) as readonly MetricName[];

/** What an answer can be broken down by, and the dimension that holds it. */
export const breakdowns = {
  none: 'all',
  model: 'model',
  provider: 'provider',
  task: 'task',
  strategy: 'strategy',
  tenant: 'tenant',
  degradation: 'degradation',
  experiment: 'experiment',
  'model,task': 'modelTask',
} as const satisfies Record<string, Dimension>;
export type Breakdown = keyof typeof breakdowns;
export const breakdownNames = Object.keys(breakdowns) as readonly Breakdown[];

/** What a row is of: the names of its values, and what stands between them in a cell. */
export function dimensionsOf(by: Breakdown): { readonly names: readonly string[]; readonly separator: string } {
  if (by === 'none') return { names: [], separator: '' };
  if (by === 'experiment') return { names: ['experiment', 'arm'], separator: '/' };
  return { names: by.split(','), separator: '\n' };
}

const sourcesOf: Readonly<Record<Breakdown, readonly Source[]>> = {
  none: ['decisions', 'calls', 'rewards', 'late'],
  model: ['decisions', 'calls', 'rewards'],
  provider: ['decisions', 'calls'],
  task: ['calls', 'rewards'],
  strategy: ['decisions', 'rewards'],
  tenant: ['decisions', 'rewards'],
  degradation: ['decisions'],
  experiment: ['decisions', 'rewards'],
  'model,task': ['calls', 'rewards'],
};

/** Why a metric cannot be broken down so; null when it can. */
export function metricFault(name: MetricName, by: Breakdown): string | null {
  if (isKnownBy(name, by)) return null;
  return `${name} is not known by ${by}; known are ${metricNames.filter((other) => isKnownBy(other, by)).join(', ')}`;
}

function isKnownBy(name: MetricName, by: Breakdown): boolean {
  const { source, quantile }: AnalyticsMetric = analyticsMetrics[name];
  if (by === 'task' && name === 'decisions') return true;
  if (!sourcesOf[by].includes(source)) return false;
  return !quantile || by === 'none' || (quantile.of === 'latencyMs' && by === 'model');
}
