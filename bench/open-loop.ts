/** Requests that come when they come, however long answers take: only so does latency hold what a late answer costs those behind it. */
import { type Clock, sleep } from '../lib/ports/clock';

export interface OpenLoad<T> {
  /** Of those that were answered, in milliseconds from when each was due. */
  readonly latencies: readonly number[];
  /** In the order of the latencies. */
  readonly answers: readonly T[];
  readonly failures: readonly unknown[];
  readonly seconds: number;
}

/** Each client sends every clients / rate seconds, at its own phase: together evenly spread. `ask` is told how many came before. */
export async function openLoop<T>(
  clock: Clock,
  ratePerSecond: number,
  seconds: number,
  ask: (index: number) => Promise<T>,
): Promise<OpenLoad<T>> {
  const latencies: number[] = [];
  const answers: T[] = [];
  const failures: unknown[] = [];
  const total = Math.round(ratePerSecond * seconds);
  const startedMs = clock.monotonicMs();
  const pending: Promise<void>[] = [];
  for (let next = 0; next < total; ) {
    const dueCount = Math.min(total, Math.floor(((clock.monotonicMs() - startedMs) * ratePerSecond) / 1_000) + 1);
    for (; next < dueCount; next++) {
      const dueMs = startedMs + (next * 1_000) / ratePerSecond;
      pending.push(
        ask(next).then(
          (answer) => {
            latencies.push(clock.monotonicMs() - dueMs);
            answers.push(answer);
          },
          (error: unknown) => void failures.push(error),
        ),
      );
    }
    // A timer for each millisecond would cost as much CPU as sending the requests does.
    if (next < total)
      await sleep(clock, Math.max(1, Math.ceil(startedMs + (next * 1_000) / ratePerSecond - clock.monotonicMs())));
  }
  await Promise.all(pending);
  return { latencies, answers, failures, seconds: (clock.monotonicMs() - startedMs) / 1_000 };
}
