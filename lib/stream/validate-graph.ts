/** Checks the declarations of an engine together, before anything starts: a wrong graph is refused with everything that is wrong and what to do about it. */
import type { AnyTopic } from '../topics/define-topic';
import { deadLetterTopicName, topics } from '../topics/topics';
import type { Input, ProcessInput, ServiceDefinition } from './define-service';
import type { StageGroup } from './placement';

/** Topics that clients, the gateway or the command line write. */
export const externallyWritten: readonly string[] = [
  topics.routeRequested.name,
  topics.routeOutcome.name,
  // A strategy may be a program of somebody else's.
  topics.strategyScored.name,
  topics.config.name,
  topics.configHistory.name,
  topics.weightsCommands.name,
  topics.accessKeys.name,
  topics.audit.name,
  topics.engineVitals.name,
  topics.alertSilences.name,
  topics.keptAnswers.name,
  topics.keptResponses.name,
  topics.followedResponses.name,
];

export interface GraphOptions {
  readonly requestPathPartitions: number;
  /** Topics written from outside the graph; 'any' when only a part of an engine is looked at. Default: `externallyWritten`. */
  readonly external?: readonly string[] | 'any';
  /** Every topic there is; default: those of lib/topics/topics.ts. */
  readonly known?: readonly { readonly name: string }[];
}

export class InvalidGraphError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the graph of services is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'InvalidGraphError';
  }
}

// biome-ignore lint/suspicious/noExplicitAny: event, row and look-up types belong to the declarations
type TopicInput = Input<any, any, any> | ProcessInput<any>;
type Named = Pick<AnyTopic, 'name' | 'kind' | 'partitions'>;

/** Throws an InvalidGraphError that lists every problem. */
export function validateGraph(services: readonly ServiceDefinition[], options: GraphOptions): void {
  const problems: string[] = [];
  const { requestPathPartitions } = options;
  if (!Number.isInteger(requestPathPartitions) || requestPathPartitions < 1) {
    problems.push(`requestPathPartitions is ${requestPathPartitions}: set it to a whole number of at least 1`);
  }
  checkGroups(services, problems);
  for (const service of services) {
    checkInputs(service, problems);
    checkTable(service, problems);
    checkOutputs(service, problems);
    checkViews(service, problems);
  }
  checkKnown(services, options.known ?? Object.values(topics), problems);
  checkWriters(services, options.external ?? externallyWritten, problems);
  if (problems.length > 0) throw new InvalidGraphError(problems);
}

/** Throws an InvalidGraphError where stages share a task that cannot. */
export function validatePlacement(groups: readonly StageGroup[]): void {
  const problems: string[] = [];
  for (const group of repeated(groups.map((one) => one.group)))
    problems.push(`group ${group} is named by two tasks: give each a group of its own`);
  for (const { name, stages } of groups) {
    const inputs = stages.flatMap(topicInputs);
    if (new Set(inputs.map((input) => input.topic.partitions)).size > 1)
      problems.push(`${name} has stages whose inputs are not co-partitioned: place them apart`);
    if (stages.length > 1 && inputs.some((input) => input.kind === 'process'))
      problems.push(`${name} shares a task with a processor, which would hold it up: place that apart`);
    if (new Set(stages.map(({ startAt }) => startAt)).size > 1)
      problems.push(`${name} has stages that start at different ends of their topics: place them apart`);
  }
  if (problems.length > 0) throw new InvalidGraphError(problems);
}

/** The inputs that read a topic. */
export function topicInputs(service: ServiceDefinition): TopicInput[] {
  return service.inputs.filter((input) => input.kind !== 'due');
}

/** Every topic a service touches, once each. */
export function topicsOf(service: ServiceDefinition): AnyTopic[] {
  const all = [
    ...topicInputs(service).map((input) => input.topic),
    ...service.views,
    ...service.reads,
    ...service.outputs,
    ...(service.table ? [service.table.topic] : []),
  ];
  return [...new Map(all.map((topic) => [topic.name, topic])).values()];
}

