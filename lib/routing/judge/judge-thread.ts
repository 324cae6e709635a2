/**
 * One strategy on one opened request as a thread: this is how everybody asks a strategy, strategy-threads in any placement,
 * collapse where no thread has answered, and a replay. A strategy that throws is a FAILED thread and harms nobody else.
 * Whatever it returns must come out the same for ever.
 */
import type { StrategyName } from '../../config/router-config';
import type { RouteOpened, ThreadScore } from '../../topics/generated/messages';
import { strategies as ourStrategies } from './strategies/strategies';
import type { Judgement, LearnedPolicy, Strategies } from './strategy';

/** Of what a failed thread says, in characters. */
export const maxErrorLength = 200;

export interface Asking {
  /** What each name means; ours where it is left out. */
  readonly strategies?: Strategies;
  /** Monotonic time, for `durationMs`, which is 0 where it is left out: who judges again wants the same bytes. */
  readonly elapsedMs?: () => number;
}

const noTime = (): number => 0;

/** `learned`: the weights that the request pins; null where there are none. */
export function judgeThread(
  strategy: StrategyName,
  opened: RouteOpened,
  learned: LearnedPolicy | null,
  { strategies = ourStrategies, elapsedMs = noTime }: Asking = {},
): ThreadScore {
  const startedMs = elapsedMs();
  try {
    const judgement = strategies[strategy](opened, learned);
    return judgedThread(strategy, judgement, elapsedMs() - startedMs);
  } catch (error) {
    const reason = String((error as Error)?.message ?? error).slice(0, maxErrorLength);
    return deadThread(strategy, 'FAILED', elapsedMs() - startedMs, reason);
  }
}

/** Every strategy of ours that the request asks for, in its order. */
export function judgeAsked(opened: RouteOpened, learned: LearnedPolicy | null): ThreadScore[] {
  return opened.strategies.filter(isKnown).map((strategy) => judgeThread(strategy, opened, learned));
}

/** Whether a strategy is one of ours: it may be another program's. */
export function isKnown(strategy: string): strategy is StrategyName {
  return Object.hasOwn(ourStrategies, strategy);
}

export function judgedThread(strategy: string, judgement: Judgement, durationMs: number): ThreadScore {
  return {
    strategy,
    status: 'SUCCESS',
    probabilities: judgement.probabilities as number[],
    utilities: judgement.utilities as number[],
    qualities: judgement.qualities as number[],
    confidence: judgement.confidence,
    durationMs,
    error: null,
    policySha256: judgement.policySha256,
    coldStart: judgement.coldStart,
  };
}

/** A thread that has come to no judgement. */
export function deadThread(
  strategy: string,
  status: 'FAILED' | 'TIMEOUT',
  durationMs: number,
  error: string | null,
): ThreadScore {
  return {
    strategy,
    status,
    probabilities: [],
    utilities: [],
    qualities: [],
    confidence: 0,
    durationMs,
    error,
    policySha256: null,
    coldStart: false,
  };
}
