/**
 * The gateway's edges for the picture of the graph. It is no consumer group and is not run by the runtime: see gateway.ts.
 */
import { anyTopic, defineService, type ServiceDefinition } from '../../lib/runtime/define-service';
import { topics } from '../../lib/topics/topics';

export const gatewayEdges: ServiceDefinition = defineService({
  group: 'gateway',
  inputs: [],
  views: [
    anyTopic(topics.routeDecided),
    anyTopic(topics.config),
    anyTopic(topics.modelProfile),
    anyTopic(topics.tuning),
    anyTopic(topics.weightsPublished),
    anyTopic(topics.weightsVersions),
    anyTopic(topics.weightsAnswers),
  ],
  outputs: [
    anyTopic(topics.routeRequested),
    anyTopic(topics.routeOutcome),
    anyTopic(topics.config),
    anyTopic(topics.weightsCommands),
  ],
  startAt: 'latest',
});
