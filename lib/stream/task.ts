/**
 * One partition number of one service, for one epoch: restores its state, then fetch, decode, look up, decide, write,
 * and at commit points flush. All of a partition's work happens here, one batch at a time. No record can end a task: one
 * that makes a step throw is put aside as a dead letter, nothing of it applied. What does end it is the broker, before
 * anything past the failure is committed.
 */
import { UndecodableError } from '../avro/codec';
import {
  type LogRecord,
  type OutgoingRecord,
  type PartitionConsumer,
  StaleEpochError,
  TransientError,
} from '../ports/broker';
import { sleep } from '../ports/clock';
import type { KeyValueEntry } from '../ports/key-value';
import { partitionOf } from '../topics/partition-of';
import { type DeadLetterAlarm, deadLetterOf } from './dead-letters';
import type { DueInput, Emit, Input, ProcessInput, Result, View } from './define-service';
import { placeOf, reasonOf } from './describe-failure';
import type { Host } from './host';
import { createRecentIds, type RecentIds } from './recent-ids';
import { sizeOf } from './record-size';
import type { Rememberer } from './remember';
import { restoreTask } from './restore-task';
import { retryTransient } from './retry';
import { encodeEmit, type InputPlan, type OutputPlan, type ServicePlan } from './service-plan';
import { BatchFailedError, type Suspects } from './suspects';
import { TaskContext } from './task-context';
import { createTaskTable, type TaskTable } from './task-table';
import { TaskTrace } from './task-trace';

// biome-ignore lint/suspicious/noExplicitAny: event, row and look-up types belong to the declarations
type Any = any;

/** What the tasks of one service share. */
export interface TaskSurroundings {
  readonly plan: ServicePlan;
  readonly host: Host;
  /** By topic name, caught up. */
  readonly views: ReadonlyMap<string, View<unknown>>;
  readonly alarm: DeadLetterAlarm;
  readonly rememberer: Rememberer;
  /** Of the processors' records; outlives restarts of the service. */
  readonly suspects: Suspects;
}

/** Header of a record that was sent on to the partition of its key; it is never sent on again. */
export const forwardedHeader = 'forwarded';
/** A timer that fires so much after its time is not late: timers of a busy process are. */
const usualLatenessMs = 20;
/** What a stall is made up for with at most; a request waits so much longer, and its caller for seconds. */
const maxGraceMs = 100;
/** In place of an event that needs no decision: undecodable, forwarded, empty, or put aside. */
const settled = Symbol('settled');
const noEmits: readonly Emit[] = [];
const maxLoggedLength = 300;
const failureOf: Record<Step, string> = {
  decode: 'reading it failed',
  'look-up': 'the look-up failed',
  decide: 'the decision failed',
  process: 'processing it failed',
  timer: 'its timer failed',
  row: 'the row cannot be kept',
};
/** In place of an event that is read only if its key has a row once the records before it are decided. */
const unread = Symbol('unread');

/** A step that a record or a row has made throw. */
type Step = 'decode' | 'look-up' | 'decide' | 'process' | 'timer' | 'row';

/** What an emit has become, not yet among what will be written. */
interface Staged {
  readonly output: OutputPlan;
  readonly record: OutgoingRecord;
  /** Where the output is the service's own and the id is new. */
  readonly ownId: string | null;
}

/** In place of what a look-up found for an event. */
class LookupFailure {
  constructor(readonly error: unknown) {}
}

/** Errors that say the world is at fault, not the record: everything waits, and nothing is put aside. */
function isOfTheWorld(error: unknown): boolean {
  return error instanceof TransientError || error instanceof StaleEpochError;
}

