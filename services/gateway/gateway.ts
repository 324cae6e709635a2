/**
 * The HTTP door of the engine: produces requests and outcomes, consumes decisions. It has a life of its own beside the
 * services, since it serves connections instead of partitions; every gateway follows all decisions from latest and keeps
 * those addressed to it.
 */
import { type IncomingMessage, METHODS } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createKeyDesk } from '../../lib/access/key-desk';
import { createMemoryKeyValue } from '../../lib/adapters/memory/memory-key-value';
import { createSilenceDesk } from '../../lib/alerts/silence-desk';
import { createRouterClient } from '../../lib/client/router-client';
import { createConfigWriter } from '../../lib/config/apply-config';
import { readHistory } from '../../lib/config/config-history';
import { type CurrentConfig, createConfigReader } from '../../lib/config/current-config';
import { suggestName } from '../../lib/config/describe-issues';
import type { Environment } from '../../lib/config/expand-references';
import { tableChecks } from '../../lib/config/table-checks';
import type { Broker } from '../../lib/ports/broker';
import { type Clock, sleep } from '../../lib/ports/clock';
import type { KeyValueShare } from '../../lib/ports/key-value';
import type { TokenBuckets } from '../../lib/ports/token-buckets';
import { createDemoUpstream } from '../../lib/providers/demo-upstream';
import { createProviderClient } from '../../lib/providers/provider-client';
import type { WeightsPointer } from '../../lib/routing/judge/weights-source';
import { type FollowedView, followView } from '../../lib/stream/view';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import { topics } from '../../lib/topics/topics';
import { askTrainer } from '../../lib/weights/ask-trainer';
import { askAudited } from '../../lib/weights/audit-weights';
import { createBlobStore } from '../../lib/weights/blob-store';
import { readWeights } from '../../lib/weights/read-weights';
import { createWeightsSource } from '../../lib/weights/weights-source';
import { admitRequests, type GateParts } from './access/admit';
import { mustCover } from './access/check-access';
import { createRateLimiter } from './access/rate-limit';
import { createTokenVerifier } from './access/verify-token';
import { createIdentifier, type Identifier, isLoopbackHost } from './access/who-is-asking';
import { createAnswerKeeper } from './answers/keep-answers';
import { defaultGatewaySettings, type GatewaySettings } from './config';
import { newestDecisions, type SearchedLog } from './decisions/find-decision';
import { createDecisionLookup } from './decisions/look-up-decision';
import { createRecentDecisions, type RecentDecisions } from './decisions/recent-decisions';
import { createReportedOutcomes } from './decisions/reported-outcomes';
import { withoutAzure } from './doors/azure-paths';
import { createTokenCounter } from './doors/count-tokens';
import { formOf, formOfPath } from './doors/error-form';
import { createFollowedResponses } from './doors/kept/followed-responses';
import { createKeptItems } from './doors/kept/kept-items';
import { createKeptResponses, type KeptResponseServer } from './doors/kept/kept-responses';
import { createRememberedResponses } from './doors/kept/remember-responses';
import { createRepeatedCalls } from './doors/kept/repeated-calls';
import { type CallServer, createCallServer } from './doors/serve-call';
import { abandonUntold, createUntoldCalls, type UntoldCalls } from './doors/untold-calls';
import type { Endpoint, FaultsHere, GatewayContext } from './endpoint';
import { followAnalytics } from './follow-analytics';
import { type BodyBudget, type BodyShare, createBodyBudget } from './http/body-budget';
import { HttpError, toHttpError } from './http/http-error';
import { withWholeModelName } from './http/model-paths';
import { type Door, openDoor } from './http/open-door';
import { acceptedEncodings, parseJson, readText } from './http/read-body';
import { createPolicyJudge, type PolicyJudge } from './learning/judge-apart';
import { judgeShadows } from './learning/judge-shadows';
import { learningVitals } from './learning/learning-vitals';
import { createPolicyStudy } from './learning/study-policy-in-force';
import { decisionsInLog, watchFeedback } from './learning/watch-feedback';
import { createLiveHub } from './live/live-hub';
import { alertEndpoints } from './routes/alerts';
import { analyticsEndpoints } from './routes/analytics';
import { answerEndpoints } from './routes/answers';
import { auditEndpoints } from './routes/audit';
import { budgetEndpoints } from './routes/budgets';
import { configEndpoints } from './routes/config';
import { configHistoryEndpoints } from './routes/config-history';
import { dashboardEndpoints } from './routes/dashboard';
import { decisionEndpoints } from './routes/decisions';
import { doorEndpoints } from './routes/doors';
import { experimentEndpoints } from './routes/experiments';
import { feedbackEndpoints } from './routes/feedback';
import { inspectEndpoints } from './routes/inspect';
import { keyEndpoints } from './routes/keys';
import { learningEndpoints } from './routes/learning';
import { liveEndpoints } from './routes/live';
import { meEndpoints } from './routes/me';
import { modelEndpoints } from './routes/models';
import { openapiEndpoint } from './routes/openapi';
import { processEndpoints } from './routes/process';
import { routeEndpoints } from './routes/route';
import { shadowEndpoints } from './routes/shadows';
import { weightsEndpoints } from './routes/weights';
import { keepCopy } from './standby/keep-copy';
import type { StandbyState } from './standby/standby-state';
import { traceRequests } from './trace-requests';
import { watchEventLoop } from './watch-event-loop';

