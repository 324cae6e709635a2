/**
 * What a configuration file may say: every setting with its type, limits, default and one line for people. The JSON
 * Schema, the file `init` writes and the error messages are all made from here.
 */

import { z } from 'zod';
import { dictionaryOf, ownEntry } from '../../dictionary';
import { id } from '../../topics/identifier-schemas';
import { configLimits, largestPromptBytes } from '../config-limits';
import { checkValue, formatPath, type Issue } from '../describe-issues';
import { apiNames } from '../provider-config';
import {
  collapseNames,
  defaultRewardWeights,
  maxModels,
  type RouterConfig,
  type StrategyName,
  setChoices,
  strategyNames,
} from '../router-config';
import { accessIssues, accessSchema } from './access-schema';
import { alertIssues, alertsSchema } from './alert-schema';
import { answersSchema } from './answers-schema';
import { budgetIssues, budgetsSchema } from './budget-schema';
import { complexityIssues, complexityLimitsSchema } from './complexity-schema';
import { experimentIssues, experimentsSchema } from './experiment-schema';
import { forgetSchema } from './forget-schema';
import { judgementsSchema } from './judgement-schema';
import { presetsSchema, providersSchema } from './provider-schema';
import { shadowIssues, shadowsSchema } from './shadow-schema';
import { tenantIssues, tenantsSchema } from './tenant-schema';

const fraction = z.number().min(0).max(1);
/** What an amount may be beside 0: no product or quotient of such amounts leaves what a double can hold. */
const leastAmount = 1e-8;
const mostAmount = 1e9;
const isReal = (value: number): boolean => !(value > 0) || value >= leastAmount;
const tooSmall = { error: `must be at least ${leastAmount}, or 0 where that means none` };
const money = z.number().min(0).max(mostAmount).refine(isReal, tooSmall);
const positive = z
  .number()
  .positive()
  .max(mostAmount)
  .refine(isReal, { error: `must be at least ${leastAmount}` });
const count = z.int().min(1).max(2_147_483_647);
/** Names are keys of tables and records, as ids are. */
const name = id;
/** A table whose keys are names of the operator's own. */
const names = <T extends z.ZodType>(value: T) =>
  z.record(name, value).refine((table) => Object.keys(table).length <= configLimits.maxNames, {
    error: `must have at most ${configLimits.maxNames} entries`,
  });

const priceSchema = z.strictObject({
  inputPerMillionUsd: money.default(0).describe('USD per million tokens read'),
  outputPerMillionUsd: money.default(0).describe('USD per million tokens written'),
  perRequestUsd: money.default(0).describe('USD per call, whatever its length'),
  cachedInputPerMillionUsd: money
    .optional()
    .describe('USD per million tokens read from the cache of the provider; the price of other input where left out'),
  cacheWritePerMillionUsd: money
    .optional()
    .describe('USD per million tokens written to the cache of the provider; the price of other input where left out'),
  reasoningPerMillionUsd: money
    .optional()
    .describe('USD per million tokens of reasoning; the price of other output where left out'),
  tiers: z
    .array(
      z.strictObject({
        aboveInputTokens: count.describe('calls with more input are paid by this tier as a whole'),
        inputPerMillionUsd: money.optional(),
        outputPerMillionUsd: money.optional(),
        cachedInputPerMillionUsd: money.optional(),
        cacheWritePerMillionUsd: money.optional(),
        reasoningPerMillionUsd: money.optional(),
      }),
    )
    .min(1)
    .max(8)
    .optional()
    .describe('prices of calls with long prompts, the longest last; what a tier leaves out is as before it'),
});

const rate = positive.nullable().default(null);
const rateLimitsSchema = z.strictObject({
  requestsPerMinute: rate.describe('calls a minute; null for no limit'),
  tokensPerMinute: rate.describe('tokens read and written a minute; null for no limit'),
  concurrent: rate.describe('calls under way at once; null for no limit'),
});

