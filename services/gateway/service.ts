/**
 * The gateway's edges: its place in the graph, the topics it needs and the rights to them. It is no consumer group and is not run
 * by the runtime: see gateway.ts.
 */
import { defineService, type ServiceDefinition } from '../../lib/stream/define-service';
import { deadLettersOf, topics } from '../../lib/topics/topics';

export const gatewayEdges: ServiceDefinition = defineService({
  group: 'gateway',
  isEdge: true,
  inputs: [],
  views: [
    topics.routeDecided,
    topics.routeRefused,
    topics.budgetStates,
    topics.experimentStates,
    topics.config,
    topics.modelProfile,
    topics.tuning,
    topics.weightsPublished,
    topics.weightsVersions,
    topics.weightsAnswers,
    topics.accessKeys,
    topics.audit,
    topics.analyticsWindows,
    topics.analyticsRewards,
    topics.alerts,
    topics.alertSilences,
    topics.followedResponses,
  ],
  reads: [
    // Who waits for a decision is told when the request was refused.
    deadLettersOf(topics.routeRequested),
    topics.configHistory,
    topics.learningEvents,
    // How far learning is behind, whichever process learns.
    topics.engineVitals,
    // Who looks into a decision wants to know what it was made from, and what came of it.
    topics.routeOpened,
    topics.routeOutcome,
    topics.weightsBlobs,
    topics.keptAnswers,
    topics.keptResponses,
  ],
  outputs: [
    topics.routeRequested,
    topics.routeOutcome,
    topics.config,
    topics.configHistory,
    topics.weightsCommands,
    topics.accessKeys,
    topics.audit,
    topics.alertSilences,
    topics.keptAnswers,
    topics.keptResponses,
    topics.followedResponses,
  ],
  startAt: 'latest',
});