export interface GatewayOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Fresh ids: for this gateway and for requests without one. */
  readonly createId: () => string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly requestPathPartitions: number;
  readonly topicPrefix?: string;
  readonly settings?: Partial<GatewaySettings>;
  /** How often callers may ask, counted with other gateways; left out, each counts by itself. */
  readonly tokenBuckets?: TokenBuckets;
  /** Where gateways keep what responses have said, for each other or for a restart; left out, each keeps it by itself. */
  readonly keptItems?: KeyValueShare;
  /** Where it listens already; by default the gateway opens a door of its own. It belongs to the gateway from now on. */
  readonly door?: Door;
  /** Where the keys of providers are, by the names that the configuration gives; by default there are none. */
  readonly environment?: Environment;
  /** What else is not ready (services that are still restoring); empty when all is. */
  readonly waitingFor?: () => readonly string[];
  /** Further facts for /health. */
  readonly status?: () => Readonly<Record<string, unknown>>;
  /** Why services of this very process could not run under a configuration, field by field; by default nothing is known of them. */
  readonly faultsHere?: FaultsHere;
  /** The log can no longer be followed: the gateway must be started anew. */
  readonly onFailed: (error: Error) => void;
  /** Calls that were made without a decision before; by default there are none. */
  readonly untold?: UntoldCalls;
  /** Where what a start needs to know while the log is away is kept; by default nowhere. */
  readonly standbyFile?: string | null;
}

export interface Gateway {
  /** Identifies this gateway in `reply-to` headers. */
  readonly id: string;
  readonly port: number;
  readonly url: string;
  /** Where administration has a port of its own; null where it has none. */
  readonly adminUrl: string | null;
  /** As GET /v1/analytics/counterfactuals. */
  readonly judge: PolicyJudge;
  /** Stops accepting, lets waiting requests finish, then closes. */
  stop(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request holds of the bytes that bodies may take; null without a body. */
    bodyShare: BodyShare | null;
    /** A body of JSON as it came, uncompressed; empty for any other. */
    bodyText: string;
    isHandled: boolean;
  }
}

