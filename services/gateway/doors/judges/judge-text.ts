/** Everything that judges the text of an answer after its caller has it: the user by what comes next, and configured models. */
import { routeOutcome } from '../../../../lib/client/build-records';
import type { RouterConfig } from '../../../../lib/config/router-config';
import type { ProviderClient } from '../../../../lib/providers/provider-client';
import { qualityOf } from '../../../../lib/reward/reward';
import type { Log } from '../../../../lib/telemetry/log';
import type { RouteDecided, RouteOutcome } from '../../../../lib/topics/generated/messages';
import type { GatewayContext } from '../../endpoint';
import type { Attempt } from '../call-models';
import type { DoorCall } from '../read-call';
import { callSource, judgeSourcePrefix, mechanicalSource, nextTurnSource, type OutcomeSender } from '../report-calls';
import { createAnswerJudges } from './judge-answers';
import { nextTurnQuality } from './judge-next-turn';
import { createNextTurnWatch } from './watch-next-turn';

export interface TextJudges {
  /** A call has come: it may go on from an answer that was given before. */
  asked(call: DoorCall, config: RouterConfig): void;
  /** A call has been answered. */
  answered(call: DoorCall, attempt: Attempt, decision: RouteDecided | null, config: RouterConfig): void;
  /** Somebody has reported an outcome: explicit feedback is what judges are measured by. */
  reported(outcome: RouteOutcome, config: RouterConfig): void;
  close(): Promise<void>;
}

export interface TextJudgesParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  readonly send: OutcomeSender;
  readonly log: Log;
}

const maxRemembered = 5_000;
const ownSources: ReadonlySet<string> = new Set([callSource, mechanicalSource, nextTurnSource]);

export function createTextJudges(parts: TextJudgesParts): TextJudges {
  const { context, send } = parts;
  const judges = createAnswerJudges(parts);
  const turns = createNextTurnWatch({ key: context.createId(), maxRemembered });
  return {
    asked({ request }, { judgements }) {
      const next = judgements.nextTurn ? turns.observe(request.messages) : null;
      if (!next) return;
      context.metrics.count('quantum_router_next_turns_total', { kind: next.turn });
      send(
        routeOutcome(next.decision, {
          ...{ model: next.model, status: 'SUCCESS', occurredAtMs: context.clock.nowMs(), provisional: true },
          rewardParts: { nextTurn: nextTurnQuality[next.turn] },
          source: nextTurnSource,
        }),
      );
    },
    answered(call, { model, facts, error }, decision, config) {
      const isText = decision && error === null && facts.text !== '' && !facts.isTextCut && !facts.isRefusal;
      if (!isText || facts.toolCalls.length > 0) return;
      const { judgements } = config;
      if (judgements.nextTurn) turns.remember(call.request.messages, facts.text, { decision, model: model.name });
      if (judgements.judges.length > 0) judges.consider({ decision, call, model, text: facts.text, config });
    },
    reported(outcome, { reward, judgements }) {
      const isExplicit =
        !outcome.provisional && !ownSources.has(outcome.source) && !outcome.source.startsWith(judgeSourcePrefix);
      if (judgements.judges.length === 0 || !isExplicit) return;
      const quality = qualityOf(outcome, reward.weights);
      if (quality !== null) judges.noteFeedback(outcome.decisionId, quality);
    },
    close: () => judges.close(),
  };
}
