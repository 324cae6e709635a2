/**
 * One stage at work in a task: decode, look up, decide, and turn results into records, rows and what is handed on. No
 * record can end it: one that makes a step throw is put aside as a dead letter, nothing of it applied.
 */
import { UndecodableError } from '../../avro/codec';
import { type Headers, type LogRecord, type OutgoingRecord, StaleEpochError, TransientError } from '../../ports/broker';
import type { KeyValueEntry } from '../../ports/key-value';
import type { Count } from '../../telemetry/metrics';
import { partitionOf } from '../../topics/partition-of';
import { type DeadLetterAlarm, deadLetterOf } from '../dead-letters';
import type { DueInput, Emit, Input, ProcessInput, Result, Sums, View } from '../define-service';
import { placeOf, reasonOf } from '../describe-failure';
import type { Host } from '../host';
import { sizeOf } from '../record-size';
import { retryTransient } from '../retry';
import { encodeEmit, type InputPlan, type OutputPlan, type ServicePlan } from '../service-plan';
import type { OwnIds } from './own-ids';
import type { Rememberer } from './remember';
import type { StageMemory } from './stage-memory';
import { BatchFailedError, type Suspects } from './suspects';
import { TaskContext } from './task-context';
import type { TaskTable } from './task-table';
import { TaskTrace } from './task-trace';

// biome-ignore lint/suspicious/noExplicitAny: event, row and look-up types belong to the declarations
type Any = any;

/** What all tasks of a group share of one stage. */
export interface StageSurroundings {
  readonly plan: ServicePlan;
  readonly host: Host;
  /** By topic name, caught up. */
  readonly views: ReadonlyMap<string, View<unknown>>;
  readonly alarm: DeadLetterAlarm;
  readonly rememberer: Rememberer;
  /** Of the processors' records; outlives restarts of the group. */
  readonly suspects: Suspects;
}

/** What a stage has of the task it is in. */
export interface StageTask {
  /** Records that the task writes next, of all its stages. */
  readonly outgoing: OutgoingRecord[];
  /** Tells this task's records from those of others, and of earlier tasks. */
  readonly mark: string;
  /** The stages of the task, this one among them, as the plan counts them. */
  readonly stages: readonly StageRun[];
  /** Throws once the partition is somebody else's. */
  assertOurs(): void;
  isStale(): boolean;
  /** Something was done that a commit would make durable. */
  progressed(): void;
  /** Writes what is outgoing while a batch is under way: rows and positions wait for its end. */
  writeAhead(): Promise<void>;
}

/** Header of a record that was sent on to the partition of its key; it is never sent on again. */
const forwardedHeader = 'forwarded';
/** Header of a record that was handed on and that others may write, too: it says by which task, which leaves it out of what it reads. */
const handedOnHeader = 'handed-on';
/** Whether a record in the log is one that a task with this mark has written and handed on. */
export function isMarked({ headers }: Pick<LogRecord, 'headers'>, mark: string): boolean {
  return headers[handedOnHeader] === mark;
}

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
  /** Where the output is the stage's own and the id is new. */
  readonly ownId: string | null;
  /** What the record says, for stages that it is handed on to. */
  readonly value: unknown;
}

const noHeaders: Headers = Object.freeze({});

/** A record on its way to another stage of the task; its bytes are there for a dead letter, and nobody decodes them. */
class HandedRecord implements LogRecord {
  readonly offset = -1;

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly key: string | null,
    readonly value: Buffer | null,
    readonly headers: Headers,
    readonly timestampMs: number,
  ) {}
}

/** In place of what a look-up found for an event. */
class LookupFailure {
  constructor(readonly error: unknown) {}
}

/** Errors that say the world is at fault, not the record: everything waits, and nothing is put aside. */
function isOfTheWorld(error: unknown): boolean {
  return error instanceof TransientError || error instanceof StaleEpochError;
}

