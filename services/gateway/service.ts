/**
 * The gateway's edges: its place in the graph, the topics it needs and the rights to them. It is no consumer group and is not run
 * by the runtime: see gateway.ts.
 */
import { anyTopic, defineService, type ServiceDefinition } from '../../lib/stream/define-service';
import { deadLettersOf, topics } from '../../lib/topics/topics';

export const gatewayEdges: ServiceDefinition = defineService({
  group: 'gateway',
  isEdge: true,
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
    anyTopic(topics.accessKeys),
    anyTopic(topics.audit),
    anyTopic(topics.analyticsWindows),
    anyTopic(topics.analyticsRewards),
    anyTopic(topics.alerts),
    anyTopic(topics.alertSilences),
  ],
  reads: [
    // Who waits for a decision is told when the request was refused.
    anyTopic(deadLettersOf(topics.routeRequested)),
    anyTopic(topics.configHistory),
    anyTopic(topics.learningEvents),
    // Who looks into a decision wants to know what it was made from, and what came of it.
    anyTopic(topics.routeOpened),
    anyTopic(topics.routeOutcome),
    anyTopic(topics.weightsBlobs),
    anyTopic(topics.keptAnswers),
  ],
  outputs: [
    anyTopic(topics.routeRequested),
    anyTopic(topics.routeOutcome),
    anyTopic(topics.config),
    anyTopic(topics.configHistory),
    anyTopic(topics.weightsCommands),
    anyTopic(topics.accessKeys),
    anyTopic(topics.audit),
    anyTopic(topics.alertSilences),
    anyTopic(topics.keptAnswers),
  ],
  startAt: 'latest',
});