export class Task {
  private readonly group: string;
  private readonly context: TaskContext;
  private readonly table: TaskTable<Any> | null;
  private readonly ownIds: RecentIds | null;
  private readonly trace: TaskTrace;
  /** Next offset to read, by topic name. */
  private readonly positions = new Map<string, number>();
  /** When the oldest thing that a commit would make durable was done; null when there is none. */
  private uncommittedSinceMs: number | null = null;
  private outgoing: OutgoingRecord[] = [];
  private readonly outgoingCounts = new Map<OutputPlan, number>();
  private remembered: KeyValueEntry[] = [];
  private deadLettersInBatch = 0;
  /** The wall clock when the loop last looked at it; timers due before that are late for another reason than a stall. */
  private lookedAtMs = Number.POSITIVE_INFINITY;
  /** While a stall is made up for no timer fires, until this monotonic time. */
  private graceUntilMs: number | null = null;
  private stopping = false;
  private abandoned = false;

  constructor(
    private readonly around: TaskSurroundings,
    private readonly consumer: PartitionConsumer,
  ) {
    const { plan, host, views } = around;
    const { group, table, ownOutput } = plan.definition;
    this.group = group;
    this.ownIds = ownOutput ? createRecentIds(ownOutput.maxIds) : null;
    this.trace = new TaskTrace(group, this.partition, { rowsKeepTrace: table?.rowsKeepTrace ?? false });
    this.context = new TaskContext(host, group, this.partition, views, (id) => this.ownIds?.has(id) ?? false);
    this.table = table
      ? createTaskTable(table, {
          topic: host.topicPrefix + table.topic.name,
          partition: this.partition,
          ownerEpoch: consumer.ownerEpoch,
          maxRecordBytes: plan.maxRowBytes,
        })
      : null;
  }

  get partition(): number {
    return this.consumer.partition;
  }

  isStale(): boolean {
    return this.abandoned || this.consumer.isStale();
  }

