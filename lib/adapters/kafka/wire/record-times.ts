/**
 * The time that records carry. Kafka refuses records from more than an hour in the future (`message.timestamp.after.max.ms`),
 * and says nothing about what time it is there. So a machine whose clock is ahead sets its records back, by more and more
 * until Kafka takes them, and says so: a clock that is wrong must not end a service.
 */
import type { Clock } from '../../../ports/clock';
import type { Log } from '../../../telemetry/log';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** 2^20 hours: the year 1907. */
const maxSteps = 20;

export class RecordTimes {
  /** By how much this machine's clock is believed to be ahead. */
  private aheadMs = 0;
  /** What the wall clock was ahead of the monotonic one when that was found. */
  private offsetMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** For records that were given no time. */
  nowMs(): number {
    // Somebody has set the clock: what was found no longer holds.
    if (this.aheadMs > 0 && Math.abs(this.offset() - this.offsetMs) > minuteMs) this.aheadMs = 0;
    return Math.max(0, this.clock.nowMs() - this.aheadMs);
  }

  /**
   * A time to try after Kafka has refused the times of a batch for the `refusals`th time; null when there is none. The
   * first refusal may be the fault of a time that came from outside: the batch gets the time of now. After that the clock
   * is to blame.
   */
  afterRefusal(topic: string, refusals: number): number | null {
    if (refusals === 1) {
      this.log.warn('Kafka refuses the time of records that are passed on: they get the time of now', { topic });
      return this.nowMs();
    }
    if (refusals > maxSteps) return null;
    this.aheadMs = Math.max(this.aheadMs, hourMs * 2 ** (refusals - 2));
    this.offsetMs = this.offset();
    this.log.error('Kafka refuses the time of records: check this clock, it is ahead of the brokers’', {
      topic,
      clock: new Date(this.clock.nowMs()).toISOString(),
      recordsSetBackMs: this.aheadMs,
    });
    return this.nowMs();
  }

  private offset(): number {
    return this.clock.nowMs() - this.clock.monotonicMs();
  }
}
