/** What a gateway has of the log: views, a client, and all that its endpoints are made with. */
import { createKeyDesk } from '../../lib/access/key-desk';
import { createMemoryKeyValue } from '../../lib/adapters/memory/memory-key-value';
import { createSilenceDesk } from '../../lib/alerts/silence-desk';
import { createRouterClient } from '../../lib/client/router-client';
import { createConfigWriter } from '../../lib/config/apply-config';
import { readHistory } from '../../lib/config/config-history';
import { type CurrentConfig, createConfigReader } from '../../lib/config/current-config';
import { type Clock, sleep } from '../../lib/ports/clock';
import { createDemoUpstream } from '../../lib/providers/demo-upstream';
import { createProviderClient } from '../../lib/providers/provider-client';
import type { WeightsPointer } from '../../lib/routing/judge/weights-source';
import type { Log } from '../../lib/telemetry/log';
import { askTrainer } from '../../lib/weights/ask-trainer';
import { askAudited } from '../../lib/weights/audit-weights';
import { createBlobStore } from '../../lib/weights/blob-store';
import { readWeights } from '../../lib/weights/read-weights';
import { createWeightsSource } from '../../lib/weights/weights-source';
import type { GateParts } from './access/admit';
import { createRateLimiter } from './access/rate-limit';
import { createTokenVerifier } from './access/verify-token';
import { createIdentifier } from './access/who-is-asking';
import { createAnswerKeeper } from './answers/keep-answers';
import type { GatewaySettings } from './config';
import { newestDecisions, type SearchedLog } from './decisions/find-decision';
import { createDecisionLookup } from './decisions/look-up-decision';
import { createRecentDecisions, type RecentDecisions } from './decisions/recent-decisions';
import { createReportedOutcomes } from './decisions/reported-outcomes';
import { createTokenCounter } from './doors/count-tokens';
import { createFollowedResponses } from './doors/kept/followed-responses';
import { createKeptItems } from './doors/kept/kept-items';
import { createKeptResponses, type KeptResponseServer } from './doors/kept/kept-responses';
import { createRememberedResponses } from './doors/kept/remember-responses';
import { createRepeatedCalls } from './doors/kept/repeated-calls';
import { type CallServer, createCallServer } from './doors/serve-call';
import type { Endpoint, GatewayContext } from './endpoint';
import { followViews, type GatewayViews } from './follow-views';
import type { GatewayOptions } from './gateway-options';
import { createPolicyJudge } from './learning/judge-apart';
import { judgeShadows } from './learning/judge-shadows';
import { learningVitals } from './learning/learning-vitals';
import { createPolicyStudy } from './learning/study-policy-in-force';
import { decisionsInLog, type FeedbackWatch, watchFeedback } from './learning/watch-feedback';
import { createLiveHub } from './live/live-hub';
import { keepCopy } from './standby/keep-copy';
import type { StandbyState } from './standby/standby-state';
import { watchEventLoop } from './watch-event-loop';

export interface Connection {
  readonly context: GatewayContext;
  readonly doors: Doors;
  readonly gate: GateParts;
  close(): Promise<void>;
}

/** What calls of models are served by. */
export interface Doors {
  readonly calls: CallServer;
  readonly countTokens: Endpoint['handler'];
  readonly serveKept: KeptResponseServer;
}

type ConnectOptions = GatewayOptions & Required<Pick<GatewayOptions, 'untold'>>;

