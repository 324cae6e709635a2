/** Bounded tries with back-off: only for errors that say they are transient, never for unknown ones. */
import { TransientError } from '../ports/broker';
import { type Clock, sleep } from '../ports/clock';

export interface RetryLimits {
  readonly maxRetries: number;
  readonly retryBackoffMs: number;
  readonly maxRetryBackoffMs: number;
}

/** Runs `operation`, again after each TransientError, at most `maxRetries` times more; then throws the last error. */
export async function retryTransient<T>(
  operation: () => Promise<T>,
  limits: RetryLimits,
  clock: Clock,
  onRetry: (error: TransientError) => void,
): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof TransientError) || retries >= limits.maxRetries) throw error;
      onRetry(error);
      await sleep(clock, Math.min(limits.maxRetryBackoffMs, limits.retryBackoffMs * 2 ** retries));
    }
  }
}
