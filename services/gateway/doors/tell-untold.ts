/**
 * Tells the engine afterwards of calls that were made without it: the request is decided then, and what came of the call is
 * reported by that decision, as for a decision that came too late for its caller.
 */
import { BudgetRefusedError, DecisionTimeoutError, RequestRefusedError } from '../../../lib/client/router-client';
import { TransientError } from '../../../lib/ports/broker';
import type { Log } from '../../../lib/telemetry/log';
import type { RouteDecided } from '../../../lib/topics/generated/messages';
import type { GatewayContext } from '../endpoint';
import type { AttemptFields, UntoldCall, UntoldCalls } from './untold-calls';

/** Between two tries to tell. */
const triesEveryMs = 1_000;
/** A request that is in the log is decided long before that, or never. */
const waitsForDecisionMs = 600_000;
/** More than these wait for a decision of their own: somebody else's call must not wait for them. */
const mostAtOnce = 16;

/** What this returns ends the telling; what is not told by then stays held. */
export function tellUntold(
  { client, clock, recent, settings, config, waitingFor, underWay }: GatewayContext,
  untold: UntoldCalls,
  report: (decision: RouteDecided, attempts: readonly AttemptFields[]) => void,
  log: Log,
): () => Promise<void> {
  let isOver = false;
  let cancel: (() => void) | null = null;
  let telling: Promise<void> | null = null;

  /** False where the log is away, so that others need not be tried. */
  const tell = async (call: UntoldCall): Promise<boolean> => {
    const { request } = call;
    const known = call.decision ?? recent.get(request.requestId);
    if (known) {
      untold.release(call, null);
      report(known, call.attempts);
      return true;
    }
    if (call.isAsked) {
      if (clock.monotonicMs() - call.endedMs > waitsForDecisionMs) untold.release(call, 'no-decision');
      return true;
    }
    try {
      const timeoutMs = (request.threadTimeoutMs ?? config()?.config.threadTimeoutMs ?? 0) + settings.decisionGraceMs;
      // The engine measures how long its requests wait from this time on, and this one has not waited for it.
      await client.route({ ...request, requestedAtMs: clock.nowMs() }, timeoutMs);
      call.isAsked = true;
      return await tell(call);
    } catch (error) {
      if (error instanceof DecisionTimeoutError) call.isAsked = true;
      else if (error instanceof RequestRefusedError || error instanceof BudgetRefusedError)
        untold.release(call, 'refused');
      // While the log is away others need not be tried; what it will never take must not stand in their way.
      else if (isOver || error instanceof TransientError) return false;
      else {
        log.error('the engine cannot be told of a call', { requestId: request.requestId, error: error as Error });
        untold.release(call, 'refused');
      }
      return true;
    }
  };

  const tellAll = async (): Promise<void> => {
    const isFree = (): boolean => !isOver && waitingFor().length === 0 && underWay.size < settings.maxInFlight / 2;
    const before = untold.size;
    const left = [...untold.values()];
    while (left.length > 0 && isFree()) {
      const told = await Promise.all(left.splice(0, mostAtOnce).map(tell));
      if (told.includes(false)) break;
    }
    if (before > 0 && untold.size === 0)
      log.info('the engine has been told of the calls that were made without it', { calls: before });
  };

  const run = (): void => {
    cancel = null;
    if (telling) return;
    telling = tellAll().finally(() => {
      telling = null;
      if (untold.size > 0) schedule();
    });
  };
  const schedule = (): void => {
    if (!isOver && cancel === null) cancel = clock.setTimer(triesEveryMs, run);
  };
  const unwatch = untold.watch(schedule);
  if (untold.size > 0) schedule();

  return async () => {
    isOver = true;
    unwatch();
    cancel?.();
    await telling;
  };
}
