/** Everything that can be killed, in one go, for `make test`; what others write is in `garbage`. */
import { killAtRandom } from './kills';
import { restartBroker, restartRedis } from './outages';
import type { Scenario } from './scenario';

const kills = 4;
const brokerAwayMs = 3_000;
const redisAwayMs = 1_000;

export const shortScenario: Scenario = {
  name: 'short',
  requests: 1_500,
  maxRequests: 2_000,
  async run(stage) {
    const { load, cluster, requests, ratePerSecond } = stage;
    await load.untilSent(Math.floor(requests / 6));
    await killAtRandom(stage, kills, ((requests / 3) * 1_000) / ratePerSecond);
    await cluster.processes.untilAllReady();
    await restartRedis(stage, redisAwayMs);
    // An orderly stop: a killed one takes three times as long to come back, and broker-restart has that.
    await restartBroker(stage, brokerAwayMs, 'SIGTERM');
    await load.untilSent(requests);
    load.pause();
    await cluster.processes.untilAllReady();
  },
};