const modelSchema = z.strictObject({
  name: name.describe('unique; what decisions name and outcomes repeat'),
  provider: name.describe('who serves it; fallbacks prefer another provider, and a provider has a breaker of its own'),
  // All zero means unknown: the model then costs what its outcomes say.
  price: priceSchema
    .prefault({})
    .describe('catalogue price; all zero means unknown, and costs are then learned from outcomes'),
  capabilities: z
    .array(name)
    .max(configLimits.maxNames)
    .nullable()
    .default([])
    .describe(
      'what requests may require, in your own words; null means unknown: it is tried with everything, and passed over when its provider refuses',
    ),
  contextTokens: count.default(128_000).describe('largest prompt it takes'),
  expectedLatencyMs: positive.default(2_000).describe('believed until outcomes say better'),
  expectedOutputTokens: positive.default(250).describe('believed until outcomes say better'),
  expectedQuality: fraction.default(0.5).describe('0..1, believed until outcomes say better'),
  taskQuality: names(fraction).default({}).describe('the same per task type, where you know more'),
  apis: z
    .array(z.enum(apiNames))
    .min(1)
    .max(apiNames.length)
    .optional()
    .describe('calls it takes, where its provider answers more, such as [embeddings]'),
  upstreamModel: name.optional().describe('what its provider calls it, where that is another name'),
  rateLimits: rateLimitsSchema.optional().describe('what it takes; what is over is routed elsewhere'),
  variantOf: name
    .optional()
    .describe(
      'the model that this one is at another effort or output limit: what is seen of one says something of the other',
    ),
  version: name
    .optional()
    .describe('which version of it is served: change it, and what was seen of the one before counts no more'),
  deploymentOf: name
    .optional()
    .describe('models that say the same here are one model at several providers or regions, and share its requests'),
  deploymentWeight: positive
    .optional()
    .describe('its part of these requests, relative to the others; 1 where left out'),
});

const weight = money.optional();
const strategyWeightsSchema = z.strictObject(
  dictionaryOf(strategyNames.map((strategy) => [strategy, weight] as const)),
);

const preferenceSchema = z.strictObject({
  quality: money.default(0),
  cost: money.default(0),
  latency: money.default(0),
});

