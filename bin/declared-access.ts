/** Who needs which rights on a Kafka with access control: for the documents, and for the test that grants exactly these. */
import { type AccessRights, accessRightsOf } from '../lib/stream/access-rights';
import type { ServiceDefinition } from '../lib/stream/define-service';
import { deadLetterTopicName, topics } from '../lib/topics/topics';
import { processOf } from '../services/process';
import { declaredServices } from './declared-services';

export interface Principal extends AccessRights {
  readonly name: string;
  /** `read` in words, where the list is long. */
  readonly readInWords?: string;
}

/** Names are without prefix. Everything that the engine reads or writes is allowed to exactly those who do. */
export function declaredAccess(): Principal[] {
  const { routeRequested, routeOutcome, routeDecided, schemas, config } = topics;
  const { weightsPublished, weightsVersions, weightsAnswers, weightsCommands, learningEvents, modelObserved } = topics;
  const of = (name: string, read: readonly { name: string }[], write: readonly { name: string }[]): Principal => ({
    name,
    read: read.map((topic) => topic.name),
    write: write.map((topic) => topic.name),
    groups: [],
    transactionalIds: [],
  });
  const services = declaredServices();
  const byProcess = new Map<string, ServiceDefinition[]>();
  for (const service of services) {
    const name = processOf(service.group);
    byProcess.set(name, [...(byProcess.get(name) ?? []), service]);
  }
  const everything = services.flatMap((service) => {
    const { read, write } = accessRightsOf(service);
    return [...read, ...write];
  });
  const withoutPrompts = [...new Set(everything)].filter(
    (name) => name !== routeRequested.name && name !== deadLetterTopicName(routeRequested.name),
  );
  return [
    of('your clients', [routeDecided, schemas], [routeRequested, routeOutcome]),
    ...[...byProcess].map(([name, stages]) => ({ name, ...together(stages.map(accessRightsOf)) })),
    of('config apply', [config, schemas], [config]),
    of('models', [weightsPublished, weightsVersions, weightsAnswers, schemas], [weightsCommands]),
    of('train', [config, learningEvents, schemas], [config, learningEvents, modelObserved]),
    {
      name: 'explain, replay',
      read: withoutPrompts.sort(),
      readInWords: `all but \`${routeRequested.name}\` and its dead letters`,
      write: [],
      groups: [],
      transactionalIds: [],
    },
  ];
}

/** Of stages that one process runs. */
function together(rights: readonly AccessRights[]): AccessRights {
  const all = (of: keyof AccessRights): string[] => [...new Set(rights.flatMap((one) => one[of]))].sort();
  return {
    read: all('read'),
    write: all('write'),
    groups: all('groups'),
    transactionalIds: all('transactionalIds'),
  };
}
