/**
 * Lets configured models grade a share of the answers, after their callers have them. What is graded is held only until it is;
 * what a grade says of the model is one more report of the call, and no call waits for it.
 */
import { createHash } from 'node:crypto';
import type { LRUCache } from 'lru-cache';
import { routeOutcome } from '../../../../lib/client/build-records';
import type { JudgeConfig } from '../../../../lib/config/judgements-config';
import { apiThrough } from '../../../../lib/config/provider-config';
import type { ModelConfig, RouterConfig } from '../../../../lib/config/router-config';
import { newestEntries } from '../../../../lib/newest-entries';
import { type AnswerFacts, emptyFacts, readWhole } from '../../../../lib/providers/answer-facts';
import { isJson } from '../../../../lib/providers/any-json';
import { costOf, upstreamNameOf } from '../../../../lib/providers/bill-call';
import { Ending } from '../../../../lib/providers/ending';
import type { ProviderClient } from '../../../../lib/providers/provider-client';
import type { Log } from '../../../../lib/telemetry/log';
import type { RouteDecided } from '../../../../lib/topics/generated/messages';
import type { GatewayContext } from '../../endpoint';
import type { DoorCall } from '../read-call';
import { judgeSourcePrefix, type OutcomeSender } from '../report-calls';
import { judgeBody, scoresOf } from './judge-prompt';
import { createJudgeTrust, type JudgeTrust } from './trust-judge';

/** A call that has been answered with a text. */
export interface AnsweredCall {
  readonly decision: RouteDecided;
  readonly call: DoorCall;
  readonly model: ModelConfig;
  readonly text: string;
  readonly config: RouterConfig;
}