export const configSchema = z.strictObject({
  models: z.array(modelSchema).min(1).max(maxModels).describe('the models to choose from'),
  providers: providersSchema,
  providerRateLimits: names(rateLimitsSchema)
    .default({})
    .describe('what a provider takes over all of its models, by the name that models give as provider'),
  presets: presetsSchema,
  access: accessSchema,
  strategies: z
    .array(z.enum(strategyNames))
    .min(1)
    .max(8)
    // Learned judgement first: FIRST_SUCCESS and ties take the earliest; the others keep routing sane before it has learned.
    .default(['LEARNING_OPTIMIZED', 'TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT'])
    .describe(`strategy threads that judge every request, in this order; of ${strategyNames.join(', ')}`),
  collapse: z
    .enum(collapseNames)
    // The only collapse that weighs threads by how well their advice has paid so far.
    .default('COMBINED')
    .describe(`how their judgements become one decision; one of ${collapseNames.join(', ')}`),
  strategyWeights: strategyWeightsSchema
    .prefault({})
    .describe(
      "share of each strategy in WEIGHTED, corrected by experience with the request's task at most fourfold, and COMBINED's trust before experience; a strategy left out keeps its default",
    ),
  // Ten times what all threads need together; late enough never to cut off a healthy thread, early enough for a person.
  threadTimeoutMs: z.int().min(1).max(60_000).default(150).describe('the decision is made with what has come by then'),
  // Quality alone unless the operator says otherwise: a silent trade of quality for money would be a surprise.
  preference: preferenceSchema
    .prefault({ quality: 1 })
    .describe('what matters, relative to one another, when a request does not say'),
  utilityScale: z
    .strictObject({
      // A typical answer of a large model costs about this much, and takes about this long.
      costUsd: positive.default(0.01).describe('an answer of this cost takes one unit of cost weight'),
      latencyMs: positive.default(10_000).describe('an answer of this latency takes one unit of latency weight'),
    })
    .prefault({})
    .describe('what one unit of the preference means'),
  // Keeps every candidate under observation and every propensity above zero, for one request in a hundred.
  explorationFloor: fraction
    .default(0.01)
    .describe('total probability spread evenly over eligible candidates, whatever the strategies say'),
  budgetUsdPerRequest: positive
    .nullable()
    .default(null)
    .describe('spend at most this on average, in USD; null for no budget'),
  // What most providers promise at least.
  promptCacheMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(300_000)
    .describe(
      'how long providers keep the beginning of a session in their prompt caches: staying with its model is expected to cost less; 0 to leave that out',
    ),
  complexityLimits: complexityLimitsSchema,
  experiments: experimentsSchema,
  shadows: shadowsSchema,
  tenants: tenantsSchema,
  budgets: budgetsSchema,
  alerts: alertsSchema,
  cache: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('use again what the weights said of a text that is nearly the same, instead of asking them'),
      // Short against the drift of models, long against a burst of requests that are alike.
      ttlMs: count.default(60_000).describe('for this long at most'),
      similarity: fraction.default(0.95).describe('least cosine of two texts that are nearly the same'),
      checkShare: fraction.default(0.02).describe('share of hits that are judged anew all the same, to compare'),
    })
    .prefault({})
    .describe('routing cache; prices, health, limits and budgets are those of the moment at every hit'),
  breaker: z
    .strictObject({
      openAfterFailures: positive.default(5).describe('failures in a row (decayed) that take a model out'),
      openMs: count.default(5_000).describe('first wait before it is probed'),
      maxOpenMs: count.default(120_000).describe('the wait doubles with every opening in a row, up to this'),
      closeAfterSuccesses: count.default(3).describe('successful probes that bring it back'),
      probeShare: fraction.default(0.05).describe('share of requests that may probe'),
      // Twice a model's: one bad model must not take its provider out.
      providerOpenAfterFailures: positive
        .default(10)
        .describe("failures in a row over all of a provider's models that take the provider out"),
      // Most services that scale up with their load double it faster than this does.
      rampMs: z
        .int()
        .min(0)
        .max(2_147_483_647)
        .default(30_000)
        .describe('from the share of probes to all requests after it is back; 0 for at once'),
    })
    .prefault({})
    .describe('circuit breaker per model and per provider'),
  // A few hundred calls: minutes under load, so that yesterday does not outvote today.
  profileHalfLifeObservations: positive
    .default(500)
    .describe('the weight of an observation halves after this many newer ones'),
  // A week: what was seen before a model was last changed behind its name should not outlive the month.
  profileHalfLifeMs: z
    .int()
    .min(1_000)
    .max(1e12)
    .default(604_800_000)
    .describe('and after this much time, whether there are newer ones or not'),
  latencyLimit: z
    .enum(['p95', 'mean'])
    .default('p95')
    .describe(
      "what of a model's latency has to keep to a request's maxLatencyMs, once 20 calls were timed: what one call in twenty exceeds, or the mean",
    ),
  reward: z
    .strictObject({
      weights: names(money)
        .default(defaultRewardWeights)
        .describe(
          "weight of each part of a judgement in its mean: quality is the outcome's own, any other the rewardParts entry of that name; those of the default keep their weight where they are not listed, any other has 1 then, and 0 leaves a part out",
        ),
    })
    .prefault({})
    .describe('how the parts of a judgement make one quality, 0..1'),
  judgements: judgementsSchema,
  answers: answersSchema,
  feedback: z
    .strictObject({
      windowMs: count.default(3_600_000).describe('outcomes later than this go to the late topic'),
      maxAwaited: count.default(100_000).describe('decisions waiting for outcomes, per partition'),
    })
    .prefault({})
    .describe('how long and for how many decisions outcomes are awaited'),
  limits: z
    .strictObject({
      maxPromptBytes: count
        .max(largestPromptBytes)
        .default(262_144)
        .describe('UTF-8 bytes of one prompt; a record must hold it'),
      maxPendingRoutes: count.default(20_000).describe('requests being decided, per partition'),
      maxSessions: count.default(100_000).describe('sessions remembered, per partition'),
      sessionTtlMs: count.default(3_600_000).describe('a session is forgotten this long after its last request'),
      maxFeatures: count.default(4_096).describe("length of a caller's own feature vector"),
    })
    .prefault({})
    .describe('everything has a limit'),
  encoder: z
    .strictObject({
      keyed: z
        .boolean()
        .default(false)
        .describe(
          'true: texts are hashed with the key in ENCODER_KEY_FILE, so that nobody without it can search a log for a text; another lineage, and features of elsewhere do not fit',
        ),
    })
    .prefault({})
    .describe('how texts become features'),
  learning: z
    .strictObject({
      pipeline: z
        .enum(['full', 'dqn'])
        .default('full')
        .describe('full: linear and neural half; dqn: the Q-network alone'),
      publish: z
        .enum(['steps', 'lockstep'])
        .default('steps')
        .describe(
          'steps: weights every 16 rewards up to 320, then every max(32, n/100); lockstep: after every reward (slow, for experiments)',
        ),
      sessionDiscount: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe(
          'weight of what comes next in the same session: 0 judges every request alone, 1 a session as a whole; needs pipeline dqn',
        ),
      // As many as an operator's hunch is worth; a model's mean is known to about .1 after so many.
      priorObservations: z
        .number()
        .min(1)
        .max(1e6)
        .default(8)
        .describe('expectedQuality and taskQuality count like so many observations of a model'),
      maxRegretShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.03)
        .describe(
          'exploration may lose at most this share of the utility that choosing by declared beliefs alone would bring; 1 for no limit',
        ),
      networkReplayRows: count.default(2_000).describe('first-in first-out replay of the Q-network'),
      replayRows: count.default(50_000).describe('long replay of the linear half'),
      backend: z
        .enum(['wasm', 'node', 'auto'])
        // The same on every machine, and the faster one for as many models as most have.
        .default('wasm')
        .describe(
          'TensorFlow.js backend that trains; serving uses none. node is native TensorFlow (make tensorflow), auto the faster one for this many models',
        ),
      forget: forgetSchema,
    })
    .prefault({})
    .describe('the learner'),
  sets: z
    .strictObject({
      coverage: z
        .literal([0.8, 0.9, 0.95])
        .nullable()
        .default(0.9)
        .describe(
          'decisions name a set of models; a model whose answer is as good as the best candidate is expected to be is in it with this probability; null for no sets',
        ),
      choose: z
        .enum(setChoices)
        .default('draw')
        .describe(
          'draw: the set is only stated; cheapest: its cheapest model is taken; safe: safeModel is taken where the set is large',
        ),
      mostModels: count.default(3).describe('a set of more models is large'),
      safeModel: name.nullable().default(null).describe('taken where the set is large, with choose safe'),
    })
    .prefault({})
    .describe('sets of risk, calibrated on what was observed'),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1).describe('of everything random in the engine'),
});