export class StageRun {
  /** Also the label of its metrics, its log lines and its dead letters. */
  readonly name: string;
  readonly table: TaskTable<Any> | null;
  readonly ownIds: OwnIds | null;
  /** By topic name, where the rows reflect more than the task has read again: what is before that is passed over. */
  readonly reflected = new Map<string, number>();
  private readonly context: TaskContext;
  private readonly trace: TaskTrace;
  /** Handed on by stages of the task and not yet decided, with what they say. */
  private arrivals: LogRecord[] = [];
  private arrivedEvents: unknown[] = [];
  private readonly outgoingCounts = new Map<OutputPlan, number>();
  private remembered: KeyValueEntry[] = [];
  /** Emitted since the last write to outputs that somebody wants to be told of. */
  private toTell: Staged[] = [];
  private counts: Count[] = [];
  private deadLettersInBatch = 0;

  constructor(
    private readonly around: StageSurroundings,
    private readonly task: StageTask,
    /** Not restored yet. */
    readonly memory: StageMemory,
  ) {
    const { plan, host, views } = around;
    const { group, table } = plan.definition;
    const { partition } = memory;
    this.name = group;
    this.ownIds = memory.ownIds;
    this.table = memory.table;
    this.trace = new TaskTrace(group, partition, { rowsKeepTrace: table?.rowsKeepTrace ?? false });
    this.context = new TaskContext(host, group, partition, views, this.ownIds);
  }

  get plan(): ServicePlan {
    return this.around.plan;
  }

  get partition(): number {
    return this.context.partition;
  }

  /** Time for decisions, read once per batch of the task. */
  set nowMs(nowMs: number) {
    this.context.nowMs = nowMs;
  }

  get isFull(): boolean {
    const { table } = this.plan.definition;
    return table !== undefined && this.table!.size >= table.maxRows;
  }

  get hasArrivals(): boolean {
    return this.arrivals.length > 0;
  }

  clockWasSet(byMs: number): void {
    this.table?.due.clockWasSet(byMs);
  }

  nextDueAtMs(): number | null {
    return this.plan.due ? (this.table?.due.nextAtMs() ?? null) : null;
  }

  /** Records that were polled. */
  async handlePolled(records: readonly LogRecord[]): Promise<void> {
    await this.handle(this.reflected.size > 0 ? records.filter((record) => !this.reflects(record)) : records, null);
  }

  /** What other stages have handed on since the last call. */
  async handleArrivals(): Promise<void> {
    const { arrivals, arrivedEvents } = this;
    this.arrivals = [];
    this.arrivedEvents = [];
    await this.handle(arrivals, arrivedEvents);
  }

  private reflects({ topic, offset }: LogRecord): boolean {
    return offset < (this.reflected.get(this.plan.inputs.get(topic)!.topic.name) ?? 0);
  }

  /** Takes what a stage of the task has emitted to an input of this one. */
  arrive(record: LogRecord, event: unknown): void {
    const { input } = this.plan.inputs.get(record.topic)!;
    if (input.kind === 'on' && input.knownKeysOnly && this.isPassedOver(record)) return;
    this.arrivals.push(record);
    this.arrivedEvents.push(event);
  }

  private async handle(records: readonly LogRecord[], handed: unknown[] | null): Promise<void> {
    if (records.length === 0) return;
    const { host } = this.around;
    const { plan } = this;
    const startedMs = host.elapsedMs();
    plan.metrics.observeBatch(records.length);
    this.deadLettersInBatch = 0;
    this.beginTrace(records);
    const events = handed ?? this.decode(records);
    const lookups = await this.lookUp(records, events);
    this.trace.mark('looked up');
    this.decideAll(records, events, lookups);
    this.trace.mark('decided');
    plan.metrics.observeDecideSeconds((host.elapsedMs() - startedMs) / 1_000);
    for (const inputPlan of plan.inputs.values()) {
      if (inputPlan.input.kind === 'process') await this.process(inputPlan, inputPlan.input, records, events);
    }
    this.around.alarm.batch(records.length, this.deadLettersInBatch);
    this.countIn(records);
    this.task.progressed();
  }