  get rows(): number {
    return this.table?.size ?? 0;
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

  /** Runs until stopped. Rejects with StaleEpochError when the partition is no longer ours, with anything else when the service must stop. */
  async run(onRestored: () => void): Promise<void> {
    const { host, plan } = this.around;
    const { maxBatchRecords } = plan;
    await this.restore();
    this.assertOurs();
    onRestored();
    while (!this.stopping) {
      const records = await this.fetch();
      this.assertOurs();
      this.context.nowMs = host.clock.nowMs();
      try {
        if (records.length > 0) await this.handle(records);
        // Timers only once everything fetched is decided: a late record that is already here still counts.
        if (records.length < maxBatchRecords && !this.makesUpForStall()) this.fireDue();
        this.closeEarly();
        await this.write(false);
        this.trace.end();
      } catch (error) {
        this.trace.fail(error);
        throw error;
      }
    }
    await this.stopProcessors();
    await this.write(true);
  }

  /** The next batch: as soon as something is there or due, or `lingerMs` after that for a service that gathers. */
  private async fetch(): Promise<readonly LogRecord[]> {
    const { host, plan } = this.around;
    const { maxBatchRecords } = plan;
    const { lingerMs, table } = plan.definition;
    const full = table !== undefined && this.table!.size >= table.maxRows;
    const poll = (maxRecords: number, maxWaitMs: number) =>
      this.consumer.poll({ maxRecords, maxWaitMs, ...(full && { topics: plan.unpausedWires }) });
    const first = await poll(maxBatchRecords, this.waitMs());
    if (lingerMs === 0 || first.length === 0 || first.length >= maxBatchRecords || this.stopping) return first;
    await sleep(host.clock, lingerMs);
    if (this.stopping) return first;
    const more = await poll(maxBatchRecords - first.length, 0);
    return more.length > 0 ? [...first, ...more] : first;
  }

  private assertOurs(): void {
    if (this.abandoned) throw new StaleEpochError(this.group, this.partition, this.consumer.epoch);
  }

  /**
   * Whether timers wait a little although some are due: the process stood still past their time, and with it whoever was
   * to write what they wait for. What has been written meanwhile is fetched and decided first.
   */
  private makesUpForStall(): boolean {
    const { clock } = this.around.host;
    const { nowMs } = this.context;
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
    return this.around.plan.due ? (this.table?.due.nextAtMs() ?? null) : null;
  }

  private waitMs(): number {
    const { clock, limits } = this.around.host;
    let waitMs = limits.idleWaitMs;
    const dueAtMs = this.nextDueAtMs();
    if (this.graceUntilMs !== null) waitMs = Math.min(waitMs, this.graceUntilMs - clock.monotonicMs());
    else if (dueAtMs !== null) waitMs = Math.min(waitMs, dueAtMs - clock.nowMs());
    return Math.max(0, Math.ceil(Math.min(waitMs, this.commitInMs())));
  }

  /** Time until the next commit point: 0 or less when it has come, infinite when there is nothing to commit. */
  private commitInMs(): number {
    const { clock, limits } = this.around.host;
    if (this.uncommittedSinceMs === null) return Number.POSITIVE_INFINITY;
    // On multiples of the interval: the tasks of a process commit together, which an embedded store makes one transaction.
    const intervals = Math.floor(this.uncommittedSinceMs / limits.commitIntervalMs) + 1;
    return intervals * limits.commitIntervalMs - clock.monotonicMs();
  }

  private async restore(): Promise<void> {
    const { around, consumer, table, ownIds, positions } = this;
    await restoreTask({ around, consumer, table, ownIds, positions, assertOurs: () => this.assertOurs() });
    this.context.nowMs = around.host.clock.nowMs();
  }

  private async handle(records: readonly LogRecord[]): Promise<void> {
    const { host, plan } = this.around;
    const startedMs = host.elapsedMs();
    plan.metrics.observeBatch(records.length);
    this.deadLettersInBatch = 0;
    this.beginTrace(records);
    const events = this.decode(records);
    const lookups = await this.lookUp(records, events);
    this.trace.mark('looked up');
    this.decideAll(records, events, lookups);
    this.trace.mark('decided');
    plan.metrics.observeDecideSeconds((host.elapsedMs() - startedMs) / 1_000);
    for (const inputPlan of plan.inputs.values()) {
      if (inputPlan.input.kind === 'process') await this.process(inputPlan, inputPlan.input, records, events);
    }
    this.around.alarm.batch(records.length, this.deadLettersInBatch);
    this.advance(records);
  }

  private beginTrace(records: readonly LogRecord[]): void {
    try {
      this.trace.begin(records.filter((record) => !this.isPassedOver(record)));
    } catch (error) {
      // A batch that cannot be traced is handled all the same.
      this.trace.fail(error);
    }
  }

  private decode(records: readonly LogRecord[]): unknown[] {
    const { inputs } = this.around.plan;
    return records.map((record) => {
      const { input } = inputs.get(record.topic)!;
      return input.kind === 'on' && input.knownKeysOnly ? unread : this.read(record);
    });
  }

  private read(record: LogRecord): unknown {
    const { input, topic } = this.around.plan.inputs.get(record.topic)!;
    if (record.value === null) {
      if (topic.kind === 'table') this.drop('tombstone');
      else this.deadLetter(record, 'the record has no value', null);
      return settled;
    }
    try {
      const event: unknown = topic.codec.decode(record.value);
      return input.kind === 'on' && input.forwardMisplaced && this.forward(record, topic.keyOf(event))
        ? settled
        : event;
    } catch (error) {
      if (error instanceof UndecodableError) this.deadLetter(record, error.message, null);
      else this.putAside(record, 'decode', error);
      return settled;
    }
  }

  /** Whether a record is of a key without a row, and its input wants only those with one. */
  private isPassedOver({ topic, key }: LogRecord): boolean {
    const { input } = this.around.plan.inputs.get(topic)!;
    if (input.kind !== 'on' || !input.knownKeysOnly) return false;
    return key === null || this.table?.get(key) === undefined;
  }

  /** Sends a record that a foreign client hashed elsewhere on to the partition of its key. False when it may stay. */
  private forward(record: LogRecord, key: string): boolean {
    const { plan, host } = this.around;
    const partition = partitionOf(key, plan.partitions);
    // Once only: where two clients cannot agree on the hash, the record is handled where it is.
    if (partition === this.partition || record.headers[forwardedHeader] !== undefined) return false;
    const { topic, value } = record;
    const forwarded = { topic, partition, key, value, headers: { ...record.headers, [forwardedHeader]: '1' } };
    // Where the header makes it too large, the record is handled where it is, too.
    if (sizeOf(forwarded) > plan.inputs.get(topic)!.maxRecordBytes) return false;
    const timestampMs = record.timestampMs >= 0 ? record.timestampMs : this.context.nowMs;
    this.outgoing.push({ ...forwarded, timestampMs });
    host.metrics.count('quantum_router_forwarded_total', {
      service: this.group,
      topic: plan.inputs.get(topic)!.topic.name,
    });
    return true;
  }

  /** The results of all look-ups, by record; undefined where the input has none. */
  private async lookUp(records: readonly LogRecord[], events: unknown[]): Promise<unknown[] | null> {
    const { plan, host } = this.around;
    let looked: unknown[] | null = null;
    for (const { input, topic, wire } of plan.inputs.values()) {
      if (input.kind !== 'on' || !input.lookup) continue;
      const indexes: number[] = [];
      for (let i = 0; i < records.length; i++) if (records[i]!.topic === wire && events[i] !== settled) indexes.push(i);
      if (indexes.length === 0) continue;
      const startedMs = host.elapsedMs();
      this.context.topic = topic.name;
      const asked = indexes.map((i) => events[i]);
      const found = await this.askAll(input.lookup, topic.name, asked);
      looked ??= new Array(records.length);
      for (let i = 0; i < indexes.length; i++) {
        const one = found[i];
        const at = indexes[i]!;
        if (one instanceof LookupFailure) {
          this.putAside(records[at]!, 'look-up', one.error);
          events[at] = settled;
        } else looked[at] = one;
      }
      host.metrics.observe(
        'quantum_router_lookup_seconds',
        { service: this.group, topic: topic.name },
        (host.elapsedMs() - startedMs) / 1_000,
      );
    }
    return looked;
  }

  /** What the look-up finds for each event. A batch at which it throws is asked for in halves, down to the event at fault. */
  private async askAll(
    lookup: NonNullable<Input<Any, Any, Any>['lookup']>,
    topic: string,
    asked: readonly unknown[],
  ): Promise<readonly unknown[]> {
    try {
      const found = await this.retry('lookup', () => lookup(asked, this.context));
      this.assertOurs();
      if (found.length === asked.length) return found;
      const counts = `${found.length} results for ${asked.length} events`;
      throw new Error(`service ${this.group}: the look-up of ${topic} gave ${counts}`);
    } catch (error) {
      if (isOfTheWorld(error)) throw error;
      this.assertOurs();
      if (asked.length === 1) return [new LookupFailure(error)];
      const half = asked.length >> 1;
      const first = await this.askAll(lookup, topic, asked.slice(0, half));
      return [...first, ...(await this.askAll(lookup, topic, asked.slice(half)))];
    }
  }

  private decideAll(
    records: readonly LogRecord[],
    events: readonly unknown[],
    looked: readonly unknown[] | null,
  ): void {
    const { inputs } = this.around.plan;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const { input, topic } = inputs.get(record.topic)!;
      if (input.kind !== 'on') continue;
      let event = events[i];
      if (event === unread) event = this.isPassedOver(record) ? settled : this.read(record);
      if (event === settled) continue;
      try {
        this.decide(input, topic.name, record, event, looked?.[i]);
      } catch (error) {
        if (isOfTheWorld(error)) throw error;
        this.putAside(record, 'decide', error);
      }
    }
  }

