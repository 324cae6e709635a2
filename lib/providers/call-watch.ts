/** The time-outs of one call: the total one, and that of whatever is being waited for now. */
import type { Clock } from '../ports/clock';
import { Ending } from './ending';
import type { UpstreamCall } from './upstream-call';
import { UpstreamError } from './upstream-error';

export interface CallWatch {
  readonly signal: Ending;
  /** From now on something is waited for; null: only the total time-out counts. */
  wait(limitMs: number | null, otherwise: string): void;
  /** It has come. */
  go(): void;
  end(): void;
  errorOf(error: unknown): UpstreamError;
}

export function createCallWatch(clock: Clock, { provider, config, signal, limitMs }: UpstreamCall): CallWatch {
  const ending = new Ending();
  const fail = (error: UpstreamError): void => ending.abort(error);
  const timedOut = (why: string): void =>
    fail(new UpstreamError('TIMEOUT', `${provider}: ${why}`, { httpStatus: 504 }));
  // Whoever aborts for another reason than that the caller has gone says so.
  const gone = (): void =>
    fail(
      signal.reason instanceof UpstreamError ? signal.reason : new UpstreamError('CANCELLED', 'the caller has gone'),
    );
  if (signal.aborted) gone();
  signal.once('abort', gone);
  const totalMs = Math.max(1, Math.min(config.timeouts.totalMs, limitMs));
  const cancelTotal = clock.setTimer(totalMs, () => timedOut(`the call took longer than ${Math.round(totalMs)} ms`));
  // One timer for all that is waited for: it looks when the newest limit is due, and sets itself anew where that lies ahead.
  let cancel: (() => void) | null = null;
  let dueMs = Number.POSITIVE_INFINITY;
  let timerMs = Number.POSITIVE_INFINITY;
  let overdue = '';
  const look = (): void => {
    cancel = null;
    timerMs = Number.POSITIVE_INFINITY;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    if (clock.monotonicMs() >= dueMs) timedOut(overdue);
    else setTimer();
  };
  const setTimer = (): void => {
    cancel?.();
    timerMs = dueMs;
    cancel = clock.setTimer(Math.max(1, Math.ceil(dueMs - clock.monotonicMs())), look);
  };
  const go = (): void => {
    dueMs = Number.POSITIVE_INFINITY;
  };
  return {
    signal: ending,
    wait(waitMs, otherwise) {
      if (waitMs === null) return go();
      dueMs = clock.monotonicMs() + waitMs;
      overdue = `${otherwise} (${waitMs} ms)`;
      if (timerMs > dueMs) setTimer();
    },
    go,
    end() {
      go();
      cancel?.();
      cancelTotal();
      signal.off('abort', gone);
    },
    errorOf(error) {
      if (ending.reason instanceof UpstreamError) return ending.reason;
      if (error instanceof UpstreamError) return error;
      const code = (error as { code?: unknown }).code;
      if (code === 'UND_ERR_CONNECT_TIMEOUT')
        return new UpstreamError('TIMEOUT', `${provider}: no connection within ${config.timeouts.connectMs} ms`, {
          httpStatus: 504,
          cause: error,
        });
      const what = typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : 'the connection failed';
      return new UpstreamError('FAILURE', `${provider}: ${what}`, { httpStatus: 502, cause: error });
    },
  };
}
