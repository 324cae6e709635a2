/** Processes killed with SIGKILL at random moments under load, each service at least once. */

import { shuffled } from '../../lab/workloads/draw';
import { sleep } from '../../lib/ports/clock';
import type { Random } from '../../lib/ports/random';
import { chainName } from '../../services/placements';
import type { Scenario, Stage } from './scenario';
import { partitionsDecidedBy } from './takeover';

const defaultKills = 21;

export const killsScenario: Scenario = {
  name: 'kills',
  requests: 20_000,
  measuresTakeovers: true,
  // Two of the chain: what one of them owned, the other takes over.
  cluster: (placement) => (placement === 'chained' ? { instances: 2 } : {}),
  async run(stage) {
    const { load, figures, requests, kills = defaultKills } = stage;
    await killAtRandom(stage, kills, ((requests - load.sent) / stage.ratePerSecond) * 1_000);
    await load.untilSent(requests);
    await stage.cluster.processes.untilAllReady();
    figures.bar('kills', stage.killed.length, 'kills', '>=', kills);
  },
};

/** Kills processes of all services, gateway included, at moments drawn from the first 95 % of `withinMs`. */
export async function killAtRandom(stage: Stage, count: number, withinMs: number): Promise<void> {
  const { cluster, random, say } = stage;
  const momentsMs = Array.from({ length: count }, () => random.next() * 0.95 * withinMs).sort((a, b) => a - b);
  const victims = victimsOf([...cluster.processes.ids], count, random);
  const startedMs = cluster.clock.monotonicMs();
  for (const [kill, victim] of victims.entries()) {
    await sleep(cluster.clock, Math.max(0, startedMs + momentsMs[kill]! - cluster.clock.monotonicMs()));
    await cluster.processes.untilReady(victim);
    await untilStoodInFor(stage, victim);
    await killAndNote(stage, victim);
    say(`kill ${kill + 1}/${count}: ${victim}`);
  }
}

/** What one of two chains owned the other takes over: that both are gone at once is no fault that two are there to bear. */
async function untilStoodInFor({ cluster: { processes } }: Stage, victim: string): Promise<void> {
  const isChain = (id: string): boolean => id.startsWith(`${chainName}-`);
  for (const id of processes.ids) if (isChain(victim) && isChain(id)) await processes.untilReady(id);
}

/** Kills a process, whatever it is at, and notes what it owned. Resolves with whether there was a process to kill. */
export async function killAndNote({ cluster, killed }: Stage, instanceId: string): Promise<boolean> {
  const partitions = await partitionsDecidedBy(cluster, instanceId);
  if (!(await cluster.processes.killAnyhow(instanceId))) return false;
  killed.push({ instanceId, killedAtMs: cluster.clock.nowMs(), partitions });
  return true;
}

/** Everybody once before anybody twice. */
function victimsOf(ids: readonly string[], count: number, random: Random): string[] {
  const victims: string[] = [];
  while (victims.length < count) victims.push(...shuffled(ids.length, random).map((i) => ids[i]!));
  return victims.slice(0, count);
}