  private decide(input: Input<Any, Any, Any>, topic: string, record: LogRecord, event: unknown, looked: unknown): void {
    this.context.atRecord(topic, record);
    const key = input.stateKey?.(event) ?? null;
    this.trace.atRecord(record, topic, key, event);
    const state = key === null ? undefined : this.table?.get(key);
    const result = input.decide(state, event, this.context, looked);
    if (result.kind === 'deadLetter') this.deadLetter(record, result.reason, result.field ?? null, true);
    else this.apply(result, key, record.value?.length ?? 0);
  }

  private fireDue(): void {
    const { plan, host } = this.around;
    if (!plan.due || !this.table) return;
    this.fire(plan.due, this.table, this.table.due.take(this.context.nowMs, host.limits.maxBatchRecords));
  }

  /** A table that may not stand still when it is full gives up its oldest rows before their time. */
  private closeEarly(): void {
    const { due, definition } = this.around.plan;
    if (!due || !this.table || !definition.table?.closeEarlyWhenFull) return;
    const excess = this.table.size - definition.table.maxRows;
    if (excess <= 0) return;
    const keys = this.table.due.take(Number.POSITIVE_INFINITY, excess);
    this.around.host.metrics.count('quantum_router_closed_early_total', { service: this.group }, keys.length);
    this.fire(due, this.table, keys);
  }

