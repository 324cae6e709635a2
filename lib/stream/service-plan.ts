/**
 * Declarations made ready to run: wire names, inputs and outputs by name, metrics with their labels bound, and how each
 * topic travels between the stages of a task. Shared by the tasks of one group.
 */
import type { Part } from '../avro/bounded-types';
import type { OutgoingRecord } from '../ports/broker';
import type { AnyTopic, Topic } from '../topics/define-topic';
import { partitionOf } from '../topics/partition-of';
import { deadLetterTopicName } from '../topics/topics';
import type { DueInput, Emit, Input, ProcessInput, ServiceDefinition } from './define-service';
import type { Host } from './host';
import { type Passage, passageOf, type StageGroup } from './placement';
import { OversizedRecordError, sizeOf } from './record-size';
import { topicInputs } from './validate-graph';

// biome-ignore lint/suspicious/noExplicitAny: event, row and look-up types belong to the declarations
type Any = any;

export interface InputPlan {
  readonly input: Input<Any, Any, Any> | ProcessInput<Any>;
  readonly topic: Topic<Any>;
  /** Name on the broker. */
  readonly wire: string;
  /** Of the fields that the stage looks at; null where that is the whole record. */
  readonly decodePart: ((bytes: Buffer) => unknown) | null;
  /** How its records get here. */
  readonly passage: Passage;
  /** Of the topic itself, which misplaced records are sent on to, and of its dead letters. */
  readonly maxRecordBytes: number;
  readonly maxLetterBytes: number;
  readonly countIn: (by?: number) => void;
  readonly setDelaySeconds: (value: number) => void;
}

export interface OutputPlan {
  readonly topic: Topic<Any>;
  readonly wire: string;
  readonly partitions: number;
  readonly maxRecordBytes: number;
  /** By hand alone: then no other task reads what is written to another partition. */
  readonly staysInTask: boolean;
  /** Handed on, and read from the log besides, since others may write it, too. */
  readonly isMarked: boolean;
  /** Places, in their group, of the stages that its records are handed on to. */
  readonly handedTo: readonly number[];
  readonly countOut: (by?: number) => void;
  /** Told of each of its records once it is written; null where nobody wants to know. */
  readonly tell: ((value: unknown) => void) | null;
}

/** The stages of a group, and what their tasks poll. */
export interface GroupPlan {
  readonly name: string;
  /** Group on the broker. */
  readonly wireGroup: string;
  readonly startAt: 'earliest' | 'latest';
  readonly lingerMs: number;
  readonly maxGapMs: number;
  readonly maxBatchRecords: number;
  readonly stages: readonly ServicePlan[];
  /** All inputs, those that are handed on too: they have positions. */
  readonly wires: readonly string[];
  /** Those whose records beyond the agreed partitions this group sends on: one group does so for each topic. */
  readonly forwards: readonly string[];
  /** By name on the broker: what is polled, and which stages read it. */
  readonly polled: ReadonlyMap<string, readonly number[]>;
  /** Inputs of which all or some records are handed on: what an earlier task has left of them is read at the start. */
  readonly handed: readonly InputPlan[];
  /**
   * Whether a task that knows its rows and own outputs needs no positions of the group to do nothing twice: the changelog of a table says
   * which positions its rows reflect, and a stage without one recognises what it has made of what was handed on to it.
   */
  readonly rowsTellPositions: boolean;
  /** By name on the broker: outputs whose records are written together with the rows they were made of. */
  readonly writtenWithRows: ReadonlySet<string>;
  /** By stage: what is not polled while its table is full. */
  readonly pausedWires: readonly ReadonlySet<string>[];
}

export interface ServicePlan {
  readonly definition: ServiceDefinition;
  /** Partitions of the inputs. */
  readonly partitions: number;
  /** By name on the broker. */
  readonly inputs: ReadonlyMap<string, InputPlan>;
  /** Whose dead letters take rows that are put aside. */
  readonly firstInput: InputPlan;
  readonly due: DueInput<Any> | null;
  /** Largest row of the table, with its key; infinite without a table. */
  readonly maxRowBytes: number;
  /** By topic name. */
  readonly outputs: ReadonlyMap<string, OutputPlan>;
  readonly metrics: {
    readonly observeBatch: (value: number) => void;
    readonly observeDecideSeconds: (value: number) => void;
    readonly observeWriteSeconds: (value: number) => void;
  };
}

/** What is known of all stages, those of other processes too. */
export interface Surroundings {
  readonly graph: readonly ServiceDefinition[];
  /** Whether a topic is written from outside the graph. */
  readonly isExternal: (topic: string) => boolean;
}