export interface AnswerJudges {
  /** Never waits, never throws. */
  consider(answered: AnsweredCall): void;
  /** What a user has said of a decision, 0..1: judges are measured by it. */
  noteFeedback(decisionId: string, quality: number): void;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export interface AnswerJudgesParts {
  readonly context: GatewayContext;
  readonly client: ProviderClient;
  readonly send: OutcomeSender;
  readonly log: Log;
}

/** Of one judge's grades: they wait for whoever has more to do, and are given up where too many wait. */
const maxUnderWay = 8;
const maxRememberedScores = 5_000;
const callLimitMs = 60_000;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Between two answers that are as good as each other. */
const sameWithin = 0.05;

interface Spent {
  readonly atMs: number;
  costUsd: number;
}

interface JudgeState {
  readonly trust: JudgeTrust;
  spent: Spent[];
  /** By decision. */
  readonly scores: LRUCache<string, number>;
}

export function createAnswerJudges({ context, client, send, log }: AnswerJudgesParts): AnswerJudges {
  const { clock, metrics } = context;
  const states = new Map<string, JudgeState>();
  const underWay = new Set<Promise<void>>();
  const ending = new Ending();

  const stateOf = (name: string): JudgeState => {
    let state = states.get(name);
    if (!state) {
      state = { trust: createJudgeTrust(), spent: [], scores: newestEntries(maxRememberedScores) };
      states.set(name, state);
    }
    return state;
  };

  const hasBudget = ({ maxUsdPerDay, maxPerHour }: JudgeConfig, state: JudgeState): boolean => {
    const nowMs = clock.monotonicMs();
    state.spent = state.spent.filter(({ atMs }) => atMs > nowMs - dayMs);
    const costUsd = state.spent.reduce((sum, one) => sum + one.costUsd, 0);
    const inHour = state.spent.filter(({ atMs }) => atMs > nowMs - hourMs).length;
    return inHour < maxPerHour && costUsd < maxUsdPerDay;
  };

  /** Calls a model for an answer in one piece; null where it cannot be called. Throws an UpstreamError where it fails. */
  const ask = async (
    config: RouterConfig,
    model: ModelConfig,
    api: DoorCall['api'],
    body: string,
    spent: Spent,
  ): Promise<AnswerFacts | null> => {
    const provider = new Map(Object.entries(config.providers)).get(model.provider);
    const through = provider ? apiThrough(api, provider, model.apis) : null;
    if (!provider || through === null || client.unusable(model.provider, provider) !== null) return null;
    const { text } = await client.whole({
      ...{ provider: model.provider, config: provider, api, through, body },
      ...{ isStream: false, headers: {}, signal: ending, limitMs: callLimitMs },
    });
    const facts = emptyFacts();
    const isAnswer = readWhole(api, parsed(text), facts);
    spent.costUsd += costOf(model, facts) ?? 0;
    return isAnswer && facts.text !== '' && !facts.isTextCut ? facts : null;
  };

  const grade = async (judge: JudgeConfig, answered: AnsweredCall): Promise<string> => {
    const { decision, call, model, text, config } = answered;
    const state = stateOf(judge.name);
    const judging = config.models.find(({ name }) => name === judge.model);
    if (!judging || judging.name === model.name) return 'failed';
    const spent: Spent = { atMs: clock.monotonicMs(), costUsd: 0 };
    state.spent.push(spent);
    try {
      const other =
        draw(decision, `${judge.name}/pair`) < judge.pairShare ? await askOther(answered, judge, spent) : null;
      const served = { isServed: true, text };
      const shown = other === null ? [served] : [served, { isServed: false, text: other }];
      // Judges prefer one place to another: each answer is as often in either.
      if (draw(decision, `${judge.name}/order`) < 0.5) shown.reverse();
      const names = config.models.flatMap(({ name, provider, upstreamModel }) => [
        name,
        provider,
        upstreamModel ?? name,
      ]);
      const body = judgeBody({
        ...{ rubric: judge.rubric, messages: call.request.messages, answers: shown.map((one) => one.text), names },
        fence: `material-${context.createId().slice(0, 8)}`,
      });
      const said = await ask(
        config,
        judging,
        'chat',
        JSON.stringify({ model: upstreamNameOf(judging), ...body }),
        spent,
      );
      const scores = said && scoresOf(said.text, shown.length);
      if (!scores) return said ? 'unreadable' : 'failed';
      const score = scores[shown.findIndex(({ isServed }) => isServed)]!;
      const otherScore = scores[shown.findIndex(({ isServed }) => !isServed)];
      if (otherScore !== undefined) notePair(judge.name, score, otherScore);
      state.scores.set(decision.decisionId, score);
      const expected = decision.candidates.find((one) => one.model === model.name)?.predictedQuality ?? score;
      send(
        routeOutcome(decision, {
          ...{ model: model.name, status: 'SUCCESS', occurredAtMs: clock.nowMs(), provisional: true },
          // A part of its own: two judges may differ about one answer.
          rewardParts: { [`${judgeSourcePrefix}${judge.name}`]: clamped(state.trust.believed(score, expected)) },
          source: `${judgeSourcePrefix}${judge.name}`,
        }),
      );
      return 'graded';
    } finally {
      metrics.count('quantum_router_judge_cost_usd_total', { judge: judge.name }, spent.costUsd);
    }
  };

  /** The answer of the first fallback that is neither judge nor cannot be called; null where there is none. */
  const askOther = async (
    { decision, call, model, config }: AnsweredCall,
    judge: JudgeConfig,
    spent: Spent,
  ): Promise<string | null> => {
    const names = [decision.model, ...decision.fallbacks.map((one) => one.model)];
    const name = names.find((one) => one !== model.name && one !== judge.model);
    const other = config.models.find((one) => one.name === name);
    if (!other) return null;
    const {
      stream: _stream,
      stream_options: _options,
      ...body
    } = JSON.parse(call.bodyFor(upstreamNameOf(other), other.provider));
    return (await ask(config, other, call.api, JSON.stringify(body), spent))?.text ?? null;
  };

  const notePair = (judge: string, served: number, other: number): void => {
    const better = Math.abs(served - other) < sameWithin ? 'none' : served > other ? 'served' : 'other';
    metrics.count('quantum_router_judged_pairs_total', { judge, better });
  };

  const consider = (judge: JudgeConfig, answered: AnsweredCall): void => {
    if (draw(answered.decision, judge.name) >= judge.share) return;
    const count = (result: string): void =>
      metrics.count('quantum_router_judged_answers_total', { judge: judge.name, result });
    const refused =
      underWay.size >= maxUnderWay ? 'too-many' : hasBudget(judge, stateOf(judge.name)) ? null : 'over-budget';
    if (refused !== null) {
      count(refused);
      return;
    }
    const grading = grade(judge, answered)
      .then(count, (error: Error) => {
        count('failed');
        log.debug('an answer could not be graded', { judge: judge.name, error });
      })
      .finally(() => underWay.delete(grading));
    underWay.add(grading);
  };

  return {
    consider(answered) {
      for (const judge of answered.config.judgements.judges) consider(judge, answered);
    },
    noteFeedback(decisionId, quality) {
      for (const [judge, { scores, trust }] of states) {
        const score = scores.peek(decisionId);
        if (score === undefined) continue;
        scores.delete(decisionId);
        trust.compare(score, quality);
        metrics.set('quantum_router_judge_trust', { judge }, trust.trust);
      }
    },
    async close() {
      ending.abort();
      await Promise.all(underWay);
    },
  };
}

/** 0..1, the same for the same decision and purpose, so that a repeated call is sampled as the first was. */
function draw({ decisionId }: RouteDecided, purpose: string): number {
  return createHash('sha256').update(`${purpose}/${decisionId}`).digest().readUInt32LE(0) / 2 ** 32;
}

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : null;
  } catch {
    return null;
  }
}
