/**
 * How a service is declared. A declaration says what is read, decided, written and kept; `lib/stream/run-service.ts`
 * runs it on any broker. Decisions are synchronous pure functions: they see no clock, network or randomness but what
 * the context hands them, and a record at which one throws is put aside with nothing of its result applied.
 */
import type { Headers } from '../ports/broker';
import type { KeyValueEntry } from '../ports/key-value';
import type { Random } from '../ports/random';
import type { Count } from '../telemetry/metrics';
import type { AnyTopic, Topic } from '../topics/define-topic';

/** One record to write. Made by `emit`, so that its value is one of its topic's. */
interface Written {
  readonly topic: AnyTopic;
  readonly value: unknown;
  /** The topic's `keyOf(value)`, where it is not given. */
  readonly key?: string;
  readonly headers?: Headers;
  readonly [madeByEmit]: true;
}

/** Says that the row of this key is gone. */
interface Tombstone {
  readonly topic: AnyTopic;
  readonly value: null;
  readonly key: string;
  readonly headers?: Headers;
}

export type Emit = Written | Tombstone;

/** Of the types alone: no value has it. */
declare const madeByEmit: unique symbol;

/** Takes the row of this key away from a table. */
export function tombstone(topic: AnyTopic, key: string): Emit {
  return { topic, value: null, key };
}

/** The value's type is the topic's: anything else does not compile. */
export function emit<T>(topic: Topic<T>, value: NoInfer<T>, options: { headers?: Headers } = {}): Emit {
  return { topic, value, ...options } as Written;
}

/** What a decision function returns; the runtime turns it into writes. `state` absent: unchanged; null: deleted. */
export type Result<S> =
  | {
      readonly kind: 'done';
      readonly state?: S | null;
      readonly emit?: readonly Emit[];
      readonly remember?: readonly KeyValueEntry[];
      /** Counted once what the result says is written: a batch that is decided again counts once. */
      readonly counts?: readonly Count[];
    }
  /** Nothing to do, for a reason that is counted in the metrics. */
  | { readonly kind: 'drop'; readonly reason: string }
  /** The record can never be handled. `field` is the path of the offending field. */
  | { readonly kind: 'deadLetter'; readonly reason: string; readonly field?: string };

/** A read-only copy of a table that everybody reads, as this process has followed it so far. */
export interface View<T> {
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  /** Offset of the last record applied; -1 before the first. Pin it in events to say what was read. */
  readonly offset: number;
}

/** What a decision may know besides its event and state. */
export interface Context {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Of the request path: how many there are. */
  readonly partitions: number;
  /** Offset of the record; -1 for timers, and for a record that was handed on in the same task before it was written. */
  readonly offset: number;
  readonly timestampMs: number;
  readonly headers: Headers;
  /** The row that the decision is about, where the input names several. */
  readonly rowKey?: string;
  /** Time on the injected clock, read once per batch. */
  readonly nowMs: number;
  /** Monotonic, sub-millisecond time for durations that are reported, never decided on. */
  elapsedMs(): number;
  /**
   * Seeded by stage, topic, partition and offset, or by the input's `seedOf`: a redelivered record sees the same stream.
   * Throws for a record that was handed on, which has no offset, where the input has no `seedOf`.
   */
  readonly random: Random;
  view<T>(topic: Topic<T>): View<T>;
  /**
   * True when this task has already written a record with this id to one of its own outputs (idea 2: the first is the
   * truth), or to the one that is named.
   */
  alreadyEmitted(id: string, topic?: Pick<AnyTopic, 'name'>): boolean;
  /** True when this task has written any id of the same family (`OwnOutput.familyOf`): one look-up in place of many that mostly find nothing. */
  emittedAlike(id: string): boolean;
}

/** An input stream and what to do with each of its records. */
export interface Input<E, S, L> {
  readonly kind: 'on';
  readonly topic: Topic<E>;
  /**
   * Which row of the service's table the event concerns; required when the service has a table. Of several rows each is
   * decided by itself, with `context.rowKey` saying which, and nothing is applied before all are decided.
   */
  readonly stateKey?: (event: E) => string | readonly string[];
  /**
   * Fetched in bulk for the whole batch before any decision: the only asynchronous step. One result per event, in order.
   * A TransientError is retried within limits, then the service begins anew. After any other error the batch is asked for
   * in halves, down to the record at fault, which is put aside: so a look-up only reads, and answers for its own stores.
   */
  readonly lookup?: (
    events: readonly E[],
    context: Omit<Context, 'offset' | 'headers' | 'timestampMs' | 'random'>,
  ) => Promise<readonly L[]>;
  readonly decide: (state: S | undefined, event: E, context: Context, looked: L) => Result<S>;
  /** For inputs of which many records add to few rows: those that come together are added up first. */
  // biome-ignore lint/suspicious/noExplicitAny: what an event adds is the service's own
  readonly sums?: Sums<E, S, any>;
  /** What `context.random` is seeded by instead of partition and offset: something that is the record's own, such as its id. */
  readonly seedOf?: (event: E) => string;
  /** Forward a record that a foreign client hashed to another partition, once, to where its key belongs. */
  readonly forwardMisplaced?: boolean;
  /**
   * Pass over, before they are decoded, records whose key has no row in the service's table when their turn comes. For
   * topics whose record key is the row's key, of which a service needs few records. Not together with a look-up. A function
   * is asked for each record: false where the service wants this one although it has no row.
   */
  readonly knownKeysOnly?: boolean | (() => boolean);
  /**
   * The fields that the service looks at, where these are few: the others are checked and not built. An event may have more: one that
   * was handed on, or is still in memory, is as it was written. Not together with `forwardMisplaced`, whose key may be in any field.
   */
  readonly part?: PartOf<E>;
}

