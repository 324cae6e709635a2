/** One call at the door, from its body to its answer: read, decided, made, passed on, reported. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CurrentConfig } from '../../../lib/config/current-config';
import { type ApiName, apiThrough, type ProviderConfig } from '../../../lib/config/provider-config';
import { ownEntry } from '../../../lib/dictionary';
import { emptyFacts } from '../../../lib/providers/answer-facts';
import { anthropicCannot } from '../../../lib/providers/anthropic/to-anthropic';
import { isJson, type Json } from '../../../lib/providers/any-json';
import { type Bill, billCall } from '../../../lib/providers/bill-call';
import { Ending } from '../../../lib/providers/ending';
import { geminiCannotEmbed } from '../../../lib/providers/gemini/embeddings';
import { geminiCannot } from '../../../lib/providers/gemini/to-gemini';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import type { Cannot } from '../../../lib/providers/through-chat/chat-words';
import { refersToNothing } from '../../../lib/providers/through-chat/responses-to-chat';
import { chatCannot } from '../../../lib/providers/through-chat/through-chat';
import type { UpstreamError } from '../../../lib/providers/upstream-error';
import type { Log } from '../../../lib/telemetry/log';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { modelsInScope } from '../access/check-scope';
import type { Asker } from '../access/who-is-asking';
import type { GatewaySettings } from '../config';
import type { GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { contextOf } from '../trace-requests';
import { createEngineAsker, type ModelOrder } from './ask-engine';
import { withDeployment } from './azure-paths';
import { type Answer, type Attempt, createModelCaller } from './call-models';
import { checkAnswer } from './check-answer';
import { withConfiguredName } from './configured-name';
import { createTextJudges } from './judges/judge-text';
import { entriesOf, expandItems, ownResponse } from './kept/expand-items';
import { createBackgroundFollower, type Followed } from './kept/follow-background';
import type { FollowedResponses } from './kept/followed-responses';
import type { KeptItems } from './kept/kept-items';
import type { RememberedResponses } from './kept/remember-responses';
import type { RepeatedCalls } from './kept/repeated-calls';
import { passOn } from './pass-on-stream';
import { areSame, type DoorCall, type KeptElsewhere, keptIn, readCall } from './read-call';
import { renamerTo, renames } from './rename-answer';
import { createCallReporter } from './report-calls';
import { traceCall } from './trace-call';
import type { UntoldCalls } from './untold-calls';
import { httpErrorOf } from './upstream-http-error';

export interface DoorParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  readonly responses: RememberedResponses;
  readonly items: KeptItems;
  readonly repeated: RepeatedCalls;
  /** Null while there is no log. */
  readonly followed: FollowedResponses | null;
  /** Where calls made without a decision wait. */
  readonly untold: UntoldCalls;
  readonly log: Log;
}

