/** What a service may do on a Kafka with access control, derived from its declaration, so that the documented rights cannot go stale. */
import { deadLetterTopicName, topics } from '../topics/topics';
import type { ServiceDefinition } from './define-service';
import { topicInputs } from './validate-graph';

export interface AccessRights {
  /** Topics without their prefix, in alphabetical order. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Consumer groups without their prefix. */
  readonly groups: readonly string[];
  /** Beginnings of transactional ids, without the prefix of topics: Write on them is needed where delivery is exactly once. */
  readonly transactionalIds: readonly string[];
}

/** The least that `service` needs while all topics are there. Making topics takes more: see `quantum-router topics create`. */
export function accessRightsOf(service: ServiceDefinition): AccessRights {
  const { views, reads, outputs, table, ownOutput } = service;
  const inputs = topicInputs(service).map(({ topic }) => topic.name);
  const tables = table ? [table.topic.name] : [];
  const own = ownOutput?.topics.map(({ name }) => name) ?? [];
  const [viewed, read, written] = [views, reads, outputs].map((all) => all.map(({ name }) => name));
  // Every process waits for a configuration, and shares the schemas with which it writes.
  const shared = topics.schemas.name;
  const vitals = topics.engineVitals.name;
  return {
    read: sorted([...inputs, ...viewed!, ...read!, ...tables, ...own, topics.config.name, shared]),
    // Whoever runs services says how they are.
    write: sorted([
      ...written!,
      ...tables,
      ...inputs.map(deadLetterTopicName),
      ...(inputs.length > 0 ? [vitals] : []),
      shared,
    ]),
    groups: inputs.length > 0 ? [service.group] : [],
    // Two ids for each partition begin so: see `transactionalIdsOf` of the Kafka adapter.
    transactionalIds: inputs.length > 0 ? [`${service.group}-`] : [],
  };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
