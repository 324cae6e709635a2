/** Runs the strategies asked of this group on one opened request. One that throws is FAILED and harms nobody else. */
import type { StrategyName } from '../../lib/config/router-config';
import type { LearnedPolicy, Strategies } from '../../lib/routing/strategy';
import { type Context, emit, type Result } from '../../lib/runtime/define-service';
import type { RouteOpened, ThreadScore } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

const maxThreads = 8;
const maxErrorLength = 200;

/** The strategies of `hosted` that the request asks for, in its order, at most 8; none when its distribution was cached. */
export function askedOf(opened: RouteOpened, hosted: readonly StrategyName[]): StrategyName[] {
  if (opened.cached) return [];
  return opened.strategies
    .slice(0, maxThreads)
    .filter((strategy): strategy is StrategyName => (hosted as readonly string[]).includes(strategy));
}

export function score(
  opened: RouteOpened,
  context: Pick<Context, 'group' | 'nowMs' | 'elapsedMs'>,
  learned: LearnedPolicy | null,
  strategies: Strategies,
  hosted: readonly StrategyName[],
): Result<never> {
  const asked = askedOf(opened, hosted);
  if (asked.length === 0) return { kind: 'drop', reason: opened.cached ? 'cached' : 'notAsked' };
  const threads = asked.map((strategy) => runThread(strategy, opened, context, learned, strategies));
  const scored = {
    requestId: opened.requestId,
    routingKey: opened.routingKey,
    group: context.group,
    threads,
    scoredAtMs: context.nowMs,
  };
  return { kind: 'done', emit: [emit(topics.strategyScored, scored)] };
}

function runThread(
  strategy: StrategyName,
  opened: RouteOpened,
  context: Pick<Context, 'elapsedMs'>,
  learned: LearnedPolicy | null,
  strategies: Strategies,
): ThreadScore {
  const startedMs = context.elapsedMs();
  try {
    const judgement = strategies[strategy](opened, learned);
    return {
      strategy,
      status: 'SUCCESS',
      probabilities: judgement.probabilities as number[],
      utilities: judgement.utilities as number[],
      qualities: judgement.qualities as number[],
      confidence: judgement.confidence,
      durationMs: context.elapsedMs() - startedMs,
      error: null,
      policySha256: judgement.policySha256,
      coldStart: judgement.coldStart,
    };
  } catch (error) {
    return {
      strategy,
      status: 'FAILED',
      probabilities: [],
      utilities: [],
      qualities: [],
      confidence: 0,
      durationMs: context.elapsedMs() - startedMs,
      error: String((error as Error)?.message ?? error).slice(0, maxErrorLength),
      policySha256: null,
      coldStart: false,
    };
  }
}