/** Everything of the gateway that speaks to the log. */
export async function connect(
  options: ConnectOptions,
  settings: GatewaySettings,
  standby: StandbyState | null,
): Promise<Connection> {
  const { broker, clock, metrics, log, onFailed, requestPathPartitions } = options;
  const topicPrefix = options.topicPrefix ?? '';
  const id = `gateway-${options.createId()}`;
  const startedAtMs = clock.nowMs();
  const recent = createRecentDecisions(settings);
  const views = await followViews({ broker, log, metrics, topicPrefix }, onFailed);
  const hub = createLiveHub({
    ...{ broker, clock, topicPrefix, requestPathPartitions, log },
    profiles: () => views.profiles.values(),
    maxViewers: settings.maxViewers,
    maxQueued: settings.maxQueuedEvents,
  });
  const readConfig = createConfigReader(({ version }, error) =>
    log.error('a configuration cannot be read; the one before it stays in force', { version, error }),
  );
  const config = (): CurrentConfig | null => readConfig(views.config);
  // Read once now, so that there is a last good one when the next cannot be read.
  config();
  const feedback = watchFeedback({
    tuning: () => views.tuning.get('current'),
    models: () => config()?.config.models.length ?? 0,
    decisionsBefore: await decisionsInLog(broker, topicPrefix, requestPathPartitions),
  });
  const reported = createReportedOutcomes(settings.maxRememberedReports);
  const client = await createRouterClient({
    ...{ broker, clock, onFailed },
    clientId: id,
    topicName: (name) => topicPrefix + name,
    readsDeadLetters: true,
    onDecision: (decision) => {
      recent.add(decision);
      options.untold.decided(decision);
      reported.know(decision.decisionId);
      feedback.noteDecision();
    },
  });
  const configWriter = createConfigWriter({ broker, clock, name: id, topicPrefix, log });
  const keyDesk = createKeyDesk({ broker, clock, topicPrefix, name: id });
  const silenceDesk = createSilenceDesk({ broker, clock, topicPrefix, name: id });
  const stopWatching = watchEventLoop(metrics);
  if (!settings.isForCommand) sayWhatIsLearned(feedback, log);
  metrics.onCollect(() => {
    metrics.set('quantum_router_http_waiting', {}, client.waiting);
    metrics.set('quantum_router_decisions_since_feedback', {}, feedback.state().decisionsSinceFeedback);
  });
  const search = { broker, topicPrefix, requestPathPartitions, maxScannedRecords: settings.maxScannedRecords };
  await recallDecisions(search, recent, settings.maxRecentDecisions, log);
  const lookup = createDecisionLookup({ search, clock, onFound: recent.add });
  const environment = options.environment ?? {};
  const answers = createAnswerKeeper({ broker, clock, metrics, log, topicPrefix, name: id, environment });
  const context: GatewayContext = {
    ...{ id, clock, createId: options.createId, metrics, settings, client, config, configWriter },
    faultsHere: options.faultsHere ?? (() => []),
    configHistory: () => readHistory({ broker, topicPrefix }),
    ...{ profiles: views.profiles, tuning: views.tuning, budgets: views.budgets, experiments: views.experiments },
    untilInForce: (version) => untilInForce(clock, config, version),
    alerts: { view: views.alerts, silences: views.silences, desk: silenceDesk },
    ...learningOf({ ...search, clock, log, config, views, lookup, settings }),
    answers,
    live: {
      hub,
      get isFull() {
        return hub.viewers >= settings.maxViewers;
      },
    },
    ...{ recent, feedback, reported, startedAtMs, standby },
    underWay: new Map(),
    findDecision: async (decisionId, routingKey) => recent.get(decisionId) ?? lookup.first(decisionId, routingKey),
    ...{ lookup, search, keyDesk, keyRows: views.keys },
    waitingFor: () => [
      ...(standby ? [standby.waitingFor] : []),
      ...(config() ? [] : ['a configuration']),
      ...(options.waitingFor?.() ?? []),
    ],
    status: options.status ?? (() => ({})),
  };
  const doors = openDoors(options, context, views);
  const copied = { config: views.config, keys: views.keys, profiles: views.profiles };
  const { standbyFile } = options;
  const stopCopying = standby || !standbyFile ? null : keepCopy(standbyFile, copied, { clock, log, topicPrefix });
  return {
    context,
    doors,
    gate: gateOf(options, context, views.keys),
    async close() {
      stopWatching();
      await stopCopying?.();
      await doors.close();
      await client.close();
      await configWriter.close();
      await keyDesk.close();
      await silenceDesk.close();
      await views.stop();
    },
  };
}

interface LearningParts extends SearchedLog {
  readonly clock: Clock;
  readonly log: Log;
  readonly config: () => CurrentConfig | null;
  readonly views: GatewayViews;
  readonly lookup: GatewayContext['lookup'];
  readonly settings: GatewaySettings;
}