  private fire(due: DueInput<Any>, table: TaskTable<Any>, keys: readonly string[]): void {
    for (const key of keys) {
      this.context.atTimer(key);
      this.trace.atTimer(key);
      try {
        const result = due.decide(table.get(key), this.context);
        if (result.kind === 'deadLetter') this.putRowAside(table, key, result.reason, result.field ?? null);
        else this.apply(result, key, 0);
      } catch (error) {
        if (isOfTheWorld(error)) throw error;
        // It would be met again at every poll, and at every restart.
        this.putRowAside(table, key, `its timer failed: ${reasonOf(error)}`, null);
        this.complain('timer', 'a row made its timer fail and is put aside', error);
      }
      this.progressed();
    }
  }

  /** All of a result or, when something of it cannot be written, nothing: then it throws. */
  private apply(result: Exclude<Result<Any>, { kind: 'deadLetter' }>, key: string | null, addedBytes: number): void {
    if (result.kind === 'drop') {
      this.drop(result.reason);
      return;
    }
    const staged = this.stage(result.emit ?? noEmits);
    if (result.state !== undefined) {
      if (key === null || !this.table)
        throw new Error('a decision returned state, but the input has no stateKey or the service no table');
      this.table.set(key, result.state, addedBytes);
      this.trace.rowChanged(key, result.state !== null);
    }
    this.collect(staged);
    if (result.remember) this.remembered.push(...result.remember);
  }

  private stage(emits: readonly Emit[]): readonly Staged[] {
    const { plan, host } = this.around;
    const { ownOutput } = plan.definition;
    const staged: Staged[] = [];
    for (const emit of emits) {
      let ownId: string | null = null;
      if (this.ownIds && emit.topic.name === ownOutput!.topic.name && emit.value !== null) {
        ownId = ownOutput!.idOf(emit.value);
        if (this.ownIds.has(ownId) || staged.some((one) => one.ownId === ownId)) {
          host.metrics.count('quantum_router_duplicates_total', { service: this.group, topic: emit.topic.name });
          continue;
        }
      }
      const output = plan.outputs.get(emit.topic.name);
      const record = encodeEmit(plan, output, this.trace.carried(emit));
      staged.push({ output: output!, record, ownId });
    }
    return staged;
  }

  private collect(staged: readonly Staged[]): void {
    for (const { output, record, ownId } of staged) {
      if (ownId !== null) this.ownIds!.add(ownId);
      this.outgoing.push(record);
      this.outgoingCounts.set(output, (this.outgoingCounts.get(output) ?? 0) + 1);
    }
  }

  private drop(reason: string): void {
    this.trace.dropped(reason);
    this.around.host.metrics.count('quantum_router_drops_total', { service: this.group, reason });
  }

