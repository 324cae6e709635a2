/** One instance of a service, then three, then one again, all under load; the others go by a clean stop. */
import type { ProcessName } from '../../services/process';
import type { Scenario } from './scenario';
import { seenThrough } from './seen-through';

const scaled: readonly ProcessName[] = ['route-intake', 'strategy-threads', 'route-collapse', 'reward-feedback'];
/** Seen through at each size. */
const someRequests = 500;

export const scaleScenario: Scenario = {
  name: 'scale',
  requests: 5_000,
  async run(stage) {
    const { cluster, say, figures, random } = stage;
    const { processes } = cluster;
    for (const service of new Set(scaled.map((one) => cluster.processOf(one)))) {
      for (const instance of [1, 2]) await processes.add(service, `${service}-${instance}`);
      say(`${service}: 3 instances`);
      await seenThrough(stage, someRequests);
      // Which of the three stays must not matter.
      const stays = random.integer(3);
      for (const instance of [0, 1, 2]) {
        if (instance !== stays) await processes.remove(`${service}-${instance}`);
      }
      say(`${service}: 1 instance`);
      await seenThrough(stage, someRequests);
    }
    figures.bar('processesEndedByScaling', processes.ends, 'processes', '<=', 0);
  },
};
