/** One call at the door, from its body to its answer: read, decided, made, passed on, reported. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CurrentConfig } from '../../../lib/config/current-config';
import type { ApiName } from '../../../lib/config/provider-config';
import { ownEntry } from '../../../lib/dictionary';
import { emptyFacts } from '../../../lib/providers/answer-facts';
import { Ending } from '../../../lib/providers/ending';
import type { ProviderClient } from '../../../lib/providers/provider-client';
import type { Cannot } from '../../../lib/providers/through-chat/chat-words';
import type { Log } from '../../../lib/telemetry/log';
import type { BackgroundResponse, RouteOutcome } from '../../../lib/topics/generated/messages';
import { modelsInScope } from '../access/check-scope';
import type { Asker } from '../access/who-is-asking';
import type { GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { contextOf } from '../trace-requests';
import { createEngineAsker } from './ask-engine';
import { awaitAnswer } from './await-answer';
import { withDeployment } from './azure-paths';
import { type Answer, type Attempt, type Called, createModelCaller } from './call-models';
import { callableBy, noProvider, thoseThatCan } from './callable-models';
import { withConfiguredName } from './configured-name';
import { createTextJudges } from './judges/judge-text';
import { expandItems, ownResponse } from './kept/expand-items';
import { createBackgroundFollower, type Followed } from './kept/follow-background';
import type { FollowedResponses } from './kept/followed-responses';
import type { KeptItems } from './kept/kept-items';
import type { RememberedResponses } from './kept/remember-responses';
import type { RepeatedCalls } from './kept/repeated-calls';
import { markHeaders, markOf, type Served, withMark } from './mark-answer';
import { createCallNotes, type DecidedCall } from './note-call';
import { passOn } from './pass-on-stream';
import { areSame, type KeptElsewhere, keptIn, readCall } from './read-call';
import { createCallReporter } from './report-calls';
import type { UntoldCalls } from './untold-calls';
import { refuse } from './upstream-http-error';

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

/** A call as it can be decided and made. */
interface AskedCall extends Omit<DecidedCall, 'order' | 'trace'> {
  /** What models have no word for, by their name. */
  readonly cannot: ReadonlyMap<string, Cannot>;
}

/** Somebody has answered. */
interface AnsweredCall {
  readonly decided: DecidedCall;
  readonly attempt: Attempt;
  readonly attempts: readonly Attempt[];
  readonly served: Served;
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
  const notes = createCallNotes({ context, responses, items, judges, reporter, log });
  const background = createBackgroundFollower({
    ...{ client, clock, log, rows: followed, othersEveryMs: settings.followOthersEveryMs },
    attemptOf: (row) => attemptNow(row, context.config(), client),
    async onAdopted({ decisionId, routingKey }, attempt) {
      const decision = await context.findDecision(decisionId, routingKey);
      const current = context.config();
      if (decision && current) await notes.noteAdopted(decision, attempt, current);
    },
  });

  /** Throws an HttpError for what nobody could answer, whatever is decided. */
  const readAsked = async (api: ApiName, request: FastifyRequest): Promise<AskedCall> => {
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const requestId = idPrefixes[api] + context.createId();
    const { asker } = request;
    const callableAtAll = callableBy(api, current, client);
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
    return { call, requestId, asker, given, kept, current, cannot };
  };

  /** What a call goes on from, and who keeps it. Throws an HttpError where that was passed on to somebody else. */
  const keeperFor = async ({ tenantId }: Asker, body: unknown): Promise<KeptElsewhere | null> => {
    const named = keptIn(body);
    if (!named) return null;
    const keeper = await responses.keeperOf(tenantId, named.id);
    if (keeper.kind === 'of-others') throw invalidField(named.field, 'nothing of that name was passed on to you');
    return { ...named, keeper: keeper.kind === 'known' ? keeper : null };
  };

