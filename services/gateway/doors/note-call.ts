/**
 * What is noted of a call when it has ended: metrics and spans of its attempts, its outcome for the engine, what was said and who keeps
 * it. Whoever is owed an answer gets it, whatever goes wrong with that.
 */
import type { Context } from '@opentelemetry/api';
import type { CurrentConfig } from '../../../lib/config/current-config';
import { apiThrough } from '../../../lib/config/provider-config';
import { isJson } from '../../../lib/providers/any-json';
import { type Bill, billCall } from '../../../lib/providers/bill-call';
import type { Log } from '../../../lib/telemetry/log';
import type { RouteDecided } from '../../../lib/topics/generated/messages';
import type { Asker } from '../access/who-is-asking';
import type { GatewayContext } from '../endpoint';
import type { ModelOrder } from './ask-engine';
import type { Attempt } from './call-models';
import { checkAnswer } from './check-answer';
import type { TextJudges } from './judges/judge-text';
import { entriesOf } from './kept/expand-items';
import type { KeptItems } from './kept/kept-items';
import type { RememberedResponses } from './kept/remember-responses';
import type { DoorCall, KeptElsewhere } from './read-call';
import type { CallReporter } from './report-calls';
import { traceCall } from './trace-call';

/** A call, and the models that were to be called for it in their order. */
export interface DecidedCall {
  readonly call: DoorCall;
  /** Of the answer, and of its decision without the name of the tenant. */
  readonly requestId: string;
  readonly asker: Asker;
  /** The body as it came. */
  readonly given: unknown;
  /** What it goes on from, where a provider keeps that. */
  readonly kept: KeptElsewhere | null;
  readonly current: CurrentConfig;
  readonly order: ModelOrder;
  readonly trace: Context;
}

export interface CallNotes {
  /** Who keeps a response, as soon as it has a name: a stream may be asked for anew before its end. */
  remember(decided: DecidedCall, attempt: Attempt): void;
  /** Resolves when what came of these attempts is reported. Never rejects. */
  note(decided: DecidedCall, answered: Attempt | null, attempts: readonly Attempt[]): Promise<void>;
  /** The same of a response that another gateway had followed, of whose call only the decision is known. */
  noteAdopted(decision: RouteDecided, attempt: Attempt, current: CurrentConfig): Promise<void>;
  /** What an answer costs, and of which model it is: that another one has answered is counted here. */
  bill(attempt: Attempt, current: CurrentConfig): Bill;
}

export interface CallNotesParts {
  readonly context: GatewayContext;
  readonly responses: RememberedResponses;
  readonly items: KeptItems;
  readonly judges: TextJudges;
  readonly reporter: CallReporter;
  readonly log: Log;
}

export function createCallNotes(parts: CallNotesParts): CallNotes {
  const { context, responses, items, judges, reporter, log } = parts;
  const { clock, metrics } = context;

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

  /** What the form of an answer says of its quality; nothing where it has not ended well, or not yet. */
  const checksOf = ({ call, current }: DecidedCall, answered: Attempt | null): ReturnType<typeof checkAnswer> => {
    if (answered?.error !== null || answered.facts.isInBackground) return {};
    const checks = checkAnswer(answered.facts, call.expected, current.config.reward.weights);
    for (const [check, holds] of Object.entries(checks))
      metrics.count('quantum_router_answer_checks_total', { check, result: holds === 1 ? 'holds' : 'fails' });
    return checks;
  };

  const keep = ({ call, asker, given, order, current }: DecidedCall, answered: Attempt): void => {
    const { facts, model } = answered;
    const { response } = facts;
    const isThrough = answered.error === null;
    if (response !== null && isJson(given) && call.isKept && isThrough)
      items.keep(asker.tenantId, entriesOf({ response, provider: keeperOf(call, answered), body: given }));
    judges.answered(call, answered, order.decision, current.config);
    if (order.decision && isThrough && call.api !== 'embeddings')
      context.answers.keep({ decision: order.decision, model: model.name, facts }, current.config.answers);
  };

  const noteAll = (decided: DecidedCall, answered: Attempt | null, attempts: readonly Attempt[]): Promise<void> => {
    const { call, order, trace, current } = decided;
    const checks = checksOf(decided, answered);
    for (const attempt of attempts) {
      countAttempt(attempt);
      traceCall(call, attempt, trace, clock);
    }
    const reported = reporter.report({
      ...{ request: call.request, decision: order.decision, config: current.config, attempts, answered, checks },
      wasAsked: order.degraded === 'no-decision',
    });
    if (answered && !answered.facts.isInBackground) keep(decided, answered);
    return reported;
  };

  return {
    remember({ call, asker, kept }, attempt) {
      const { model, facts } = attempt;
      if (call.api !== 'responses' || keeperOf(call, attempt) === null) return;
      const of = { tenantId: asker.tenantId, model: model.name, provider: model.provider };
      if (facts.id !== null && call.isKept) responses.remember({ ...of, id: facts.id });
      if (kept?.field === 'conversation') responses.remember({ ...of, id: kept.id });
    },
    async note(decided, answered, attempts) {
      try {
        await noteAll(decided, answered, attempts);
      } catch (error) {
        log.error('what came of a call could not be noted', { decisionId: decided.requestId, error: error as Error });
      }
    },
    async noteAdopted(decision, attempt, { config }) {
      countAttempt(attempt);
      await reporter.reportBy(decision, { attempts: [attempt], answered: attempt, checks: {}, config });
    },
    bill(attempt, { config }) {
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
    },
  };
}

/** Whoever answers the API of the call itself; null where an answer came through another API. */
function keeperOf({ api }: DoorCall, { model, providerConfig }: Attempt): string | null {
  return apiThrough(api, providerConfig, model.apis) === api ? model.provider : null;
}