  private countIn(records: readonly LogRecord[]): void {
    const { inputs } = this.plan;
    const counts = new Map<InputPlan, { count: number; newestMs: number }>();
    for (const { topic, timestampMs } of records) {
      const input = inputs.get(topic)!;
      const counted = counts.get(input);
      if (!counted) counts.set(input, { count: 1, newestMs: timestampMs });
      else {
        counted.count++;
        counted.newestMs = timestampMs;
      }
    }
    for (const [input, { count, newestMs }] of counts) {
      input.countIn(count);
      input.setDelaySeconds((this.context.nowMs - newestMs) / 1_000);
    }
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
    const { inputs } = this.plan;
    return records.map((record) => {
      const { input } = inputs.get(record.topic)!;
      return input.kind === 'on' && input.knownKeysOnly ? unread : this.read(record);
    });
  }

  private read(record: LogRecord): unknown {
    const { input, topic, decodePart } = this.plan.inputs.get(record.topic)!;
    if (record.value === null) {
      if (topic.kind === 'table') this.drop('tombstone');
      else this.deadLetter(record, 'the record has no value', null);
      return settled;
    }
    try {
      const isPart = record.decoded === undefined && decodePart !== null && !this.trace.shows(record);
      const event: unknown = isPart ? decodePart(record.value) : (record.decoded ?? topic.codec.decode(record.value));
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
    const { input } = this.plan.inputs.get(topic)!;
    if (input.kind !== 'on' || !input.knownKeysOnly) return false;
    if (key !== null && this.table?.get(key) !== undefined) return false;
    return input.knownKeysOnly === true || input.knownKeysOnly();
  }

  /** Sends a record that a foreign client hashed elsewhere on to the partition of its key. False when it may stay. */
  private forward(record: LogRecord, key: string): boolean {
    const { plan } = this;
    const { host } = this.around;
    const partition = partitionOf(key, plan.partitions);
    // Once only: where two clients cannot agree on the hash, the record is handled where it is.
    if (partition === this.partition || record.headers[forwardedHeader] !== undefined) return false;
    const { topic, value } = record;
    const forwarded = { topic, partition, key, value, headers: { ...record.headers, [forwardedHeader]: '1' } };
    // Where the header makes it too large, the record is handled where it is, too.
    if (sizeOf(forwarded) > plan.inputs.get(topic)!.maxRecordBytes) return false;
    const timestampMs = record.timestampMs >= 0 ? record.timestampMs : this.context.nowMs;
    this.task.outgoing.push({ ...forwarded, timestampMs });
    host.metrics.count('quantum_router_forwarded_total', {
      service: this.name,
      topic: plan.inputs.get(topic)!.topic.name,
    });
    return true;
  }

  /** The results of all look-ups, by record; undefined where the input has none. */
  private async lookUp(records: readonly LogRecord[], events: unknown[]): Promise<unknown[] | null> {
    const { plan } = this;
    const { host } = this.around;
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
        { service: this.name, topic: topic.name },
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
      this.task.assertOurs();
      if (found.length === asked.length) return found;
      const counts = `${found.length} results for ${asked.length} events`;
      throw new Error(`service ${this.name}: the look-up of ${topic} gave ${counts}`);
    } catch (error) {
      if (isOfTheWorld(error)) throw error;
      this.task.assertOurs();
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
    const { inputs } = this.plan;
    let oneByOneTo = 0;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const { input, topic } = inputs.get(record.topic)!;
      if (input.kind !== 'on') continue;
      if (input.sums && i >= oneByOneTo) {
        const { end, isDone } = this.addUp(input, input.sums, topic.name, records, events, i);
        if (isDone) {
          i = end - 1;
          continue;
        }
        oneByOneTo = end;
      }
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

  /**
   * Adds up the records from `start` on that are of one topic, up to the first that has to be decided by itself. Where not all
   * of them can be added up, nothing is applied: then they are decided one by one.
   */
  private addUp(
    { stateKey }: Input<Any, Any, Any>,
    sums: Sums<Any, Any, Any>,
    topic: string,
    records: readonly LogRecord[],
    events: readonly unknown[],
    start: number,
  ): { readonly end: number; readonly isDone: boolean } {
    const { table, context } = this;
    const wire = records[start]!.topic;
    const byKey = new Map<string, { readonly added: unknown[]; bytes: number }>();
    let end = start;
    try {
      for (; end < records.length && records[end]!.topic === wire; end++) {
        const event = events[end];
        if (event === settled) continue;
        const record = records[end]!;
        context.atRecord(topic, record);
        const added = sums.addedBy(event, context);
        if (added === null) break;
        for (const key of keysOf(stateKey!(event))) {
          const sum = byKey.get(key) ?? { added: [], bytes: 0 };
          sum.added.push(added);
          sum.bytes += record.value?.length ?? 0;
          byKey.set(key, sum);
        }
      }
      const rows: NewRow[] = [];
      for (const [key, { added, bytes }] of byKey) {
        context.rowKey = key;
        const row = sums.addTo(table!.get(key), added, context);
        if (row === null) return { end, isDone: false };
        rows.push({ key, row, bytes });
      }
      if (end === start || !setAll(table!, rows)) return { end: Math.max(end, start + 1), isDone: false };
    } catch (error) {
      if (isOfTheWorld(error)) throw error;
      return { end: Math.max(end, start) + 1, isDone: false };
    }
    for (let i = start; i < end; i++)
      if (events[i] !== settled) this.trace.atRecord(records[i]!, topic, null, events[i]);
    return { end, isDone: true };
  }

  private decide(input: Input<Any, Any, Any>, topic: string, record: LogRecord, event: unknown, looked: unknown): void {
    this.context.atRecord(topic, record, input.seedOf?.(event) ?? null);
    const key = input.stateKey?.(event) ?? null;
    if (key !== null && typeof key !== 'string') {
      this.decideEach(input, topic, record, event, looked, key);
      return;
    }
    this.trace.atRecord(record, topic, key, event);
    const state = key === null ? undefined : this.table?.get(key);
    const result = input.decide(state, event, this.context, looked);
    if (result.kind === 'deadLetter') this.deadLetter(record, result.reason, result.field ?? null, true);
    else this.apply(result, key, record.value?.length ?? 0);
  }

  private decideEach(
    input: Input<Any, Any, Any>,
    topic: string,
    record: LogRecord,
    event: unknown,
    looked: unknown,
    keys: readonly string[],
  ): void {
    this.trace.atRecord(record, topic, keys[0] ?? null, event);
    const results: { key: string; result: Exclude<Result<Any>, { kind: 'deadLetter' }> }[] = [];
    for (const key of keys) {
      this.context.rowKey = key;
      const result = input.decide(this.table?.get(key), event, this.context, looked);
      if (result.kind === 'deadLetter') {
        this.deadLetter(record, result.reason, result.field ?? null, true);
        return;
      }
      results.push({ key, result });
    }
    for (const { key, result } of results) this.apply(result, key, record.value?.length ?? 0);
  }

  fireDue(): void {
    const { plan } = this;
    const { host } = this.around;
    if (!plan.due || !this.table) return;
    this.fire(plan.due, this.table, this.table.due.take(this.context.nowMs, host.limits.maxBatchRecords));
  }

  /** A table that may not stand still when it is full gives up its oldest rows before their time. */
  closeEarly(): void {
    const { due, definition } = this.plan;
    if (!due || !this.table || !definition.table?.closeEarlyWhenFull) return;
    const excess = this.table.size - definition.table.maxRows;
    if (excess <= 0) return;
    const keys = this.table.due.take(Number.POSITIVE_INFINITY, excess);
    this.around.host.metrics.count('quantum_router_closed_early_total', { service: this.name }, keys.length);
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
      this.task.progressed();
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
    if (result.counts) this.counts.push(...result.counts);
  }

  private stage(emits: readonly Emit[]): readonly Staged[] {
    const { plan } = this;
    const { host } = this.around;
    const staged: Staged[] = [];
    for (const emit of emits) {
      const ownId = emit.value === null ? null : (this.ownIds?.idOf(emit.topic, emit.value) ?? null);
      if (ownId !== null && (this.ownIds!.has(ownId) || staged.some((one) => one.ownId === ownId))) {
        host.metrics.count('quantum_router_duplicates_total', { service: this.name, topic: emit.topic.name });
        continue;
      }
      const output = plan.outputs.get(emit.topic.name);
      const carried = this.trace.carried(emit);
      const record = encodeEmit(
        plan,
        output,
        output?.isMarked ? { ...carried, headers: { ...carried.headers, [handedOnHeader]: this.task.mark } } : carried,
      );
      if (output!.staysInTask && record.partition !== this.partition)
        throw new Error(`${emit.topic.name} is handed on, but its key belongs to partition ${record.partition}`);
      staged.push({ output: output!, record, ownId, value: emit.value });
    }
    return staged;
  }

  private collect(staged: readonly Staged[]): void {
    const { outgoing, stages } = this.task;
    for (const one of staged) {
      const { output, record, ownId, value } = one;
      if (ownId !== null) this.ownIds!.add(output.topic, ownId);
      outgoing.push(record);
      this.outgoingCounts.set(output, (this.outgoingCounts.get(output) ?? 0) + 1);
      if (output.tell !== null && value !== null) this.toTell.push(one);
      if (output.handedTo.length === 0 || record.partition !== this.partition) continue;
      const { topic, partition, key, headers = noHeaders } = record;
      const handed = new HandedRecord(topic, partition, key, record.value, headers, this.context.nowMs);
      for (const at of output.handedTo) stages[at]!.arrive(handed, value);
    }
  }

  private drop(reason: string): void {
    this.trace.dropped(reason);
    this.around.host.metrics.count('quantum_router_drops_total', { service: this.name, reason });
  }

  private deadLetter(record: LogRecord, reason: string, field: string | null, decoded = false): void {
    const { plan } = this;
    const { host } = this.around;
    const { topic, maxLetterBytes } = plan.inputs.get(record.topic)!;
    this.deadLettersInBatch++;
    host.metrics.count('quantum_router_dead_letters_total', { service: this.name, topic: topic.name });
    host.log.warn('dead letter', {
      service: this.name,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      field: field?.slice(0, maxLoggedLength) ?? null,
      // A decision's reason may quote the record; a decoder's does not.
      reason: decoded ? undefined : reason.slice(0, maxLoggedLength),
    });
    const failedAtMs = this.context.nowMs;
    const failure = { group: this.name, reason, field, failedAtMs, maxRecordBytes: maxLetterBytes };
    const letter = deadLetterOf(record, failure);
    const headers = this.trace.deadLetter(record, reason, field);
    this.task.outgoing.push(headers ? { ...letter, headers } : letter);
  }

  /** A record has made one of our steps throw: a bug of ours, but the partition goes on, and nothing of it was applied. */
  private putAside(record: LogRecord, step: Step, error: unknown): void {
    this.deadLetter(record, `${failureOf[step]}: ${reasonOf(error)}`, null, true);
    const { topic, partition, offset } = record;
    this.complain(step, 'a record made the service fail and is put aside', error, { topic, partition, offset });
  }

  /** A row that cannot be handled or kept: it goes, with what it held, to the dead letters of the service's first input. */
  private putRowAside(table: TaskTable<Any>, key: string, reason: string, field: string | null): void {
    const { topic } = this.plan.definition.table!;
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
    const { plan } = this;
    const { host } = this.around;
    const { name } = plan.definition.table!.topic;
    const { wire, maxLetterBytes } = plan.firstInput;
    host.metrics.count('quantum_router_dead_letters_total', { service: this.name, topic: name });
    this.trace.rowChanged(key, false);
    const row = { topic: host.topicPrefix + name, partition: this.partition, offset: -1, key, value };
    const failedAtMs = this.context.nowMs;
    const failure = { group: this.name, reason, field, failedAtMs, maxRecordBytes: maxLetterBytes };
    this.task.outgoing.push(deadLetterOf(row, failure, wire));
  }

  private complain(step: Step, message: string, error: unknown, place: object = {}): void {
    const { host } = this.around;
    host.metrics.count('quantum_router_put_aside_total', { service: this.name, step });
    host.log.error(message, { service: this.name, step, partition: this.partition, ...place, ...placeOf(error) });
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
      // A record without a value was put aside when it was read.
      const handed = portion.map(({ event, offset, timestampMs, record }) => ({
        event,
        offset,
        timestampMs,
        bytes: record.value!,
      }));
      const emits = await input.process(handed, this.context, (due) => this.writeAhead(due));
      this.task.assertOurs();
      this.collect(this.stage(emits));
    } catch (error) {
      if (isOfTheWorld(error) || this.task.isStale()) throw error;
      suspects.failed(place, portion, error);
      throw new BatchFailedError(this.name, place, portion[0]!.offset, portion.at(-1)!.offset, error);
    }
  }

  private async writeAhead(emits: readonly Emit[]): Promise<void> {
    this.task.assertOurs();
    this.collect(this.stage(emits));
    await this.task.writeAhead();
  }

  async stopProcessors(): Promise<void> {
    for (const { input } of this.plan.inputs.values()) {
      if (input.kind !== 'process' || !input.onStop || this.task.isStale()) continue;
      const emits = await input.onStop(this.partition);
      this.task.assertOurs();
      this.collect(this.stage(emits));
    }
  }

  /** The changed rows, and the positions that they reflect, into `rows`. */
  flush(rows: OutgoingRecord[], positions: ReadonlyMap<string, number>): void {
    const { host } = this.around;
    const { table } = this;
    if (!table) return;
    table.flushInto(rows, positions, (key, bytes, error) => {
      this.rowPutAside(key, bytes, `the row cannot be kept: ${reasonOf(error)}`, null);
      this.complain('row', 'a row cannot be written and is put aside', error);
    });
    const labels = { service: this.name, partition: String(this.partition) };
    host.metrics.set('quantum_router_table_rows', labels, table.size);
  }

  /** What was emitted and flushed is durable. `offsets`: of the rows, where the broker tells. */
  written(tookSeconds: number, rows: readonly OutgoingRecord[], offsets: readonly number[] | null): void {
    this.table?.written(rows, offsets);
    this.plan.metrics.observeWriteSeconds(tookSeconds);
    for (const [output, count] of this.outgoingCounts) output.countOut(count);
    this.outgoingCounts.clear();
    for (const { output, value } of this.toTell) output.tell!(value);
    this.toTell = [];
    for (const count of this.counts) this.around.host.metrics.add(count);
    this.counts = [];
    // After the outputs, so that the store never holds what the log does not.
    if (this.remembered.length > 0) this.around.rememberer.put(this.remembered);
    this.remembered = [];
  }

  endTrace(): void {
    this.trace.end();
  }

  failTrace(error: unknown): void {
    this.trace.fail(error);
  }

  private retry<T>(operation: 'lookup' | 'write', run: () => Promise<T>): Promise<T> {
    return retryCounted(this.around.host, this.name, operation, run);
  }
}

function keysOf(keys: string | readonly string[]): readonly string[] {
  return typeof keys === 'string' ? [keys] : keys;
}

interface NewRow {
  readonly key: string;
  readonly row: unknown;
  /** How much it may have grown by. */
  readonly bytes: number;
}

/** Sets all rows or, where one of them does not fit, none. */
function setAll(table: TaskTable<Any>, rows: readonly NewRow[]): boolean {
  const before: { readonly key: string; readonly row: unknown }[] = [];
  try {
    for (const { key, row, bytes } of rows) {
      const old = { key, row: table.get(key) ?? null };
      table.set(key, row, bytes);
      before.push(old);
    }
    return true;
  } catch {
    for (const { key, row } of before) table.set(key, row);
    return false;
  }
}

/** Tries `run` again while the world is at fault, and tells of it. */
export function retryCounted<T>(
  host: Host,
  service: string,
  operation: 'lookup' | 'write',
  run: () => Promise<T>,
): Promise<T> {
  return retryTransient(run, host.limits, host.clock, (error) => {
    host.metrics.count('quantum_router_retries_total', { service, operation });
    host.log.warn('a transient failure is tried again', { service, operation, error });
  });
}