export interface CallServer {
  serve(api: ApiName, request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
  /** Models that this API can call, by name. */
  callableBy(api: ApiName, current: CurrentConfig): string[];
  /** Feedback that was taken, for whoever is measured by it. */
  noteFeedback(outcome: RouteOutcome): void;
  /** Resolves when what is known of the calls so far has been reported. */
  close(): Promise<void>;
}

/** Ids look as they do elsewhere, so that what is logged by them is understood. */
const idPrefixes: Readonly<Record<ApiName, string>> = {
  chat: 'chatcmpl-',
  messages: 'msg_',
  responses: 'resp_qr_',
  embeddings: 'embd-',
};

export function createCallServer(parts: DoorParts): CallServer {
  const { context, client, responses, items, repeated, followed, untold, log } = parts;
  const { clock, settings, metrics } = context;
  const engine = createEngineAsker(context);
  const caller = createModelCaller({ client, clock, maxRetryWaitMs: settings.maxRetryWaitMs, log });
  const reporter = createCallReporter(context, untold, log);
  const judges = createTextJudges({ context, client, send: reporter.send, log });
  const background = createBackgroundFollower({
    ...{ client, clock, log, rows: followed, othersEveryMs: settings.followOthersEveryMs },
    attemptOf: ({ id, model: name }) => {
      const config = context.config()?.config;
      const model = config?.models.find((one) => one.name === name);
      const providerConfig = model && ownEntry(config!.providers, model.provider);
      if (!providerConfig || client.unusable(model.provider, providerConfig) !== null) return null;
      const facts = { ...emptyFacts(), id };
      return {
        ...{ model, providerConfig, number: 1, startedMs: 0, facts },
        error: null,
        firstTokenMs: null,
        endedMs: null,
      };
    },
    async onAdopted({ decisionId, routingKey }, attempt) {
      const decision = await context.findDecision(decisionId, routingKey);
      const current = context.config();
      if (!decision || !current) return;
      countAttempt(attempt);
      await reporter.reportBy(decision, { attempts: [attempt], answered: attempt, checks: {}, config: current.config });
    },
  });

  const callableBy = (api: ApiName, { config }: CurrentConfig): string[] => {
    const usable = new Map(
      Object.entries(config.providers).filter(([name, provider]) => client.unusable(name, provider) === null),
    );
    return config.models
      .filter(({ provider: name, apis }) => {
        const provider = usable.get(name);
        return provider !== undefined && apiThrough(api, provider, apis) !== null;
      })
      .map(({ name }) => name);
  };

  const serveOnce = async (
    api: ApiName,
    request: FastifyRequest,
    reply: FastifyReply,
    goesOn: boolean,
  ): Promise<unknown> => {
    const startedMs = clock.monotonicMs();
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const requestId = idPrefixes[api] + context.createId();
    const { asker } = request;
    const callableAtAll = callableBy(api, current);
    if (callableAtAll.length === 0) throw new HttpError('not_ready', noProvider(api, current, client));
    const inScope = modelsInScope(asker, callableAtAll);
    if (inScope.length === 0)
      throw new HttpError('forbidden', 'model: this key may use no model that this API can call', 'model');
    const given = withConfiguredName(withDeployment(request.raw, request.body), current.config.models);
    const text = request.bodyText;
    const expanded =
      api === 'responses'
        ? await expandItems({ body: given, text }, asker.tenantId, {
            ...{ kept: items, maxSize: settings.maxCallBytes },
            isSame: (one, other) => areSame(current.config, one, other),
          })
        : null;
    const value = expanded?.whole ?? given;
    const { callable, cannot } = thoseThatCan(api, value, inScope, current);
    const kept = api === 'responses' ? await keeperFor(asker, value) : null;
    const textFor = expanded?.textFor ?? (() => text);
    const call = readCall(api, { textFor, value }, request.headers, {
      config: current.config,
      requestId,
      answerId: ownResponse + context.createId(),
      goesOnFrom: expanded?.goesOnFrom ?? null,
      nowMs: clock.nowMs(),
      asker,
      callable,
      kept,
    });
    const leaving = awaitAnswer(request, reply, settings);
    const gone = goesOn ? new Ending() : leaving;
    judges.asked(call, current.config);
    const trace = contextOf(request, requestId);
    const order = await engine.ask(call.request, current, trace);
    if (order.degraded) metrics.count('quantum_router_calls_degraded_total', { reason: order.degraded });
    const limitMs = settings.callTimeoutMs - (clock.monotonicMs() - startedMs);
    const called = await caller.call(call, order.models, current.config, gone, limitMs);
    const overheadMs = clock.monotonicMs() - startedMs - called.upstreamMs;
    metrics.observe('quantum_router_call_overhead_seconds', { api }, overheadMs / 1_000);
    // In the log it has the name of the tenant in front; the caller sees it without.
    const ended = {
      ...{ request: call.request, decision: order.decision, config: current.config },
      wasAsked: order.degraded === 'no-decision',
    };
    /** Whoever answers this API itself; null where an answer came through another. */
    const keeperOf = ({ model, providerConfig }: Attempt): string | null =>
      apiThrough(api, providerConfig, model.apis) === api ? model.provider : null;
    const remember = (attempt: Attempt): void => {
      const { model, facts } = attempt;
      if (api !== 'responses' || keeperOf(attempt) === null) return;
      const { tenantId } = asker;
      const of = { tenantId, model: model.name, provider: model.provider };
      if (facts.id !== null && call.isKept) responses.remember({ ...of, id: facts.id });
      if (kept?.field === 'conversation') responses.remember({ ...of, id: kept.id });
    };
    const note = (answered: Attempt | null, attempts: readonly Attempt[]): Promise<void> => {
      const { weights } = current.config.reward;
      const isThrough = answered?.error === null && !answered.facts.isInBackground;
      const checks = isThrough ? checkAnswer(answered.facts, call.expected, weights) : {};
      for (const [check, holds] of Object.entries(checks))
        metrics.count('quantum_router_answer_checks_total', { check, result: holds === 1 ? 'holds' : 'fails' });
      for (const attempt of attempts) {
        countAttempt(attempt);
        traceCall(call, attempt, trace, clock);
      }
      const reported = reporter.report({ ...ended, attempts, answered, checks });
      if (!answered || answered.facts.isInBackground) return reported;
      const { response } = answered.facts;
      if (response !== null && isJson(given) && call.isKept && answered.error === null)
        items.keep(asker.tenantId, entriesOf({ response, provider: keeperOf(answered), body: given }));
      judges.answered(call, answered, order.decision, current.config);
      if (order.decision && answered.error === null && api !== 'embeddings')
        context.answers.keep(
          { decision: order.decision, model: answered.model.name, facts: answered.facts },
          current.config.answers,
        );
      return reported;
    };
    /** Whoever is owed an answer gets it, whatever goes wrong with what is to be noted of it. */
    const finish = async (answered: Attempt | null, attempts = called.attempts): Promise<void> => {
      try {
        await note(answered, attempts);
      } catch (error) {
        log.error('what came of a call could not be noted', { decisionId: requestId, error: error as Error });
      }
    };
    /** Of what its provider goes on with, whoever waits: what others failed at is known by now. */
    const finishOthers = (attempt: Attempt): void =>
      void finish(
        null,
        called.attempts.filter((one) => one !== attempt),
      );
    const followedOf = ({ model }: Attempt): Followed => {
      const { decision } = order;
      return decision && { decisionId: decision.decisionId, routingKey: decision.routingKey, model: model.name };
    };
    /** What is to be done when the stream that is passed on has ended. */
    const watchStream = (attempt: Attempt): (() => void) => {
      if (!call.isBackground) return () => void finish(attempt);
      const { facts } = attempt;
      finishOthers(attempt);
      const stream = background.watchStream(attempt, followedOf(attempt));
      const report = (): Promise<void> => finish(attempt, [attempt]);
      return () => {
        if (attempt.error === null || facts.id === null || facts.isComplete) return stream.ends(report);
        // Whoever has gone may come again for it, and so may one whose connection broke.
        attempt.error = null;
        facts.isInBackground = true;
        stream.breaks(report);
      };
    };
    if (!called.answered) {
      void finish(null);
      setHeaders(reply, { requestId, order, overheadMs, attempt: called.attempts.at(-1) ?? null, bill: null });
      return refuse(called.error!, reply);
    }
    const { attempt, answer } = called.answered;
    const served = { requestId, order, overheadMs, attempt };
    const adapted = cannot.get(attempt.model.name);
    if (adapted) reply.header('x-quantum-adapted', adapted.field);
    // Now, since a stream may be asked for anew before its end.
    remember(attempt);
    if (answer.kind === 'whole') {
      const bill = billOf(attempt, current);
      if (attempt.facts.isInBackground) {
        finishOthers(attempt);
        background.follow(attempt, followedOf(attempt), () => finish(attempt, [attempt]));
      } else void finish(attempt);
      setHeaders(reply, { ...served, bill }, answer);
      reply.header('content-type', 'application/json; charset=utf-8');
      return withExtension(answer.text, call, extensionOf(served, bill, attempt), attempt);
    }
    setHeaders(reply, { ...served, bill: null }, answer);
    reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
    return reply.send(
      passOn(call, attempt, answer, {
        decisionId: requestId,
        slowReaderMs: settings.slowReaderMs,
        clock,
        onSlow: () => request.raw.socket.destroy(),
        lastWord: () => extensionOf(served, billOf(attempt, current), attempt),
        onEnd: watchStream(attempt),
      }),
    );
  };

  /** What a call goes on from, and who keeps it. Throws an HttpError where that was passed on to somebody else. */
  const keeperFor = async ({ tenantId }: Asker, body: unknown): Promise<KeptElsewhere | null> => {
    const named = keptIn(body);
    if (!named) return null;
    const keeper = await responses.keeperOf(tenantId, named.id);
    if (keeper.kind === 'of-others') throw invalidField(named.field, 'nothing of that name was passed on to you');
    return { ...named, keeper: keeper.kind === 'known' ? keeper : null };
  };

  const billOf = (attempt: Attempt, { config }: CurrentConfig): Bill => {
    const bill = billCall(config.models, attempt.model, attempt.facts);
    if (bill.isOther) {
      metrics.count('quantum_router_other_model_answered_total', { model: attempt.model.name });
      log.warn('another model answered than was asked', {
        asked: attempt.model.name,
        answered: attempt.facts.model?.slice(0, 100) ?? null,
        isConfigured: bill.model !== null,
      });
    }
    return bill;
  };

  const countAttempt = ({ model, error, facts, startedMs, endedMs, firstTokenMs }: Attempt): void => {
    const { provider } = model;
    metrics.count('quantum_router_calls_total', { provider, status: error?.status ?? 'SUCCESS' });
    if (endedMs !== null) metrics.observe('quantum_router_call_seconds', { provider }, (endedMs - startedMs) / 1_000);
    if (firstTokenMs !== null)
      metrics.observe('quantum_router_call_first_token_seconds', { provider }, firstTokenMs / 1_000);
    const counts = [
      ['input', facts.inputTokens],
      ['cached-input', facts.cachedInputTokens],
      ['output', facts.outputTokens],
      ['reasoning', facts.reasoningTokens],
    ] as const;
    for (const [kind, tokens] of counts)
      if (tokens !== null) metrics.count('quantum_router_call_tokens_total', { provider, kind }, tokens);
  };

  return {
    serve: (api, request, reply) =>
      repeated.serve(
        api,
        request,
        reply,
        (goesOn) => serveOnce(api, request, reply, goesOn),
        () => void awaitAnswer(request, reply, settings),
      ),
    callableBy,
    noteFeedback(outcome) {
      const current = context.config();
      if (current) judges.reported(outcome, current.config);
    },
    async close() {
      background.stop();
      await judges.close();
      await reporter.flush();
    },
  };
}

interface Able {
  readonly callable: readonly string[];
  /** What models have no word for, by their name: of those that are callable all the same it is adapted. */
  readonly cannot: ReadonlyMap<string, Cannot>;
}

/** Without the models whose own API has no word for what is asked. Throws where nobody is left, or one of those was named. */
function thoseThatCan(api: ApiName, body: unknown, callable: readonly string[], { config }: CurrentConfig): Able {
  const cannot = new Map<string, Cannot>();
  if (!isJson(body)) return { callable, cannot };
  const wanted = new Set(callable);
  // Alike for all that are spoken to alike.
  const faults = new Map<string, Cannot | null>();
  for (const { name, provider: providerName, apis } of config.models) {
    const provider = ownEntry(config.providers, providerName);
    if (!provider || !wanted.has(name)) continue;
    const through = apiThrough(api, provider, apis);
    const alike = `${provider.kind} ${through}`;
    if (!faults.has(alike)) faults.set(alike, cannotSay(api, through, body, provider));
    const fault = faults.get(alike);
    if (fault) cannot.set(name, fault);
  }
  if (cannot.size === 0) return { callable, cannot };
  // What is only hinted at is asked for in other words where a model has no word for it, and keeps it from nothing.
  const able = callable.filter((name) => !cannot.has(name) || cannot.get(name)!.isHint);
  const named = typeof body['model'] === 'string' ? cannot.get(body['model']) : undefined;
  if (named ? named.isHint : able.length > 0) return { callable: able, cannot };
  const fault = named ?? cannot.get(callable[0]!)!;
  throw invalidField(fault.field, `the models that can be called for this have no ${fault.reason}`);
}

/** What has no counterpart in the words that a provider is spoken to in. */
function cannotSay(api: ApiName, through: ApiName | null, body: Json, provider: ProviderConfig): Cannot | null {
  if (through !== api) return chatCannot(api, body, provider);
  if (api === 'responses') return refersToNothing(body);
  if (provider.kind === 'anthropic' && api === 'chat') return anthropicCannot(body);
  if (provider.kind !== 'gemini') return null;
  return api === 'embeddings' ? geminiCannotEmbed(body) : geminiCannot(body);
}

/** What is in the way of calling anybody. */
function noProvider(api: ApiName, { config }: CurrentConfig, client: ProviderClient): string {
  const providers = Object.entries(config.providers);
  if (providers.length === 0) return 'not ready: the configuration has no providers, so there is nobody to call';
  const reasons = providers
    .filter(([, provider]) => apiThrough(api, provider, null) !== null)
    .map(([name, provider]) => client.unusable(name, provider) ?? `no model has the provider ${name}`);
  return `not ready: ${reasons[0] ?? `no provider of the configuration answers ${api}`}`;
}

/**
 * Gives the connection as long as a call may take: answers take longer than everything else here, and the time-outs of the call see
 * to it that it ends. What comes back is aborted when the connection closes before the answer is through.
 */
export function awaitAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { callTimeoutMs, slowReaderMs, idleTimeoutMs }: GatewaySettings,
): Ending {
  const { socket } = request.raw;
  socket.setTimeout(callTimeoutMs + slowReaderMs);
  const gone = new Ending();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
    else socket.setTimeout(idleTimeoutMs);
  });
  return gone;
}