/** Names all fields of what an event is declared to be, down to those of records within it and in its lists. */
export type PartOf<T> = { readonly [F in keyof T & string]: true | FieldsIn<T[F]> };
type FieldsIn<V> = V extends readonly (infer I)[]
  ? I extends object
    ? PartOf<I>
    : never
  : V extends object
    ? PartOf<V>
    : never;

/** How events become one sum, where all they do is to add to rows. It has to be what `decide` makes of them one after the other. */
export interface Sums<E, S, A> {
  /** What an event adds to each of its rows; null where it has to be decided by itself. */
  addedBy(event: E, context: Pick<Context, 'view'>): A | null;
  /** A row with what several events add, in their order; null where they have to be decided one by one. */
  addTo(state: S | undefined, added: readonly A[], context: Pick<Context, 'rowKey' | 'nowMs'>): S | null;
}

/** What is told of every record that the service has written to one of its outputs, after the write: for metrics of what they say. */
export interface WhenWritten {
  readonly topic: AnyTopic;
  tell(value: unknown): void;
}

/** A row whose `dueAtMs` has passed, seen after everything fetched has been decided. */
export interface DueInput<S> {
  readonly kind: 'due';
  readonly decide: (state: S, context: Context) => Result<S>;
}

/**
 * A whole batch handed to an asynchronous processor (the trainer's worker thread). Emits are written before positions move;
 * `write` writes what is due before the batch is done, once more after a restart in the middle of it, so the processor has to
 * know what it has put out. When it throws, the service begins anew, and the records of that batch are handed over one by one;
 * one that fails by itself again and again is put aside.
 */
export interface ProcessInput<E> {
  readonly kind: 'process';
  readonly topic: Topic<E>;
  readonly process: (
    batch: readonly {
      readonly event: E;
      readonly offset: number;
      readonly timestampMs: number;
      /** What the event was read from, in whichever version it was written. */
      readonly bytes: Buffer;
    }[],
    context: Pick<Context, 'group' | 'partition' | 'nowMs' | 'view'>,
    write: (emits: readonly Emit[]) => Promise<void>,
  ) => Promise<readonly Emit[]>;
  /**
   * Where to start reading after a restart, when the processor keeps its own position (a checkpoint); null leaves it to
   * the committed position. Called once per assignment, before the first batch.
   */
  readonly startAt?: (partition: number) => Promise<number | null>;
  /**
   * Called once when the task stops cleanly (not after a failure, not when its epoch has passed), after its last batch.
   * What it returns is written before the task ends. The place for a last checkpoint and for freeing resources.
   */
  readonly onStop?: (partition: number) => Promise<readonly Emit[]>;
  /**
   * Called when the task ends without `onStop`, after its last batch: its epoch has passed, or something has failed. Nothing
   * may be written any more; what the process shows of the partition is another one's business now.
   */
  readonly onLost?: (partition: number) => void;
  /** Told of every record that is put aside instead of being handed over, each time it is met. */
  readonly onPutAside?: (offset: number, partition: number) => void;
}

/** The service's own state: one row per key, in memory, with a changelog topic. */
export interface TableDefinition<S> {
  readonly topic: Topic<S>;
  /** When the row wants a `due` call, on the injected clock; null for never. */
  readonly dueAtMs?: (row: S) => number | null;
  /** At this many rows in one task, the inputs in `pauseWhenFull` are no longer fetched until rows go. */
  readonly maxRows: number;
  readonly pauseWhenFull?: readonly AnyTopic[];
  /**
   * With more than `maxRows` rows, those with the earliest `dueAtMs` are handed to `due` before their time until the
   * limit is kept again. For tables whose rows only time removes: pausing inputs would stand still for as long.
   */
  readonly closeEarlyWhenFull?: boolean;
  /**
   * A row is about one request: what its timer emits, and records of it without a trace of their own, are shown in the
   * trace of the record that made it; records with another trace link to it. Remembered in memory only.
   */
  readonly rowsKeepTrace?: boolean;
  /**
   * Rows that have not been changed for some time rest in the changelog, from where they are read when they are asked for;
   * where the log cannot be read at once (Kafka), in memory as they were written. For tables of many rows that mostly wait.
   */
  readonly rowsRest?: boolean;
  /**
   * The fields that `dueAtMs` looks at, where rows rest: of a row that a restore only keeps, the others are checked and not built.
   */
  readonly duePart?: { readonly [F in keyof S & string]?: true };
}

