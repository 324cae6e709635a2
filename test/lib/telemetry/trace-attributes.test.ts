import { attributesOf } from '../../../lib/telemetry/trace-attributes';
import type {
  LearningEvent,
  RouteOutcome,
  RouteRequested,
  StrategyScored,
} from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { decisionOf } from '../../services/gateway/start-gateway';
import { openedOf, threadOf } from '../routing/fixtures';

const request = { requestId: 'r1', sessionId: null, tenantId: null, prompt: 'a secret', messages: [] };

test('a request is known by its id, not by what it says', () => {
  expect(attributesOf(topics.routeRequested.name, request as unknown as RouteRequested)).toEqual({
    'quantum_router.request_id': 'r1',
  });
});

test('an opened request says what can be chosen from, and whether the cache had it', () => {
  const opened = openedOf({ requestId: 'r1' });
  expect(attributesOf(topics.routeOpened.name, opened)).toEqual({
    'quantum_router.request_id': 'r1',
    'quantum_router.task_type': opened.taskType,
    'quantum_router.cache_hit': false,
    'quantum_router.candidates_eligible': opened.candidates.filter((candidate) => candidate.eligible).length,
  });
});

test('scores say which threads there are and how they ended', () => {
  const scored = { requestId: 'r1', threads: [threadOf('BALANCED', [1, 0, 0])] } as unknown as StrategyScored;
  expect(attributesOf(topics.strategyScored.name, scored)).toEqual({
    'quantum_router.request_id': 'r1',
    'quantum_router.threads': ['BALANCED SUCCESS'],
  });
});

test('a decision says what was chosen, how, and with what probability', () => {
  expect(attributesOf(topics.routeDecided.name, decisionOf(request as unknown as RouteRequested))).toEqual({
    'quantum_router.request_id': 'r1',
    'quantum_router.model': 'large',
    'quantum_router.provider': 'north',
    'gen_ai.request.model': 'large',
    'gen_ai.provider.name': 'north',
    'quantum_router.propensity': 0.9,
    'quantum_router.strategy': 'LEARNING_OPTIMIZED',
    'quantum_router.collapse': 'COMBINED',
    'quantum_router.cache_hit': false,
    'quantum_router.degraded_to': 'NONE',
  });
});

test('outcomes and learning events are known by their decision', () => {
  const outcome = { decisionId: 'r1', model: 'small', attempt: 2, status: 'FAILURE' } as RouteOutcome;
  expect(attributesOf(topics.routeOutcome.name, outcome)).toEqual({
    'quantum_router.request_id': 'r1',
    'quantum_router.outcome.model': 'small',
    'gen_ai.request.model': 'small',
    'quantum_router.outcome.attempt': 2,
    'quantum_router.outcome.status': 'FAILURE',
  });
  expect(attributesOf(topics.learningEvents.name, { decisionId: 'r1', kind: 'CLOSED' } as LearningEvent)).toEqual({
    'quantum_router.request_id': 'r1',
    'quantum_router.learning.kind': 'CLOSED',
  });
});

test('other topics have nothing to say', () => {
  expect(attributesOf(topics.tuning.name, { anything: 1 })).toEqual({});
});