  private deadLetter(record: LogRecord, reason: string, field: string | null, decoded = false): void {
    const { plan, host } = this.around;
    const { topic, maxLetterBytes } = plan.inputs.get(record.topic)!;
    this.deadLettersInBatch++;
    host.metrics.count('quantum_router_dead_letters_total', { service: this.group, topic: topic.name });
    host.log.warn('dead letter', {
      service: this.group,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      field: field?.slice(0, maxLoggedLength) ?? null,
      // A decision's reason may quote the record; a decoder's does not.
      reason: decoded ? undefined : reason.slice(0, maxLoggedLength),
    });
    const failedAtMs = this.context.nowMs;
    const failure = { group: this.group, reason, field, failedAtMs, maxRecordBytes: maxLetterBytes };
    const letter = deadLetterOf(record, failure);
    const headers = this.trace.deadLetter(record, reason, field);
    this.outgoing.push(headers ? { ...letter, headers } : letter);
  }

  /** A record has made one of our steps throw: a bug of ours, but the partition goes on, and nothing of it was applied. */
  private putAside(record: LogRecord, step: Step, error: unknown): void {
    this.deadLetter(record, `${failureOf[step]}: ${reasonOf(error)}`, null, true);
    const { topic, partition, offset } = record;
    this.complain(step, 'a record made the service fail and is put aside', error, { topic, partition, offset });
  }

  /** A row that cannot be handled or kept: it goes, with what it held, to the dead letters of the service's first input. */
  private putRowAside(table: TaskTable<Any>, key: string, reason: string, field: string | null): void {
    const { topic } = this.around.plan.definition.table!;
    let bytes: Buffer | null = null;
    try {
      bytes = topic.codec.encode(table.get(key) as never);
    } catch {
      // What has no bytes is put aside by its key alone.
    }
    table.set(key, null);
    this.rowPutAside(key, bytes, reason, field);
  }

  private rowPutAside(key: string, value: Buffer | null, reason: string, field: string | null): void {
    const { plan, host } = this.around;
    const { name } = plan.definition.table!.topic;
    const { wire, maxLetterBytes } = plan.firstInput;
    host.metrics.count('quantum_router_dead_letters_total', { service: this.group, topic: name });
    this.trace.rowChanged(key, false);
    const row = { topic: host.topicPrefix + name, partition: this.partition, offset: -1, key, value };
    const failedAtMs = this.context.nowMs;
    const failure = { group: this.group, reason, field, failedAtMs, maxRecordBytes: maxLetterBytes };
    this.outgoing.push(deadLetterOf(row, failure, wire));
  }

  private complain(step: Step, message: string, error: unknown, place: object = {}): void {
    const { host } = this.around;
    host.metrics.count('quantum_router_put_aside_total', { service: this.group, step });
    host.log.error(message, { service: this.group, step, partition: this.partition, ...place, ...placeOf(error) });
  }

