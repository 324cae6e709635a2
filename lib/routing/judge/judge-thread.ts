/**
 * One strategy on one opened request as a thread: a strategy that throws is a FAILED thread. strategy-threads judges with
 * it, and a replay judges again: whatever it returns must come out the same for ever.
 */
import type { StrategyName } from '../../config/router-config';
import type { RouteOpened, ThreadScore } from '../../topics/generated/messages';
import type { LearnedPolicy, Strategies } from './strategy';

/** Of what a failed thread says, in characters. */
export const maxErrorLength = 200;

/** All but the time it took: `durationMs` is 0, for the caller to set. */
export function judgeThread(
  strategy: StrategyName,
  opened: RouteOpened,
  learned: LearnedPolicy | null,
  strategies: Strategies,
): ThreadScore {
  try {
    const judgement = strategies[strategy](opened, learned);
    return {
      strategy,
      status: 'SUCCESS',
      probabilities: judgement.probabilities as number[],
      utilities: judgement.utilities as number[],
      qualities: judgement.qualities as number[],
      confidence: judgement.confidence,
      durationMs: 0,
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
      durationMs: 0,
      error: String((error as Error)?.message ?? error).slice(0, maxErrorLength),
      policySha256: null,
      coldStart: false,
    };
  }
}
