/**
 * Turns a request into what can be known of its opening without randomness or state: features, task, candidates, the
 * resolved wishes. Prompt text goes in here and does not come out.
 */
import { pacedPreference } from '../../lib/budgets/pace';
import { termsOf } from '../../lib/budgets/terms-of';
import type { CollapseName, RouterConfig } from '../../lib/config/router-config';
import { type Assigned, assignmentsOf, configUnder } from '../../lib/experiments/expose';
import { bytesOf } from '../../lib/learning/features/encode';
import { type Encoder, encoderOf } from '../../lib/learning/features/encoder-key';
import { rewardsPerModel } from '../../lib/learning/fold/cold-start';
import { expectCandidates, nominalInputTokens } from '../../lib/routing/open/candidates';
import { complexityOf, complexityTerms } from '../../lib/routing/open/complexity';
import { deploymentsOf } from '../../lib/routing/open/deployments';
import { type Eligibility, type EligibilityRequest, eligibilityOf } from '../../lib/routing/open/eligibility';
import { inferTask } from '../../lib/routing/open/infer-task';
import { pinTuning } from '../../lib/routing/open/pin-tuning';
import { estimateTokens, lastAsked, requestText, textBytes } from '../../lib/routing/open/request-text';
import { ofTenant } from '../../lib/routing/open/tenant-settings';
import { type InvalidRequest, validateRequest } from '../../lib/routing/open/validate-request';
import { contentHashOf } from '../../lib/topics/content-hash';
import type {
  BudgetTerms,
  Candidate,
  Deployments,
  Exposure,
  RouteOpened,
  RouteRequested,
} from '../../lib/topics/generated/messages';
import type { IntakeWorld } from './read-world';

/** A group of strategy threads and what it hosts. */
export interface StrategyGroup {
  readonly group: string;
  readonly strategies: readonly string[];
}

/** Everything but what belongs to the record, the session and the draw. */
export type PreparedRoute = Omit<
  RouteOpened,
  | 'positions'
  | 'seed'
  | 'cached'
  | 'cachedValues'
  | 'sessionSpentUsd'
  | 'sessionRequests'
  | 'sessionLastQuality'
  | 'contextFeatures'
  | 'intakeMs'
  | 'warmCache'
>;

export type Prepared =
  | { readonly kind: 'invalid'; readonly fault: InvalidRequest }
  | {
      readonly kind: 'prepared';
      readonly world: IntakeWorld;
      readonly route: PreparedRoute;
      /** The candidates before anything barred one, what was asked of them, and whom that bars, the session left out of account. */
      readonly expected: readonly Candidate[];
      readonly asked: EligibilityRequest;
      readonly eligibility: Eligibility;
    };

/** `keyed`: the encoder with the installation's key; null where this process has none. */
export function prepare(
  requested: RouteRequested,
  world: IntakeWorld,
  groups: readonly StrategyGroup[],
  keyed: Encoder | null = null,
): Prepared {
  const { nowMs } = world;
  const fault = validateRequest(requested, world.config);
  if (fault) return { kind: 'invalid', fault };
  // From here on the wishes of its tenant are the request's own: whoever has some takes no part in experiments with these.
  const { request, explorationFloor, settings } = ofTenant(world.config, requested);
  const assigned = assignmentsOf(world.config, request, explorationFloor, world.experimentStateOf);
  const { config, policy } = configUnder(world.config, assigned);
  const text = requestText(request);
  const features = encode(text, request.features, encoderOf(config, keyed));
  const taskType = inferTask(request.taskHint, lastAsked(request));
  const promptTokens =
    request.contextTokens ?? (text === null ? nominalInputTokens : estimateTokens(textBytes(request)));
  const collapse = (request.collapse ?? config.collapse) as CollapseName;
  const tuning = pinTuning(config, world.tuning, collapse, taskType);
  const overdue = isOverdue(request, nowMs);
  const strategies = overdue ? [] : request.strategies.length > 0 ? request.strategies : [...config.strategies];
  const { expectedOutputTokens, requiredCapabilities, limits } = request;
  const { handFeatures } = features;
  const { messages, holds } = request;
  const complexity = complexityOf({ messages, holds, requiredCapabilities, handFeatures, promptTokens });
  const asked = {
    taskType,
    promptTokens,
    expectedOutputTokens,
    requiredCapabilities,
    limits,
    complexity: complexityTerms(config, complexity),
  };
  const expected = expectCandidates({ config, profileOf: world.profileOf, tuning, nowMs }, asked);
  const eligibility = eligibilityOf(expected, config.models, asked, null, world.admissions);
  const budgets = budgetsOf(config, request, promptTokens, world);
  const route: PreparedRoute = {
    requestId: request.requestId,
    sessionId: request.sessionId,
    tenantId: request.tenantId,
    routingKey: request.sessionId ?? request.requestId,
    replyTo: request.replyTo,
    openedAtMs: nowMs,
    requestedAtMs: request.requestedAtMs,
    ...features,
    taskType,
    promptTokens,
    candidates: eligibility.candidates as Candidate[],
    preference: pacedPreference(request.preference ?? config.preference, config.utilityScale, budgets),
    limits: request.limits,
    strategies,
    strategyGroups: groups
      .filter((group) => strategies.some((strategy) => group.strategies.includes(strategy)))
      .map((group) => group.group),
    collapse,
    threadTimeoutMs: overdue ? 0 : (request.threadTimeoutMs ?? config.threadTimeoutMs),
    explorationFloor: explorationFloor ?? config.explorationFloor,
    budgetUsdPerRequest: config.budgetUsdPerRequest,
    policySha256: policy?.policySha256 ?? world.weights?.policySha256 ?? null,
    basisSha256: policy?.basisSha256 ?? world.weights?.basisSha256 ?? null,
    tuning,
    configVersion: world.configVersion,
    utilityScale: config.utilityScale,
    cacheFingerprint: '',
    holds: request.holds,
    contentHash: contentHashOf(requested),
    // The Q-network alone has to see every model at work: what is declared is no value of a session.
    exposures: exposuresOf(assigned, eligibility.candidates),
    tenantSettings: [...settings],
    shadowGroups: config.shadows.flatMap(({ group }) => group ?? []),
    budgets,
    priorObservations: config.learning.pipeline === 'dqn' ? 0 : config.learning.priorObservations,
    sets: setRuleOf(config),
    rewardsPerModel,
    profilesAtMs: world.profilesAtMs,
    deployments: deploymentsOf(config) as Deployments[],
    complexity,
    tiesShare: true,
  };
  return { kind: 'prepared', world, route, expected, asked, eligibility };
}