export type ParsedConfig = z.output<typeof configSchema>;

/** The learned strategy leads from the start: it explores uniformly until it knows something. The others share the rest. */
const learnedWeight = 0.94;

/** Fills in the strategy weights that were left out. RANDOM gets a share only where it is asked for. */
export function completeConfig(parsed: ParsedConfig): RouterConfig {
  const sharing = strategyNames.filter(
    (s) => s !== 'LEARNING_OPTIMIZED' && (s !== 'RANDOM' || parsed.strategies.includes(s)),
  );
  const weightOf = (strategy: StrategyName): number => {
    const given = ownEntry(parsed.strategyWeights, strategy);
    if (given !== undefined) return given;
    if (strategy === 'LEARNING_OPTIMIZED') return learnedWeight;
    return sharing.includes(strategy) ? (1 - learnedWeight) / sharing.length : 0;
  };
  const strategyWeights = dictionaryOf(strategyNames.map((s) => [s, round(weightOf(s))] as const));
  const reward = { ...parsed.reward, weights: { ...defaultRewardWeights, ...parsed.reward.weights } };
  return { ...parsed, strategyWeights, reward };
}

function round(share: number): number {
  return Math.round(share * 1e9) / 1e9;
}

/**
 * Rules over several fields. They look at the raw value and step over whatever has the wrong type, so that they can be
 * reported together with the type errors zod finds.
 */
