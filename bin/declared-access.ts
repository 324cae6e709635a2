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
  const {
    routeRequested,
    routeOutcome,
    routeDecided,
    routeRefused,
    schemas,
    config,
    configHistory,
    accessKeys,
    audit,
  } = topics;
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
    (name) =>
      ![routeRequested.name, deadLetterTopicName(routeRequested.name), accessKeys.name, audit.name].includes(name),
  );
  return [
    of('your clients', [routeDecided, routeRefused, schemas], [routeRequested, routeOutcome]),
    ...[...byProcess].map(([name, stages]) => ({ name, ...together(stages.map(accessRightsOf)) })),
    of('config apply', [config, schemas], [config, configHistory, audit]),
    of('keys, audit', [accessKeys, audit, schemas], [accessKeys, audit]),
    of('models', [weightsPublished, weightsVersions, weightsAnswers, schemas], [weightsCommands, audit]),
    of('train', [config, learningEvents, schemas], [config, configHistory, audit, learningEvents, modelObserved]),
    {
      name: 'explain, replay',
      read: withoutPrompts.sort(),
      readInWords: `all but \`${routeRequested.name}\`, its dead letters, \`${accessKeys.name}\` and \`${audit.name}\``,
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
