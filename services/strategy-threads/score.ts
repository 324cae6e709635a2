/** Runs the strategies asked of this group on one opened request. One that throws is FAILED and harms nobody else. */
import type { StrategyName } from '../../lib/config/router-config';
import { judgeThread } from '../../lib/routing/judge/judge-thread';
import type { LearnedPolicy, Strategies } from '../../lib/routing/judge/strategy';
import { isHit } from '../../lib/routing/open/is-hit';
import { type Context, emit, type Result } from '../../lib/stream/define-service';
import type { RouteOpened, ThreadScore } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { KeepInCache } from './keep-in-cache';
import type { Pace } from './pace';

const maxThreads = 8;

/** The strategies of `hosted` that the request asks for, in its order, at most 8; none when it is judged by the cache. */
export function askedOf(opened: RouteOpened, hosted: readonly StrategyName[]): StrategyName[] {
  if (isHit(opened)) return [];
  return opened.strategies
    .slice(0, maxThreads)
    .filter((strategy): strategy is StrategyName => (hosted as readonly string[]).includes(strategy));
}

export function score(
  opened: RouteOpened,
  context: Pick<Context, 'group' | 'nowMs' | 'elapsedMs' | 'alreadyEmitted'>,
  learned: LearnedPolicy | null,
  strategies: Strategies,
  hosted: readonly StrategyName[],
  pace: Pace,
  /** When the batch began, on the monotonic clock. */
  batchStartedMs: number,
  keep: KeepInCache,
): Result<never> {
  const asked = askedOf(opened, hosted);
  if (isHit(opened)) return { kind: 'done', remember: keep(opened, [], learned, context.nowMs) };
  if (asked.length === 0) return { kind: 'drop', reason: 'notAsked' };
  if (context.alreadyEmitted(scoredId(opened.requestId, context.group))) return { kind: 'drop', reason: 'duplicate' };
  const asking = { strategies, elapsedMs: () => context.elapsedMs() };
  const threads: ThreadScore[] = [];
  for (const strategy of asked) {
    const startedMs = context.elapsedMs();
    const leftMs = opened.threadTimeoutMs - (startedMs - batchStartedMs);
    // Collapse takes a thread that is not there for one that came too late.
    if (!pace.mayAsk(strategy, leftMs, startedMs)) continue;
    const thread = judgeThread(strategy, opened, learned, asking);
    pace.took(strategy, thread.durationMs, startedMs + thread.durationMs);
    threads.push(thread);
  }
  const scored = {
    requestId: opened.requestId,
    routingKey: opened.routingKey,
    group: context.group,
    threads,
    scoredAtMs: context.nowMs,
  };
  return {
    kind: 'done',
    emit: [emit(topics.strategyScored, scored)],
    remember: keep(opened, threads, learned, context.nowMs),
  };
}

/** Each group scores a request once. */
export function scoredId(requestId: string, group: string): string {
  return `${requestId}/${group}`;
}