export function crossFieldIssues(raw: unknown): Issue[] {
  if (!isObject(raw)) return [];
  return [
    ...duplicateModels(raw['models']),
    ...loneWeights(raw['models']),
    ...strayVariants(raw['models']),
    ...tierOrder(raw['models']),
    ...unknownProviders(raw),
    ...duplicateStrategies(raw['strategies']),
    ...deadPreference(raw['preference']),
    ...breakerOrder(raw['breaker']),
    ...deadWeights(raw),
    ...linearSessions(raw['learning']),
    ...providerAddresses(raw['providers']),
    ...presetNames(raw),
    ...tenantIssues(raw),
    ...shadowIssues(raw['shadows'], wholeIssues),
    ...budgetIssues(raw['budgets']),
    ...alertIssues(raw['alerts']),
    ...accessIssues(raw['access']),
    ...judgeModels(raw),
    ...setRules(raw),
    ...complexityIssues(raw),
    ...experimentIssues(raw['experiments']),
  ];
}

/** Of a configuration within this one. */
function wholeIssues(config: unknown): Issue[] {
  const checked = checkValue(configSchema, config);
  return [...(checked.ok ? [] : checked.issues), ...crossFieldIssues(config)];
}

function duplicateModels(models: unknown): Issue[] {
  if (!Array.isArray(models)) return [];
  const firstAt = new Map<string, number>();
  const issues: Issue[] = [];
  models.forEach((model, index) => {
    const modelName = isObject(model) ? model['name'] : undefined;
    if (typeof modelName !== 'string') return;
    const first = firstAt.get(modelName);
    if (first === undefined) firstAt.set(modelName, index);
    else
      issues.push(
        issueAt(
          ['models', index, 'name'],
          `model "${modelName}" is already defined at ${formatPath(['models', first])}`,
        ),
      );
  });
  return issues;
}

/** A part of nothing. */
function loneWeights(models: unknown): Issue[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model, index) =>
    isObject(model) && model['deploymentWeight'] !== undefined && model['deploymentOf'] === undefined
      ? [issueAt(['models', index, 'deploymentWeight'], 'needs a deploymentOf: of what is it a part?')]
      : [],
  );
}

/** A variant is of a model that there is, and that is no variant itself. */
function strayVariants(models: unknown): Issue[] {
  if (!Array.isArray(models)) return [];
  const variants = new Map(
    models.map((model) => (isObject(model) ? [model['name'], model['variantOf']] : [null, null])),
  );
  return models.flatMap((model, index) => {
    const of = isObject(model) ? model['variantOf'] : undefined;
    if (typeof of !== 'string') return [];
    const issue = (message: string) => [issueAt(['models', index, 'variantOf'], message)];
    if (!variants.has(of)) return issue(`there is no model "${of}"`);
    if (of === (model as { name?: unknown }).name) return issue('a model is no variant of itself');
    return variants.get(of) === undefined ? [] : issue(`"${of}" is a variant itself: name the model it is one of`);
  });
}