function checkGroups(services: readonly ServiceDefinition[], problems: string[]): void {
  for (const group of repeated(services.map((service) => service.group))) {
    problems.push(`group ${group} is declared more than once: give every service a group of its own`);
  }
}

function checkInputs(service: ServiceDefinition, problems: string[]): void {
  const { group } = service;
  const inputs = topicInputs(service);
  if (service.isEdge) {
    if (service.inputs.length > 0 || service.table || service.ownOutput)
      problems.push(`${group} is an edge, which nothing runs: it can have no inputs, no table and no own output`);
    return;
  }
  if (inputs.length === 0) problems.push(`${group} has no input topic: add on(...) or process(...) to its inputs`);
  for (const name of repeated(inputs.map((input) => input.topic.name))) {
    problems.push(`${group} reads ${name} more than once: merge the decisions into one input`);
  }
  if (new Set(inputs.map((input) => input.topic.partitions)).size > 1) {
    const parts = inputs.map(({ topic }) => `${topic.name}: ${topic.partitions}`).join(', ');
    problems.push(
      `${group} has inputs that are not co-partitioned (${parts}): split the service, follow the smaller topic as a view, or change \`partitions\` of a topic`,
    );
  }
}

function checkTable(service: ServiceDefinition, problems: string[]): void {
  const { group, table } = service;
  const inputs = topicInputs(service);
  const dues = service.inputs.filter((input) => input.kind === 'due').length;
  if (dues > 1) problems.push(`${group} has ${dues} due(...) inputs: keep one, it sees every row`);
  if (dues > 0 && !table?.dueAtMs) problems.push(`${group} has due(...) but no table.dueAtMs: say when a row is due`);
  if (!table) return;
  if (table.dueAtMs && dues === 0)
    problems.push(`${group} has table.dueAtMs but no due(...) input: add one or remove dueAtMs`);
  if (table.closeEarlyWhenFull && !table.dueAtMs) {
    problems.push(`${group} has closeEarlyWhenFull but no table.dueAtMs: say which rows go first`);
  }
  if (table.duePart && !(table.rowsRest && table.dueAtMs))
    problems.push(`${group} has table.duePart: it is for rows that rest (rowsRest) and are due (dueAtMs)`);
  if (!(table.maxRows >= 1)) problems.push(`${group} has table.maxRows ${table.maxRows}: allow at least one row`);
  if (table.topic.kind !== 'table') {
    problems.push(`${group} keeps its table in ${table.topic.name}, a stream: define the topic with table(...)`);
  }
  for (const input of inputs) {
    const { name, partitions } = input.topic;
    if (input.kind === 'process') {
      problems.push(`${group} has a table and process(${name}): let the processor keep its own state, or use on(...)`);
    } else if (!input.stateKey) {
      problems.push(`${group} has a table but on(${name}) has no stateKey: say which row an event concerns`);
    }
    if (partitions !== table.topic.partitions) {
      problems.push(
        `${group} reads ${name} (${partitions}) into ${table.topic.name} (${table.topic.partitions}): give them the same \`partitions\``,
      );
    }
  }
  const paused = new Set((table.pauseWhenFull ?? []).map((topic) => topic.name));
  for (const name of paused) {
    if (!inputs.some((input) => input.topic.name === name)) {
      problems.push(`${group} pauses ${name} when full, which it does not read: remove it from pauseWhenFull`);
    }
  }
  if (inputs.length > 0 && dues === 0 && inputs.every((input) => paused.has(input.topic.name))) {
    problems.push(`${group} pauses all its inputs when full and has no due(...): nothing could ever free a row`);
  }
}