interface Served {
  readonly requestId: string;
  readonly order: ModelOrder;
  readonly overheadMs: number;
  /** Null where no model was called. */
  readonly attempt: Attempt | null;
}

function setHeaders(reply: FastifyReply, served: Served & { readonly bill: Bill | null }, answer?: Answer): void {
  const { requestId, order, overheadMs, attempt, bill } = served;
  reply.header('x-quantum-decision-id', requestId);
  // Where client libraries look for what to ask their provider about: OpenAI's in the first, Anthropic's in the second.
  reply.header('x-request-id', requestId).header('request-id', requestId);
  reply.header('x-quantum-overhead-ms', overheadMs.toFixed(1));
  if (order.degraded) reply.header('x-quantum-degraded', order.degraded);
  if (attempt) {
    reply.header('x-quantum-model', headerText(attempt.model.name));
    reply.header('x-quantum-provider', headerText(attempt.model.provider));
    reply.header('x-quantum-attempt', String(attempt.number));
  }
  if (bill && bill.costUsd !== null) reply.header('x-quantum-cost-usd', plainNumber(bill.costUsd));
  if (answer?.upstreamRequestId) reply.header('x-quantum-upstream-request-id', answer.upstreamRequestId);
}

/** Names may be of any script, headers of none but ours. */
export function headerText(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : encodeURIComponent(name);
}