/** A tier that begins below the one before it would never count. */
function tierOrder(models: unknown): Issue[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model, index) => {
    const price = isObject(model) ? model['price'] : undefined;
    const tiers = isObject(price) ? price['tiers'] : undefined;
    if (!Array.isArray(tiers)) return [];
    const startOf = (tier: unknown): unknown => (isObject(tier) ? tier['aboveInputTokens'] : undefined);
    return tiers.flatMap((tier, at) => {
      const [before, start] = [startOf(tiers[at - 1]), startOf(tier)];
      return typeof before === 'number' && typeof start === 'number' && start <= before
        ? [
            issueAt(
              ['models', index, 'price', 'tiers', at, 'aboveInputTokens'],
              `must be more than that of the tier before it (${before})`,
            ),
          ]
        : [];
    });
  });
}

/** A limit that would never count. */
function unknownProviders({ providerRateLimits, models }: Record<string, unknown>): Issue[] {
  if (!isObject(providerRateLimits) || !Array.isArray(models)) return [];
  const known = new Set(models.map((model) => isObject(model) && model['provider']));
  return Object.keys(providerRateLimits).flatMap((provider) =>
    known.has(provider)
      ? []
      : [{ path: ['providerRateLimits', provider], at: 'key' as const, message: 'is the provider of no model' }],
  );
}

function duplicateStrategies(strategies: unknown): Issue[] {
  // A list that is too long is refused as such; comparing all of it with itself would take for ever.
  if (!Array.isArray(strategies) || strategies.length > 64) return [];
  return strategies.flatMap((strategy, index) =>
    typeof strategy === 'string' && strategies.indexOf(strategy) < index
      ? [issueAt(['strategies', index], `"${strategy}" is listed twice`)]
      : [],
  );
}

/** The linear half has no next state: only the Q-network can look ahead. */
function linearSessions(learning: unknown): Issue[] {
  if (!isObject(learning) || learning['pipeline'] === 'dqn') return [];
  const discount = learning['sessionDiscount'];
  return typeof discount === 'number' && discount > 0
    ? [issueAt(['learning', 'sessionDiscount'], 'needs learning.pipeline dqn: the linear half cannot look ahead')]
    : [];
}

/** Where the demonstration upstream listens nobody can know before; everybody else must have an address. */
function providerAddresses(providers: unknown): Issue[] {
  if (!isObject(providers)) return [];
  return Object.entries(providers).flatMap(([provider, value]) => {
    if (!isObject(value) || value['kind'] === 'demo') return [];
    const { baseUrl, apis } = value;
    if (value['kind'] === 'gemini' && Array.isArray(apis) && apis.some((api) => api !== 'chat' && api !== 'embeddings'))
      return [
        issueAt(
          ['providers', provider, 'apis'],
          'may only be chat and embeddings for kind gemini; messages and responses reach it through chat',
        ),
      ];
    return baseUrl === undefined || baseUrl === null
      ? [issueAt(['providers', provider], 'needs a baseUrl, such as https://api.openai.com/v1')]
      : [];
  });
}

/** A preset that names what is not there could never be asked for. */
function presetNames({ presets, models }: Record<string, unknown>): Issue[] {
  if (!isObject(presets) || !Array.isArray(models)) return [];
  const known = (field: 'name' | 'provider') => new Set(models.map((model) => isObject(model) && model[field]));
  const [names, providers] = [known('name'), known('provider')];
  return Object.entries(presets).flatMap(([preset, value]) => {
    if (preset.includes('/')) return [issueAt(['presets', preset], 'may not have a slash in its name')];
    const limits = isObject(value) ? value['limits'] : undefined;
    const preference = isObject(value) ? value['preference'] : undefined;
    const dead = deadPreference(preference).map((issue) => ({ ...issue, path: ['presets', preset, ...issue.path] }));
    if (!isObject(limits)) return dead;
    const unknown = [
      ...['allowedModels', 'deniedModels'].flatMap((field) => unknownIn(limits[field], names, field)),
      ...['allowedProviders', 'deniedProviders'].flatMap((field) => unknownIn(limits[field], providers, field)),
    ];
    return [...dead, ...unknown.map((issue) => ({ ...issue, path: ['presets', preset, 'limits', ...issue.path] }))];
  });
}