  private async process(
    plan: InputPlan,
    input: ProcessInput<Any>,
    records: readonly LogRecord[],
    events: readonly unknown[],
  ): Promise<void> {
    const { suspects } = this.around;
    const place = `${plan.wire}[${this.partition}]`;
    const batch: { event: Any; offset: number; timestampMs: number; record: LogRecord }[] = [];
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const { topic, offset, timestampMs } = record;
      if (topic !== plan.wire || events[i] === settled) continue;
      if (suspects.isCondemned(place, record)) {
        const error = suspects.reasonOf(place, record);
        this.putAside(record, 'process', error);
        input.onPutAside?.(offset, this.partition);
        continue;
      }
      batch.push({ event: events[i], offset, timestampMs, record });
    }
    for (const portion of suspects.portions(place, batch)) await this.processPortion(plan, input, place, portion);
  }

  private async processPortion(
    plan: InputPlan,
    input: ProcessInput<Any>,
    place: string,
    portion: readonly { event: Any; offset: number; timestampMs: number; record: LogRecord }[],
  ): Promise<void> {
    const { suspects } = this.around;
    try {
      for (const { record, event } of portion) this.trace.atRecord(record, plan.topic.name, null, event);
      this.trace.atBatch();
      this.context.topic = plan.topic.name;
      const handed = portion.map(({ event, offset, timestampMs }) => ({ event, offset, timestampMs }));
      const emits = await input.process(handed, this.context);
      this.assertOurs();
      this.collect(this.stage(emits));
    } catch (error) {
      if (isOfTheWorld(error) || this.isStale()) throw error;
      suspects.failed(place, portion, error);
      throw new BatchFailedError(this.group, place, portion[0]!.offset, portion.at(-1)!.offset, error);
    }
  }

  private async stopProcessors(): Promise<void> {
    for (const { input } of this.around.plan.inputs.values()) {
      if (input.kind !== 'process' || !input.onStop || this.isStale()) continue;
      const emits = await input.onStop(this.partition);
      this.assertOurs();
      this.collect(this.stage(emits));
    }
  }

  /** Positions move in memory only; a commit makes them durable. */
  private advance(records: readonly LogRecord[]): void {
    const { inputs } = this.around.plan;
    const counts = new Map<string, number>();
    for (const record of records) counts.set(record.topic, (counts.get(record.topic) ?? 0) + 1);
    for (let i = records.length - 1; i >= 0 && counts.size > 0; i--) {
      const { topic: wire, offset, timestampMs } = records[i]!;
      const count = counts.get(wire);
      if (count === undefined) continue;
      counts.delete(wire);
      const input = inputs.get(wire)!;
      this.positions.set(input.topic.name, offset + 1);
      input.countIn(count);
      input.setDelaySeconds((this.context.nowMs - timestampMs) / 1_000);
    }
    this.progressed();
  }

  private progressed(): void {
    this.uncommittedSinceMs ??= this.around.host.clock.monotonicMs();
  }

  /** Writes what was emitted; at a commit point also the changed rows and the positions, in the same write. */
  private async write(ending: boolean): Promise<void> {
    const { host, plan } = this.around;
    const commit = ending ? this.uncommittedSinceMs !== null : this.commitInMs() <= 0;
    if (this.outgoing.length === 0 && !commit) return;
    this.assertOurs();
    const records = this.outgoing;
    this.outgoing = [];
    if (commit && this.table) this.flush(this.table, records);
    const startedMs = host.elapsedMs();
    await this.retry('write', () =>
      this.consumer.write({ records, ...(commit && { positions: this.wirePositions() }) }),
    );
    plan.metrics.observeWriteSeconds((host.elapsedMs() - startedMs) / 1_000);
    if (commit) this.uncommittedSinceMs = null;
    for (const [output, count] of this.outgoingCounts) output.countOut(count);
    this.outgoingCounts.clear();
    // After the outputs, so that the store never holds what the log does not.
    if (this.remembered.length > 0) this.around.rememberer.put(this.remembered);
    this.remembered = [];
  }

  private flush(table: TaskTable<Any>, records: OutgoingRecord[]): void {
    const { host } = this.around;
    table.flushInto(records, this.positions, (key, bytes, error) => {
      this.rowPutAside(key, bytes, `the row cannot be kept: ${reasonOf(error)}`, null);
      this.complain('row', 'a row cannot be written and is put aside', error);
    });
    // Letters of rows that were put aside.
    records.push(...this.outgoing);
    this.outgoing = [];
    const labels = { service: this.group, partition: String(this.partition) };
    host.metrics.set('quantum_router_table_rows', labels, table.size);
  }

  private wirePositions(): Map<string, number> {
    const { plan } = this.around;
    const positions = new Map<string, number>();
    for (const { topic, wire } of plan.inputs.values()) {
      const position = this.positions.get(topic.name);
      if (position !== undefined) positions.set(wire, position);
    }
    return positions;
  }

  private retry<T>(operation: 'lookup' | 'write', run: () => Promise<T>): Promise<T> {
    const { host } = this.around;
    return retryTransient(run, host.limits, host.clock, (error) => {
      host.metrics.count('quantum_router_retries_total', { service: this.group, operation });
      host.log.warn('a transient failure is tried again', { service: this.group, operation, error });
    });
  }
}