export interface ServiceDefinition {
  /** Consumer group and folder name. */
  readonly group: string;
  /**
   * Whether it is an edge of the graph, such as the gateway: it has topics and rights like everybody else, and is run by
   * itself. What it writes is written from outside, and it may follow topics that are no tables.
   */
  readonly isEdge?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: inputs of one service have different event and look-up types
  readonly inputs: readonly (Input<any, any, any> | DueInput<any> | ProcessInput<any>)[];
  /** Tables that everybody reads, followed from the beginning before the first input is fetched. */
  readonly views: readonly AnyTopic[];
  /** Topics that are read outside of inputs and views: at the start, on demand, or as an own output. They are made, and access to them is asked for, like all others. */
  readonly reads: readonly AnyTopic[];
  readonly outputs: readonly AnyTopic[];
  // biome-ignore lint/suspicious/noExplicitAny: the row type is the service's own
  readonly table?: TableDefinition<any>;
  /**
   * The outputs whose ids say what has been done already. At start their tails are read; after that every write is
   * remembered, the newest `maxIds` of each per task.
   */
  readonly ownOutput?: OwnOutput;
  readonly whenWritten: readonly WhenWritten[];
  /**
   * Outputs that whoever reads them adds up, such as money. What goes there is written together with the rows and positions that it was
   * made of, also where it is delivered at least once: after a crash only what was being written is made again, and not all since the
   * last commit point.
   */
  readonly writtenWithRows: readonly AnyTopic[];
  readonly startAt: 'earliest' | 'latest';
  /**
   * Records gather this long before a batch is handled. 0 on the request path; off it a few milliseconds make fewer,
   * larger batches and leave the time to requests.
   */
  readonly lingerMs: number;
  /** Batches of at most so many records, where the host's limit is too much at once or too little. */
  readonly maxBatchRecords?: number;
}

export interface OwnOutput {
  /** One, or several of which an id appears in one only: what is answered one way is never answered another way later. */
  readonly topics: readonly AnyTopic[];
  // biome-ignore lint/suspicious/noExplicitAny: the event types of the topics
  readonly idOf: (event: any) => string;
  /**
   * The fields that `idOf` looks at, where they are near the beginning of the record: then nothing behind them is decoded
   * to recognise a record. Without them, all of it is.
   */
  readonly idFields?: readonly string[];
  /** Which ids belong together, for `Context.emittedAlike`; by default each id is a family of its own. */
  readonly familyOf?: (id: string) => string;
  /** Of each topic. */
  readonly maxIds: number;
}

export interface ServiceOptions {
  readonly group: string;
  readonly isEdge?: boolean;
  readonly inputs: ServiceDefinition['inputs'];
  readonly views?: ServiceDefinition['views'];
  readonly reads?: ServiceDefinition['reads'];
  readonly outputs: ServiceDefinition['outputs'];
  // biome-ignore lint/suspicious/noExplicitAny: the row type is the service's own
  readonly table?: TableDefinition<any>;
  readonly ownOutput?: OwnOutput;
  readonly whenWritten?: ServiceDefinition['whenWritten'];
  readonly writtenWithRows?: ServiceDefinition['writtenWithRows'];
  readonly startAt?: 'earliest' | 'latest';
  readonly lingerMs?: number;
  readonly maxBatchRecords?: number;
}

export function on<E, S, L = undefined>(
  topic: Topic<E>,
  decide: Input<E, S, L>['decide'],
  options: Omit<Input<E, S, L>, 'kind' | 'topic' | 'decide'> = {},
): Input<E, S, L> {
  return { kind: 'on', topic, decide, ...options };
}

export function due<S>(decide: DueInput<S>['decide']): DueInput<S> {
  return { kind: 'due', decide };
}

export function process<E>(
  topic: Topic<E>,
  run: ProcessInput<E>['process'],
  options: Pick<ProcessInput<E>, 'startAt' | 'onStop' | 'onLost' | 'onPutAside'> = {},
): ProcessInput<E> {
  return { kind: 'process', topic, process: run, ...options };
}

/** `tell` does not see tombstones, and may not throw. */
export function whenWritten<T>(topic: Topic<T>, tell: (value: NoInfer<T>) => void): WhenWritten {
  return { topic, tell: tell as WhenWritten['tell'] };
}

/** Whether somebody waits for what the service does. */
export function isOnRequestPath({ lingerMs }: Pick<ServiceDefinition, 'lingerMs'>): boolean {
  return lingerMs === 0;
}

/** Declares a service. `validateGraph` checks all declarations of an engine together before anything starts. */
export function defineService(options: ServiceOptions): ServiceDefinition {
  return { views: [], reads: [], whenWritten: [], writtenWithRows: [], startAt: 'earliest', lingerMs: 0, ...options };
}
