/**
 * What a serving process does about errors that nothing waits for. Node ends a process for each of them, so that one input
 * with a forgotten promise behind it would take the whole engine down.
 */
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';

export interface GuardOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Ends the process in good order, so that it is started anew. */
  readonly onFatal: (error: Error) => void;
}

/** The part of `process` that is guarded. */
export interface GuardedProcess {
  on(event: 'unhandledRejection' | 'uncaughtException', listener: (error: unknown) => void): unknown;
  off(event: 'unhandledRejection' | 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/**
 * To be called once, by whoever starts a process that serves. The returned function takes the guard off.
 *
 * A rejection that nobody waits for is logged and counted, and the process goes on: whoever started that work has not
 * made anything depend on it, and everything that is acknowledged is in the log already.
 *
 * An exception is something else. It has left a callback in its middle, so a task, a lock or a socket may be in a state
 * that nothing after it expects, and to go on could mean wrong decisions instead of none. The process is told to stop: it
 * finishes what is under way, commits, and ends with an error, so that its supervisor starts it anew from the log.
 */
export function guardProcess(options: GuardOptions, guarded: GuardedProcess = process): () => void {
  const { log, metrics, onFatal } = options;
  const onRejection = (reason: unknown): void => {
    metrics.count('quantum_router_unhandled_errors_total', { kind: 'rejection' });
    log.error('a promise was rejected and nothing waited for it', { error: errorOf(reason) });
  };
  const onException = (thrown: unknown): void => {
    const error = errorOf(thrown);
    metrics.count('quantum_router_unhandled_errors_total', { kind: 'exception' });
    log.error('an exception reached no handler; the process stops and should be started anew', { error });
    onFatal(error);
  };
  guarded.on('unhandledRejection', onRejection);
  guarded.on('uncaughtException', onException);
  return () => {
    guarded.off('unhandledRejection', onRejection);
    guarded.off('uncaughtException', onException);
  };
}

/** Anything may be thrown. */
function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