/** The stage that answers for where records of a topic lie: the one that corrects their partition anyway, else its first reader. */
function forwarderOf(topic: string, graph: readonly ServiceDefinition[]): ServiceDefinition | undefined {
  const reads = (stage: ServiceDefinition) => topicInputs(stage).filter((input) => input.topic.name === topic);
  const corrects = (stage: ServiceDefinition) =>
    reads(stage).some((input) => input.kind === 'on' && input.forwardMisplaced);
  return graph.find(corrects) ?? graph.find((stage) => reads(stage).length > 0);
}

/**
 * Where a request takes one step in place of three it may wait a little for others: at 300 requests/s six go together. Each step of
 * separate services would add as much (0072).
 */
export const chainGapMs = 20;

export function planGroup(group: StageGroup, host: Host, { graph, isExternal }: Surroundings): GroupPlan {
  const passages = new Map<string, Passage>();
  const passageIn = (topic: Pick<AnyTopic, 'name'>): Passage => {
    const passage = passages.get(topic.name) ?? passageOf(topic, group, graph, isExternal);
    passages.set(topic.name, passage);
    return passage;
  };
  const stages = group.stages.map((stage) => planService(stage, host, group, passageIn));
  const polled = new Map<string, number[]>();
  const handed = new Map<string, InputPlan>();
  for (const [at, { inputs }] of stages.entries()) {
    for (const input of inputs.values()) {
      if (input.passage !== 'hand') polled.set(input.wire, [...(polled.get(input.wire) ?? []), at]);
      if (input.passage !== 'log') handed.set(input.wire, input);
    }
  }
  const wires = [...new Set(stages.flatMap(({ inputs }) => [...inputs.keys()]))];
  const smallest = (of: (stage: ServiceDefinition) => number): number => Math.min(...group.stages.map(of));
  const lingerMs = smallest((stage) => stage.lingerMs);
  return {
    name: group.name,
    wireGroup: host.topicPrefix + group.group,
    startAt: group.stages.every(({ startAt }) => startAt === 'latest') ? 'latest' : 'earliest',
    lingerMs,
    maxGapMs: lingerMs === 0 && handed.size > 0 ? chainGapMs : 0,
    maxBatchRecords: smallest(({ maxBatchRecords }) => maxBatchRecords ?? host.limits.maxBatchRecords),
    stages,
    wires,
    forwards: wires.filter((wire) => {
      const forwarder = forwarderOf(wire.slice(host.topicPrefix.length), graph);
      return group.stages.some((stage) => stage.group === forwarder?.group);
    }),
    polled,
    handed: [...handed.values()],
    writtenWithRows: new Set(
      group.stages.flatMap(({ writtenWithRows }) => writtenWithRows.map(({ name }) => host.topicPrefix + name)),
    ),
    rowsTellPositions: stages.every((stage) => stage.definition.table !== undefined || recognisesAll(stage)),
    pausedWires: stages.map(({ definition }) => pausedBy(definition, stages, host.topicPrefix)),
  };
}

/** Whether a stage reads only what is handed on to it, and knows all that it has made of it again. */
function recognisesAll({ definition: { ownOutput }, inputs, outputs }: ServicePlan): boolean {
  if (!ownOutput || [...inputs.values()].some(({ passage }) => passage === 'log')) return false;
  return [...outputs.keys()].every((name) => ownOutput.topics.some((topic) => topic.name === name));
}

/** A topic that is handed on is paused by pausing what its writers read. */
function pausedBy(
  { table }: ServiceDefinition,
  stages: readonly ServicePlan[],
  topicPrefix: string,
): ReadonlySet<string> {
  const paused = new Set<string>();
  for (const { name } of table?.pauseWhenFull ?? []) {
    const handers = stages.filter(({ outputs }) => (outputs.get(name)?.handedTo.length ?? 0) > 0);
    if (handers.length === 0) paused.add(topicPrefix + name);
    for (const { inputs } of handers) for (const wire of inputs.keys()) paused.add(wire);
  }
  return paused;
}