/** Resolves once it listens and is positioned: no decision of a later request can be missed. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = { ...defaultGatewaySettings, ...options.settings };
  const door = options.door ?? (await openDoor(settings, options.metrics, options.log));
  let connection: Connection | null = null;
  const untold = options.untold ?? createUntoldCalls(options.metrics);
  try {
    connection = await connect({ ...options, untold }, settings, null);
    const { context, gate } = connection;
    const server = createServer(connection, door, options.log);
    await server.ready();
    door.handOver((request, response) => server.routing(request, response));
    options.log.info('gateway listens', {
      url: door.url,
      gateway: context.id,
      ...(door.admin && { admin: door.admin }),
    });
    if (!settings.isForCommand) sayWhoMayAsk(gate.identifier, settings, door, options.log);
    const { close } = connection;
    return {
      id: context.id,
      port: door.port,
      url: door.url,
      adminUrl: door.admin,
      judge: context.analytics.judge,
      async stop() {
        const closed = door.close();
        // Else they would watch for ever.
        await context.live.hub.close();
        await server.close();
        await closed;
        // Requests whose callers have gone are still waiting: let their decisions come, too.
        await Promise.allSettled([...context.underWay.values()].map(({ decided }) => decided));
        await close();
        abandonUntold(untold, options.log);
      },
    };
  } catch (error) {
    await door.close();
    await connection?.close();
    throw error;
  }
}

/** A gateway that answers calls of models and nothing else. */
export interface StandIn {
  /** Resolves when what is under way has been answered. The door, which somebody else has by then, stays open. */
  retire(): Promise<void>;
}

/** `options.broker` has what is known of the log; `options.door` is left open, whatever happens. */
export async function createStandIn(
  options: GatewayOptions & Required<Pick<GatewayOptions, 'door' | 'untold'>>,
  standby: StandbyState,
): Promise<StandIn> {
  const { door, log } = options;
  const connection = await connect(options, { ...defaultGatewaySettings, ...options.settings }, standby);
  const server = createServer(connection, door, log);
  await server.ready();
  const underWay = new Set<Promise<void>>();
  door.handOver((request, response) => {
    const answered = new Promise<void>((resolve) => response.once('close', resolve));
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
    server.routing(request, response);
  });
  return {
    async retire() {
      await Promise.all(underWay);
      await server.close();
      await connection.close();
    },
  };
}

interface Connection {
  readonly context: GatewayContext;
  readonly calls: CallServer;
  readonly countTokens: Endpoint['handler'];
  readonly serveKept: KeptResponseServer;
  readonly gate: GateParts;
  close(): Promise<void>;
}

