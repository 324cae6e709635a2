/**
 * A clock that a test or a simulation moves by hand. It drives whole engines: run everything that can run, jump to the
 * next timer, and so on, in an order that depends on nothing but the timers themselves.
 */
import type { Clock } from '../../ports/clock';

export interface RunOptions {
  /** Stops as soon as this holds (asked whenever nothing more can run at the present time). */
  readonly until?: () => boolean;
  /** Stops before the first timer later than this. */
  readonly untilMs?: number;
  /** Timers to fire before it is taken for a loop and an error is thrown; default 10 million. */
  readonly maxTimers?: number;
  /** True while work is under way that no timer shows (a worker thread, a file): time stands still meanwhile. */
  readonly busy?: () => boolean;
}

export interface VirtualClock extends Clock {
  /** When the next timer is due; null when there is none. */
  nextTimerAt(): number | null;
  /** Fires every timer up to `timeMs` (wall milliseconds) in order, letting everything run between two times. */
  advanceTo(timeMs: number): Promise<void>;
  advanceBy(durationMs: number): Promise<void>;
  /** Lets everything run that needs no time. */
  settle(busy?: () => boolean): Promise<void>;
  /** Runs, jumping from timer to timer, until none is left or an option says stop. */
  runUntilIdle(options?: RunOptions): Promise<void>;
}

interface Timer {
  readonly dueAtMs: number;
  readonly sequence: number;
  callback: (() => void) | null;
}

const defaultStartMs = 1_700_000_000_000;

/** A virtual clock that stands at `startMs` (default: a fixed day in November 2023). */
export function createVirtualClock(options: { startMs?: number } = {}): VirtualClock {
  const startMs = options.startMs ?? defaultStartMs;
  let timeMs = startMs;
  let sequence = 0;
  const heap = createTimerHeap();

  /** Fires all timers due at the next time; those they add wait for the microtasks of these. Returns how many. */
  const fireNext = (): number => {
    timeMs = Math.max(timeMs, heap.peek()!.dueAtMs);
    const firstAdded = sequence;
    let fired = 0;
    for (let timer = heap.peek(); timer && timer.dueAtMs <= timeMs; timer = heap.peek()) {
      if (timer.sequence >= firstAdded) break;
      heap.pop();
      const callback = timer.callback!;
      timer.callback = null;
      callback();
      fired++;
    }
    return fired;
  };

  const settle = async (busy?: () => boolean): Promise<void> => {
    // One turn of the event loop empties the queue of microtasks, however many of them add more.
    do await new Promise<void>((resolve) => setImmediate(resolve));
    while (busy?.());
  };

  const run = async ({
    until,
    untilMs = Number.POSITIVE_INFINITY,
    maxTimers = 10_000_000,
    busy,
  }: RunOptions): Promise<void> => {
    let fired = 0;
    for (;;) {
      await settle(busy);
      if (until?.()) return;
      const timer = heap.peek();
      if (!timer || timer.dueAtMs > untilMs) return;
      fired += fireNext();
      if (fired > maxTimers)
        throw new Error(`${maxTimers} timers fired and still not idle: a loop, or raise maxTimers`);
    }
  };

  const advanceTo = async (target: number): Promise<void> => {
    if (target < timeMs) throw new Error(`the clock stands at ${timeMs} and cannot go back to ${target}`);
    await run({ untilMs: target });
    timeMs = target;
  };

  return {
    // Whole milliseconds, as the system's clock gives them.
    nowMs: () => Math.floor(timeMs),
    monotonicMs: () => timeMs - startMs,
    setTimer(delayMs, callback) {
      const timer: Timer = { dueAtMs: timeMs + Math.max(0, delayMs), sequence: sequence++, callback };
      heap.push(timer);
      return () => {
        timer.callback = null;
        // Every poll sets a timer and most are cancelled: without this they would pile up until their time comes.
        heap.cancelled();
      };
    },
    nextTimerAt: () => heap.peek()?.dueAtMs ?? null,
    advanceTo,
    advanceBy: (durationMs) => advanceTo(timeMs + durationMs),
    settle,
    runUntilIdle: (runOptions = {}) => run(runOptions),
  };
}

/** Runs the clock until `running` has settled, and rejects as it does. False where everything came to rest before: something waits for ever. */
export async function runToEnd(clock: VirtualClock, running: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  running.then(end, end);
  await clock.runUntilIdle({ until: () => ended });
  if (ended) await running;
  return ended;
}

/** A binary heap of timers by time, then by order of insertion; rebuilt when most of it is cancelled. */
function createTimerHeap() {
  let items: Timer[] = [];
  let cancelledCount = 0;
  const before = (a: Timer, b: Timer): boolean =>
    a.dueAtMs < b.dueAtMs || (a.dueAtMs === b.dueAtMs && a.sequence < b.sequence);

  const sink = (from: number): void => {
    let i = from;
    for (;;) {
      const left = 2 * i + 1;
      if (left >= items.length) return;
      const child = left + 1 < items.length && before(items[left + 1]!, items[left]!) ? left + 1 : left;
      if (!before(items[child]!, items[i]!)) return;
      [items[i], items[child]] = [items[child]!, items[i]!];
      i = child;
    }
  };

  return {
    /** The next timer that is not cancelled. */
    peek(): Timer | undefined {
      while (items[0] && !items[0].callback) this.pop();
      return items[0];
    },
    push(timer: Timer): void {
      let i = items.push(timer) - 1;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (!before(items[i]!, items[parent]!)) break;
        [items[i], items[parent]] = [items[parent]!, items[i]!];
        i = parent;
      }
    },
    pop(): Timer | undefined {
      const top = items[0];
      const last = items.pop();
      if (last && items.length > 0) {
        items[0] = last;
        sink(0);
      }
      return top;
    },
    cancelled(): void {
      cancelledCount++;
      if (cancelledCount < 64 || cancelledCount * 2 < items.length) return;
      cancelledCount = 0;
      items = items.filter((timer) => timer.callback);
      for (let i = (items.length >> 1) - 1; i >= 0; i--) sink(i);
    },
  };
}
