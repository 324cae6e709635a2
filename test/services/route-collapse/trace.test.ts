import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { openedOf } from '../../lib/routing/fixtures';
import { createWorld } from '../../lib/stream/toy';
import { remoteSpan } from '../../lib/telemetry/recorded-spans';

test('a decision that the deadline forces stays in the trace of its request', async () => {
  const world = createWorld();
  await world.start(createRouteCollapse({ maxPendingRoutes: 100, metrics: world.host.metrics }));
  const opened = openedOf({ openedAtMs: world.clock.nowMs(), requestedAtMs: world.clock.nowMs() });
  const { headers } = remoteSpan(1);
  await world.put(topics.routeOpened, [opened], headers);
  await world.clock.advanceBy(opened.threadTimeoutMs);
  // Without an SDK here the trace is handed on as it came.
  expect(world.raw(topics.routeDecided.name).map((record) => record.headers)).toEqual([headers]);
});