/** Everything of the gateway that speaks to the log. */
async function connect(
  options: GatewayOptions & Required<Pick<GatewayOptions, 'untold'>>,
  settings: GatewaySettings,
  standby: StandbyState | null,
): Promise<Connection> {
  const { broker, clock, metrics, log, onFailed } = options;
  const topicPrefix = options.topicPrefix ?? '';
  const id = `gateway-${options.createId()}`;
  const startedAtMs = clock.nowMs();
  const recent = createRecentDecisions(settings);
  const host = { broker, log, metrics, topicPrefix, tableChecks };
  const configView = await followView('gateway', topics.config, host, onFailed);
  const profiles = await followView('gateway', topics.modelProfile, host, onFailed);
  const tuning = await followView('gateway', topics.tuning, host, onFailed);
  const budgets = await followView('gateway', topics.budgetStates, host, onFailed);
  const keys = await followView('gateway', topics.accessKeys, host, onFailed);
  const alerts = await followView('gateway', topics.alerts, host, onFailed);
  const silences = await followView('gateway', topics.alertSilences, host, onFailed);
  const followedView = await followView('gateway', topics.followedResponses, host, onFailed);
  const analytics = await followAnalytics(host, onFailed);
  const hub = createLiveHub({
    broker,
    clock,
    topicPrefix,
    requestPathPartitions: options.requestPathPartitions,
    log,
    profiles: () => profiles.view.values(),
    maxViewers: settings.maxViewers,
    maxQueued: settings.maxQueuedEvents,
  });
  const experiments = await followView('gateway', topics.experimentStates, host, onFailed);
  const topicName = (name: string): string => topicPrefix + name;
  const readConfig = createConfigReader(({ version }, error) =>
    log.error('a configuration cannot be read; the one before it stays in force', { version, error }),
  );
  const config = (): CurrentConfig | null => readConfig(configView.view);
  // Read once now, so that there is a last good one when the next cannot be read.
  config();
  const feedback = watchFeedback({
    tuning: () => tuning.view.get('current'),
    models: () => config()?.config.models.length ?? 0,
    decisionsBefore: await decisionsInLog(broker, topicPrefix, options.requestPathPartitions),
  });
  const reported = createReportedOutcomes(settings.maxRememberedReports);
  const client = await createRouterClient({
    broker,
    clock,
    clientId: id,
    topicName,
    onFailed,
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
  const access = () => config()?.config.access ?? null;
  const gate: GateParts = {
    identifier: createIdentifier({
      keys: keys.view,
      tokens: createTokenVerifier({ access, clock, jwksCooldownMs: settings.jwksCooldownMs }),
      access,
      anonymous: settings.anonymous,
      clock,
      knowsKeys: standby?.knowsKeys ?? true,
    }),
    limiter: createRateLimiter({ clock, metrics, shared: options.tokenBuckets }),
    ...{ access, clock, metrics, settings },
  };
  const stopWatching = watchEventLoop(metrics);
  const { note, ...learned } = feedback.state();
  // In a new installation that is how it begins; where requests have been decided, somebody has to know.
  if (note !== null && !settings.isForCommand) {
    const level = learned.decisionsSinceFeedback > 0 ? 'warn' : 'info';
    log[level]('the learned strategy has little to go by', { note, ...learned });
  }
  metrics.onCollect(() => {
    metrics.set('quantum_router_http_waiting', {}, client.waiting);
    metrics.set('quantum_router_decisions_since_feedback', {}, feedback.state().decisionsSinceFeedback);
  });
  const search = {
    broker,
    topicPrefix,
    requestPathPartitions: options.requestPathPartitions,
    maxScannedRecords: settings.maxScannedRecords,
  };
  await recallDecisions(search, recent, settings.maxRecentDecisions, log);
  const lookup = createDecisionLookup({ search, clock, onFound: recent.add });
  // Asked for seldom, by people: the log has them all, and the newest asked for are kept.
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 64 });
  const weightsOfThen = createWeightsSource(createBlobStore({ broker, keyValue, clock, log, topicPrefix }), { log });
  const shadowJudge = {
    ...search,
    config: () => config()?.config ?? null,
    configHistory: () => readHistory({ broker, topicPrefix }),
    knownWeights: () => readWeights(broker, topicPrefix),
    weightsOf: (pointer: WeightsPointer) => weightsOfThen.load(pointer),
  };
  const environment = options.environment ?? {};
  const answers = createAnswerKeeper({ broker, clock, metrics, log, topicPrefix, name: id, environment });
  const context: GatewayContext = {
    id,
    clock,
    createId: options.createId,
    metrics,
    settings,
    client,
    config,
    configWriter,
    faultsHere: options.faultsHere ?? (() => []),
    configHistory: () => readHistory({ broker, topicPrefix }),
    profiles: profiles.view,
    tuning: tuning.view,
    budgets: budgets.view,
    experiments: experiments.view,
    untilInForce: (version) => untilInForce(clock, config, version),
    weights: {
      vitals: () => learningVitals(broker, topicPrefix, clock.nowMs()),
      read: () => readWeights(broker, topicPrefix),
      ask: (command) =>
        askAudited({ broker, clock, topicPrefix }, command, () =>
          askTrainer({ broker, clock, topicPrefix, timeoutMs: settings.trainerTimeoutMs }, command),
        ),
    },
    alerts: { view: alerts.view, silences: silences.view, desk: silenceDesk },
    analytics: {
      store: analytics.store,
      judge: createPolicyJudge({
        broker,
        topicPrefix,
        shadows: (sinceMs, withPrevious) => judgeShadows(shadowJudge, sinceMs, withPrevious),
        utilityScale: () => config()?.config.utilityScale,
      }),
    },
    policyStudy: createPolicyStudy({ ...shadowJudge, clock, tuning: () => tuning.view.get('current') }),
    inspect: {
      opened: (decisionId, routingKey) => lookup.opened(decisionId, routingKey, settings.maxScannedRecords),
      weights: ({ policySha256, basisSha256 }) =>
        policySha256 === null ? Promise.resolve(null) : weightsOfThen.load({ policySha256, basisSha256 }),
      answer: ({ decisionId, routingKey }) => lookup.answer(decisionId, routingKey, settings.maxReportScannedRecords),
    },
    answers,
    live: {
      hub,
      get isFull() {
        return hub.viewers >= settings.maxViewers;
      },
    },
    recent,
    feedback,
    underWay: new Map(),
    findDecision: async (decisionId, routingKey) => recent.get(decisionId) ?? lookup.first(decisionId, routingKey),
    ...{ lookup, search, keyDesk, keyRows: keys.view },
    reported,
    startedAtMs,
    waitingFor: () => [
      ...(standby ? [standby.waitingFor] : []),
      ...(config() ? [] : ['a configuration']),
      ...(options.waitingFor?.() ?? []),
    ],
    standby,
    status: options.status ?? (() => ({})),
  };
  const demo = createDemoUpstream(options.createId);
  const providers = createProviderClient({ clock, environment, demoUrl: demo.url });
  const responses = createRememberedResponses({
    ...{ broker, clock, lookup, metrics, log, topicPrefix, name: id },
    isWritten: standby === null,
  });
  const followed = standby
    ? null
    : createFollowedResponses({ ...{ broker, clock, log, topicPrefix, name: id }, view: followedView.view });
  const items = createKeptItems({ clock, log, share: options.keptItems ?? null });
  const repeated = createRepeatedCalls(clock);
  const calls = createCallServer({
    ...{ context, client: providers, responses, items, repeated, followed, untold: options.untold, log },
  });
  const copied = { config: configView.view, keys: keys.view, profiles: profiles.view };
  const { standbyFile } = options;
  const stopCopying = standby || !standbyFile ? null : keepCopy(standbyFile, copied, { clock, log, topicPrefix });
  const views: FollowedView<unknown>[] = [
    configView,
    profiles,
    tuning,
    budgets,
    keys,
    experiments,
    alerts,
    silences,
    followedView,
  ];
  const close = async (): Promise<void> => {
    stopWatching();
    await stopCopying?.();
    await calls.close();
    await followed?.close();
    await answers.close();
    await responses.close();
    await providers.close();
    await demo.close();
    await client.close();
    await configWriter.close();
    await keyDesk.close();
    await silenceDesk.close();
    for (const view of views) await view.stop();
    await analytics.stop();
  };
  const callable = (current: CurrentConfig): string[] => calls.callableBy('messages', current);
  const countTokens = createTokenCounter({ context, client: providers, callable });
  const serveKept = createKeptResponses({ context, client: providers, responses, items, repeated });
  return { context, calls, countTokens, serveKept, gate, close };
}

