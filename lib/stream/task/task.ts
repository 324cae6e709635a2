/**
 * One partition number of one group, for one epoch: restores its stages, then fetches, lets each stage decide, hands on
 * what stages emit for each other, writes, and at commit points flushes. All of a partition's work happens here, one batch
 * at a time. No record can end a task. What does end it is the broker, before anything past the failure is committed.
 */

import { type LogRecord, type OutgoingRecord, type PartitionConsumer, StaleEpochError } from '../../ports/broker';
import { sleep } from '../../ports/clock';
import { restoreTask } from './restore-task';
import type { StageMemory } from './stage-memory';
import { isMarked, retryCounted, StageRun, type StageTask } from './stage-run';
import type { TaskSurroundings } from './task-surroundings';

/** A timer that fires so much after its time is not late: timers of a busy process are. */
const usualLatenessMs = 20;
/** What a stall is made up for with at most; a request waits so much longer, and its caller for seconds. */
const maxGraceMs = 100;
/** How often stages take turns within one batch; a graph that goes on in circles continues with the next batch. */
const maxRounds = 8;
/** A group that gathers takes so many times as long for it as its last transaction took, so that writes take at most a fifth of its time. */
const gatherPerWrite = 4;
/** No record waits longer for others, however slow the broker is. */
const maxGatherMs = 400;
/** By so much more than time has passed the wall clock goes forward or back when it is set, or the machine has slept. */
const leastClockStepMs = 1_000;
/** How often it is asked how far the topics are written that are handed on, where a write does not say so; a restart reads again what came since. */
const endsIntervalMs = 1_000;

export class Task implements StageTask {
  readonly stages: readonly StageRun[];
  outgoing: OutgoingRecord[] = [];
  readonly mark: string;
  /** Next offset to read, by topic name; of a topic that is handed on, one up to which the stages have seen everything. */
  private readonly positions = new Map<string, number>();
  /** Until everything is restored stages have not seen all that is written. */
  private isRestored = false;
  private endsAskedMs = Number.NEGATIVE_INFINITY;
  /** Whether a commit would move positions of what is handed on. */
  private endsMoved = false;
  /** When the oldest thing that a commit would make durable was done; null when there is none. */
  private uncommittedSinceMs: number | null = null;
  /** When the positions were last written. */
  private committedAtMs = Number.NEGATIVE_INFINITY;
  /** How long the last write took. */
  private writeTookMs = 0;
  /** Records that have been read since the last commit. */
  private uncommittedRecords = 0;
  private nowMs = 0;
  /** What both clocks showed when they were last looked at. */
  private clockMs: { readonly wallMs: number; readonly monotonicMs: number } | null = null;
  /** The wall clock when the loop last looked at it; timers due before that are late for another reason than a stall. */
  private lookedAtMs = Number.POSITIVE_INFINITY;
  /** While a stall is made up for no timer fires, until this monotonic time. */
  private graceUntilMs: number | null = null;
  private stopping = false;
  private abandoned = false;

  constructor(
    private readonly around: TaskSurroundings,
    readonly consumer: PartitionConsumer,
    /** Of this partition, as the plan has its stages. */
    memories: readonly StageMemory[],
  ) {
    this.mark = `${consumer.partition}-${around.host.clock.nowMs()}`;
    this.stages = around.stages.map((stage, at) => new StageRun(stage, this, memories[at]!));
  }

  get partition(): number {
    return this.consumer.partition;
  }

  isStale(): boolean {
    return this.abandoned || this.consumer.isStale();
  }

  assertOurs(): void {
    if (this.abandoned) throw new StaleEpochError(this.around.plan.name, this.partition, this.consumer.epoch);
  }

  progressed(): void {
    this.uncommittedSinceMs ??= this.around.host.clock.monotonicMs();
  }

  /** Finish the batch in hand, flush, commit, end. */
  stop(): void {
    this.stopping = true;
    if (!this.consumer.isStale()) this.consumer.wake();
  }

  /** End without writing anything more: something has failed, and what is not committed will be read again. */
  abandon(): void {
    this.abandoned = true;
    this.stop();
  }

  /** Runs until stopped. Rejects with StaleEpochError when the partition is no longer ours, with anything else when the group must stop. */
  async run(onRestored: () => void): Promise<void> {
    const { maxBatchRecords } = this.around.plan;
    await this.restore();
    this.assertOurs();
    onRestored();
    while (!this.stopping) {
      const records = await this.fetch();
      this.assertOurs();
      await this.turn(records, { withTimers: records.length < maxBatchRecords });
    }
    for (const stage of this.stages) await stage.stopProcessors();
    await this.writeRest();
  }

