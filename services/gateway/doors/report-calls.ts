/**
 * Tells the engine what came of every attempt, by the same records as everybody else's feedback. The caller does not wait
 * for it; whoever stops the gateway does.
 */

import { routeOutcome } from '../../../lib/client/build-records';
import type { RouterConfig } from '../../../lib/config/router-config';
import { sleep } from '../../../lib/ports/clock';
import { billCall } from '../../../lib/providers/bill-call';
import type { Log } from '../../../lib/telemetry/log';
import type { RouteDecided, RouteOutcome, RouteRequested } from '../../../lib/topics/generated/messages';
import { maxAttempts } from '../../reward-feedback/check-outcome';
import type { GatewayContext } from '../endpoint';
import type { Attempt } from './call-models';
import type { Checks } from './check-answer';
import { tellUntold } from './tell-untold';
import type { AttemptFields, UntoldCalls } from './untold-calls';

/** Sends one report; bounded as those of calls are. Never rejects. */
export type OutcomeSender = (outcome: RouteOutcome) => void;

export interface CallReporter {
  readonly send: OutcomeSender;
  /**
   * `checks` is what those of the answer say; `answered` the attempt that gave one. Resolves when what can be told now is durable, or
   * has been given up. Never rejects.
   */
  report(ended: EndedCall): Promise<void>;
  /** The same of a call whose decision is known. */
  reportBy(
    decision: RouteDecided,
    ended: Pick<EndedCall, 'attempts' | 'answered' | 'checks' | 'config'>,
  ): Promise<void>;
  /** Resolves when all reports are durable, or have been given up. Those of calls that the engine has not been told of stay held. */
  flush(): Promise<void>;
}

export interface EndedCall {
  /** Its id is that of the decision. */
  readonly request: RouteRequested;
  /** Whether the log may have the request. */
  readonly wasAsked: boolean;
  /** Null where the configured order stood in: a decision that has come too late meanwhile is looked for, or asked for afterwards. */
  readonly decision: RouteDecided | null;
  readonly config: RouterConfig;
  readonly attempts: readonly Attempt[];
  readonly answered: Attempt | null;
  readonly checks: Checks;
}

/** Source of outcomes that only say how the call went, and of those with a check of the answer. */
export const callSource = 'call';
export const mechanicalSource = 'mechanical';
/** Of outcomes that say what the user did next. */
export const nextTurnSource = 'next-turn';
/** Of outcomes with the grade of a configured model, whose name follows. */
export const judgeSourcePrefix = 'judge:';

/** A log that does not take a report is tried again so often, waiting twice as long each time. */
const maxTries = 6;
const firstWaitMs = 250;
/** Reports under way: more are given up, and counted, rather than to fill the memory. */
const maxUnderWay = 10_000;

export function createCallReporter(context: GatewayContext, untold: UntoldCalls, log: Log): CallReporter {
  const { clock, metrics } = context;
  const underWay = new Set<Promise<void>>();

  const send = async (outcome: RouteOutcome): Promise<void> => {
    // Whoever corrects it later is told at once where the two contradict each other.
    context.reported.take(outcome);
    for (let tries = 1, waitMs = firstWaitMs; ; tries++, waitMs *= 2) {
      try {
        await context.client.report(outcome);
        context.feedback.noteReport();
        return;
      } catch (error) {
        if (tries < maxTries) await sleep(clock, waitMs);
        else {
          context.reported.forget(outcome);
          metrics.count('quantum_router_call_reports_lost_total', { reason: 'log' });
          log.warn('the outcome of a call could not be written', {
            decisionId: outcome.decisionId,
            error: error as Error,
          });
          return;
        }
      }
    }
  };

  const sendOne = async (outcome: RouteOutcome): Promise<void> => {
    if (outcome.attempt > maxAttempts || underWay.size >= maxUnderWay) {
      metrics.count('quantum_router_call_reports_lost_total', { reason: 'too-many' });
      return;
    }
    const sent = send(outcome).finally(() => underWay.delete(sent));
    underWay.add(sent);
    await sent;
  };

  const sendAll = async (decision: RouteDecided, attempts: readonly AttemptFields[]): Promise<void> => {
    await Promise.all(
      attempts.map(async (attempt) => {
        if (isNamed(decision, attempt.model)) await sendOne(routeOutcome(decision, attempt));
        else metrics.count('quantum_router_call_reports_lost_total', { reason: 'no-decision' });
      }),
    );
  };
  const stopTelling = tellUntold(context, untold, (decision, attempts) => void sendAll(decision, attempts), log);

  return {
    send: (outcome) => void sendOne(outcome),
    async report(ended) {
      const { request, wasAsked } = ended;
      const decision = ended.decision ?? context.recent.get(request.requestId) ?? null;
      const attempts = ended.attempts.map((attempt) => fieldsOf(ended, attempt, clock.nowMs()));
      if (decision) await sendAll(decision, attempts);
      else if (attempts.length > 0)
        untold.hold({
          request: wasAsked ? { ...request, messages: [] } : request,
          ...{ attempts, isAsked: wasAsked, endedMs: clock.monotonicMs(), decision: null },
        });
    },
    reportBy: (decision, ended) =>
      sendAll(
        decision,
        ended.attempts.map((attempt) => fieldsOf(ended, attempt, clock.nowMs())),
      ),
    async flush() {
      await stopTelling();
      await Promise.all(underWay);
    },
  };
}

/** A decision that came too late may have left a model out. */
function isNamed({ model, fallbacks }: RouteDecided, name: string): boolean {
  return model === name || fallbacks.some((one) => one.model === name);
}

function fieldsOf(
  { config, answered, checks }: Pick<EndedCall, 'config' | 'answered' | 'checks'>,
  attempt: Attempt,
  nowMs: number,
): AttemptFields {
  const { model, facts, error } = attempt;
  const isAnswer = attempt === answered && error === null;
  const rewardParts = isAnswer ? { ...checks } : {};
  const isChecked = Object.keys(rewardParts).length > 0;
  return {
    model: model.name,
    status: error?.status ?? 'SUCCESS',
    latencyMs: isAnswer && attempt.endedMs !== null ? attempt.endedMs - attempt.startedMs : null,
    inputTokens: facts.inputTokens,
    outputTokens: facts.outputTokens,
    // What a provider charges for a call that it did not finish, nobody knows.
    costUsd: isAnswer ? billCall(config.models, model, facts).costUsd : null,
    firstTokenMs: isAnswer ? attempt.firstTokenMs : null,
    cachedInputTokens: facts.cachedInputTokens,
    reasoningTokens: facts.reasoningTokens,
    retryAfterMs: error?.details.retryAfterMs ?? null,
    finishReason: isAnswer ? reasonOf(facts.finishReason) : null,
    rewardParts,
    source: isChecked ? mechanicalSource : callSource,
    // Form is all that was looked at: whoever knows better says so.
    provisional: isChecked,
    occurredAtMs: nowMs,
  };
}

/** A provider's own word, as long as it is one. */
function reasonOf(given: string | null): string | null {
  return given !== null && /^[\w.-]{1,60}$/.test(given) ? given : null;
}
