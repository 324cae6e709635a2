/** Time as an input. Services never read the system clock; a simulation hands in a virtual one. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  nowMs(): number;
  /** Monotonic time in milliseconds; only differences mean anything. */
  monotonicMs(): number;
  /** Calls `callback` once, `delayMs` from now. The returned function cancels it and may be called at any time. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Resolves `delayMs` from now on the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}

/** The same, or sooner: when the signal is aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Settles as `work` does, or after `limitMs` as `late` does (which may throw). What `work` does goes on all the same. */
export function within<T>(clock: Clock, limitMs: number, work: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(limitMs, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    work.then(resolve, reject).finally(cancel);
  });
}