/** The rest of a body of so much is read sooner than its sender has another connection. */
const smallBodyBytes = 16_384;
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

/** All endpoints, as they are served and documented. */
function endpointsOf({ context, calls, countTokens, serveKept }: Connection): Endpoint[] {
  const endpoints = [
    ...doorEndpoints(calls, countTokens, serveKept),
    ...routeEndpoints(context),
    ...feedbackEndpoints(context, calls),
    ...decisionEndpoints(context),
    ...modelEndpoints(context),
    ...weightsEndpoints(context),
    ...learningEndpoints(context),
    ...configEndpoints(context),
    ...configHistoryEndpoints(context),
    ...budgetEndpoints(context),
    ...meEndpoints(context),
    ...keyEndpoints(context),
    ...auditEndpoints(context),
    ...alertEndpoints(context),
    ...analyticsEndpoints(context),
    ...inspectEndpoints(context),
    ...answerEndpoints(context),
    ...liveEndpoints(context),
    ...dashboardEndpoints(),
    ...experimentEndpoints(context),
    ...shadowEndpoints(context),
    ...processEndpoints(context),
  ];
  return [...endpoints, openapiEndpoint(endpoints)];
}

/** Whoever needs no key here should not be a surprise to whoever runs it. */
function sayWhoMayAsk(
  identifier: Identifier,
  { host, adminHost, adminPort }: GatewaySettings,
  door: Door,
  log: Log,
): void {
  const ports = [{ url: door.url, host }, ...(adminPort === null ? [] : [{ url: door.admin ?? '', host: adminHost }])];
  for (const { url, host: at } of ports) {
    const open = identifier.anonymousRole(isLoopbackHost(at));
    if (open === null) log.info('everybody needs a key or a token here', { url });
    else if (open.why === 'loopback')
      log.info('nobody needs a key here: only this machine reaches the port, and there is no key yet', {
        ...{ url, role: open.role },
        end: 'the first key (quantum-router keys create) ends it',
      });
    else log.warn('nobody needs a key here: whoever reaches the port has this role', { url, role: open.role });
  }
}

