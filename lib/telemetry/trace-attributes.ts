/** What spans say about the records of the request path: ids, choices and states. Never text, features or anything a caller wrote at length. */
import type { Attributes } from '@opentelemetry/api';
import { isHit } from '../routing/open/is-hit';
import type {
  LearningEvent,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
  RouteRequested,
  StrategyScored,
} from '../topics/generated/messages';
import { topics } from '../topics/topics';
import { chosenAttributes } from './gen-ai';

const known = new Map<string, (event: never) => Attributes>([
  [topics.routeRequested.name, ({ requestId }: RouteRequested) => ({ 'quantum_router.request_id': requestId })],
  [topics.routeOpened.name, ofOpened],
  [topics.strategyScored.name, ofScored],
  [topics.routeDecided.name, ofDecided],
  [topics.routeOutcome.name, ofOutcome],
  [topics.learningEvents.name, ofLearningEvent],
]);

/** Attributes of one event of a topic; empty for topics off the request path. */
export function attributesOf(topicName: string, event: unknown): Attributes {
  return known.get(topicName)?.(event as never) ?? {};
}

function ofOpened(opened: RouteOpened): Attributes {
  return {
    'quantum_router.request_id': opened.requestId,
    'quantum_router.task_type': opened.taskType,
    'quantum_router.cache_hit': isHit(opened),
    'quantum_router.candidates_eligible': opened.candidates.filter((candidate) => candidate.eligible).length,
  };
}

function ofScored(scored: StrategyScored): Attributes {
  return {
    'quantum_router.request_id': scored.requestId,
    'quantum_router.threads': scored.threads.map((thread) => `${thread.strategy} ${thread.status}`),
  };
}

function ofDecided(decided: RouteDecided): Attributes {
  return {
    'quantum_router.request_id': decided.requestId,
    'quantum_router.model': decided.model,
    'quantum_router.provider': decided.provider,
    ...chosenAttributes(decided.provider, decided.model),
    'quantum_router.propensity': decided.propensity,
    'quantum_router.strategy': decided.strategy,
    'quantum_router.collapse': decided.collapse,
    'quantum_router.cache_hit': decided.cacheHit,
    'quantum_router.degraded_to': decided.degradedTo,
  };
}

function ofOutcome(outcome: RouteOutcome): Attributes {
  return {
    'quantum_router.request_id': outcome.decisionId,
    'quantum_router.outcome.model': outcome.model,
    'quantum_router.outcome.attempt': outcome.attempt,
    'quantum_router.outcome.status': outcome.status,
    ...chosenAttributes(null, outcome.model),
  };
}

function ofLearningEvent(event: LearningEvent): Attributes {
  return { 'quantum_router.request_id': event.decisionId, 'quantum_router.learning.kind': event.kind };
}
