/** What others add up is told once, also by a service that gathers and commits as late as one of an engine, when it crashes. */
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { Exposure } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import { createWorld } from '../one-service';
import { decided, opened, outcome } from './records';

const grantOf = (requestId: string) =>
  ({
    requestId,
    routingKey: requestId,
    reason: '',
    retryAtMs: null,
    account: 'month/t',
    budget: 'month',
    verdict: 'GRANTED',
    state: 'OK',
    grantedUsd: null,
    pricePerUsd: 0,
  }) as const;
const exposure: Exposure = {
  ...{ experiment: 'collapse', definition: 'd', armIndex: 0, arm: 'control', unit: 'u' },
  ...{ expectedQuality: 0.5, expectedCostUsd: 0.001, expectedLatencyMs: 1_000 },
};

test('a crash between a report and the next commit point charges no budget and tells no experiment twice', async () => {
  const world = await createWorld({ partitions: 2 });
  const service = createRewardFeedback({ windowMs: 60_000, maxAwaited: 1_000, metrics: createMetrics() });
  const starting = world.start(service, { gathers: true });
  await world.clock.advanceBy(50);
  await starting;
  const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
  for (const id of ids) {
    await world.send(topics.routeOpened, [opened(id)]);
    await world.send(topics.routeDecided, [decided(id, { budgets: [grantOf(id)], exposures: [exposure] })]);
    await world.send(topics.routeOutcome, [outcome(id)]);
    await world.clock.advanceBy(70);
    if (Number(id.slice(1)) % 4 === 3) {
      await world.crash('reward-feedback');
      await world.clock.advanceBy(50);
    }
  }
  await world.clock.advanceBy(2_000);
  const spent = world.out(topics.budgetEvents).filter(({ kind }) => kind === 'SPENT');
  expect(spent.map(({ requestId }) => requestId).sort()).toEqual([...ids].sort());
  const told = world.out(topics.experimentObserved);
  expect(
    told
      .filter(({ isExposure }) => isExposure)
      .map(({ decisionId }) => decisionId)
      .sort(),
  ).toEqual([...ids].sort());
  expect(told.filter(({ isExposure }) => !isExposure)).toHaveLength(ids.length);
  expect(world.fatal).toEqual([]);
});
