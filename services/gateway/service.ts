/**
 * The gateway's edges: its place in the graph, the topics it needs and the rights to them. It is no consumer group and is not run
 * by the runtime: see gateway.ts.
 */
import { anyTopic, defineService, type ServiceDefinition } from '../../lib/stream/define-service';
import { deadLettersOf, topics } from '../../lib/topics/topics';

export const gatewayEdges: ServiceDefinition = defineService({
  group: 'gateway',
  inputs: [],
  views: [
    anyTopic(topics.routeDecided),
    anyTopic(topics.routeRefused),
    anyTopic(topics.budgetStates),
    anyTopic(topics.experimentStates),
    anyTopic(topics.config),
    anyTopic(topics.modelProfile),
    anyTopic(topics.tuning),
    anyTopic(topics.weightsPublished),
    anyTopic(topics.weightsVersions),
    anyTopic(topics.weightsAnswers),
  ],
  // Who waits for a decision is told when the request was refused.
  reads: [anyTopic(deadLettersOf(topics.routeRequested)), anyTopic(topics.configHistory)],
  outputs: [
    anyTopic(topics.routeRequested),
    anyTopic(topics.routeOutcome),
    anyTopic(topics.config),
    anyTopic(topics.configHistory),
    anyTopic(topics.weightsCommands),
  ],
  startAt: 'latest',
});
