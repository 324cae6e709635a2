/** What happens to an engine, and what it is without the part that deals with it. Each begins after a third of the requests. */
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { ModelName, Troubles } from './world';

type Settings = Partial<Omit<RouterConfig, 'models'>>;

export interface Scenario {
  readonly name: string;
  /** Wrong with models from a third of the requests on; up to two thirds unless `lasts`. */
  readonly troubles: Troubles;
  readonly lasts: boolean;
  readonly settings: Settings;
  /** The engine without the part that deals with it; null where nothing can be taken away. */
  readonly without: Settings | null;
  /** What the part is called. */
  readonly part: string;
  /** What a provider that refuses a call says of when it may be asked again, with the part alone; null: nothing. */
  readonly retryAfterMs: number | null;
  /** Judges anybody can hear, of every request; a liar says the opposite while it lasts. */
  readonly liarShare: number;
  /** Announced with a new version of the configuration, with the part alone. */
  readonly announced: {
    readonly dearer?: Readonly<Partial<Record<ModelName, number>>>;
    readonly joins?: ModelName;
  } | null;
  /** Quality that the configuration says of models; without, of none. */
  readonly declared: Readonly<Partial<Record<ModelName, number>>>;
  /** Requests between two that are counted, as long as it lasts. */
  readonly extra: {
    readonly perRequest: number;
    readonly sessionId: string | null;
    readonly tenantId: string | null;
  } | null;
  /** Something that is no configuration is put where configurations lie. */
  readonly badConfig: boolean;
}

const quiet: Omit<Scenario, 'name' | 'part'> = {
  troubles: {},
  lasts: false,
  settings: {},
  without: null,
  retryAfterMs: null,
  liarShare: 0,
  announced: null,
  declared: {},
  extra: null,
  badConfig: false,
};

const defaults = defaultRouterConfig([{ name: 'any', provider: 'any' }]);
const never = 1e9;
const breaker = {
  openAfterFailures: never,
  openMs: 5_000,
  maxOpenMs: 120_000,
  closeAfterSuccesses: 3,
  probeShare: 0.05,
  providerOpenAfterFailures: never,
  rampMs: 30_000,
};
const withoutBreaker: Settings = { breaker };
/** What the other strategies make of profiles and of what is declared. */
const withoutLearned: Settings = { strategies: ['TASK_OPTIMIZED', 'BALANCED', 'COST_EFFICIENT'] };

/** About what is true of them. */
const declaredOfStanding = { alpha: 0.76, bravo: 0.74, charlie: 0.7 };

export const scenarios: readonly Scenario[] = [
  {
    ...quiet,
    name: 'outage',
    part: 'circuit breaker',
    troubles: { alpha: { failing: { share: 1, status: 'FAILURE' } } },
    without: withoutBreaker,
  },
  {
    ...quiet,
    name: 'slow-provider',
    part: 'learned strategy',
    troubles: { alpha: { slower: 60 } },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'rate-limits',
    part: 'retry-after',
    troubles: { alpha: { failing: { share: 0.9, status: 'RATE_LIMITED' } } },
    retryAfterMs: 2_000,
    without: {},
  },
  {
    ...quiet,
    name: 'price-change',
    part: 'announcement',
    lasts: true,
    troubles: { alpha: { dearer: 8 } },
    announced: { dearer: { alpha: 8 } },
    without: {},
  },
  {
    ...quiet,
    name: 'silent-quality-drop',
    part: 'learned strategy',
    troubles: { bravo: { worse: 0.5 } },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'new-model',
    part: 'learned strategy',
    lasts: true,
    announced: { joins: 'delta' },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'new-model-that-is-worse',
    part: 'learned strategy',
    lasts: true,
    announced: { joins: 'echo' },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'new-model-undersold',
    part: 'learned strategy',
    lasts: true,
    announced: { joins: 'delta' },
    declared: { ...declaredOfStanding, delta: 0.65 },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'new-model-oversold',
    part: 'learned strategy',
    lasts: true,
    announced: { joins: 'echo' },
    declared: { ...declaredOfStanding, echo: 0.95 },
    without: withoutLearned,
  },
  {
    ...quiet,
    name: 'poisoned-source',
    part: 'rule to forget it',
    liarShare: 0.5,
    settings: { learning: { ...defaults.learning, forget: [{ source: 'liar', reason: '' }] } },
    without: {},
  },
  {
    ...quiet,
    name: 'burst',
    part: 'none',
    extra: { perRequest: 10, sessionId: null, tenantId: null },
  },
  {
    ...quiet,
    name: 'tenant-at-its-budget',
    part: 'budget',
    settings: { budgets: [budget('month', 'tenant', { limitUsd: 0.2 })] },
    extra: { perRequest: 2, sessionId: null, tenantId: 'acme' },
    without: {},
  },
  {
    ...quiet,
    name: 'looping-agent',
    part: 'budget',
    settings: { budgets: [budget('loop', 'session', { limitCalls: 30 })] },
    extra: { perRequest: 2, sessionId: 'loop', tenantId: null },
    without: {},
  },
  { ...quiet, name: 'bad-configuration', part: 'none', badConfig: true },
];

function budget(
  name: string,
  scope: 'tenant' | 'session',
  limit: { readonly limitUsd?: number; readonly limitCalls?: number },
): RouterConfig['budgets'][number] {
  return {
    ...{ name, scope, period: 'none', softShare: 1, atSoft: 'warn', atLimit: 'refuse', pace: 'none', holdMs: 600_000 },
    ...{ limitUsd: null, limitTokens: null, limitCalls: null, ...limit },
  };
}