function judgeModels({ judgements, models }: Record<string, unknown>): Issue[] {
  const judges = isObject(judgements) ? judgements['judges'] : undefined;
  if (!Array.isArray(judges) || judges.length > 64 || !Array.isArray(models)) return [];
  const known = new Set(models.map((model) => isObject(model) && model['name']));
  return judges.flatMap((judge, index) => {
    const model = isObject(judge) ? judge['model'] : undefined;
    return typeof model === 'string' && !known.has(model)
      ? [issueAt(['judgements', 'judges', index, 'model'], `there is no model "${model}"`)]
      : [];
  });
}

/** Rules that could never be followed, or would break a promise: a budget decides what may be spent. */
function setRules({ sets, models, budgetUsdPerRequest }: Record<string, unknown>): Issue[] {
  if (!isObject(sets)) return [];
  const { choose, safeModel, coverage } = sets;
  const issues: Issue[] = [];
  if (coverage === null && (choose === 'cheapest' || choose === 'safe'))
    issues.push(issueAt(['sets', 'coverage'], `must not be null with choose ${choose}`));
  if (choose === 'safe' && typeof budgetUsdPerRequest === 'number')
    issues.push(issueAt(['sets', 'choose'], 'safe cannot keep to budgetUsdPerRequest: leave one of them out'));
  if (choose === 'safe' && (safeModel === undefined || safeModel === null))
    issues.push(issueAt(['sets', 'choose'], 'safe needs a safeModel'));
  const isKnown = !Array.isArray(models) || models.some((model) => isObject(model) && model['name'] === safeModel);
  if (typeof safeModel === 'string' && !isKnown)
    issues.push(issueAt(['sets', 'safeModel'], `"${safeModel}" is none of the models`));
  return issues;
}

function unknownIn(listed: unknown, known: ReadonlySet<unknown>, field: string): Issue[] {
  if (!Array.isArray(listed) || listed.length > configLimits.maxModels) return [];
  return listed.flatMap((one, index) =>
    typeof one === 'string' && !known.has(one)
      ? [issueAt([field, index], `"${one}" is none that a model here has`)]
      : [],
  );
}

function deadPreference(preference: unknown): Issue[] {
  if (!isObject(preference)) return [];
  const parts = ['quality', 'cost', 'latency'].map((aim) => preference[aim] ?? 0);
  return parts.every((weight) => weight === 0)
    ? [issueAt(['preference'], 'quality, cost and latency must not all be 0')]
    : [];
}

function breakerOrder(breaker: unknown): Issue[] {
  if (!isObject(breaker)) return [];
  const defaults = { openMs: 5_000, maxOpenMs: 120_000, ...breaker };
  const wrong =
    typeof defaults.openMs === 'number' &&
    typeof defaults.maxOpenMs === 'number' &&
    defaults.maxOpenMs < defaults.openMs;
  return wrong
    ? [issueAt(['breaker', 'maxOpenMs'], `must be at least openMs (${defaults.openMs}), not ${defaults.maxOpenMs}`)]
    : [];
}

function deadWeights(raw: Record<string, unknown>): Issue[] {
  const { strategies, strategyWeights } = raw;
  if (!isObject(strategyWeights) || !Array.isArray(strategies)) return [];
  const dead =
    strategies.length > 0 &&
    strategies.every((strategy) => typeof strategy === 'string' && ownEntry(strategyWeights, strategy) === 0);
  return dead ? [issueAt(['strategyWeights'], 'at least one of the listed strategies must have a weight above 0')] : [];
}

function issueAt(path: (string | number)[], message: string): Issue {
  return { path, message, at: 'value' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export { modelSchema };
