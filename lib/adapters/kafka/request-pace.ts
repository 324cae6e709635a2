/**
 * How far apart requests of one kind are kept. A request costs this process and the broker nearly as much whether it carries one
 * record or ten, so the more records come, the more of them share one; a record that comes alone waits for nobody.
 */
import type { Clock } from '../../ports/clock';

/** The rate of records is that of about the last so many milliseconds. */
const memoryMs = 250;
/** From this rate on the gap is as long as it becomes. */
const fullRatePerMs = 0.3;
/** A shorter gap gathers nobody. */
const leastGapMs = 2;
/** What carries so many records needs no more of them: under full load requests fill up by themselves. */
const enoughRecords = 32;

export class RequestPace {
  private ratePerMs = 0;
  private countedMs: number;

  /** No gap is longer than `maxGapMs`. */
  constructor(
    private readonly clock: Clock,
    private readonly maxGapMs: number,
  ) {
    this.countedMs = clock.monotonicMs();
  }

  /** So many have come: records, or sends of any size. */
  count(records: number): void {
    this.ratePerMs = this.rateNow() + records / memoryMs;
    this.countedMs = this.clock.monotonicMs();
  }

  /** Milliseconds from one request to the next, where there are so many records for it, or were in the one before. */
  gapMs(records: number): number {
    if (records >= enoughRecords) return 0;
    const gapMs = Math.round(this.maxGapMs * Math.min(1, this.rateNow() / fullRatePerMs));
    return gapMs < leastGapMs ? 0 : gapMs;
  }

  private rateNow(): number {
    return this.ratePerMs * Math.exp((this.countedMs - this.clock.monotonicMs()) / memoryMs);
  }
}
