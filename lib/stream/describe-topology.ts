/** Draws the graph of services from their declarations, so that the picture in the docs cannot go stale. */
import type { ServiceDefinition } from './define-service';
import { externallyWritten, topicInputs } from './validate-graph';

/**
 * Mermaid text: services are boxes, topics rounded (tables are cylinders), the outside a circle. A solid arrow is a
 * record read or written, a dotted one a view, a thick line a service's own table.
 */
export function describeTopology(
  services: readonly ServiceDefinition[],
  external: readonly string[] = externallyWritten,
): string {
  const nodes = new Map<string, string>();
  const edges: string[] = [];
  const topicNode = (topic: { readonly name: string; readonly kind: 'stream' | 'table' }): string => {
    const id = `topic_${identifier(topic.name)}`;
    nodes.set(id, topic.kind === 'table' ? `${id}[("${topic.name}")]` : `${id}(["${topic.name}"])`);
    return id;
  };
  for (const service of services) {
    const id = `service_${identifier(service.group)}`;
    nodes.set(id, `${id}["${service.group}"]`);
    for (const input of topicInputs(service)) edges.push(`${topicNode(input.topic)} --> ${id}`);
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
  const lines = [...nodes.values(), ...outside, ...edges];
  return `flowchart LR\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function identifier(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '_');
}
