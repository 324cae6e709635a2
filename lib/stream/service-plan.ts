/** A declaration made ready to run: wire names, inputs and outputs by name, metrics with their labels bound. Shared by the tasks of one service. */
import type { OutgoingRecord } from '../ports/broker';
import type { Topic } from '../topics/define-topic';
import { partitionOf } from '../topics/partition-of';
import { deadLetterTopicName } from '../topics/topics';
import type { DueInput, Emit, Input, ProcessInput, ServiceDefinition } from './define-service';
import type { Host } from './host';
import { OversizedRecordError, sizeOf } from './record-size';

// biome-ignore lint/suspicious/noExplicitAny: event, row and look-up types belong to the declarations
type Any = any;

export interface InputPlan {
  readonly input: Input<Any, Any, Any> | ProcessInput<Any>;
  readonly topic: Topic<Any>;
  /** Name on the broker. */
  readonly wire: string;
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
  readonly countOut: (by?: number) => void;
}

export interface ServicePlan {
  readonly definition: ServiceDefinition;
  /** Group on the broker. */
  readonly wireGroup: string;
  /** Partitions of the inputs. */
  readonly partitions: number;
  readonly maxBatchRecords: number;
  /** By name on the broker. */
  readonly inputs: ReadonlyMap<string, InputPlan>;
  /** Whose dead letters take rows that are put aside. */
  readonly firstInput: InputPlan;
  readonly due: DueInput<Any> | null;
  /** Largest row of the table, with its key; infinite without a table. */
  readonly maxRowBytes: number;
  /** By topic name. */
  readonly outputs: ReadonlyMap<string, OutputPlan>;
  /** Input topics that are polled while the table is full. */
  readonly unpausedWires: readonly string[];
  readonly metrics: {
    readonly observeBatch: (value: number) => void;
    readonly observeDecideSeconds: (value: number) => void;
    readonly observeWriteSeconds: (value: number) => void;
  };
}

export function planService(definition: ServiceDefinition, host: Host): ServicePlan {
  const service = definition.group;
  const wireOf = (topic: Pick<Topic<never>, 'name'>): string => host.topicPrefix + topic.name;
  const partitionsOf = (topic: Pick<Topic<never>, 'partitions'>): number =>
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
    inputs.set(wireOf(input.topic), {
      input,
      topic: input.topic,
      wire: wireOf(input.topic),
      maxRecordBytes: maxBytesOf(wireOf(input.topic), input.topic.maxRecordBytes),
      maxLetterBytes: maxBytesOf(deadLetterTopicName(wireOf(input.topic)), input.topic.maxRecordBytes),
      countIn: host.metrics.counter('quantum_router_records_in_total', labels),
      setDelaySeconds: host.metrics.gauge('quantum_router_input_delay_seconds', labels),
    });
  }
  const outputs = new Map<string, OutputPlan>();
  for (const topic of definition.outputs) {
    const countOut = host.metrics.counter('quantum_router_records_out_total', { service, topic: topic.name });
    outputs.set(topic.name, {
      topic: topic as unknown as Topic<Any>,
      wire: wireOf(topic),
      partitions: partitionsOf(topic),
      maxRecordBytes: maxBytesOf(wireOf(topic), topic.maxRecordBytes),
      countOut,
    });
  }
  const paused = new Set((definition.table?.pauseWhenFull ?? []).map(wireOf));
  const [first] = inputs.values();
  if (!first) throw new Error(`service ${service} has no input topic`);
  return {
    definition,
    maxBatchRecords: Math.min(definition.maxBatchRecords ?? Number.POSITIVE_INFINITY, host.limits.maxBatchRecords),
    wireGroup: host.topicPrefix + service,
    partitions: partitionsOf(first.topic),
    inputs,
    firstInput: first,
    due,
    maxRowBytes: definition.table
      ? maxBytesOf(wireOf(definition.table.topic), definition.table.topic.maxRecordBytes)
      : Number.POSITIVE_INFINITY,
    outputs,
    unpausedWires: [...inputs.keys()].filter((wire) => !paused.has(wire)),
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
  const record = { topic: wire, partition, key, value, ...(emit.headers && { headers: emit.headers }) };
  const bytes = sizeOf(record);
  if (bytes > maxRecordBytes) throw new OversizedRecordError(name, bytes, maxRecordBytes);
  return record;
}