function plainNumber(usd: number): string {
  return usd.toFixed(12).replace(/\.?0+$/, '');
}

function extensionOf({ requestId, order, overheadMs }: Served, bill: Bill, { model, number, facts }: Attempt) {
  return {
    decisionId: requestId,
    model: model.name,
    provider: model.provider,
    answeredBy: facts.model,
    attempt: number,
    degraded: order.degraded,
    overheadMs: Math.round(overheadMs * 10) / 10,
    costUsd: bill.costUsd,
  };
}

/**
 * The answer as it came but for its id, which becomes the decision's, and a field of ours at its end. The text is spliced and
 * not written anew, so that nothing of it changes. Ids of responses stay: their provider is asked for them again.
 */
function withExtension(
  text: string,
  { api }: DoorCall,
  extension: ReturnType<typeof extensionOf>,
  { facts }: Attempt,
): string {
  const renamed = renames(api) ? renamerTo(extension.decisionId)(text, facts.id) : text;
  const end = renamed.lastIndexOf('}');
  return `${renamed.slice(0, end)},"quantum_router":${JSON.stringify(extension)}}`;
}

/** What a provider says of the request itself is for the caller, word for word; all else is between us and the provider. */
export function refuse(error: UpstreamError, reply: FastifyReply): string {
  const { httpStatus, body, isRequestFault, retryAfterMs } = error.details;
  if (error.status === 'RATE_LIMITED') reply.header('retry-after', String(Math.ceil((retryAfterMs ?? 1_000) / 1_000)));
  if (!isRequestFault || httpStatus === undefined || body === undefined) throw httpErrorOf(error);
  try {
    JSON.parse(body);
  } catch {
    throw new HttpError('malformed_request', `${error.message}, and not why`);
  }
  reply.status(httpStatus).header('content-type', 'application/json; charset=utf-8');
  return body;
}
