/** Draws the graph of services from their declarations, so that the picture in the docs cannot go stale. */
import type { ServiceDefinition } from './define-service';
import { type Placement, passageOf, place, type StageGroup, separate } from './placement';
import { externallyWritten, topicInputs } from './validate-graph';

export interface TopologyOptions {
  /** Topics that are written from outside the graph; default: `externallyWritten`. */
  readonly external?: readonly string[];
  /** Which stages share a task; by default none do. */
  readonly placement?: Placement;
}

/**
 * Mermaid text: services are boxes, topics rounded (tables are cylinders), the outside a circle. A solid arrow is a record
 * read or written, a dotted one a view, a thick line a service's own table. Stages that share a task are framed; a thick
 * arrow between two of them is what one hands on to the other, which is written to its topic besides.
 */
export function describeTopology(services: readonly ServiceDefinition[], options: TopologyOptions = {}): string {
  const { external = externallyWritten, placement = separate } = options;
  const boxes = new Map<string, string>();
  const nodes = new Map<string, string>();
  const edges: string[] = [];
  const topicNode = (topic: { readonly name: string; readonly kind: 'stream' | 'table' }): string => {
    const id = `topic_${identifier(topic.name)}`;
    nodes.set(id, topic.kind === 'table' ? `${id}[("${topic.name}")]` : `${id}(["${topic.name}"])`);
    return id;
  };
  const groups = place(services, placement);
  const isExternal = (name: string): boolean => external.includes(name);
  for (const service of services) {
    const group = groups.find(({ stages }) => stages.includes(service))!;
    const id = boxOf(service);
    const box = `${id}["${service.group}"]`;
    if (group.stages.length > 1) boxes.set(id, box);
    else nodes.set(id, box);
    for (const { topic } of topicInputs(service)) {
      const isRead = passageOf(topic, group, services, isExternal) !== 'hand';
      if (isRead) edges.push(`${topicNode(topic)} --> ${id}`);
      for (const writer of handersOf(topic, group, services, isExternal))
        edges.push(`${boxOf(writer)} ==>|"${topic.name}"| ${id}`);
    }
    for (const view of service.views) edges.push(`${topicNode(view)} -.-> ${id}`);
    if (service.table) edges.push(`${id} === ${topicNode(service.table.topic)}`);
    for (const output of service.outputs) edges.push(`${id} --> ${topicNode(output)}`);
  }
  const outside: string[] = [];
  for (const name of external) {
    const id = `topic_${identifier(name)}`;
    if (nodes.has(id)) outside.push(`outside --> ${id}`);
  }
  if (outside.length > 0) nodes.set('outside', 'outside(("outside"))');
  const frames = groups.flatMap((group) => frameOf(group, boxes));
  const lines = [...frames, ...nodes.values(), ...outside, ...edges];
  return `flowchart LR\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** The stages of the group that hand records of `topic` on to others of it. */
function handersOf(
  topic: { readonly name: string },
  group: StageGroup,
  services: readonly ServiceDefinition[],
  isExternal: (name: string) => boolean,
): ServiceDefinition[] {
  if (passageOf(topic, group, services, isExternal) === 'log') return [];
  return group.stages.filter(({ outputs }) => outputs.some(({ name }) => name === topic.name));
}

function frameOf({ name, group, stages }: StageGroup, boxes: ReadonlyMap<string, string>): string[] {
  if (stages.length < 2) return [];
  const inside = stages.map((stage) => `  ${boxes.get(boxOf(stage))}`);
  return [`subgraph task_${identifier(name)}["${name}: one task, group ${group}"]`, ...inside, 'end'];
}

function boxOf({ group }: ServiceDefinition): string {
  return `service_${identifier(group)}`;
}

function identifier(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '_');
}
