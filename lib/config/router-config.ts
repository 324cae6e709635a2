/** The configuration as the engine sees it: complete, validated, defaults filled in. `parse-config.ts` makes it from YAML. */

import type { Guardrail } from '../experiments/guardrails';
import type { Ramp } from '../experiments/ramp';
import type { TensorBackendName } from '../ports/tensor-backend';
import { mechanicalWeights } from '../reward/mechanical-checks';
import type { RewardWeights } from '../reward/reward';
import type { Preference } from '../topics/generated/messages';
import type { AccessConfig } from './access-config';
import type { AnswersConfig } from './answers-config';
import type { JudgementsConfig } from './judgements-config';
import type { ApiName, ProviderConfig } from './provider-config';
import type { AlertsConfig } from './schema/alert-schema';

export const strategyNames = [
  'LEARNING_OPTIMIZED',
  'TASK_OPTIMIZED',
  'BALANCED',
  'PERFORMANCE',
  'COST_EFFICIENT',
  'RANDOM',
] as const;
export type StrategyName = (typeof strategyNames)[number];

/** Models of one configuration: so many are scored within the default time-out, and fit into one record. */
export const maxModels = 256;

export const collapseNames = ['COMBINED', 'BEST_SCORE', 'WEIGHTED', 'CONSENSUS', 'FIRST_SUCCESS'] as const;
export type CollapseName = (typeof collapseNames)[number];

/** Whoever judges counts alike unless the operator says otherwise; what a user says next is a guess at a judgement. */
export const defaultRewardWeights: RewardWeights = { quality: 1, userFeedback: 1, nextTurn: 0.3, ...mechanicalWeights };

/** What a model or provider takes; null for no limit. */
export interface RateLimits {
  readonly requestsPerMinute: number | null;
  /** Tokens read and written. */
  readonly tokensPerMinute: number | null;
  /** Calls under way at once. */
  readonly concurrent: number | null;
}

export interface ModelConfig {
  readonly name: string;
  readonly provider: string;
  /** Catalogue price. All zero: unknown. */
  readonly price: {
    readonly inputPerMillionUsd: number;
    readonly outputPerMillionUsd: number;
    readonly perRequestUsd: number;
    /** Of input that the provider had in its cache; absent: the price of other input. */
    readonly cachedInputPerMillionUsd?: number | undefined;
    /** Of input that the provider has put into its cache; absent: the price of other input. */
    readonly cacheWritePerMillionUsd?: number | undefined;
    /** Of output that is reasoning; absent: the price of other output. */
    readonly reasoningPerMillionUsd?: number | undefined;
    /** Prices of calls with more input, those of the longest last; what one does not say is as before it. */
    readonly tiers?:
      | readonly {
          readonly aboveInputTokens: number;
          readonly inputPerMillionUsd?: number | undefined;
          readonly outputPerMillionUsd?: number | undefined;
          readonly cachedInputPerMillionUsd?: number | undefined;
          readonly cacheWritePerMillionUsd?: number | undefined;
          readonly reasoningPerMillionUsd?: number | undefined;
        }[]
      | undefined;
  };
  /** Null: unknown, so nothing that a request requires rules it out. */
  readonly capabilities: readonly string[] | null;
  readonly contextTokens: number;
  /** Before anything was observed. */
  readonly expectedLatencyMs: number;
  readonly expectedOutputTokens: number;
  /** What the operator believes of its quality before anything was observed, 0..1, overall and per task type. */
  readonly expectedQuality: number;
  readonly taskQuality: Readonly<Record<string, number>>;
  /** What its provider calls it; absent: `name`. */
  readonly upstreamModel?: string | undefined;
  /** Calls it takes, where its provider answers more: an embedding model must not be asked to chat. */
  readonly apis?: readonly ApiName[] | undefined;
  readonly rateLimits?: RateLimits | undefined;
  /** Models that say the same are one model, served by several; what it is drawn with is spread over them. */
  /** Which version of it is served now; another one than before is another model to the profiler. */
  readonly version?: string | undefined;
  /** The model that this one is at another effort or output limit: what is seen of one says something of the other. */
  readonly variantOf?: string | undefined;
  readonly deploymentOf?: string | undefined;
  /** Its part of what is spread, relative to the others; absent: 1. */
  readonly deploymentWeight?: number | undefined;
}

