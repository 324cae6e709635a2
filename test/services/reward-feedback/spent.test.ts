/** What calls cost is counted once for each of them, whichever report tells it. */
import { topics } from '../../../lib/topics/topics';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import { createWorld } from '../one-service';
import { decided, opened, outcome } from './records';

test('money is counted by model and provider, once a call', async () => {
  const world = await createWorld();
  await world.start(createRewardFeedback({ windowMs: 60_000, maxAwaited: 1_000, metrics: world.metrics }));
  for (const id of ['r1', 'r2', 'r3']) {
    await world.send(topics.routeOpened, [opened(id)]);
    await world.send(topics.routeDecided, [decided(id)]);
  }
  const spent = () => world.metrics.value('quantum_router_spent_usd_total', { model: 'bravo', provider: 'acme' });
  await world.send(topics.routeOutcome, [outcome('r1', { costUsd: 0.25 })]);
  expect(await spent()).toBeCloseTo(0.25, 9);
  // The same report again, and a correction of the quality alone.
  await world.send(topics.routeOutcome, [outcome('r1', { costUsd: 0.25 })]);
  await world.send(topics.routeOutcome, [outcome('r1', { costUsd: 0.25, quality: 0.1, revision: 1 })]);
  expect(await spent()).toBeCloseTo(0.25, 9);
  // A judgement first, the cost later.
  await world.send(topics.routeOutcome, [outcome('r2', { costUsd: null })]);
  await world.send(topics.routeOutcome, [outcome('r2', { costUsd: 0.5, revision: 1 })]);
  expect(await spent()).toBeCloseTo(0.75, 9);
  await world.send(topics.routeOutcome, [outcome('r3', { costUsd: 0 })]);
  expect(await spent()).toBeCloseTo(0.75, 9);
  expect(await world.metrics.text()).toContain('quantum_router_spent_usd_total{model="bravo",provider="acme"}');
});
