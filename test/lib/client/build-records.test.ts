import { attemptOf, routeOutcome, routeRequest } from '../../../lib/client/build-records';
import { topics } from '../../../lib/topics/topics';
import { feedbackBodySchema, routeBodySchema, toRequest } from '../../../services/gateway/http/body-schemas';

const decision = {
  decisionId: 'r1',
  routingKey: 'session',
  model: 'large',
  fallbacks: [
    { model: 'middle', provider: 'b' },
    { model: 'small', provider: 'a' },
  ],
};

test('a request with one field is complete, and HTTP leaves out the same', () => {
  const request = routeRequest({ requestId: 'r1', requestedAtMs: 5, prompt: 'Hello' });
  const { routeRequested } = topics;
  expect(routeRequested.codec.decode(routeRequested.codec.encode(request))).toEqual(request);
  expect(request).toEqual(toRequest(routeBodySchema.parse({ prompt: 'Hello' }), 'r1', 5));
});

test('a request keeps what is given, limit by limit', () => {
  const request = routeRequest({
    requestId: 'r1',
    requestedAtMs: 5,
    messages: [{ role: 'user', content: 'Hello' }],
    sessionId: 's',
    limits: { maxCostUsd: 0.01, deniedModels: ['small'] },
  });
  expect(request).toMatchObject({ prompt: null, sessionId: 's', messages: [{ role: 'user', content: 'Hello' }] });
  expect(request.limits).toEqual({
    maxCostUsd: 0.01,
    maxSessionCostUsd: null,
    maxLatencyMs: null,
    allowedModels: [],
    deniedModels: ['small'],
    allowedProviders: [],
    deniedProviders: [],
  });
});

test('an outcome of the decided model echoes the decision, and HTTP leaves out the same', () => {
  const outcome = routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: 7, quality: 0.5 });
  const { routeOutcome: topic } = topics;
  expect(topic.codec.decode(topic.codec.encode(outcome))).toEqual(outcome);
  const body = feedbackBodySchema.parse({ decisionId: 'r1', status: 'SUCCESS', quality: 0.5 });
  expect(outcome).toEqual({ ...body, routingKey: 'session', model: 'large', attempt: 1, occurredAtMs: 7 });
});

test('an outcome of another model is the attempt of its place among the fallbacks, unless told', () => {
  expect(['large', 'middle', 'small', 'unheard-of'].map((model) => attemptOf(decision, model))).toEqual([1, 2, 3, 4]);
  const told = { model: 'small', status: 'SUCCESS', occurredAtMs: 7 } as const;
  expect(routeOutcome(decision, told)).toMatchObject({ model: 'small', attempt: 3, routingKey: 'session' });
  expect(routeOutcome(decision, { ...told, attempt: 2 }).attempt).toBe(2);
});