/** What `auto/<name>` asks for. Whatever a request itself says counts more. */
export interface PresetConfig {
  readonly preference: Preference | null;
  readonly limits: {
    readonly maxCostUsd: number | null;
    readonly maxLatencyMs: number | null;
    readonly allowedModels: readonly string[];
    readonly deniedModels: readonly string[];
    readonly allowedProviders: readonly string[];
    readonly deniedProviders: readonly string[];
  };
  readonly strategies: readonly StrategyName[];
  readonly collapse: CollapseName | null;
}

/** Somebody who judges the traffic without influence; exactly one of these beside the name. */
export interface ShadowConfig {
  readonly name: string;
  readonly strategy?: StrategyName | undefined;
  readonly policy?: { readonly policySha256: string; readonly basisSha256: string } | undefined;
  /** As a file would say it. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** Of a program of somebody else's, as its `strategy.scored` says. */
  readonly group?: string | undefined;
}

/** Requests of a complexity above this, 0..1, are answered by these models alone. */
export interface ComplexityLimit {
  readonly above: number;
  readonly models: readonly string[];
}

/** What is otherwise for the requests of one tenant; what is left out is as for everybody. */
export interface TenantConfig {
  readonly preference?: Preference | undefined;
  readonly strategies?: readonly StrategyName[] | undefined;
  readonly collapse?: CollapseName | undefined;
  readonly threadTimeoutMs?: number | undefined;
  readonly explorationFloor?: number | undefined;
  /** Beside those of a request: the stricter one holds. */
  readonly limits: PresetConfig['limits'];
}

export interface RouterConfig {
  readonly models: readonly ModelConfig[];
  /** By the name that models give as their provider. Those without an entry are decided on and never called. */
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  /** By provider, over all of its models; those without an entry have no limit. */
  readonly providerRateLimits: Readonly<Record<string, RateLimits>>;
  /** What callers mean by `auto/<name>`. */
  readonly presets: Readonly<Record<string, PresetConfig>>;
  /** Who may use the gateway, besides those with keys. */
  readonly access: AccessConfig;
  /** Asked in this order. */
  readonly strategies: readonly StrategyName[];
  readonly collapse: CollapseName;
  /** Weights for WEIGHTED, and COMBINED's trust before experience. */
  readonly strategyWeights: Readonly<Record<StrategyName, number>>;
  readonly threadTimeoutMs: number;
  readonly preference: Preference;
  /** One unit of cost (latency) weight takes one unit of utility at this cost (latency). */
  readonly utilityScale: { readonly costUsd: number; readonly latencyMs: number };
  /** Total probability spread evenly over eligible candidates, whatever the strategies say. */
  readonly explorationFloor: number;
  /** Spend at most this on average; null: no budget. */
  readonly budgetUsdPerRequest: number | null;
  /** How long providers keep the beginning of a session in their prompt caches, in milliseconds; 0: it is not counted on. */
  readonly promptCacheMs: number;
  /** Above which complexity only some models may answer. */
  readonly complexityLimits: readonly ComplexityLimit[];
  readonly experiments: readonly ExperimentConfig[];
  readonly shadows: readonly ShadowConfig[];
  /** By tenantId. */
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  /** Hard and soft limits of tenants, users and sessions. */
  readonly budgets: readonly BudgetConfig[];
  /** What needs a person, and who is told. */
  readonly alerts: AlertsConfig;
  readonly cache: {
    readonly enabled: boolean;
    readonly ttlMs: number;
    /** Least cosine of two texts that are nearly the same. */
    readonly similarity: number;
    /** Share of hits that are judged anew all the same. */
    readonly checkShare: number;
  };
  readonly breaker: {
    /** Decayed failures in a row that open it. */
    readonly openAfterFailures: number;
    readonly openMs: number;
    /** The wait doubles with every opening in a row up to this. */
    readonly maxOpenMs: number;
    /** Successful probes that close it again. */
    readonly closeAfterSuccesses: number;
    /** Share of requests that may probe a half-open model. */
    readonly probeShare: number;
    /** A provider opens when this many of its models have failed in a row, all together. */
    readonly providerOpenAfterFailures: number;
    /** From the share of probes to all requests after it has closed, in milliseconds. */
    readonly rampMs: number;
  };
  /** Weight of an observation halves after this many newer ones. */
  readonly profileHalfLifeObservations: number;
  /** And after so much time, in milliseconds. */
  readonly profileHalfLifeMs: number;
  /** What of a model's latency has to keep to `maxLatencyMs` of a request. */
  readonly latencyLimit: 'p95' | 'mean';
  readonly reward: { readonly weights: RewardWeights };
  readonly judgements: JudgementsConfig;
  readonly answers: AnswersConfig;
  readonly feedback: { readonly windowMs: number; readonly maxAwaited: number };
  readonly limits: {
    readonly maxPromptBytes: number;
    readonly maxPendingRoutes: number;
    readonly maxSessions: number;
    readonly sessionTtlMs: number;
    readonly maxFeatures: number;
  };
  /** `keyed`: texts are hashed with a key of the installation. */
  readonly encoder: { readonly keyed: boolean };
  readonly learning: LearningConfig;
  readonly sets: SetsConfig;
  readonly seed: number;
}

