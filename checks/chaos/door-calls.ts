/**
 * Callers of the front door while things are broken: each wants an answer of a model, whatever is broken behind the door. A
 * caller who finds one gateway gone asks the next, as behind any load balancer, and where none is left waits for one to come
 * back; what a gateway has answered is never asked again.
 */
import { quantilesOf } from '../../lab/report/report';
import { type Clock, sleep } from '../../lib/ports/clock';

export interface DoorCallsOptions {
  readonly clock: Clock;
  /** Where each gateway is now; null where it is gone. */
  readonly gateways: readonly (() => string | null)[];
  readonly ratePerSecond: number;
  /** Before all gateways are asked once more, each time; the last one again and again. */
  readonly waitsMs: readonly number[];
}

/** With two gateways of which one is gone at a time; in all, longer than one takes to start. */
export const pairWaitsMs: readonly number[] = [0, 250, 500, 1_000, 2_000, 4_000, 8_000];

export interface DoorCalls {
  start(): void;
  /** From here on things are broken. */
  disturb(): void;
  /** Makes no more calls. */
  pause(): void;
  /** Resolves when every call has its answer or was given up. */
  untilAnswered(): Promise<void>;
  readonly made: readonly DoorCall[];
  /** Calls that were begun. */
  readonly asked: number;
}

export interface DoorCall {
  /** Time until the last byte of the answer; null where none came that is whole. */
  readonly tookMs: number | null;
  /** Why the engine had no say in it; null where it had, or nobody answered. */
  readonly degraded: string | null;
  /** In words, where there was no answer, or what was in its way. */
  readonly fault: string | null;
  /** Since the first call. */
  readonly madeAtMs: number;
  /** Whether it was answered before anything was broken. */
  readonly isCalm: boolean;
  /** Gateways that were asked. */
  readonly tries: number;
  /** What the gateway that answered says it took itself; null where none did. */
  readonly overheadMs: number | null;
}

/** What a caller allows for one call: whatever takes longer hangs. */
const callLimitMs = 240_000;
/** Of all calls, in time. */
export const leastAnswered = 0.999;

/** How long a call may take while things are broken, on a machine that does nothing else. */
const idleInTimeMs = 30_000;
/** On a busy machine longer, but never so long that a call that hangs would count. */
const mostInTimeMs = (callLimitMs * 3) / 4;

/**
 * How long a call may take while things are broken: on a machine that is busy with other work so many times longer as
 * things take longer there while nothing is broken, which took `calmMs`. Their median is `idleMs` on an idle machine.
 */
export function inTimeMs(calmMs: readonly number[], idleMs: number): number {
  const slowness = calmMs.length === 0 ? 1 : quantilesOf(calmMs).p50 / idleMs;
  return Math.min(mostInTimeMs, idleInTimeMs * Math.max(1, slowness));
}
const streamEvery = 2;
const tickMs = 20;

export function startDoorCalls(options: DoorCallsOptions): DoorCalls {
  const { clock, ratePerSecond } = options;
  const made: DoorCall[] = [];
  const underWay = new Set<Promise<void>>();
  const beganMs = clock.monotonicMs();
  let count = 0;
  let isCalm = true;
  let cancel: (() => void) | null = null;
  const callOne = (index: number): void => {
    const madeAtMs = Math.round(clock.monotonicMs() - beganMs);
    const calling = callDoor(options, index)
      .then((call) => void made.push({ ...call, madeAtMs, isCalm }))
      .finally(() => underWay.delete(calling));
    underWay.add(calling);
  };
  return {
    made,
    get asked() {
      return count;
    },
    start() {
      if (cancel) return;
      const startedMs = clock.monotonicMs();
      const before = count;
      const tick = (): void => {
        const due = Math.floor(((clock.monotonicMs() - startedMs) * ratePerSecond) / 1_000);
        while (count - before < due) callOne(count++);
        cancel = clock.setTimer(tickMs, tick);
      };
      cancel = clock.setTimer(0, tick);
    },
    disturb() {
      isCalm = false;
    },
    pause() {
      cancel?.();
      cancel = null;
    },
    async untilAnswered() {
      await Promise.all(underWay);
    },
  };
}

/** Answered within the limit ÷ all that were made; 1 without any. */
export function shareInTime(made: readonly DoorCall[], limitMs: number): number {
  const inTime = made.filter(({ tookMs }) => tookMs !== null && tookMs <= limitMs).length;
  return made.length === 0 ? 1 : inTime / made.length;
}

/** Those that were not answered in time, in words. */
export function lateCalls(made: readonly DoorCall[], limitMs: number): string[] {
  return made
    .filter(({ tookMs }) => tookMs === null || tookMs > limitMs)
    .map(({ tookMs, madeAtMs, tries, overheadMs, degraded, fault }) => {
      const took = tookMs === null ? 'no answer' : `${Math.round(tookMs)} ms`;
      return `${took}, asked at ${madeAtMs} ms, ${tries} tries, ${overheadMs ?? '?'} ms in the gateway${degraded ? `, ${degraded}` : ''}${fault ? `: ${fault}` : ''}`;
    });
}

async function callDoor(
  { clock, gateways, waitsMs }: DoorCallsOptions,
  index: number,
): Promise<Omit<DoorCall, 'madeAtMs' | 'isCalm'>> {
  const startedMs = clock.monotonicMs();
  const signal = AbortSignal.timeout(callLimitMs);
  const isStream = index % streamEvery === 0;
  const body = JSON.stringify({
    model: index % 3 === 0 ? 'auto/cheap' : 'auto',
    messages: [{ role: 'user', content: `Say fine, for the ${index}th time.` }],
    stream: isStream,
  });
  let fault: string | null = 'no gateway was there';
  let degraded: string | null = null;
  let overheadMs: number | null = null;
  let tries = 0;
  for (let round = 0; !signal.aborted; round++) {
    await sleep(clock, waitsMs[Math.min(round, waitsMs.length - 1)]!);
    for (let other = 0; other < gateways.length && !signal.aborted; other++) {
      const url = gateways[(index + round + other) % gateways.length]!();
      if (url === null) continue;
      tries += 1;
      try {
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
          signal,
        });
        const text = await response.text();
        degraded = response.headers.get('x-quantum-degraded');
        overheadMs = numberOf(response.headers.get('x-quantum-overhead-ms'));
        // A gateway that is just starting says so: to a caller it is not there yet.
        if (response.status === 503) fault = `503 ${text.slice(0, 200)}`;
        else if (isAnswer(response.status, text, isStream))
          return {
            tookMs: clock.monotonicMs() - startedMs,
            degraded,
            tries,
            overheadMs,
            fault: tries > 1 ? fault : null,
          };
        else return { tookMs: null, degraded, tries, overheadMs, fault: `${response.status} ${text.slice(0, 200)}` };
      } catch (error) {
        fault = `${(error as Error).message} ${String((error as Error).cause ?? '')}`;
      }
    }
  }
  return { tookMs: null, degraded, tries, overheadMs, fault };
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

function isAnswer(status: number, text: string, isStream: boolean): boolean {
  if (status !== 200) return false;
  return isStream ? text.includes('data: [DONE]') && !text.includes('"error"') : text.includes('"fine"');
}
