/** Who needs which rights on a Kafka with access control: for the documents, and for the test that grants exactly these. */
import { type AccessRights, accessRightsOf } from '../lib/stream/access-rights';
import { deadLetterTopicName, topics } from '../lib/topics/topics';
import { declaredServices } from './declared-services';

export interface Principal extends AccessRights {
  readonly name: string;
  /** `read` in words, where the list is long. */
  readonly readInWords?: string;
}

/** Names are without prefix. Everything that the engine reads or writes is allowed to exactly those who do. */
export function declaredAccess(): Principal[] {
  const { routeRequested, routeOutcome, routeDecided, routeRefused, schemas, config, configHistory } = topics;
  const { weightsPublished, weightsVersions, weightsAnswers, weightsCommands, learningEvents, modelObserved } = topics;
  const of = (name: string, read: readonly { name: string }[], write: readonly { name: string }[]): Principal => ({
    name,
    read: read.map((topic) => topic.name),
    write: write.map((topic) => topic.name),
    groups: [],
    transactionalIds: [],
  });
  const services = declaredServices();
  const everything = services.flatMap((service) => {
    const { read, write } = accessRightsOf(service);
    return [...read, ...write];
  });
  const withoutPrompts = [...new Set(everything)].filter(
    (name) => name !== routeRequested.name && name !== deadLetterTopicName(routeRequested.name),
  );
  return [
    of('your clients', [routeDecided, routeRefused, schemas], [routeRequested, routeOutcome]),
    ...services.map((service) => ({ name: service.group, ...accessRightsOf(service) })),
    of('config apply', [config, schemas], [config, configHistory]),
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