/** What an arm of an experiment sets instead of the configuration. */
export interface ArmSettings {
  readonly strategies?: readonly StrategyName[] | undefined;
  readonly collapse?: CollapseName | undefined;
  readonly explorationFloor?: number | undefined;
  readonly preference?: Preference | undefined;
  /** Learned weights by hash instead of those in force. */
  readonly policy?: { readonly policySha256: string; readonly basisSha256: string } | undefined;
}

export interface ExperimentConfig {
  readonly name: string;
  /** What stays in one arm. */
  readonly unit: 'request' | 'session' | 'tenant' | 'user';
  readonly layer: string;
  /** Its part of the layer: [from, to) of 0..1. */
  readonly from: number;
  readonly to: number;
  /** The first is the control. */
  readonly arms: readonly { readonly name: string; readonly weight: number; readonly set: ArmSettings }[];
  /** Chance that an interval ever misses the truth. */
  readonly alpha: number;
  /** Units at which intervals are tightest. */
  readonly tightestAt: number;
  readonly guardrails: readonly Guardrail[];
  readonly ramp: Ramp;
}

/** A limit of what each tenant, user or session may spend in a period. */
export interface BudgetConfig {
  readonly name: string;
  readonly scope: 'tenant' | 'user' | 'session';
  /** The only tenant, user or session it is about; absent: each has one of its own. */
  readonly of?: string | undefined;
  /** Of the calendar, in UTC; `none`: the limit is for good. */
  readonly period: 'hour' | 'day' | 'month' | 'none';
  readonly limitUsd: number | null;
  readonly limitTokens: number | null;
  readonly limitCalls: number | null;
  /** Share of a limit, 0..1, from which `atSoft` counts. */
  readonly softShare: number;
  readonly atSoft: 'warn' | 'cheapest';
  readonly atLimit: 'refuse' | 'cheapest' | 'ask';
  /** `even`: USD are spread over the period. */
  readonly pace: 'none' | 'even';
  /** A reservation is released this long after it was made when nothing is reported. */
  readonly holdMs: number;
}

export const setChoices = ['draw', 'cheapest', 'safe'] as const;

/** Sets of risk: a model whose answer is good enough is in the set with a stated probability. */
export interface SetsConfig {
  /** That probability: .8, .9 or .95; null: no sets. */
  readonly coverage: number | null;
  /** `draw`: the set is only stated; `cheapest`: the cheapest of it is taken; `safe`: `safeModel` is, where the set is large. */
  readonly choose: (typeof setChoices)[number];
  /** A set of more models is large. */
  readonly mostModels: number;
  readonly safeModel: string | null;
}

export interface LearningConfig {
  /** `full`: linear and neural half; `dqn`: the Q-network alone. */
  readonly pipeline: 'full' | 'dqn';
  /** `steps`: policy every 16 rewards up to 320, then every max(32, n/100), tuning every 8; `lockstep`: both after every reward. */
  readonly publish: 'steps' | 'lockstep';
  /** Weight of the value of a session's next request, 0..1; more than 0 only with pipeline `dqn`. */
  readonly sessionDiscount: number;
  /** `expectedQuality` and `taskQuality` count like so many observations of a model. */
  readonly priorObservations: number;
  /** Exploration may lose at most this share of what choosing by declared beliefs alone would bring; 1: no limit. */
  readonly maxRegretShare: number;
  /** FIFO replay of the network, rows. */
  readonly networkReplayRows: number;
  /** Long replay of the linear half, rows. */
  readonly replayRows: number;
  /** `auto`: the faster one that is installed, decided when a lineage begins. */
  readonly backend: TensorBackendName | 'auto';
  /** Judgements that are not learned from. Absent in what earlier releases saved. */
  readonly forget?: readonly ForgetRule[];
}

/** Whose judgements, and of which time; at least one is said. */
export interface ForgetRule {
  readonly source?: string | undefined;
  /** Inclusive; milliseconds since the epoch or ISO 8601. */
  readonly from?: number | string | undefined;
  /** Exclusive. */
  readonly to?: number | string | undefined;
  readonly reason: string;
}