function createServer(connection: Connection, door: Door, log: Log): FastifyInstance {
  const { context, gate } = connection;
  const server = Fastify({
    logger: false,
    // The door listens already and goes on when this server is closed.
    serverFactory: () => door.server,
    // Ids go up to 200 characters, each of which a URL may write as up to twelve.
    routerOptions: { maxParamLength: 2_400, ignoreTrailingSlash: true },
    rewriteUrl: (request) => withWholeModelName(withoutAzure(request)),
    exposeHeadRoutes: true,
    // Refused below, in the form of every other refusal.
    return503OnClosing: false,
    clientErrorHandler: () => {},
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const refused = toHttpError(error);
      reply.status(refused.status).send(formOf(refused, formOfPath(request.raw.url ?? '')));
    },
  });
  // A method that the server does not know would be an error of its own; so it is one that no path takes.
  for (const method of METHODS) if (!server.supportedMethods.includes(method)) server.addHttpMethod(method);
  const endpoints = endpointsOf(connection);
  takeBodies(server, endpoints, context);
  traceRequests(server);
  mustCover(endpoints);
  admitRequests(server, endpoints, urlOf, gate);
  const forms = new Map(endpoints.map(({ path, errorForm = 'own' }) => [urlOf(path), errorForm]));
  for (const { method, path, handler, standsBy } of endpoints) {
    server.route({
      method,
      url: urlOf(path),
      handler: async (request, reply) => {
        request.isHandled = true;
        try {
          if (context.standby && !standsBy)
            throw new HttpError('not_ready', `not ready: waiting for ${context.standby.waitingFor}`);
          return await handler(request, reply);
        } finally {
          request.isHandled = false;
          // The caller has gone meanwhile.
          if (reply.raw.closed) request.bodyShare?.release();
        }
      },
    });
  }
  const methodsOf = (path: string): string[] => {
    const methods = endpoints.filter((endpoint) => endpoint.path === path).map((endpoint) => endpoint.method);
    return methods.length === 0 ? [] : [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  };
  const paths = [...new Set(endpoints.map((endpoint) => endpoint.path))];
  for (const path of paths) {
    server.route({
      method: 'OPTIONS',
      url: urlOf(path),
      handler: (_request, reply) => reply.status(204).header('allow', methodsOf(path).join(', ')).send(),
    });
  }
  const patterns = paths.map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}/?$`) }));
  const refuseUnknown = (request: FastifyRequest, reply: FastifyReply): never => {
    const given = request.url.split('?')[0] ?? '';
    const known = patterns.find(({ pattern }) => pattern.test(given));
    if (!known) throw new HttpError('not_found', `there is no ${request.method} ${given}${suggestName(given, paths)}`);
    const methods = methodsOf(known.path);
    reply.header('allow', methods.join(', '));
    throw new HttpError('method_not_allowed', `${known.path} takes ${methods.join(', ')}, not ${request.method}`);
  };
  // Before the body is looked at: what no path takes needs none, whatever its method says of bodies.
  server.addHook('onRequest', async (request, reply) => {
    if (request.is404) refuseUnknown(request, reply);
  });
  let isStopping = false;
  server.addHook('preClose', async () => {
    isStopping = true;
  });
  server.addHook('onRequest', async () => {
    if (isStopping) throw new HttpError('not_ready', 'this gateway is stopping: ask again in a moment');
  });
  server.setNotFoundHandler(refuseUnknown);
  server.setErrorHandler((error, request, reply) => {
    const refused = toHttpError(error);
    if (refused.code === 'internal')
      log.error('a request failed', { route: request.routeOptions.url ?? '', error: error as Error });
    if (refused.status === 401) reply.header('www-authenticate', 'Bearer');
    if (refused.status === 503 && !reply.hasHeader('retry-after')) reply.header('retry-after', '1');
    if (refused.field === 'content-encoding') reply.header('accept-encoding', acceptedEncodings);
    // The server would close it behind every body that is refused, though all of it may have been read.
    if (isSoonThrough(request.raw)) reply.removeHeader('connection');
    else reply.header('connection', 'close');
    // What is left of the body is thrown away.
    if (!request.raw.complete) request.raw.resume();
    const form = forms.get(request.routeOptions.url ?? '') ?? formOfPath(request.url);
    // Both have models at the same paths.
    const isOfAnthropic = form === 'openai' && request.headers['anthropic-version'] !== undefined;
    return reply.status(refused.status).send(formOf(refused, isOfAnthropic ? 'anthropic' : form));
  });
  countResponses(server, context);
  return server;
}

/** Whether a connection can serve the next request as soon as it has another: what is left of this one is little. */
function isSoonThrough({ complete, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length'] ?? 0);
  return complete || (headers['transfer-encoding'] === undefined && length <= smallBodyBytes);
}

/** Parameters as the server writes them. */
function urlOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** Bodies are received here, counted, and released when nobody holds them any more: neither a handler nor the connection. */
function takeBodies(
  server: FastifyInstance,
  endpoints: readonly Endpoint[],
  { settings, metrics }: GatewayContext,
): void {
  const takeFiles = new Set(endpoints.filter(({ takesFiles }) => takesFiles).map(({ path }) => urlOf(path)));
  const needBodies = new Set(
    endpoints.filter(({ body }) => body?.required).map(({ method, path }) => `${method} ${urlOf(path)}`),
  );
  const budget: BodyBudget = createBodyBudget(settings.maxBodyBytesInFlight);
  metrics.onCollect(() => metrics.set('quantum_router_http_body_bytes', {}, budget.usedBytes));
  server.decorateRequest('bodyShare', null);
  server.decorateRequest('bodyText', '');
  server.decorateRequest('isHandled', false);
  server.addHook('preParsing', (request, reply, _payload, done) => {
    reply.raw.once('close', () => {
      if (!request.isHandled) request.bodyShare?.release();
    });
    done();
  });
  const textOf = (request: FastifyRequest): Promise<string> => {
    const mayHoldFiles = takeFiles.has(request.routeOptions.url ?? '');
    return readText(request.raw, {
      maxBodyBytes: mayHoldFiles ? settings.maxCallBytes : settings.maxBodyBytes,
      advice: mayHoldFiles ? '; --max-call-bytes or HTTP_MAX_CALL_BYTES raises that, and pictures may be URLs' : '',
      budget,
      onShare: (share) => {
        request.bodyShare = share;
      },
    });
  };
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    request.bodyText = await textOf(request);
    // Client libraries say of every request that it is JSON, also where there is nothing to send.
    const isOptional = !needBodies.has(`${request.method} ${request.routeOptions.url ?? ''}`);
    return request.bodyText === '' && isOptional ? undefined : parseJson(request.bodyText);
  });
  server.addContentTypeParser(['application/yaml', 'application/x-yaml', 'text/yaml'], textOf);
}

/** Labels are bound once per route and status: looking them up at every response would cost more than counting. */
function countResponses(server: FastifyInstance, context: GatewayContext): void {
  const { metrics } = context;
  const bound = new Map<string, { count: () => void; observe: (seconds: number) => void }>();
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const key = `${request.method} ${route} ${reply.statusCode}`;
    let meters = bound.get(key);
    if (!meters) {
      const { method } = request;
      meters = {
        count: metrics.counter('quantum_router_http_requests_total', {
          method,
          route,
          status: String(reply.statusCode),
        }),
        observe: metrics.histogram('quantum_router_http_request_seconds', { method, route }),
      };
      bound.set(key, meters);
    }
    meters.count();
    meters.observe(reply.elapsedTime / 1_000);
    done();
  });
}
