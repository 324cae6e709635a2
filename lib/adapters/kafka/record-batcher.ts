/**
 * Gathers sends into batches with one batch out at a time. Order is kept; a send that the broker refuses does not fail
 * those it was batched with; what waits is bounded.
 */
import { type Headers, TransientError } from '../../ports/broker';
import { type Clock, sleep } from '../../ports/clock';
import { RequestPace } from './request-pace';

/** A record that has its partition and is known to fit. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Headers;
  readonly timestampMs: number;
  /** As the broker counts it, near enough. */
  readonly bytes: number;
  /** Largest batch its topic takes. */
  readonly maxBatchBytes: number;
}

/** A send waits so long at most for others to go with it: a gateway with 300 requests/s asks for half as many writes. */
const maxGapMs = 5;

/** Makes the records durable and returns their offsets, in order. A TransientError when it may have failed only for now. */
export type DeliverBatch = (records: readonly PlacedRecord[]) => Promise<readonly number[]>;

export interface BatcherLimits {
  readonly lingerMs: number;
  readonly maxBatchRecords: number;
  /** Over all partitions of one request. */
  readonly maxBatchBytes: number;
  readonly maxQueuedRecords: number;
  readonly maxQueuedBytes: number;
}

interface QueuedSend {
  readonly records: readonly PlacedRecord[];
  readonly offsets: number[];
  /** Records already in a batch. */
  taken: number;
  /** Asked before its records are sent: an error ends the send. Groups have one, since their epochs end. */
  readonly refusal: (() => Error | null) | undefined;
  ended: boolean;
  readonly resolve: (offsets: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Part {
  readonly send: QueuedSend;
  readonly records: readonly PlacedRecord[];
}

export class RecordBatcher {
  private queue: QueuedSend[] = [];
  private queuedRecords = 0;
  private queuedBytes = 0;
  private pumping: Promise<void> | null = null;
  private readonly pace: RequestPace;
  /** When the last batch went out. */
  private sentMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly deliver: DeliverBatch,
    private readonly limits: BatcherLimits,
    private readonly clock: Clock,
  ) {
    this.pace = new RequestPace(clock, maxGapMs);
  }

  /** Resolves with the offsets when all records are durable. Rejects with a TransientError at once when too much waits already. */
  send(records: readonly PlacedRecord[], refusal?: () => Error | null): Promise<readonly number[]> {
    const { maxQueuedRecords, maxQueuedBytes } = this.limits;
    if (this.queuedRecords >= maxQueuedRecords || this.queuedBytes >= maxQueuedBytes) {
      const waiting = `${this.queuedRecords} records (${this.queuedBytes} bytes) wait to be sent to Kafka`;
      return Promise.reject(new TransientError(`${waiting}, and no more are taken; the broker is slow or gone`));
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ records, offsets: [], taken: 0, refusal, ended: false, resolve, reject });
      this.queuedRecords += records.length;
      if (!refusal) this.pace.count(1);
      for (const { bytes } of records) this.queuedBytes += bytes;
      this.pumping ??= this.pump().finally(() => {
        this.pumping = null;
      });
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.pumping) await this.pumping;
  }

  private async pump(): Promise<void> {
    // What else this turn of the event loop wants to send goes along.
    if (this.limits.lingerMs > 0) await sleep(this.clock, this.limits.lingerMs);
    else await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      await this.keepPace();
      const batch = this.nextBatch();
      this.sentMs = this.clock.monotonicMs();
      if (batch.length > 0) await this.deliverBatch(batch);
    }
  }

  /** What groups write waits for nothing: its records have gathered where they were read. */
  private async keepPace(): Promise<void> {
    if (this.queue.some(({ refusal }) => refusal)) return;
    const waitMs = this.sentMs + this.pace.gapMs(this.queue.length) - this.clock.monotonicMs();
    if (waitMs > 0) await sleep(this.clock, waitMs);
  }

  private nextBatch(): Part[] {
    const parts: Part[] = [];
    const room = new BatchRoom(this.limits);
    while (this.queue.length > 0) {
      const send = this.queue[0]!;
      const refused = send.ended ? null : (send.refusal?.() ?? null);
      if (refused) this.end(send, refused);
      if (!send.ended) {
        const from = send.taken;
        while (send.taken < send.records.length && room.take(send.records[send.taken]!)) send.taken++;
        if (send.taken > from) parts.push({ send, records: send.records.slice(from, send.taken) });
        if (send.taken < send.records.length) break;
      }
      this.queue.shift();
    }
    return parts;
  }

  private async deliverBatch(parts: readonly Part[]): Promise<void> {
    try {
      this.delivered(
        parts,
        await this.deliver(parts.length === 1 ? parts[0]!.records : parts.flatMap(({ records }) => records)),
      );
    } catch (error) {
      if (error instanceof TransientError || parts.length === 1) {
        for (const { send } of parts) this.end(send, error);
        return;
      }
      // One of them is to blame: each for itself.
      for (const part of parts) if (!part.send.ended) await this.deliverBatch([part]);
    }
  }

  private delivered(parts: readonly Part[], offsets: readonly number[]): void {
    let at = 0;
    for (const { send, records } of parts) {
      for (let i = 0; i < records.length; i++) send.offsets.push(offsets[at++]!);
      if (send.offsets.length === send.records.length) this.end(send, null);
    }
  }

  private end(send: QueuedSend, error: unknown): void {
    if (send.ended) return;
    send.ended = true;
    this.queuedRecords -= send.records.length;
    for (const { bytes } of send.records) this.queuedBytes -= bytes;
    if (error === null) send.resolve(send.offsets);
    else send.reject(error);
  }
}

/** What still fits into a request: there is one batch per partition in it, and topics limit the size of a batch. */
export class BatchRoom {
  private records = 0;
  private bytes = 0;
  private readonly partitionBytes = new Map<string, number>();

  constructor(private readonly limits: Pick<BatcherLimits, 'maxBatchRecords' | 'maxBatchBytes'>) {}

  take(record: PlacedRecord): boolean {
    const key = `${record.partition}/${record.topic}`;
    const inPartition = (this.partitionBytes.get(key) ?? 0) + record.bytes;
    if (this.records > 0) {
      if (this.records >= this.limits.maxBatchRecords || this.bytes + record.bytes > this.limits.maxBatchBytes)
        return false;
      if (inPartition > record.maxBatchBytes) return false;
    }
    this.records++;
    this.bytes += record.bytes;
    this.partitionBytes.set(key, inPartition);
    return true;
  }
}
