/**
 * Two chains and the gateways alone, one chain killed each time both have worked for a while: how long what it owned stands still, and what share
 * of the requests is in time all the same. In `kills` both may be dead at once, and a dozen other processes start beside them.
 */
import { sleep } from '../../lib/ports/clock';
import { chainName } from '../../services/placements';
import { killAndNote } from './kills';
import type { Scenario } from './scenario';

const defaultKills = 10;
/** From when both are ready to the kill. */
const calmMs = 4_000;

export const takeOverScenario: Scenario = {
  name: 'take-over',
  requests: 1_500,
  ratePerSecond: 50,
  reportsOutcomes: false,
  measuresTakeovers: true,
  cluster: () => ({ instances: 2, only: [chainName, 'gateway'] }),
  async run(stage) {
    const { cluster, figures, say } = stage;
    if (stage.placement !== 'chained') throw new Error('take-over kills the chain: run it with --placement chained');
    const { kills = defaultKills } = stage;
    const victims = [...cluster.processes.ids].filter((id) => id.startsWith(`${chainName}-`));
    for (let kill = 0; kill < kills; kill++) {
      await cluster.processes.untilAllReady();
      await sleep(cluster.clock, calmMs);
      const victim = victims[kill % victims.length]!;
      await killAndNote(stage, victim);
      say(`kill ${kill + 1}/${kills}: ${victim}`);
    }
    await cluster.processes.untilAllReady();
    await sleep(cluster.clock, calmMs);
    figures.bar('kills', stage.killed.length, 'kills', '>=', kills);
  },
};
