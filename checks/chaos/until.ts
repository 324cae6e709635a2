/** Waiting for a condition, never for a time. */
import { type Clock, sleep } from '../../lib/ports/clock';

/** It did not come true in time. Errors of the condition itself pass unchanged. */
class InVainError extends Error {
  constructor(what: string, limitMs: number) {
    super(`waited ${limitMs / 1_000} s in vain until ${what}`);
    this.name = 'InVainError';
  }
}

/** Resolves once `holds` does; rejects with an InVainError, naming `what`, after `limitMs`. */
export async function until(
  clock: Clock,
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  everyMs = 50,
): Promise<void> {
  const endMs = clock.monotonicMs() + limitMs;
  while (!(await holds())) {
    if (clock.monotonicMs() > endMs) throw new InVainError(what, limitMs);
    await sleep(clock, everyMs);
  }
}

/** True once `holds` does, false when it does not within `limitMs`. */
export function comesTrue(
  clock: Clock,
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  everyMs = 100,
): Promise<boolean> {
  return until(clock, 'it came true', holds, limitMs, everyMs).then(
    () => true,
    (error: unknown) => {
      if (error instanceof InVainError) return false;
      throw error;
    },
  );
}