  /** Everything between two polls. */
  private async turn(records: readonly LogRecord[], { withTimers }: { withTimers: boolean }): Promise<void> {
    this.lookAtClock();
    try {
      await this.handle(records);
      // Timers only once everything fetched is decided: a late record that is already here still counts.
      if (withTimers && !this.makesUpForStall()) for (const stage of this.stages) stage.fireDue();
      for (const stage of this.stages) stage.closeEarly();
      await this.handOn();
      await this.write(false);
      for (const stage of this.stages) stage.endTrace();
    } catch (error) {
      for (const stage of this.stages) stage.failTrace(error);
      throw error;
    }
  }

  private lookAtClock(): void {
    const { clock } = this.around.host;
    const [nowMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
    const setByMs = this.clockMs && Math.round(nowMs - this.clockMs.wallMs - (monotonicMs - this.clockMs.monotonicMs));
    this.clockMs = { wallMs: nowMs, monotonicMs };
    this.nowMs = nowMs;
    for (const stage of this.stages) {
      stage.nowMs = nowMs;
      if (setByMs !== null && Math.abs(setByMs) > leastClockStepMs) stage.clockWasSet(setByMs);
    }
  }

  /** The next batch: as soon as something is there or due, or some time after that for a group that gathers. */
  private async fetch(): Promise<readonly LogRecord[]> {
    const { host, plan } = this.around;
    const { maxBatchRecords, lingerMs } = plan;
    const topics = this.wiresToPoll();
    const poll = (maxRecords: number, maxWaitMs: number) =>
      this.consumer.poll({ maxRecords, maxWaitMs, ...(topics && { topics }) });
    const first = await poll(maxBatchRecords, this.waitMs());
    if (lingerMs === 0 || first.length === 0 || first.length >= maxBatchRecords || this.stopping) return first;
    await sleep(host.clock, this.gatherMs(lingerMs));
    if (this.stopping) return first;
    const more = await poll(maxBatchRecords - first.length, 0);
    return more.length > 0 ? [...first, ...more] : first;
  }

  /**
   * At least `lingerMs`. A transaction is a dozen requests for the broker, whether one record is in it or fifty: where every write is
   * one, more records share it the longer it takes. Elsewhere a slow write says that this process is busy, and gathering helps nobody.
   */
  private gatherMs(lingerMs: number): number {
    if (this.around.host.delivery !== 'exactly-once') return lingerMs;
    return Math.max(lingerMs, Math.min(maxGatherMs, gatherPerWrite * this.writeTookMs));
  }

  /** Null: all inputs. What is handed on is not polled, and neither is what feeds a table that is full. */
  private wiresToPoll(): readonly string[] | null {
    const { polled, wires, pausedWires } = this.around.plan;
    if (!this.stages.some((stage) => stage.isFull)) return polled.size === wires.length ? null : [...polled.keys()];
    return [...polled.keys()].filter(
      (wire) => !this.stages.some((stage, at) => stage.isFull && pausedWires[at]!.has(wire)),
    );
  }

  private async handle(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const { stages } = this;
    if (stages.length === 1) await stages[0]!.handlePolled(records);
    else {
      const batches = this.batchesOf(records);
      for (const [at, stage] of stages.entries()) {
        if (batches[at]!.length > 0) await stage.handlePolled(batches[at]!);
        if (stage.hasArrivals) await stage.handleArrivals();
      }
    }
    this.advance(records);
  }

  /** What has been polled, by the stages that read it; without what one of them has written and handed on itself. */
  private batchesOf(records: readonly LogRecord[]): LogRecord[][] {
    const { polled } = this.around.plan;
    const batches: LogRecord[][] = this.stages.map(() => []);
    for (const record of records) {
      const readers = polled.get(record.topic)!;
      if (isMarked(record, this.mark)) continue;
      for (const at of readers) batches[at]!.push(record);
    }
    return batches;
  }

  /** Until no stage has anything more from the others. */
  private async handOn(): Promise<void> {
    for (let round = 0; round < maxRounds && this.stages.some((stage) => stage.hasArrivals); round++) {
      for (const stage of this.stages) if (stage.hasArrivals) await stage.handleArrivals();
    }
  }

  /**
   * Whether timers wait a little although some are due: the process stood still past their time, and with it whoever was
   * to write what they wait for. What has been written meanwhile is fetched and decided first.
   */
  private makesUpForStall(): boolean {
    const { clock } = this.around.host;
    const { nowMs } = this;
    const since = this.lookedAtMs;
    this.lookedAtMs = nowMs;
    if (this.graceUntilMs !== null) {
      if (clock.monotonicMs() < this.graceUntilMs) return true;
      this.graceUntilMs = null;
      return false;
    }
    const dueAtMs = this.nextDueAtMs();
    if (dueAtMs === null || dueAtMs < since || nowMs - dueAtMs <= usualLatenessMs) return false;
    this.graceUntilMs = clock.monotonicMs() + Math.min(nowMs - dueAtMs, maxGraceMs);
    return true;
  }

  private nextDueAtMs(): number | null {
    let next: number | null = null;
    for (const stage of this.stages) {
      const dueAtMs = stage.nextDueAtMs();
      if (dueAtMs !== null && (next === null || dueAtMs < next)) next = dueAtMs;
    }
    return next;
  }

  private waitMs(): number {
    const { clock, limits } = this.around.host;
    if (this.stages.some((stage) => stage.hasArrivals)) return 0;
    let waitMs = limits.idleWaitMs;
    const dueAtMs = this.nextDueAtMs();
    if (this.graceUntilMs !== null) waitMs = Math.min(waitMs, this.graceUntilMs - clock.monotonicMs());
    else if (dueAtMs !== null) waitMs = Math.min(waitMs, dueAtMs - clock.nowMs());
    return Math.max(0, Math.ceil(Math.min(waitMs, this.commitInMs())));
  }

  /**
   * A commit costs much the same for one record as for many, and few are soon decided again. A row that changes more than once
   * until then is written once.
   */
  private commitIntervalMs(): number {
    const { host, plan } = this.around;
    const { fewRecords, fewGatheredRecords, patientCommitIntervalMs, commitIntervalMs } = host.limits;
    const few = plan.lingerMs > 0 ? fewGatheredRecords : fewRecords;
    return this.uncommittedRecords < few ? patientCommitIntervalMs : commitIntervalMs;
  }

  /** Time until the next commit point: 0 or less when it has come, infinite when there is nothing to commit. */
  private commitInMs(): number {
    const { clock } = this.around.host;
    if (this.uncommittedSinceMs === null) return Number.POSITIVE_INFINITY;
    const intervalMs = this.commitIntervalMs();
    // On multiples of the interval: the tasks of a process commit together, which an embedded store makes one transaction.
    const intervals = Math.floor(this.uncommittedSinceMs / intervalMs) + 1;
    return intervals * intervalMs - clock.monotonicMs();
  }

  private async restore(): Promise<void> {
    const { around, consumer, stages, positions } = this;
    const left = await restoreTask({ around, consumer, stages, positions, assertOurs: () => this.assertOurs() });
    this.lookAtClock();
    // What an earlier task, or the same stages each by itself, have written and not all stages have seen.
    for await (const records of left) {
      this.assertOurs();
      await this.catchUp(records);
    }
    this.isRestored = true;
    this.takeEnds();
  }

  /** Timers wait until everything is there. */
  private async catchUp(records: readonly LogRecord[]): Promise<void> {
    this.lookAtClock();
    for (const stage of this.stages) {
      const own = records.filter(({ topic }) => stage.plan.inputs.has(topic));
      if (own.length > 0) await stage.handlePolled(own);
    }
    this.advance(records);
    await this.handOn();
    await this.write(false);
  }

  /** Positions move in memory only; a commit makes them durable. */
  private advance(records: readonly LogRecord[]): void {
    const { topicPrefix } = this.around.host;
    // Offsets grow within a topic: the last record of each counts.
    const seen = new Set<string>();
    for (let i = records.length - 1; i >= 0; i--) {
      const { topic: wire, offset } = records[i]!;
      if (seen.has(wire)) continue;
      seen.add(wire);
      this.positions.set(wire.slice(topicPrefix.length), offset + 1);
    }
    this.uncommittedRecords += records.length;
    this.progressed();
  }

  /** Writes what was emitted; at a commit point also the changed rows and the positions, in the same write. */
  private async write(ending: boolean): Promise<void> {
    const { host, plan } = this.around;
    const commitIsDue = ending ? this.uncommittedSinceMs !== null : this.commitInMs() <= 0;
    // Outputs that are to be there once need the positions they were made from in the same write.
    const atOnce = this.uncommittedSinceMs !== null && this.takesRowsAlong();
    const flushes = commitIsDue || atOnce;
    if (this.outgoing.length === 0 && !flushes) return;
    this.assertOurs();
    // Rows say which positions they reflect, and a restart goes by that; what the group knows may follow at the next commit point,
    // or with a write that comes as long after the last one.
    const nowMs = host.clock.monotonicMs();
    const mayFollow = plan.rowsTellPositions && nowMs - this.committedAtMs < host.limits.commitIntervalMs;
    const commits = commitIsDue || (flushes && !mayFollow);
    const positions = commits ? this.wirePositions() : null;
    const rows: OutgoingRecord[] = [];
    if (flushes) for (const stage of this.stages) stage.flush(rows, this.positionsOf(stage));
    if (commits) this.endsMoved = false;
    // With the letters of rows that were put aside.
    await this.send(this.takeOutgoing(), rows, positions);
    if (commits) {
      this.committedAtMs = nowMs;
      this.uncommittedSinceMs = null;
      this.uncommittedRecords = 0;
    }
    const asks = this.isRestored && !this.consumer.writtenUpTo;
    if (asks && commits && host.clock.monotonicMs() - this.endsAskedMs >= endsIntervalMs) void this.askEnds();
  }

  private takesRowsAlong(): boolean {
    const { host, plan } = this.around;
    if (host.delivery === 'exactly-once') return this.outgoing.length > 0;
    return plan.writtenWithRows.size > 0 && this.outgoing.some(({ topic }) => plan.writtenWithRows.has(topic));
  }

  async writeAhead(): Promise<void> {
    if (this.outgoing.length > 0) await this.send(this.takeOutgoing(), [], null);
  }

  private async send(
    records: readonly OutgoingRecord[],
    rows: readonly OutgoingRecord[],
    positions: ReadonlyMap<string, number> | null,
  ): Promise<void> {
    const { host, plan } = this.around;
    const startedMs = host.elapsedMs();
    const sentMs = host.clock.monotonicMs();
    const offsets = await retryCounted(host, plan.name, 'write', () =>
      this.consumer.write({ records, rows, ...(positions && { positions }) }),
    );
    this.writeTookMs = host.clock.monotonicMs() - sentMs;
    if (this.isRestored) this.takeEnds();
    const tookSeconds = (host.elapsedMs() - startedMs) / 1_000;
    for (const stage of this.stages) stage.written(tookSeconds, rows, offsets);
  }

  /** The last write of all: nothing is under way, so the next task need not read anything twice. */
  private async writeRest(): Promise<void> {
    await this.handOn();
    if (this.around.plan.handed.length > 0) {
      if (this.outgoing.length > 0) await this.write(false);
      if (!this.consumer.writtenUpTo) await this.askEnds();
      if (this.endsMoved) this.progressed();
    }
    await this.write(true);
  }

  private takeOutgoing(): OutgoingRecord[] {
    const records = this.outgoing;
    this.outgoing = [];
    return records;
  }

  /** As `askEnds`, where the consumer knows. */
  private takeEnds(): void {
    for (const { wire, topic, passage } of this.around.plan.handed) {
      const end = passage === 'hand' ? (this.consumer.writtenUpTo?.(wire) ?? null) : null;
      if (end !== null) this.moveEnd(topic.name, end);
    }
  }

  private moveEnd(name: string, end: number): void {
    if (end <= (this.positions.get(name) ?? 0)) return;
    this.positions.set(name, end);
    this.endsMoved = true;
  }

  /**
   * How far the topics are written that are handed on. Stages have seen everything in them before it is written, so their
   * end, whenever it was asked for, is a position that the rows of any later flush reflect. Where it cannot be had, a
   * restart reads more again.
   */
  private async askEnds(): Promise<void> {
    const { host, plan } = this.around;
    this.endsAskedMs = host.clock.monotonicMs();
    for (const { wire, topic, passage } of plan.handed) {
      if (passage !== 'hand') continue;
      try {
        const { end } = await host.broker.offsets({ topic: wire, partition: this.partition });
        this.moveEnd(topic.name, end);
      } catch (error) {
        host.log.debug('the end of a topic cannot be had now', { topic: wire, error: error as Error });
      }
    }
  }

  private positionsOf({ plan, reflected }: StageRun): ReadonlyMap<string, number> {
    const positions = new Map<string, number>();
    for (const { topic } of plan.inputs.values()) {
      const position = this.positions.get(topic.name);
      // While the task catches up, the rows of a stage may reflect more than the task has read again.
      if (position !== undefined) positions.set(topic.name, Math.max(position, reflected.get(topic.name) ?? 0));
    }
    return positions;
  }

  private wirePositions(): Map<string, number> {
    const { topicPrefix } = this.around.host;
    return new Map([...this.positions].map(([name, position]) => [topicPrefix + name, position]));
  }
}