const noExposures: Exposure[] = [];

/** What is known of the request whatever its arm: it takes its part of the variance out of the comparison. */
function exposuresOf(assigned: readonly Assigned[], candidates: readonly Candidate[]): Exposure[] {
  if (assigned.length === 0) return noExposures;
  const eligible = candidates.filter((candidate) => candidate.eligible);
  const meanOf = (figureOf: (candidate: Candidate) => number): number =>
    eligible.reduce((sum, candidate) => sum + figureOf(candidate), 0) / Math.max(1, eligible.length);
  const expected = {
    expectedQuality: meanOf(({ expectedQuality }) => expectedQuality),
    expectedCostUsd: meanOf(({ expectedCostUsd }) => expectedCostUsd),
    expectedLatencyMs: meanOf(({ expectedLatencyMs }) => expectedLatencyMs),
  };
  return assigned.map(({ experiment, definition, armIndex, unit }) => ({
    experiment: experiment.name,
    definition,
    arm: experiment.arms[armIndex]!.name,
    armIndex,
    unit,
    ...expected,
  }));
}

function budgetsOf(
  config: RouterConfig,
  request: RouteRequested,
  promptTokens: number,
  { nowMs, budgetStateOf }: IntakeWorld,
): BudgetTerms[] {
  // As many models as there are would be looked at for nothing.
  if (config.budgets.length === 0) return [];
  const tokens = promptTokens + outputTokensOf(request, config);
  return [...termsOf(config.budgets, request, tokens, nowMs, budgetStateOf)];
}

/** As many as the wordiest model is believed to write, where the request does not say. */
function outputTokensOf({ expectedOutputTokens }: RouteRequested, { models }: RouterConfig): number {
  return expectedOutputTokens ?? Math.max(...models.map((model) => Math.ceil(model.expectedOutputTokens)));
}

/** A rule over nobody's judgement is none. */
function setRuleOf({ sets }: RouterConfig): RouteOpened['sets'] {
  return sets.coverage === null ? null : { ...sets, coverage: sets.coverage };
}

/** A request that waited longer than its own time-out goes straight to the static step of the ladder. */
function isOverdue(request: RouteRequested, nowMs: number): boolean {
  return request.threadTimeoutMs !== null && nowMs - request.requestedAtMs > request.threadTimeoutMs;
}

type Features = Pick<RouteOpened, 'encoderVersion' | 'sketch' | 'sketchScale' | 'handFeatures' | 'callerFeatures'>;

const nothing = Buffer.alloc(0);

function encode(text: string | null, callerFeatures: Buffer | null, encoder: Encoder): Features {
  const { version: encoderVersion } = encoder;
  if (text === null) {
    return { encoderVersion, sketch: nothing, sketchScale: 0, handFeatures: nothing, callerFeatures };
  }
  const { sketch, sketchScale, handFeatures } = encoder.encode(text);
  return {
    encoderVersion,
    sketch: bytesOf(sketch),
    sketchScale,
    handFeatures: bytesOf(handFeatures),
    callerFeatures: null,
  };
}