function checkOutputs(service: ServiceDefinition, problems: string[]): void {
  const { group, ownOutput, whenWritten } = service;
  for (const { topic } of whenWritten) {
    if (!service.outputs.some((output) => output.name === topic.name))
      problems.push(
        `${group} wants to know what it has written to ${topic.name}, which is not among its outputs: add it there`,
      );
  }
  for (const name of repeated(whenWritten.map(({ topic }) => topic.name)))
    problems.push(`${group} wants to know twice what it has written to ${name}: once is enough`);
  if (!ownOutput) return;
  for (const topic of ownOutput.topics) {
    if (!service.outputs.some((output) => output.name === topic.name)) {
      problems.push(`${group} has ownOutput ${topic.name}, which is not among its outputs: add it there`);
    }
    if (topic.partitions !== 'one' && topicInputs(service).some((input) => input.topic.partitions === 'one')) {
      problems.push(
        `${group} reads one partition but has ownOutput ${topic.name} with many: a task could not find its own records there`,
      );
    }
  }
  const { maxIds } = ownOutput;
  if (!(maxIds >= 1)) problems.push(`${group} has ownOutput.maxIds ${maxIds}: remember at least one id`);
}

function checkViews(service: ServiceDefinition, problems: string[]): void {
  // An edge reads for itself, and may follow whatever it likes.
  if (service.isEdge) return;
  for (const { name, kind, partitions } of service.views) {
    if (kind !== 'table')
      problems.push(`${service.group} views ${name}, a stream: read it as an input, or make it a table`);
    if (partitions !== 'one') {
      problems.push(
        `${service.group} views ${name}, which has many partitions: a view needs one, so that its offset says what was read`,
      );
    }
  }
}

function checkKnown(
  services: readonly ServiceDefinition[],
  known: readonly { name: string }[],
  problems: string[],
): void {
  const names = new Set(known.flatMap(({ name }) => [name, deadLetterTopicName(name)]));
  for (const service of services) {
    for (const { name } of topicsOf(service)) {
      if (!names.has(name))
        problems.push(`${service.group} uses topic ${name}, which is unknown: define it in lib/topics/topics.ts`);
    }
  }
}

function checkWriters(
  services: readonly ServiceDefinition[],
  external: readonly string[] | 'any',
  problems: string[],
): void {
  const written = new Map<string, { topic: Named; writers: string[] }>();
  const add = (topic: Named, writer: string): void => {
    const entry = written.get(topic.name) ?? { topic, writers: [] };
    entry.writers.push(writer);
    written.set(topic.name, entry);
  };
  for (const service of services) {
    if (service.isEdge) {
      checkEdge(service, external, problems);
      continue;
    }
    for (const topic of service.outputs) add(topic, service.group);
    if (service.table) add(service.table.topic as unknown as Named, service.group);
  }
  for (const { topic, writers } of written.values()) {
    const all = external !== 'any' && external.includes(topic.name) ? [...writers, 'the outside'] : writers;
    if (topic.kind === 'table' && all.length > 1) {
      problems.push(`table ${topic.name} has ${all.length} writers (${all.join(', ')}): let one of them write it`);
    }
  }
  if (external === 'any') return;
  for (const service of services) {
    const reads: Named[] = [...topicInputs(service).map((input) => input.topic as unknown as Named), ...service.views];
    for (const { name } of reads) {
      if (written.has(name) || external.includes(name)) continue;
      problems.push(
        `${service.group} reads ${name}, which nobody writes: add it to a service's outputs, or to \`external\``,
      );
    }
  }
}

/** What an edge writes comes from outside, as everybody who reads it has to know. */
function checkEdge(
  { group, outputs }: ServiceDefinition,
  external: readonly string[] | 'any',
  problems: string[],
): void {
  for (const { name } of outputs) {
    if (external === 'any' || external.includes(name)) continue;
    problems.push(`${group} is an edge and writes ${name}, which is not written from outside: add it to \`external\``);
  }
}

function repeated(names: readonly string[]): Set<string> {
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}