  const serveOnce = async (
    api: ApiName,
    request: FastifyRequest,
    reply: FastifyReply,
    goesOn: boolean,
  ): Promise<unknown> => {
    const startedMs = clock.monotonicMs();
    const { cannot, ...asked } = await readAsked(api, request);
    const { call, requestId, current } = asked;
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
    const decided: DecidedCall = { ...asked, order, trace };
    const { attempts } = called;
    if (!called.answered) {
      void notes.note(decided, null, attempts);
      markHeaders(reply, { requestId, order, overheadMs, attempt: attempts.at(-1) ?? null, bill: null });
      return refuse(called.error!, reply);
    }
    const { attempt, answer } = called.answered;
    const adapted = cannot.get(attempt.model.name);
    if (adapted) reply.header('x-quantum-adapted', adapted.field);
    notes.remember(decided, attempt);
    const answered = { decided, attempt, attempts, served: { requestId, order, overheadMs, attempt } };
    return answer.kind === 'whole' ? sendWhole(answered, answer, reply) : sendStream(answered, answer, request, reply);
  };

  const sendWhole = (
    { decided, attempt, attempts, served }: AnsweredCall,
    answer: Answer & { kind: 'whole' },
    reply: FastifyReply,
  ): string => {
    const bill = notes.bill(attempt, decided.current);
    if (attempt.facts.isInBackground) {
      noteOthers(decided, attempt, attempts);
      background.follow(attempt, followedOf(decided, attempt), () => notes.note(decided, attempt, [attempt]));
    } else void notes.note(decided, attempt, attempts);
    markHeaders(reply, { ...served, bill }, answer);
    reply.header('content-type', 'application/json; charset=utf-8');
    return withMark(answer.text, decided.call, markOf(served, bill, attempt), attempt);
  };

  const sendStream = (
    answered: AnsweredCall,
    answer: Answer & { kind: 'stream' },
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply => {
    const { decided, attempt, served } = answered;
    markHeaders(reply, { ...served, bill: null }, answer);
    reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
    return reply.send(
      passOn(decided.call, attempt, answer, {
        decisionId: served.requestId,
        slowReaderMs: settings.slowReaderMs,
        clock,
        onSlow: () => request.raw.socket.destroy(),
        lastWord: () => markOf(served, notes.bill(attempt, decided.current), attempt),
        onEnd: whenStreamEnds(answered),
      }),
    );
  };

  /** What is to be done when the stream that is passed on has ended. */
  const whenStreamEnds = ({ decided, attempt, attempts }: AnsweredCall): (() => void) => {
    if (!decided.call.isBackground) return () => void notes.note(decided, attempt, attempts);
    const { facts } = attempt;
    noteOthers(decided, attempt, attempts);
    const stream = background.watchStream(attempt, followedOf(decided, attempt));
    const report = (): Promise<void> => notes.note(decided, attempt, [attempt]);
    return () => {
      if (attempt.error === null || facts.id === null || facts.isComplete) return stream.ends(report);
      // Whoever has gone may come again for it, and so may one whose connection broke.
      attempt.error = null;
      facts.isInBackground = true;
      stream.breaks(report);
    };
  };

  /** Of what its provider goes on with, whoever waits: what others failed at is known by now. */
  const noteOthers = (decided: DecidedCall, attempt: Attempt, attempts: Called['attempts']): void =>
    void notes.note(
      decided,
      null,
      attempts.filter((one) => one !== attempt),
    );

  return {
    serve: (api, request, reply) =>
      repeated.serve(
        api,
        request,
        reply,
        (goesOn) => serveOnce(api, request, reply, goesOn),
        () => void awaitAnswer(request, reply, settings),
      ),
    callableBy: (api, current) => callableBy(api, current, client),
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

function followedOf({ order: { decision } }: DecidedCall, { model }: Attempt): Followed {
  return decision && { decisionId: decision.decisionId, routingKey: decision.routingKey, model: model.name };
}

/** The call of a response that another gateway had followed, as it would be made now; null where nobody can be asked any more. */
function attemptNow(
  { id, model: name }: BackgroundResponse,
  current: CurrentConfig | null,
  client: ProviderClient,
): Attempt | null {
  const model = current?.config.models.find((one) => one.name === name);
  const providerConfig = model && ownEntry(current!.config.providers, model.provider);
  if (!providerConfig || client.unusable(model.provider, providerConfig) !== null) return null;
  const facts = { ...emptyFacts(), id };
  const times = { startedMs: 0, firstTokenMs: null, endedMs: null };
  return { model, providerConfig, number: 1, facts, error: null, ...times };
}