/** What endpoints say of weights, policies and what a decision was made from. */
function learningOf(parts: LearningParts): Pick<GatewayContext, 'weights' | 'analytics' | 'policyStudy' | 'inspect'> {
  const { broker, clock, log, topicPrefix, requestPathPartitions, config, views, lookup, settings } = parts;
  // Asked for seldom, by people: the log has them all, and the newest asked for are kept.
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 64 });
  const weightsOfThen = createWeightsSource(createBlobStore({ broker, keyValue, clock, log, topicPrefix }), { log });
  const shadowJudge = {
    ...{ broker, topicPrefix, requestPathPartitions, maxScannedRecords: settings.maxScannedRecords },
    config: () => config()?.config ?? null,
    configHistory: () => readHistory({ broker, topicPrefix }),
    knownWeights: () => readWeights(broker, topicPrefix),
    weightsOf: (pointer: WeightsPointer) => weightsOfThen.load(pointer),
  };
  return {
    weights: {
      vitals: () => learningVitals(broker, topicPrefix, clock.nowMs()),
      read: () => readWeights(broker, topicPrefix),
      ask: (command) =>
        askAudited({ broker, clock, topicPrefix }, command, () =>
          askTrainer({ broker, clock, topicPrefix, timeoutMs: settings.trainerTimeoutMs }, command),
        ),
    },
    analytics: {
      store: views.windows,
      judge: createPolicyJudge({
        ...{ broker, topicPrefix },
        shadows: (sinceMs, withPrevious) => judgeShadows(shadowJudge, sinceMs, withPrevious),
        utilityScale: () => config()?.config.utilityScale,
      }),
    },
    policyStudy: createPolicyStudy({ ...shadowJudge, clock, tuning: () => views.tuning.get('current') }),
    inspect: {
      opened: (decisionId, routingKey) => lookup.opened(decisionId, routingKey, settings.maxScannedRecords),
      weights: ({ policySha256, basisSha256 }) =>
        policySha256 === null ? Promise.resolve(null) : weightsOfThen.load({ policySha256, basisSha256 }),
      answer: ({ decisionId, routingKey }) => lookup.answer(decisionId, routingKey, settings.maxReportScannedRecords),
    },
  };
}

/** Who is let in, by the keys that the log has. */
function gateOf(
  options: GatewayOptions,
  { config, settings, standby }: GatewayContext,
  keys: GatewayViews['keys'],
): GateParts {
  const { clock, metrics } = options;
  const access = () => config()?.config.access ?? null;
  return {
    identifier: createIdentifier({
      keys,
      tokens: createTokenVerifier({ access, clock, jwksCooldownMs: settings.jwksCooldownMs }),
      access,
      anonymous: settings.anonymous,
      clock,
      knowsKeys: standby?.knowsKeys ?? true,
    }),
    limiter: createRateLimiter({ clock, metrics, shared: options.tokenBuckets }),
    ...{ access, clock, metrics, settings },
  };
}

/** Calls of models, and all that is kept for them. */
function openDoors(
  options: ConnectOptions,
  context: GatewayContext,
  views: GatewayViews,
): Doors & { close(): Promise<void> } {
  const { broker, clock, metrics, log, untold } = options;
  const { id: name, lookup, standby, answers } = context;
  const topicPrefix = options.topicPrefix ?? '';
  const demo = createDemoUpstream(options.createId);
  const client = createProviderClient({ clock, environment: options.environment ?? {}, demoUrl: demo.url });
  const responses = createRememberedResponses({
    ...{ broker, clock, lookup, metrics, log, topicPrefix, name },
    isWritten: standby === null,
  });
  const followed = standby
    ? null
    : createFollowedResponses({ broker, clock, log, topicPrefix, name, view: views.followedResponses });
  const items = createKeptItems({ clock, log, share: options.keptItems ?? null });
  const repeated = createRepeatedCalls(clock);
  const calls = createCallServer({ context, client, responses, items, repeated, followed, untold, log });
  const callable = (current: CurrentConfig): string[] => calls.callableBy('messages', current);
  return {
    calls,
    countTokens: createTokenCounter({ context, client, callable }),
    serveKept: createKeptResponses({ context, client, responses, items, repeated }),
    async close() {
      await calls.close();
      await followed?.close();
      await answers.close();
      await responses.close();
      await client.close();
      await demo.close();
    },
  };
}

/** In a new installation that is how it begins; where requests have been decided, somebody has to know. */
function sayWhatIsLearned(feedback: FeedbackWatch, log: Log): void {
  const { note, ...learned } = feedback.state();
  if (note === null) return;
  const level = learned.decisionsSinceFeedback > 0 ? 'warn' : 'info';
  log[level]('the learned strategy has little to go by', { note, ...learned });
}

const checkIntervalMs = 5;
const maxChecks = 400;

/** Waits until this gateway has read a version back, so that a GET after the change sees it. */
async function untilInForce(clock: Clock, config: () => CurrentConfig | null, version: number): Promise<void> {
  for (let checks = 0; checks < maxChecks && (config()?.version ?? 0) < version; checks++)
    await sleep(clock, checkIntervalMs);
}

/** A request that comes again after a restart finds its decision here, as it did before. */
async function recallDecisions(search: SearchedLog, recent: RecentDecisions, max: number, log: Log): Promise<void> {
  try {
    for await (const decision of newestDecisions(search, max)) recent.add(decision);
  } catch (error) {
    log.warn('the newest decisions could not be read; they are looked for when they are asked for', {
      error: error as Error,
    });
  }
}
