import { createRecentDecisions } from '../../../../services/gateway/decisions/recent-decisions';
import { decisionOf } from '../start-gateway';

const decision = (id: string, routingKey = id) => ({
  ...decisionOf({ requestId: id, sessionId: null, tenantId: null } as never),
  routingKey,
});

test('keeps the newest decisions, the first of each id, and routing keys for longer', () => {
  const recent = createRecentDecisions({ maxRecentDecisions: 2, maxRoutingKeys: 3 });
  recent.add(decision('a', 'session'));
  recent.add({ ...decision('a', 'session'), model: 'small' });
  expect(recent.get('a')?.model).toBe('large');
  for (const id of ['b', 'c']) recent.add(decision(id));
  expect(recent.get('a')).toBeUndefined();
  expect(recent.get('c')?.decisionId).toBe('c');
  expect(recent.routingKeyOf('a')).toBe('session');
  expect(recent.routingKeyOf('b')).toBeNull();
});