function planService(
  definition: ServiceDefinition,
  host: Host,
  group: StageGroup,
  passageIn: (topic: Pick<AnyTopic, 'name'>) => Passage,
): ServicePlan {
  const service = definition.group;
  const wireOf = (topic: Pick<AnyTopic, 'name'>): string => host.topicPrefix + topic.name;
  const partitionsOf = (topic: Pick<AnyTopic, 'partitions'>): number =>
    topic.partitions === 'one' ? 1 : host.requestPathPartitions;
  const maxBytesOf = (wire: string, declared: number): number =>
    Math.min(declared, host.maxRecordBytes?.get(wire) ?? declared);
  const inputs = new Map<string, InputPlan>();
  let due: DueInput<Any> | null = null;
  for (const input of definition.inputs) {
    if (input.kind === 'due') {
      due = input;
      continue;
    }
    const labels = { service, topic: input.topic.name };
    if (input.kind === 'on' && input.knownKeysOnly && input.lookup)
      throw new Error(`service ${service}: ${input.topic.name} cannot have a look-up and known keys only`);
    if (
      input.kind === 'on' &&
      input.sums &&
      (!definition.table || !input.stateKey || input.lookup || input.knownKeysOnly)
    )
      throw new Error(
        `service ${service}: sums of ${input.topic.name} need rows to add to, and neither a look-up nor known keys`,
      );
    if (input.kind === 'on' && input.part && input.forwardMisplaced)
      throw new Error(`service ${service}: to send records of ${input.topic.name} on, all of each has to be read`);
    const part = input.kind === 'on' ? (input.part as Part | undefined) : undefined;
    inputs.set(wireOf(input.topic), {
      input,
      topic: input.topic,
      decodePart: part ? input.topic.codec.partDecoder(part) : null,
      wire: wireOf(input.topic),
      passage: input.kind === 'process' ? 'log' : passageIn(input.topic),
      maxRecordBytes: maxBytesOf(wireOf(input.topic), input.topic.maxRecordBytes),
      maxLetterBytes: maxBytesOf(deadLetterTopicName(wireOf(input.topic)), input.topic.maxRecordBytes),
      countIn: host.metrics.counter('quantum_router_records_in_total', labels),
      setDelaySeconds: host.metrics.gauge('quantum_router_input_delay_seconds', labels),
    });
  }
  const outputs = new Map<string, OutputPlan>();
  for (const topic of definition.outputs) {
    const readers = group.stages.flatMap((stage, at) =>
      stage.inputs.some((input) => input.kind === 'on' && input.topic.name === topic.name) ? [at] : [],
    );
    const countOut = host.metrics.counter('quantum_router_records_out_total', { service, topic: topic.name });
    outputs.set(topic.name, {
      topic: topic as unknown as Topic<Any>,
      wire: wireOf(topic),
      partitions: partitionsOf(topic),
      maxRecordBytes: maxBytesOf(wireOf(topic), topic.maxRecordBytes),
      staysInTask: readers.length > 0 && passageIn(topic) === 'hand',
      isMarked: readers.length > 0 && passageIn(topic) === 'both',
      handedTo: readers.length > 0 && passageIn(topic) !== 'log' ? readers : [],
      countOut,
      tell: definition.whenWritten.find((told) => told.topic.name === topic.name)?.tell ?? null,
    });
  }
  const [first] = inputs.values();
  if (!first) throw new Error(`service ${service} has no input topic`);
  return {
    definition,
    partitions: partitionsOf(first.topic),
    inputs,
    firstInput: first,
    due,
    maxRowBytes: definition.table
      ? maxBytesOf(wireOf(definition.table.topic), definition.table.topic.maxRecordBytes)
      : Number.POSITIVE_INFINITY,
    outputs,
    metrics: {
      observeBatch: host.metrics.histogram('quantum_router_batch_records', { service }),
      observeDecideSeconds: host.metrics.histogram('quantum_router_decide_seconds', { service }),
      observeWriteSeconds: host.metrics.histogram('quantum_router_write_seconds', { service }),
    },
  };
}

/**
 * The record an emit becomes. Throws when it is not declared, does not fit its schema, or is larger than its topic takes;
 * nothing has been written then, and the cause is put aside.
 */
export function encodeEmit(plan: ServicePlan, output: OutputPlan | undefined, emit: Emit): OutgoingRecord {
  const { group } = plan.definition;
  const { name } = emit.topic;
  if (!output) throw new Error(`service ${group} emitted to ${name}: add it to the service's outputs`);
  const { topic, wire, partitions, maxRecordBytes } = output;
  if (emit.value === null && emit.key === undefined) {
    throw new Error(`service ${group} emitted a tombstone to ${name} without a key`);
  }
  const key = emit.key ?? topic.keyOf(emit.value);
  const value = emit.value === null ? null : topic.codec.encode(emit.value);
  const partition = partitions === 1 ? 0 : partitionOf(key, partitions);
  const { headers } = emit;
  const record: OutgoingRecord = headers
    ? { topic: wire, partition, key, value, headers, decoded: emit.value }
    : { topic: wire, partition, key, value, decoded: emit.value };
  const bytes = sizeOf(record);
  if (bytes > maxRecordBytes) throw new OversizedRecordError(name, bytes, maxRecordBytes);
  return record;
}
