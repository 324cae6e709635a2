/**
 * Lets calls to the engine a few at a time. Calls that arrive together would be decided together, answered together and sent
 * again together, so that each of them waits for all: for as long as a run lasts. Taken in turns they come apart, and from the
 * next time on nobody waits.
 */
import type { Clock } from '../../../lib/ports/clock';

/** After somebody has waited without a break for so long, more come than go in turns: all are let in, since many together cost less. */
const patienceMs = 250;
/** When for so long nobody would have had to wait, turns are taken again: calls that come together leave a gap as long as their answers take. */
const quietMs = 100;

export interface Turns {
  /** Does `work` when it is its turn, and gives what it gives. Turns come in the order in which they were asked for. */
  take<T>(work: () => Promise<T>): Promise<T>;
}

/** `atOnce`: calls that have their turn at once; Infinity: nobody waits. */
export function createTurns(clock: Clock, atOnce: number): Turns {
  let having = 0;
  /** All are let in. */
  let isCrowded = false;
  /** When fewer than `atOnce` were left for the last time. */
  let roomSinceMs = Number.NEGATIVE_INFINITY;
  /** Those who wait, in order. */
  let waiting: (() => void)[] = [];
  let cancelPatience = (): void => {};

  const letIn = (count: number): void => {
    const next = waiting.slice(0, count);
    waiting = waiting.slice(count);
    having += next.length;
    if (waiting.length === 0) cancelPatience();
    for (const enter of next) enter();
  };

  const turn = (): Promise<void> | undefined => {
    if (having < atOnce && clock.monotonicMs() - roomSinceMs >= quietMs) isCrowded = false;
    if (isCrowded || (having < atOnce && waiting.length === 0)) {
      having++;
      return undefined;
    }
    if (waiting.length === 0) {
      cancelPatience = clock.setTimer(patienceMs, () => {
        isCrowded = true;
        letIn(waiting.length);
      });
    }
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  };

  return {
    async take(work) {
      await turn();
      try {
        return await work();
      } finally {
        having--;
        if (having === atOnce - 1) roomSinceMs = clock.monotonicMs();
        letIn(Math.max(0, atOnce - having));
      }
    },
  };
}
